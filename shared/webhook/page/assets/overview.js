// The overview: whether something needs a person, what did not arrive, by cause,
// with what to do, and the runs.

import * as api from "./api.js";
import { chart } from "./chart.js";
import { ago, ask, at, badge, contactLink, contacts, element, fillTable, icon, pause, time, waiting } from "./dom.js";

const readRuns = 40, firstRuns = 10;
const most = 200; // of a list that is only counted
let known = [];
let actions = {};
let watching = 0;

export async function show(given) {
  actions = given;
  await load();
}

async function load() {
  const [{ errors }, { runs }, retrying, pending] = await Promise.all([api.errors(), api.runs(readRuns), count("retrying"), count("pending")]);
  at("as-of").textContent = new Date().toLocaleTimeString(undefined, { timeStyle: "short" });
  at("state").replaceChildren(...tiles(errors, runs, retrying, pending));
  const causes = errors.map((e) => ({ ...e, retrying: retrying.byCode.get(e.code) ?? 0, certain: !retrying.more }))
    .sort((a, b) => (b.count - b.retrying) - (a.count - a.retrying) || b.count - a.count);
  at("errors").replaceChildren(...(causes.length ? causes.map(cause)
    : [element("p", { class: "nothing" }, icon("succeeded"), "No contact stands failed or retrying.")]));
  known = runs;
  draw();
  list(firstRuns);
}

// count counts the contacts that stand so, and how many of them have which code.
async function count(status) {
  const { transfers, next_cursor } = await api.transfers({ status, limit: String(most) });
  const byCode = new Map();
  for (const t of transfers) if (t.error) byCode.set(t.error.code, (byCode.get(t.error.code) ?? 0) + 1);
  return { n: transfers.length, more: Boolean(next_cursor), byCode };
}

function tiles(errors, runs, retrying, pending) {
  const all = errors.reduce((sum, e) => sum + e.count, 0);
  const failed = retrying.more ? all : all - retrying.n;
  return [
    tile("failed", failed, false, "failed", ["nothing needs you", "needs a person", "need a person"], "#/transfers?status=failed"),
    tile("retrying", retrying.n, retrying.more, "retrying", ["nothing to try again", "will be tried again", "will be tried again"], "#/transfers?status=retrying"),
    tile("pending", pending.n, pending.more, "pending", ["nothing waits", "waits for its transfer", "wait for their transfer"], "#/transfers?status=pending"),
    lastRun(runs[0]),
  ];
}

// meanings are those of none, one and several.
const tile = (kind, n, more, word, meanings, href) => element("li", { class: n ? kind : "none" },
  element("a", { href }, element("span", { class: "count" }, icon(n ? kind : "succeeded"), n.toLocaleString(), more ? "+" : ""), " ", element("strong", {}, word), " ", element("span", { class: "soft" }, meanings[Math.min(n, 2)])));

function lastRun(run) {
  if (!run) return element("li", {}, element("span", { class: "count" }, "none"), " ", element("strong", {}, "No run yet."), " ", element("span", { class: "soft" }, "the schedule starts the first one"));
  return element("li", { class: run.error ? "failed" : "" }, element("a", { href: `#/transfers?run=${encodeURIComponent(run.run_id)}` },
    element("span", { class: "count" }, ago(run.started_at)), " ", element("strong", {}, "last run"), " ", element("span", { class: "soft" }, stateText(run))));
}

// Before the first view is shown there is no room for a drawing; the observer draws
// it when there is.
function draw() {
  if (!at("main").clientWidth) return;
  at("chart").replaceChildren(...(known.length ? [chart(known, at("chart-unchanged").checked, at("overview").clientWidth || at("main").clientWidth - 32)] : []));
}

function list(n) {
  fillTable("runs", known.slice(0, n).map(runRow), "No run yet.");
  at("more-runs").hidden = known.length <= n;
  at("more-runs").textContent = known.length - n === 1 ? "Show 1 earlier run" : `Show ${known.length - n} earlier runs`;
}

function cause(e) {
  const hint = !e.retrying ? "" : e.retrying === e.count ? "will be tried again" : `${e.retrying}${e.certain ? "" : " or more"} of them will be tried again`;
  const kind = e.retrying === e.count ? "retrying" : "failed";
  return element("article", { class: `cause ${kind}`, "aria-label": `${e.title} ${contacts(e.count)}` },
    element("a", { class: "count", href: `#/transfers?code=${encodeURIComponent(e.code)}`, "aria-label": `Show ${contacts(e.count)} with ${e.code}` }, icon(kind), e.count.toLocaleString()),
    element("div", {},
      element("h3", {}, e.title, " ", element("code", {}, e.code)),
      element("p", { class: "resolution" }, element("strong", {}, "What to do: "), e.resolution),
      element("p", { class: "examples" }, e.sample_ids.slice(0, 3).flatMap((id, i) => (i ? [", ", contactLink(id)] : [contactLink(id)])),
        e.count > Math.min(3, e.sample_ids.length) ? ` and ${(e.count - Math.min(3, e.sample_ids.length)).toLocaleString()} more` : "",
        e.last ? element("span", { class: "soft" }, "; last ", ago(e.last)) : null, hint ? element("span", { class: "soft" }, `; ${hint}`) : null)),
    element("button", { type: "button", click: () => replayAll(e), "aria-label": `Replay ${contacts(e.count)} with ${e.code}` }, `Replay ${contacts(e.count)}`));
}

async function replayAll(e) {
  const { work, again } = actions;
  if (!await ask(`Transfer ${contacts(e.count)} with ${e.code} once more?`, `Replay ${contacts(e.count)}`)) return;
  let told = "";
  if (await work(async () => {
    const { queued, more } = await api.replayAll({ code: e.code });
    told = `${waiting(queued.length)} for another transfer.${more ? " There are more: replay again for them." : ""}`;
  })) {
    await again(told);
    await work(watch, { silent: true });
  }
}

// watch looks every two seconds whether what was replayed is done, for a minute at
// most and only while the overview stays in view, and then shows how it ended.
async function watch() {
  const turn = ++watching;
  for (let i = 0; i < 30; i++) {
    await pause(2000);
    if (turn !== watching || at("overview").hidden) return "";
    if ((await count("pending")).n) continue;
    // Who works in the list keeps it as it is: nothing moves under their hands.
    if (["state", "errors", "runs"].some((id) => at(id).contains(document.activeElement))) return "Nothing waits any more. Refresh shows how it ended.";
    if (turn === watching) await load();
    return "Nothing waits any more. The overview is up to date.";
  }
  return "";
}

// leave ends the watching when another view is opened.
export function leave() { watching++; }

function runRow(run) {
  const link = element("a", { href: `#/transfers?run=${encodeURIComponent(run.run_id)}` }, time(run.started_at));
  return [link, run.mode, state(run), ...[run.read, run.created, run.updated + run.linked, run.unchanged, run.skipped, run.failed, run.retrying, run.pending]
    .map((n) => n.toLocaleString())];
}

const stateText = (run) => (run.error ? run.error.code : run.paused ? "paused" : run.disabled ? "mapping disabled" : run.complete ? "complete" : "goes on in the next run");

function state(run) {
  if (run.error) {
    return element("details", {}, element("summary", {}, badge("failed", run.error.code)),
      element("p", {}, api.sentence(run.error.title), run.error.detail ? ` ${api.sentence(run.error.detail)}` : ""), element("p", {}, run.error.resolution));
  }
  return run.paused || run.disabled ? badge("paused", stateText(run)) : stateText(run);
}

at("chart-unchanged").addEventListener("change", draw);
at("more-runs").addEventListener("click", () => {
  list(readRuns);
  at("runs").rows[firstRuns].querySelector("a").focus();
});
at("refresh").addEventListener("click", () => actions.again("The overview is up to date."));
new ResizeObserver(() => { if (at("overview").checkVisibility()) draw(); }).observe(at("main"));
