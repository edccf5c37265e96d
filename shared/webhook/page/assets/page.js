// The operator's page: asks for the key, keeps it for this tab, and shows what
// the routes answer. Everything is set as text, never as markup.
const keyName = "contactsync-key";
const at = (id) => document.getElementById(id);
let cursor = null;

class Refused extends Error {}

async function get(path) {
  const answer = await fetch(path, { headers: { Authorization: `Bearer ${sessionStorage.getItem(keyName)}` }, cache: "no-store" });
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  const error = body.error ?? { title: `The answer was ${answer.status}.`, resolution: "", detail: "" };
  const text = [error.title, error.detail, error.resolution].filter(Boolean).join(" ");
  throw answer.status === 401 ? new Refused(text) : new Error(text);
}

function say(text, failed = false) {
  at("message").textContent = text;
  at("message").className = failed ? "failed" : "";
}

function row(...cells) {
  const tr = document.createElement("tr");
  for (const cell of cells) {
    const td = document.createElement("td");
    if (cell instanceof Node) td.append(cell);
    else td.textContent = cell ?? "";
    tr.append(td);
  }
  return tr;
}

function fill(id, rows, nothing, columns) {
  if (rows.length === 0) {
    rows = [row(nothing)];
    rows[0].firstChild.colSpan = columns;
  }
  at(id).replaceChildren(...rows);
}

const time = (text) => (text ? new Date(text).toLocaleString() : "");

function why(t) {
  const parts = t.error ? [t.error.title, t.error.detail, t.error.resolution] : [t.reason];
  if (t.next_attempt_at) parts.push(`Next attempt: ${time(t.next_attempt_at)}.`);
  return parts.concat(t.warnings).filter(Boolean).join(" ");
}

function status(t) {
  const span = document.createElement("span");
  span.textContent = t.status;
  if (t.status === "failed") span.className = "failed";
  return span;
}

function contactButton(id) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = id;
  button.addEventListener("click", () => run(() => showOne(id)));
  return button;
}

async function showErrors() {
  const { errors } = await get("errors");
  fill("errors", errors.map((e) => {
    const samples = document.createElement("div");
    samples.append(`${e.count}: `, ...e.sample_ids.flatMap((id, i) => (i ? [", ", contactButton(id)] : [contactButton(id)])));
    return row(`${e.title} ${e.description}`, samples, time(e.last), e.resolution);
  }), "No contact stands failed or retrying.", 4);
}

async function showTransfers(next) {
  const query = new URLSearchParams({ limit: "50", status: at("status").value, cursor: next ?? "" });
  const { transfers, next_cursor } = await get(`transfers?${query}`);
  const rows = transfers.map((t) =>
    row(contactButton(t.id), status(t), t.action, t.customer_id, time(t.finished_at ?? t.requested_at), why(t)));
  if (next) at("transfers").append(...rows);
  else fill("transfers", rows, "No transfers.", 6);
  cursor = next_cursor;
  at("more").hidden = !cursor;
}

async function showOne(id) {
  const { transfer: t, attempts } = await get(`transfers/${encodeURIComponent(id)}`);
  at("one-heading").textContent = `Contact ${t.id}`;
  const facts = { "Internal id": t.contact_id, Customer: t.customer_id, Status: t.status, Action: t.action, Trigger: t.trigger,
    Time: time(t.finished_at ?? t.requested_at), Why: why(t), Run: t.run_id };
  at("facts").replaceChildren(...Object.entries(facts).filter(([, value]) => value).flatMap(([name, value]) => {
    const dt = document.createElement("dt"), dd = document.createElement("dd");
    dt.textContent = name;
    dd.textContent = value;
    return [dt, dd];
  }));
  fill("attempts", attempts.map((a) => row(time(a.finished_at), status(a), a.action, String(a.attempt), a.changed.join(", "), why(a))),
    "No attempt yet.", 6);
  at("one").hidden = false;
  at("one").focus();
}

function open(isOpen) {
  at("login").hidden = isOpen;
  at("content").hidden = at("forget").hidden = !isOpen;
}

async function run(work) {
  say("Loading …");
  try {
    await work();
    say("");
  } catch (error) {
    if (error instanceof Refused) {
      sessionStorage.removeItem(keyName);
      open(false);
      at("key").focus();
    }
    say(error.message, true);
  }
}

const load = () => run(async () => {
  await Promise.all([showErrors(), showTransfers(null)]);
  open(true);
});

at("login").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(keyName, at("key").value.trim());
  at("key").value = "";
  load();
});
at("filter").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = at("contact").value.trim();
  run(() => (id ? showOne(id) : showTransfers(null)));
});
at("more").addEventListener("click", () => run(() => showTransfers(cursor)));
at("forget").addEventListener("click", () => {
  sessionStorage.removeItem(keyName);
  location.reload();
});
if (sessionStorage.getItem(keyName)) load();
