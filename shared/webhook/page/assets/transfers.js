// The list of transfers, a page at a time: the list may be long, the page never is.

import * as api from "./api.js";
import { at, badge, contactLink, element, fillTable, time } from "./dom.js";

const size = 50;
const fields = ["status", "code", "since", "run"];
let filter = {};
let cursors = [""]; // of the pages up to the one that is shown
let next = null;
let turn = () => {};

// show lists what the address asks for: #/transfers?status=failed&code=…
export async function show({ parameters, work }) {
  turn = work;
  filter = Object.fromEntries(fields.map((name) => [name, parameters.get(name) ?? ""]));
  cursors = [""];
  const { errors } = await api.errors();
  offer(errors.map((e) => e.code));
  for (const name of fields) at(name).value = filter[name];
  await list();
}

// offer lists the codes that occur, and the one that is asked for.
function offer(codes) {
  const all = filter.code && !codes.includes(filter.code) ? [...codes, filter.code] : codes;
  at("code").replaceChildren(element("option", { value: "" }, "all"), ...all.map((code) => element("option", {}, code)));
}

async function list() {
  const { transfers, next_cursor } = await api.transfers({ ...filter, limit: String(size), cursor: cursors.at(-1) });
  next = next_cursor;
  fillTable("rows", transfers.map(transferRow), fields.some((name) => filter[name]) ? "No transfer matches the filter." : "No transfer yet.");
  const first = (cursors.length - 1) * size;
  at("position").textContent = transfers.length ? `${(first + 1).toLocaleString()} to ${(first + transfers.length).toLocaleString()}` : "";
  at("newer").disabled = cursors.length === 1;
  at("older").disabled = !next;
}

export function transferRow(t) {
  return [contactLink(t.id), badge(t.status), t.action === "none" ? "" : t.action, t.customer_id, t.trigger, time(t.finished_at ?? t.requested_at), why(t)];
}

// why says what an operator must know of an outcome, in one cell.
export function why(t) {
  if (t.error) {
    const parts = [element("strong", {}, t.error.code), t.error.detail ? `: ${t.error.detail}` : ""];
    if (t.next_attempt_at) parts.push(element("span", {}, ". Next attempt ", time(t.next_attempt_at)));
    return element("span", { title: t.error.resolution }, parts);
  }
  return [t.reason, ...(t.warnings ?? [])].filter(Boolean).join("; ");
}

function go(values) {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value)).toString();
  const address = query ? `#/transfers?${query}` : "#/transfers";
  if (location.hash === address) window.dispatchEvent(new HashChangeEvent("hashchange"));
  else location.hash = address;
}

at("filter").addEventListener("submit", (event) => {
  event.preventDefault();
  go(Object.fromEntries(fields.map((name) => [name, at(name).value.trim()])));
});
at("clear").addEventListener("click", () => go({}));
at("older").addEventListener("click", () => turn(async () => {
  cursors.push(next);
  await list();
  at("transfers-heading").scrollIntoView();
  return at("position").textContent;
}));
at("newer").addEventListener("click", () => turn(async () => {
  cursors.pop();
  await list();
  return at("position").textContent;
}));
