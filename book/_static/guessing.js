// Shannon's guessing game in the page. Everything stays here: nothing is asked for, sent or kept.
(() => {
  const SYMBOLS = "abcdefghijklmnopqrstuvwxyz ";
  const name = (symbol) => (symbol === " " ? "space" : symbol);
  const DRAWS = 1000;

  function element(tag, className, text = "") {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.textContent = text;
    return made;
  }

  // Shannon (1951): lower bound sum i (q_i - q_i+1) log2 i, upper bound -sum q_i log2 q_i
  function bounds(guesses) {
    const share = new Array(SYMBOLS.length + 2).fill(0);
    for (const count of guesses) share[count] += 1 / guesses.length;
    let lower = 0;
    let upper = 0;
    for (let i = 1; i <= SYMBOLS.length; i += 1) {
      lower += i * (share[i] - share[i + 1]) * Math.log2(i);
      if (share[i] > 0) upper -= share[i] * Math.log2(share[i]);
    }
    return [lower, upper];
  }

  // the same numbers for the same guesses: a small generator with a fixed seed (mulberry32)
  function generator(seed) {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    };
  }

  // percentile bootstrap of the mean; of the bounds it would be biased, as entropies of counts are
  function interval(values) {
    const random = generator(1951);
    const means = Array.from({ length: DRAWS }, () =>
      mean(values.map(() => values[Math.floor(random() * values.length)])),
    ).sort((one, other) => one - other);
    return [means[Math.floor(0.025 * DRAWS)], means[Math.floor(0.975 * DRAWS)]];
  }

  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const two = (value) => Math.abs(value).toFixed(2);
  const withInterval = (values, write) =>
    `${write(mean(values))} [${interval(values).map(write).join(", ")}]`;
  const percent = (value) => String(Math.round(100 * value));
  const firsts = (guesses) => guesses.map((count) => Number(count === 1));

  function prepare(root) {
    const game = JSON.parse(root.querySelector(".guessing-data").textContent);
    root.querySelector(".guessing-off").remove();

    const choose = element("select");
    choose.id = `${root.id}-passage`;
    game.passages.forEach((passage, place) => {
      const option = element("option", "", passage.title);
      option.value = place;
      choose.append(option);
    });
    const chooseLabel = element("label", "", "Passage");
    chooseLabel.htmlFor = choose.id;
    const chooseRow = element("div", "guessing-row");
    chooseRow.append(chooseLabel, choose);

    const seen = element("p", "guessing-text");
    seen.setAttribute("aria-hidden", "true");
    const said = element("p", "guessing-unseen");

    const input = element("input");
    input.id = `${root.id}-guess`;
    input.autocomplete = "off";
    input.spellcheck = false;
    input.setAttribute("autocapitalize", "none");
    input.setAttribute("autocorrect", "off");
    const inputLabel = element("label", "", "Next letter, or space");
    inputLabel.htmlFor = input.id;
    const stop = element("button", "guessing-button guessing-second", "Stop and compare");
    stop.type = "button";
    const restart = element("button", "guessing-button guessing-second", "Start again");
    restart.type = "button";
    const inputRow = element("div", "guessing-row");
    inputRow.append(inputLabel, input, stop, restart);

    // for mouse and touch; by keyboard the field above does the same, so these are no tab stops
    const keys = element("div", "guessing-keys");
    keys.setAttribute("role", "group");
    keys.setAttribute("aria-label", "Letters");
    for (const symbol of SYMBOLS) {
      const key = element("button", "", name(symbol));
      key.type = "button";
      key.tabIndex = -1;
      key.dataset.symbol = symbol;
      keys.append(key);
    }
    const status = element("p", "guessing-status");
    status.setAttribute("role", "status");
    const result = element("div", "guessing-result");
    result.tabIndex = -1;
    root.append(chooseRow, seen, said, inputRow, keys, status, result);

    let passage;
    let guesses;
    let tried;
    const over = () => guesses.length === passage.hidden.length;

    function show() {
      const done = passage.hidden.slice(0, guesses.length);
      seen.textContent = passage.shown;
      [...done].forEach((symbol, place) => {
        const ruby = element("ruby", "", symbol === " " ? "␣" : symbol);
        ruby.append(element("rt", "", String(guesses[place])));
        seen.append(ruby);
      });
      if (!over()) seen.append(element("span", "guessing-next", "?"));
      said.textContent = `Text so far: ${passage.shown}${done}`;
      for (const key of keys.children) key.disabled = over() || tried.includes(key.dataset.symbol);
      input.disabled = over();
      stop.disabled = over();
    }

    function begin() {
      passage = game.passages[Number(choose.value)];
      guesses = [];
      tried = "";
      input.value = "";
      result.replaceChildren();
      status.textContent = `${passage.hidden.length} symbols to guess.`;
      show();
    }

    function row(cells, tag = "td") {
      const made = element("tr");
      cells.forEach((text, place) => {
        const [value, between] = text.split(" [");
        const cell = element(place === 0 ? "th" : tag, "", value);
        if (between) cell.append(" ", element("span", "guessing-between", `[${between}`));
        if (place === 0 || tag === "th") cell.scope = tag === "th" ? "col" : "row";
        made.append(cell);
      });
      return made;
    }

    function compare() {
      const n = guesses.length;
      const model = passage.guesses.slice(0, n);
      const [mine, its] = [bounds(guesses), bounds(model)];
      const table = element("table");
      table.append(element("caption", "", `The same ${n} symbols`));
      const head = element("thead");
      head.append(row(["", "you", game.model], "th"));
      const body = element("tbody");
      body.append(
        row([
          "right at the first guess, %",
          withInterval(firsts(guesses), percent),
          withInterval(firsts(model), percent),
        ]),
        row(["guesses, mean", withInterval(guesses, two), withInterval(model, two)]),
        row(["lower bound, bits a symbol", two(mine[0]), two(its[0])]),
        row(["upper bound, bits a symbol", two(mine[1]), two(its[1])]),
        row(["bits a symbol by its probabilities", "–", two(mean(passage.bits.slice(0, n)))]),
      );
      table.append(head, body);
      const note = element(
        "p",
        "",
        `Brackets: 95 % bootstrap intervals over these ${n} symbols. The bounds are rough as well, ` +
          "and from so few symbols the upper one is too low on average: how far, the text below " +
          "measures.",
      );
      result.replaceChildren(table, note);
    }

    function guess(symbol) {
      if (over() || !SYMBOLS.includes(symbol)) return;
      if (tried.includes(symbol)) {
        status.textContent = `You have tried “${name(symbol)}” here already.`;
        return;
      }
      tried += symbol;
      const count = tried.length;
      const times = `${count} ${count === 1 ? "guess" : "guesses"}`;
      if (symbol !== passage.hidden[guesses.length]) {
        status.textContent = `Not “${name(symbol)}”. ${times} so far.`;
        show();
        return;
      }
      guesses.push(count);
      tried = "";
      status.textContent =
        `Right: “${name(symbol)}”, after ${times}. ` +
        `${guesses.length} of ${passage.hidden.length}.`;
      show();
      if (over()) {
        compare();
        status.textContent += " Done: the comparison stands below.";
        result.focus();
      }
    }

    input.addEventListener("input", () => {
      const typed = input.value.toLowerCase();
      input.value = "";
      for (const symbol of typed) guess(symbol);
    });
    keys.addEventListener("click", (event) => {
      const symbol = event.target.dataset.symbol;
      if (symbol !== undefined) guess(symbol);
    });
    stop.addEventListener("click", () => {
      if (guesses.length < 10) {
        status.textContent = "Guess at least 10 symbols first: fewer say nothing.";
        return;
      }
      compare();
      status.textContent = `Compared on ${guesses.length} symbols. You can go on guessing.`;
      result.focus();
    });
    restart.addEventListener("click", () => {
      begin();
      input.focus();
    });
    choose.addEventListener("change", begin);
    begin();
  }

  document.querySelectorAll("[data-guessing]").forEach(prepare);
})();
