// The search page: asks the index that pagefind built with the site, in any language.
const root = new URL(document.documentElement.dataset.content_root || "./", location.href);
const form = document.getElementById("course-search");
const field = form.querySelector("input");
const status = document.getElementById("search-status");
const list = document.getElementById("search-results");
const more = document.getElementById("search-more");
const STEP = 10;
let engine = null;
let turn = 0;

async function load() {
  if (engine) return engine;
  const found = await import(new URL("pagefind/pagefind.js", root).href);
  await found.options({ baseUrl: root.pathname, excerptLength: 28 });
  await found.init();
  engine = found;
  return engine;
}

function entry(page) {
  const item = document.createElement("li");
  const title = document.createElement("a");
  title.href = page.url;
  title.className = "search-title";
  title.textContent = page.meta.title;
  item.append(title);
  const places = page.sub_results.filter((place) => place.url !== page.url).slice(0, 3);
  for (const place of places.length ? places : [page]) {
    const part = document.createElement("p");
    if (places.length) {
      const link = document.createElement("a");
      link.href = place.url;
      link.textContent = place.title;
      part.append(link, document.createElement("br"));
    }
    const text = document.createElement("span");
    text.innerHTML = place.excerpt; // made by pagefind from our own pages, with <mark> around hits
    part.append(text);
    item.append(part);
  }
  return item;
}

async function show(term) {
  const mine = ++turn;
  more.hidden = true;
  if (!term) {
    list.replaceChildren();
    status.textContent = "";
    return;
  }
  let results;
  try {
    ({ results } = await (await load()).search(term));
  } catch {
    status.textContent =
      location.protocol === "file:"
        ? "Search needs the site to be served: run “make serve” and open the address it prints."
        : "The search index could not be loaded. Reload the page, or build the site again.";
    return;
  }
  if (mine !== turn) return;
  list.replaceChildren();
  const count = results.length;
  status.textContent = count
    ? `${count} ${count === 1 ? "page" : "pages"} for “${term}”.`
    : `No page for “${term}”. Try fewer letters, or the term in the other language.`;
  let shown = 0;
  const next = async () => {
    const pages = await Promise.all(results.slice(shown, shown + STEP).map((hit) => hit.data()));
    if (mine !== turn) return;
    list.append(...pages.map(entry));
    shown += pages.length;
    more.hidden = shown >= count;
  };
  more.onclick = next;
  await next();
}

let timer = 0;
field.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(() => show(field.value.trim()), 200);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const term = field.value.trim();
  const url = new URL(location.href);
  url.searchParams.set("q", term);
  history.replaceState(null, "", url);
  show(term);
});
field.value = new URLSearchParams(location.search).get("q") || "";
field.focus();
show(field.value.trim());
