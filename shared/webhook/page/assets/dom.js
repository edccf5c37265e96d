// Small helpers to build the page. Everything is set as text, never as markup, so
// that nothing in an answer can become part of the page's code.

export const at = (id) => document.getElementById(id);

// element makes an element: its attributes, then its children (nodes or texts).
// An attribute that is a function is a listener; null, undefined and false are left out.
export function element(tag, attributes = {}, ...children) {
  return build(document.createElement(tag), attributes, children);
}

// drawing makes an element of an SVG drawing.
export function drawing(tag, attributes = {}, ...children) {
  return build(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

// fillTable replaces the rows of a table's body. Each cell repeats its column's
// heading for narrow screens, where rows are shown as cards.
export function fillTable(id, rows, nothing) {
  const body = at(id);
  const headings = [...body.closest("table").querySelectorAll("th")];
  for (const heading of headings) heading.setAttribute("role", "columnheader");
  if (rows.length === 0) {
    body.replaceChildren(element("tr", { role: "row" }, element("td", { role: "cell", colspan: headings.length, class: "nothing" }, nothing)));
    return;
  }
  body.replaceChildren(...rows.map((cells) => element("tr", { role: "row" }, cells.map((cell, i) =>
    element("td", { role: "cell", "data-label": headings[i].textContent, class: headings[i].className || null }, cell ?? "")))));
}

// time shows a moment in the reader's own zone; the exact one is in its title.
export function time(text) {
  if (!text) return "";
  const shown = new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
  return element("time", { datetime: text, title: text }, shown);
}

// badge shows a status by word and colour.
export const badge = (status) => element("span", { class: `badge ${status}` }, status);

export const contactLink = (id) => element("a", { href: `#/contact/${encodeURIComponent(id)}` }, id);

// contacts counts in words: 1 contact, 2 contacts.
export const contacts = (n) => (n === 1 ? "1 contact" : `${n.toLocaleString()} contacts`);

let dismissed = () => {};

// ask puts a question and resolves with true or false. Escape is a no.
export function ask(text, yes) {
  const box = at("question");
  at("question-text").textContent = text;
  at("question-yes").textContent = yes;
  dismissed(false);
  return new Promise((resolve) => {
    const answer = (value) => {
      dismissed = () => {};
      box.close();
      resolve(value);
    };
    dismissed = answer;
    at("question-yes").onclick = () => answer(true);
    at("question-no").onclick = () => answer(false);
    box.oncancel = () => answer(false);
    box.showModal();
    at("question-no").focus();
  });
}
