// Manual sync: what would be sent is shown before anything is.

import * as api from "./api.js";
import { ask, at, badge, contactLink, contacts, element, waiting } from "./dom.js";

const most = 25; // ids of one preview
let actions = {};

export async function show({ parameters, work }) {
  actions = { work };
  const id = parameters.get("id");
  if (!id) return "";
  at("ids").value = id;
  return preview();
}

// ids of the form: one in each line, because numbers may hold blanks and signs.
const ids = () => [...new Set(at("ids").value.split("\n").map((line) => line.trim()).filter(Boolean))];

function present(text, nodes) {
  at("outcome-heading").hidden = false;
  at("outcome-heading").textContent = text;
  at("outcome").replaceChildren(...nodes);
}

// stress marks the button of the step that comes next.
function stress(next) {
  for (const id of ["preview", "send"]) at(id).classList.toggle("main", id === next);
}

function reset() {
  at("send").hidden = true;
  stress("preview");
  at("outcome-heading").hidden = true;
  at("outcome").replaceChildren();
}

async function preview() {
  reset();
  const wanted = ids();
  if (wanted.length === 0) return "";
  const { transfers } = await api.preview(wanted.slice(0, most));
  present("Preview: nothing was sent yet", transfers.map(previewOf));
  if (wanted.length > most) at("outcome").prepend(element("p", {}, `The first ${most} of ${contacts(wanted.length)}; all of them would be transferred.`));
  const nobody = transfers.filter((t) => ["CONTACT_NOT_FOUND", "INVALID_ID"].includes(t.error?.code)).length;
  if (nobody) at("outcome").prepend(element("p", {}, `${nobody === 1 ? "1 id names" : `${nobody} ids name`} no contact. Correct it above, or it stays on the list of failed transfers.`));
  at("send").hidden = false;
  stress("send");
  at("send").textContent = `Transfer ${contacts(wanted.length)} now`;
  return "The preview is ready. Nothing was sent yet.";
}

function previewOf(t) {
  return element("article", { class: "cause one" },
    element("h3", {}, contactLink(t.id)),
    element("p", {}, wouldBadge(t), " ", would(t)),
    problem(t),
    t.changes.length ? changes(t) : null,
    t.warnings.map((warning) => element("p", {}, element("strong", {}, "Warning: "), api.sentence(warning))),
    t.request ? element("details", {}, element("summary", {}, t.action === "unchanged" ? "The body as it would be" : "The body that would be sent"), element("pre", { tabindex: "0", "aria-label": `Body for ${t.id}` }, JSON.stringify(t.request, null, 2))) : null);
}

// A preview has no outcome: its badge says what would be, never that it is.
function wouldBadge(t) {
  if (t.error) return badge(t.status, t.status === "retrying" ? "would be tried again" : "would fail");
  if (t.status === "skipped") return badge("skipped", "would be left out");
  return t.action === "unchanged" ? badge("skipped", "no change") : badge("next", `would be ${t.action}`);
}

function would(t) {
  if (t.error) return "It would not arrive.";
  if (t.status === "skipped") return `The mapping leaves it out: ${t.reason}`;
  if (t.action === "unchanged") return `Customer ${t.customer_id} is up to date; nothing would be sent.`;
  const what = { created: "A customer would be created.", updated: `Customer ${t.customer_id} would be updated.`, linked: `Customer ${t.customer_id} would be linked and updated.` };
  return what[t.action] ?? "";
}

function problem(t) {
  if (!t.error) return null;
  return element("div", {}, element("p", {}, element("strong", {}, t.error.title), t.error.detail ? ` ${api.sentence(t.error.detail)}` : ""),
    element("p", { class: "resolution" }, element("strong", {}, "What to do: "), t.error.resolution));
}

function changes(t) {
  const cell = (tag, label, text) => element(tag, tag === "td" ? { role: "cell", "data-label": label } : { scope: "col", role: "columnheader" }, text);
  const value = (text) => (text ? element("bdi", {}, text) : element("span", { class: "soft" }, "(empty)"));
  return element("table", { role: "table" },
    element("caption", { class: "hidden" }, `Differences of ${t.id} to the present customer`),
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, cell("th", "", "Field"), cell("th", "", "In iPaaS.com now"), cell("th", "", "Would become"))),
    element("tbody", { role: "rowgroup" }, t.changes.map((c) => element("tr", { role: "row" },
      cell("td", "Field", c.field), cell("td", "In iPaaS.com now", value(c.from)), cell("td", "Would become", value(c.to))))));
}

async function send() {
  const wanted = ids();
  const answer = await api.sync(wanted);
  at("send").hidden = true;
  if (answer.transfers) {
    present("Transferred", answer.transfers.map(outcomeOf));
    const count = (status) => answer.transfers.filter((t) => t.status === status).length;
    const waits = count("pending");
    return `${count("succeeded")} of ${contacts(wanted.length)} succeeded.${waits ? ` ${waiting(waits)} for the next run.` : ""}`;
  }
  present("Stored", [element("p", {}, badge("pending"), ` ${waiting(answer.accepted.length)} for the next run. `, element("a", { href: "#/transfers?status=pending" }, "See what waits")),
    ...answer.rejected.map((r) => element("article", { class: "cause one" }, element("h3", {}, element("bdi", {}, r.id)), problem(r)))]);
  return `${contacts(answer.accepted.length)} accepted, ${answer.rejected.length} rejected.`;
}

function outcomeOf(t) {
  const waits = t.status === "pending" ? "It is stored and waits for the next run." : "";
  return element("article", { class: "cause one" }, element("h3", {}, contactLink(t.id)),
    element("p", {}, badge(t.status), " ", t.action === "none" ? t.reason ?? waits : t.action, t.customer_id ? ` (customer ${t.customer_id})` : ""), problem(t));
}

at("sync-form").addEventListener("submit", (event) => {
  event.preventDefault();
  actions.work(preview);
});
at("ids").addEventListener("input", reset);
at("send").addEventListener("click", async () => {
  const wanted = ids();
  if (wanted.length > most && !await ask(`Transfer ${contacts(wanted.length)}?`, "Transfer")) return;
  if (await actions.work(send)) at("outcome-heading").focus();
});
