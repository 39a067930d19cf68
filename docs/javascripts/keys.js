// What the theme's own script leaves out for those who do not use a mouse.
const mend = () => {
  for (const each of document.querySelectorAll("nav.md-code__nav:not([role])")) {
    each.setAttribute("role", "none"); // a landmark for each block of code would be a hundred
  }
  for (const each of document.querySelectorAll("pre > code, .md-typeset__scrollwrap")) {
    // What is scrolled with a finger must be scrolled with keys, too.
    if (each.scrollWidth > each.clientWidth) {
      each.setAttribute("tabindex", "0");
    } else {
      each.removeAttribute("tabindex");
    }
  }
};

new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
new ResizeObserver(mend).observe(document.body);
document.addEventListener("change", mend); // another tab of an example
mend();
