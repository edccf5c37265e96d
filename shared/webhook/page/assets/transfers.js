// The list of transfers, a page at a time: the list may be long, the page never is.
// The address says everything that is shown, so that it can be sent to a colleague.

import * as api from "./api.js";
import { ask, at, badge, contactLink, element, fillTable, time, waiting } from "./dom.js";
import { find } from "./search.js";

const size = 50;
const fields = ["status", "code", "since", "run", "q"];
const statuses = ["pending", "succeeded", "skipped", "failed", "retrying"];
let filter = {};
let cursors = new Map(); // of the pages of this list that were seen, by page
let seen = "";           // the filter that cursors belong to
let showing = 0;
let further = null; // where a search goes on
let actions = {};

// show lists what the address asks for: #/transfers?status=failed&code=…
export async function show(given) {
  const { parameters } = actions = given;
  filter = Object.fromEntries(fields.map((name) => [name, parameters.get(name) ?? ""]));
  const list = address(filter);
  if (list !== seen) [seen, cursors] = [list, new Map()];
  const { errors } = await api.errors();
  offer(errors);
  for (const name of ["code", "run", "q"]) at(name).value = filter[name];
  at("since").value = local(filter.since);
  if (filter.code || filter.since || filter.run) at("more").setAttribute("aria-expanded", "true");
  at("statuses").replaceChildren(...["", ...statuses].map(chip));
  const turn = ++showing;
  const wanted = () => turn === showing;
  return filter.q ? search("", wanted) : page(Number(parameters.get("page")) || 1, parameters.get("cursor") ?? "", wanted);
}

// leave lets a search that is under way end.
export function leave() { showing++; }

const chip = (status) => element("a", { href: address({ ...filter, status }), "aria-current": filter.status === status ? "true" : null },
  status ? badge(status) : element("span", { class: "badge all" }, "all"));

// offer lists the causes that occur, and the one that is asked for.
function offer(errors) {
  const codes = errors.map((e) => e.code);
  const all = filter.code && !codes.includes(filter.code) ? [...codes, filter.code] : codes;
  at("code").replaceChildren(element("option", { value: "" }, "every cause"), ...all.map((code) => element("option", {}, code)));
  // The route that replays knows status and cause, nothing else.
  const replayable = !filter.q && !filter.run && !filter.since && (["failed", "retrying"].includes(filter.status) || (filter.code && !filter.status));
  at("these").hidden = !replayable;
  at("replay-these").textContent = `Replay all that ${{ failed: "failed", retrying: "are retrying" }[filter.status] ?? "stand"}${filter.code ? ` with ${filter.code}` : ""}`;
}

async function page(number, cursor, wanted) {
  const { transfers, next_cursor } = await api.transfers({ ...sent(), limit: String(size), cursor });
  if (!wanted()) return "";
  cursors.set(number, cursor);
  fillTable("rows", transfers.map(transferRow), fields.some((name) => filter[name]) ? "No transfer matches the filter." : "No transfer yet.");
  const first = (number - 1) * size;
  at("position").textContent = transfers.length ? `${(first + 1).toLocaleString()} to ${(first + transfers.length).toLocaleString()}` : "";
  // Who comes by a link has not seen the page before this one, and begins anew.
  lead("newer", number > 1 ? pageAddress(number - 1, cursors.get(number - 1) ?? "", cursors.has(number - 1)) : null);
  lead("older", next_cursor ? pageAddress(number + 1, next_cursor, true) : null);
  at("newer").textContent = number > 2 && !cursors.has(number - 1) ? "First page" : "Newer";
  at("newer").hidden = at("older").hidden = false;
  at("further").hidden = true;
  return at("position").textContent && `Transfers ${at("position").textContent}`;
}

const pageAddress = (number, cursor, known) => (known && cursor ? address({ ...filter, page: String(number), cursor }) : address(filter));

// lead gives a link its target. Without one it is no link.
function lead(id, href) {
  if (href) at(id).setAttribute("href", href);
  else at(id).removeAttribute("href");
}

// sent is the filter as the route takes it.
const sent = () => ({ status: filter.status, code: filter.code, since: filter.since, run: filter.run });

async function search(cursor, wanted) {
  at("newer").hidden = at("older").hidden = true;
  at("further").hidden = true;
  at("position").textContent = "Searching …";
  fillTable("rows", [], "Searching …");
  const done = await find(sent(), filter.q, cursor, ({ matches, looked }) => {
    fillTable("rows", matches.map(transferRow), "Nothing found so far.");
    at("position").textContent = `${matches.length.toLocaleString()} found in ${looked.toLocaleString()} transfers so far`;
  }, wanted);
  if (!wanted()) return "";
  further = done.cursor;
  at("further").hidden = !further;
  const where = `${done.looked.toLocaleString()} ${cursor ? "further " : ""}transfers`;
  fillTable("rows", done.matches.map(transferRow), further ? `Nothing found in ${where}. Search further, or set a filter.` : `No transfer holds “${filter.q}”. Sync asks Business Central for a contact that was never transferred.`);
  at("position").textContent = `${done.matches.length.toLocaleString()} found in ${where}${further ? "; there are more" : ""}`;
  return at("position").textContent;
}

export function transferRow(t) {
  return [contactLink(t.id), badge(t.status), customer(t), t.trigger, time(t.finished_at ?? t.requested_at), why(t)];
}

function customer(t) {
  const id = t.customer_id ? element("bdi", {}, t.customer_id) : "";
  return t.action === "none" || !t.action ? id : element("span", { class: "together" }, t.action, " ", id);
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

function address(values) {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value)).toString();
  return query ? `#/transfers?${query}` : "#/transfers";
}

// The field shows the reader's own time, the address holds a moment: a colleague in
// another zone sees the same list.
function local(moment) {
  const at = new Date(moment);
  if (!moment || Number.isNaN(at.getTime())) return "";
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

at("filter").addEventListener("submit", (event) => {
  event.preventDefault();
  const since = at("since").value ? new Date(at("since").value).toISOString() : "";
  actions.go(address({ status: filter.status, code: at("code").value, since, run: at("run").value.trim(), q: at("q").value.trim() }));
});
// On a narrow screen the rarer filters are folded away.
at("more").addEventListener("click", () => at("more").setAttribute("aria-expanded", String(at("more").getAttribute("aria-expanded") === "false")));
at("further").addEventListener("click", () => {
  const turn = ++showing;
  actions.work(() => search(further, () => turn === showing));
  at("transfers-heading").focus();
});
at("replay-these").addEventListener("click", async () => {
  if (!await ask(`${at("replay-these").textContent}?`, "Replay")) return;
  let told = "";
  const which = Object.fromEntries(["status", "code"].map((name) => [name, filter[name]]).filter(([, value]) => value));
  if (await actions.work(async () => {
    const { queued, more } = await api.replayAll(which);
    told = `${waiting(queued.length)} for another transfer.${more ? " There are more: replay again for them." : ""}`;
  })) await actions.again(told);
});
