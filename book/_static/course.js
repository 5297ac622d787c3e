// Small repairs that styles alone cannot make.
(() => {
  // What scrolls sideways must be reachable with the keyboard.
  const boxes =
    ".highlight pre, .pst-scrollable-table-container, .output pre, .cell_output, div.math, .course-wide";
  const mark = () => {
    for (const box of document.querySelectorAll(boxes)) {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
      else if (box.tabIndex === 0) box.removeAttribute("tabindex");
    }
  };
  addEventListener("load", mark);
  addEventListener("resize", mark);
})();
