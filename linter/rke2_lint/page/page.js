"use strict";
// Filters the page, keeps the choice in its address, and opens what an address points at.
(() => {
  const form = document.querySelector("form.filters");
  const status = document.querySelector("[data-status]");
  const lists = Array.from(document.querySelectorAll("[data-list]"), (list) => ({
    name: list.dataset.list,
    items: Array.from(list.querySelectorAll("[data-item]"), (element) => ({ element })),
    groups: list.querySelectorAll("[data-group]"),
  }));
  const facets = form
    ? [...new Set(Array.from(form.elements, (one) => one.name))].filter((name) => name && name !== "q")
    : [];

  for (const element of document.querySelectorAll("[data-scripted]")) element.hidden = false;

  // --- the choice: of the form, and in the address

  const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

  function chosen() {
    const data = new FormData(form);
    const choice = { q: words(data.get("q") || "") };
    for (const name of facets) choice[name] = data.getAll(name).filter(Boolean);
    return choice;
  }

  function choose(parameters) {
    form.elements.q.value = parameters.get("q") || "";
    for (const name of facets) {
      const values = (parameters.get(name) || "").split(",");
      for (const control of form.querySelectorAll(`[name="${name}"]`)) {
        if (control.type === "checkbox") control.checked = values.includes(control.value);
        else control.value = values[0];
        if (control.selectedIndex === -1) control.value = "";
      }
    }
  }

  function remember(choice) {
    const parameters = new URLSearchParams();
    for (const name of facets) if (choice[name].length) parameters.set(name, choice[name].join(","));
    const text = form.elements.q.value.trim();
    if (text) parameters.set("q", text);
    const said = parameters.toString();
    // An address that points at a finding stays as it is where nothing is chosen.
    if (said || location.hash.includes("=")) {
      history.replaceState(null, "", said ? `#${said}` : location.pathname + location.search);
    }
  }

  // --- what is shown

  const said = (element, name) => (element.dataset[name] ?? "").split(" ");

  function prepare(item) {
    const group = item.element.closest("[data-group]");
    item.facets = {};
    for (const name of facets) {
      const holder = name in item.element.dataset ? item.element : group;
      if (holder && name in holder.dataset) item.facets[name] = said(holder, name);
    }
    item.heading = headingOf(group);
    item.text = item.element.textContent.toLowerCase();
  }

  const headings = new Map();

  function headingOf(group) {
    if (!headings.has(group)) {
      const heading = group && group.querySelector("[data-heading]");
      headings.set(group, heading ? heading.textContent.toLowerCase() : "");
    }
    return headings.get(group);
  }

  function matches(item, choice) {
    if (item.text === undefined) prepare(item);
    for (const name of facets) {
      const values = item.facets[name];
      if (values && choice[name].length && !choice[name].some((one) => values.includes(one))) return false;
    }
    return choice.q.every((word) => item.text.includes(word) || item.heading.includes(word));
  }

  const count = (number) => number.toLocaleString("en");

  function apply() {
    const choice = chosen();
    const narrowed = Object.values(choice).some((values) => values.length);
    const told = [];
    for (const { name, items, groups } of lists) {
      let shown = 0;
      const kept = new Set();
      for (const item of items) {
        const match = !narrowed || matches(item, choice);
        if (item.element.hidden === match) item.element.hidden = !match;
        if (match) {
          shown += 1;
          kept.add(item.element.closest("[data-group]"));
        }
      }
      for (const group of groups) group.hidden = narrowed && !kept.has(group);
      if (items.length) told.push(`${count(shown)} of ${count(items.length)} ${name}`);
      for (const none of document.querySelectorAll(`[data-none="${name}"]`)) {
        none.hidden = shown > 0 || !items.length;
      }
    }
    form.classList.toggle("narrowed", narrowed);
    status.textContent = narrowed ? `Showing ${told.join(", ")}` : "";
    remember(choice);
  }

  // --- the address

  function follow() {
    const hash = location.hash.slice(1);
    if (form && hash.includes("=")) {
      choose(new URLSearchParams(hash));
      apply();
      return;
    }
    const target = hash && document.getElementById(hash);
    if (!target) return;
    if (form && target.closest("[hidden]")) {
      form.reset();
      apply();
    }
    for (let each = target; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
    const details = target.closest("details[data-item]");
    (details || target).scrollIntoView();
    const focused = details ? details.querySelector("summary") : null;
    if (focused) focused.focus({ preventScroll: true });
  }

  if (form) {
    let waiting = 0;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", apply);
    form.addEventListener("reset", () => setTimeout(apply));
    form.elements.q.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(apply, 120);
    });
  }
  for (const button of document.querySelectorAll("[data-open]")) {
    button.addEventListener("click", () => {
      const open = button.dataset.open === "true";
      const list = button.closest("section");
      for (const details of list.querySelectorAll("details[data-item]")) details.open = open;
    });
  }
  addEventListener("hashchange", follow);
  follow();
})();
