// The overview: what did not arrive, by cause, with what to do, and the runs.

import * as api from "./api.js";
import { chart } from "./chart.js";
import { ask, at, contactLink, contacts, element, fillTable, time } from "./dom.js";

const shownRuns = 40;
let known = [];

export async function show({ say, again }) {
  const [{ errors }, { runs }] = await Promise.all([api.errors(), api.runs(shownRuns)]);
  at("errors").replaceChildren(...(errors.length ? errors.map((e) => cause(e, say, again))
    : [element("p", { class: "nothing" }, "No contact stands failed or retrying.")]));
  known = runs;
  draw();
  fillTable("runs", runs.map(runRow), "No run yet.");
}

function draw() {
  at("chart").replaceChildren(...(known.length ? [chart(known, at("chart-unchanged").checked)] : []));
}

function cause(e, say, again) {
  const filter = `#/transfers?code=${encodeURIComponent(e.code)}`;
  return element("article", { class: "cause", "aria-label": `${e.title} ${contacts(e.count)}` },
    element("h3", {}, e.title, " ", element("code", {}, e.code)),
    element("p", {}, e.description),
    element("p", { class: "resolution" }, element("strong", {}, "What to do: "), e.resolution),
    element("p", {}, element("a", { href: filter }, contacts(e.count)), ", for example ",
      e.sample_ids.slice(0, 5).flatMap((id, i) => (i ? [", ", contactLink(id)] : [contactLink(id)])),
      e.last ? element("span", {}, "; last ", time(e.last)) : null),
    element("button", { type: "button", click: () => replayAll(e, say, again), "aria-label": `Replay ${contacts(e.count)} with ${e.code}` }, `Replay ${contacts(e.count)}`));
}

async function replayAll(e, say, again) {
  if (!await ask(`Transfer ${contacts(e.count)} with ${e.code} once more?`, `Replay ${contacts(e.count)}`)) return;
  await again(async () => {
    const { queued, more } = await api.replayAll(e.code);
    return `${contacts(queued.length)} wait for another transfer.${more ? " There are more: replay again for them." : ""}`;
  });
}

function runRow(run) {
  const link = element("a", { href: `#/transfers?run=${encodeURIComponent(run.run_id)}` }, time(run.started_at));
  return [link, run.mode, state(run), ...[run.read, run.created, run.updated + run.linked, run.unchanged, run.skipped, run.failed, run.retrying, run.pending]
    .map((n) => n.toLocaleString())];
}

function state(run) {
  if (run.error) return element("span", { class: "badge failed", title: `${run.error.detail} ${run.error.resolution}`.trim() }, run.error.code);
  if (run.paused) return "paused";
  if (run.disabled) return "mapping disabled";
  return run.complete ? "complete" : "goes on in the next run";
}

at("chart-unchanged").addEventListener("change", draw);
