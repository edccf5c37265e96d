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
  body.replaceChildren(...rows.map((cells) => element("tr", { role: "row" }, cells.map((cell, i) => {
    const zero = cell === "0" ? "zero" : "";
    return element("td", { role: "cell", "data-label": headings[i].textContent, class: `${headings[i].className} ${zero}`.trim() || null }, cell ?? "");
  }))));
}

// time shows a moment in the reader's own zone; the exact one, in UTC, is in its title.
export function time(text) {
  if (!text) return "";
  const shown = new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
  return element("time", { datetime: text, title: utc(text) }, shown);
}

const utc = (text) => `${text.replace("T", " ").replace("Z", "")} UTC`;

const units = [["day", 86400], ["hour", 3600], ["minute", 60]];

// ago says how long ago a moment was, or how far it lies ahead.
export function ago(text) {
  const seconds = (new Date(text) - Date.now()) / 1000;
  const [unit, length] = units.find(([, size]) => Math.abs(seconds) >= size) ?? [];
  const words = unit ? new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.round(seconds / length), unit) : "just now";
  return element("time", { datetime: text, title: utc(text) }, words);
}

// Each status has a shape of its own: colour is not all that tells them apart.
const shapes = {
  succeeded: "M3 8.5l3.2 3.2L13 4.8", failed: "M4 4l8 8M12 4l-8 8", skipped: "M3 8h10",
  retrying: "M12.8 9.2a5 5 0 1 1-.9-4.1M12.6 1.8v3.4H9.2", pending: "M8 2.5a5.5 5.5 0 1 0 .01 0M8 5v3.2l2.2 1.4",
  unknown: "M5.6 6.2a2.4 2.4 0 1 1 3.6 2.1c-.8.4-1.2.9-1.2 1.7M8 12.6v.4", paused: "M5.5 3.5v9M10.5 3.5v9",
  next: "M3 8h9M8.5 4.5L12 8l-3.5 3.5", copy: "M6 5.5h7v8H6zM3.5 11V2.5H10",
};

export const icon = (name) => drawing("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, drawing("path", { d: shapes[name] }));

// badge shows a status by word, shape and colour. Another word says the same of
// what has not happened yet: "would be created".
export function badge(status, word = status) {
  const kind = Object.hasOwn(shapes, status) ? status : "unknown";
  return element("span", { class: `badge ${kind}${word.startsWith("would ") ? " would" : ""}` }, icon(kind), word);
}

// idText shows an id that breaks, if it must, before its |contact.
export function idText(id) {
  const bar = id.lastIndexOf("|");
  return element("bdi", { class: "id" }, bar > 0 ? [id.slice(0, bar), element("wbr"), element("span", { class: "soft" }, id.slice(bar))] : id);
}

export const contactLink = (id) => element("a", { href: `#/contact/${encodeURIComponent(id)}` }, idText(id));

// copyable shows a text with a button that puts it on the clipboard.
export const copyable = (text) => (text ? element("span", { class: "copyable" }, element("bdi", {}, text), copyButton(text)) : "");

export function copyButton(text) {
  return element("button", { type: "button", class: "quiet copy", title: `Copy ${text}`, "aria-label": `Copy ${text}`, click: () => copy(text) }, icon("copy"));
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    say(`Copied ${text}`);
  } catch {
    say(`The browser allows no copying here. The text is: ${text}`);
  }
}

let fading = 0;

// say tells how something ended: at the foot of the screen for some seconds, and to
// a screen reader. unseen is for the reader only, for what the screen shows anyway.
export function say(text, unseen = false) {
  at("message").textContent = text;
  at("message").classList.toggle("unseen", unseen);
  clearTimeout(fading);
  fading = setTimeout(() => at("message").classList.add("unseen"), 10_000);
}

export const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// contacts counts in words: 1 contact, 2 contacts.
export const contacts = (n) => (n === 1 ? "1 contact" : `${n.toLocaleString()} contacts`);

// waiting says how many contacts wait: 1 contact waits, 2 contacts wait.
export const waiting = (n) => `${contacts(n)} ${n === 1 ? "waits" : "wait"}`;

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
