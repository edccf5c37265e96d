// One contact's story: what came of it, why, what to do, and every attempt.

import * as api from "./api.js";
import { ago, at, badge, copyable, copyButton, element, fillTable, idText, pause, time } from "./dom.js";
import { why } from "./transfers.js";

let shown = "";
let actions = {};
let watching = 0;

export async function show({ id, work }) {
  shown = id;
  actions = { work };
  leave();
  name(id);
  for (const part of ["story", "facts", "attempts"]) at(part).replaceChildren();
  at("replay").hidden = at("replay-help").hidden = true;
  try {
    tell(await api.story(id));
  } catch (error) {
    if (!(error instanceof api.Missing)) throw error;
    at("story").replaceChildren(element("div", { class: "callout" }, element("p", {}, badge("unknown", "not known"), " ", element("strong", {}, "No transfer of this contact is known.")),
      element("p", {}, "Check the number, or let Preview and sync ask Business Central for it: a contact that was never read has no transfer yet.")));
    fillTable("attempts", [], "No attempt yet.");
  }
  if (at("replay").disabled && !at("replay").hidden) work(() => watch(shown), { silent: true }); // it waits: tell when it is done
}

function name(id) {
  at("contact-heading").replaceChildren("Contact ", idText(id));
  at("contact-copy").replaceChildren(copyButton(id));
}

function tell({ transfer: t, attempts }) {
  shown = t.id;
  name(t.id);
  at("replay").hidden = at("replay-help").hidden = false;
  at("replay").disabled = t.status === "pending";
  at("story").replaceChildren(outcome(t));
  const facts = { Customer: copyable(t.customer_id), "Internal id": copyable(t.contact_id), "Last trigger": t.trigger,
    [t.status === "pending" ? "Requested" : "Finished"]: time(t.finished_at ?? t.requested_at), "Next attempt": time(t.next_attempt_at), Run: run(t.run_id) };
  at("facts").replaceChildren(...Object.entries(facts).filter(([, value]) => value)
    .map(([label, value]) => element("div", {}, element("dt", {}, label), element("dd", {}, value))));
  fillTable("attempts", attempts.map((a) => [time(a.finished_at), a.trigger, String(a.attempt), badge(a.status), a.action === "none" ? "" : a.action, fieldsOf(a), why(a)]),
    "No attempt yet.");
}

const run = (id) => (id ? element("span", { class: "copyable" }, element("a", { href: `#/transfers?run=${encodeURIComponent(id)}` }, id), copyButton(id)) : "");

function outcome(t) {
  const when = t.finished_at ?? t.requested_at;
  const since = when ? element("span", { class: "soft" }, " ", ago(when)) : null;
  if (t.error) {
    return element("div", { class: `callout ${t.status}` },
      element("p", { class: "lead" }, badge(t.status), " ", element("strong", {}, t.error.title), " ", element("code", {}, t.error.code), since),
      element("p", {}, t.error.description, t.error.detail ? ` ${api.sentence(t.error.detail)}` : ""),
      element("p", { class: "resolution", id: "resolution" }, element("strong", {}, "What to do: "), t.error.resolution),
      t.next_attempt_at ? element("p", {}, "It is tried again by itself ", ago(t.next_attempt_at), ", at ", time(t.next_attempt_at), ".") : null, warnings(t));
  }
  return element("div", { class: `callout ${t.status}` }, element("p", { class: "lead" }, badge(t.status), " ", element("strong", {}, summary(t)), since),
    t.status === "skipped" ? element("p", {}, api.sentence(t.reason || "no reason is stored")) : null, warnings(t));
}

const warnings = (t) => t.warnings.map((warning) => element("p", {}, element("strong", {}, "Warning: "), api.sentence(warning)));

function summary(t) {
  switch (t.status) {
    case "pending": return "It waits for its transfer.";
    case "skipped": return "It is left out, as the mapping says.";
    case "succeeded": return { created: `Customer ${t.customer_id} was created.`, updated: `Customer ${t.customer_id} was updated.`,
      linked: `Customer ${t.customer_id} was linked.`, unchanged: `Customer ${t.customer_id} was up to date.` }[t.action] ?? "It arrived.";
  }
  return "";
}

// fieldsOf names the fields that were sent; those that changed stand out. Values are
// not stored, so there are none to show.
function fieldsOf(a) {
  if (!a.sent.length) return "";
  const changed = new Set(a.changed);
  const others = a.sent.filter((field) => !changed.has(field));
  const list = element("details", {}, element("summary", {}, changed.size ? `${changed.size} changed of ${a.sent.length}` : `${a.sent.length} sent`));
  if (changed.size) list.append(element("p", {}, element("strong", {}, "Changed: "), [...changed].join(", ")));
  if (others.length) list.append(element("p", {}, element("strong", {}, changed.size ? "As before: " : "Sent: "), others.join(", ")));
  return list;
}

// watch looks every second whether the transfer has ended, for a minute at most and
// only while the contact stays in view.
async function watch(id) {
  const turn = watching;
  for (let i = 0; i < 60; i++) {
    await pause(1000);
    if (turn !== watching || at("contact").hidden) return "";
    const known = await api.story(id);
    if (turn !== watching) return "";
    if (known.transfer.status !== "pending") {
      tell(known);
      return `Contact ${known.transfer.id}: ${known.transfer.status}.`;
    }
  }
  return `Contact ${id} still waits. The next run transfers it.`;
}

at("replay").addEventListener("click", async () => {
  const id = shown;
  watching++;
  const turn = watching;
  await actions.work(async () => {
    await api.replay(id);
    const known = await api.story(id);
    if (turn === watching) tell(known);
    return `Contact ${id} waits for another transfer.`;
  });
  if (turn === watching && at("replay").disabled) await actions.work(() => watch(id), { silent: true });
});
at("preview-one").addEventListener("click", () => {
  location.hash = `#/sync?id=${encodeURIComponent(shown)}`;
});

// leave ends the watching when another view is opened.
export function leave() { watching++; }
