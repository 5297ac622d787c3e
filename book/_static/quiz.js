// Grades a quiz in the page. Without this script every explanation can be unfolded by hand.
(() => {
  const letters = "ABCDEFGH";

  function open(option, mark) {
    const why = option.querySelector(".quiz-why");
    why.hidden = false;
    why.open = true;
    option.classList.add(mark);
  }

  function prepare(quiz) {
    const options = [...quiz.querySelectorAll(".quiz-option")];
    const right = options.find((option) => option.dataset.right === "true");
    const name = (option) => letters[options.indexOf(option)];

    const row = document.createElement("div");
    row.className = "quiz-row";
    const check = document.createElement("button");
    check.type = "submit";
    check.className = "quiz-button";
    check.textContent = "Check";
    const all = document.createElement("button");
    all.type = "button";
    all.className = "quiz-button quiz-second";
    all.textContent = "Show every explanation";
    all.hidden = true;
    const status = document.createElement("p");
    status.className = "quiz-status";
    status.setAttribute("role", "status");
    row.append(check, all, status);
    quiz.querySelector("fieldset").append(row);
    for (const option of options) option.querySelector(".quiz-why").hidden = true;
    quiz.classList.add("quiz-live");

    const showAll = () => {
      for (const option of options) open(option, option === right ? "quiz-right" : "quiz-wrong");
      all.hidden = true;
    };
    all.addEventListener("click", () => {
      showAll();
      status.textContent = `The right answer is ${name(right)}.`;
    });
    quiz.addEventListener("change", () => {
      status.textContent = "";
    });
    quiz.addEventListener("submit", (event) => {
      event.preventDefault();
      const chosen = options.find((option) => option.querySelector("input").checked);
      if (!chosen) {
        status.textContent = "Choose an answer first.";
      } else if (chosen === right) {
        showAll();
        status.textContent = `Right: ${name(right)}. Each option is explained above.`;
      } else {
        open(chosen, "quiz-wrong");
        all.hidden = false;
        status.textContent = `Not ${name(chosen)}: read why above, then try again.`;
      }
    });
  }

  document.querySelectorAll("form[data-quiz]").forEach(prepare);
})();
