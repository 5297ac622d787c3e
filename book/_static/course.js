// A small repair that styles alone cannot make: what scrolls sideways can be reached by keyboard,
// also when it was folded away while the page loaded.
(() => {
  const boxes =
    "pre, .pst-scrollable-table-container, .cell_output, div.math, .course-wide, " +
    'mjx-container[display="true"]'; // a formula within a line does not scroll
  const mark = (box) => {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  };
  const observer = new ResizeObserver((entries) => {
    for (const entry of entries) mark(entry.target);
  });
  const all = () => {
    for (const box of document.querySelectorAll(boxes)) {
      observer.observe(box);
      mark(box);
    }
  };
  addEventListener("load", () => {
    all();
    // the theme looks once after loading, and formulas are set later: look again after both
    setTimeout(all, 300);
    window.MathJax?.startup?.promise?.then(all);
  });
})();
