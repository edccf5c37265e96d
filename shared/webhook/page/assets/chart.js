// The run history as a drawing: one bar for each run, stacked by outcome. The
// table below it says the same for those who cannot see it.
//
// A poll of three changes stands beside a first run of thousands, so the height of
// a bar goes in steps of ten; the parts of one bar are in proportion to each other.

import { drawing, element } from "./dom.js";

// From the ground up. Linked customers count as updated, as in the table.
const parts = [
  ["created", (r) => r.created], ["updated", (r) => r.updated + r.linked], ["unchanged", (r) => r.unchanged],
  ["skipped", (r) => r.skipped], ["pending", (r) => r.pending], ["retrying", (r) => r.retrying], ["failed", (r) => r.failed],
];

const height = 150, left = 44, ground = 30, widest = 64;

// chart draws runs, newest first as the route lists them, from left to right, so
// that the newest stands at the right edge of a drawing of that many pixels.
export function chart(runs, withUnchanged, width) {
  const shown = parts.filter(([name]) => withUnchanged || name !== "unchanged");
  const series = [...runs].reverse();
  const total = (run) => shown.reduce((sum, [, count]) => sum + count(run), 0);
  const top = Math.max(10, ...series.map(total));
  const y = (n) => height - (Math.log10(n + 1) / Math.log10(top + 1)) * height;
  const step = Math.min(widest, (width - left) / series.length);
  const begin = width - step * series.length;

  const lines = [0, ...tens(top)].map((n) => drawing("g", {},
    drawing("line", { class: "grid", x1: left, x2: width, y1: y(n), y2: y(n) }),
    drawing("text", { x: left - 8, y: y(n) + 4, "text-anchor": "end" }, n.toLocaleString())));
  const bars = series.map((run, i) => bar(run, shown, total(run), begin + i * step, step, y));
  const failed = series.reduce((sum, run) => sum + run.failed, 0);
  const broken = series.filter((run) => run.error).length;
  const label = `${series.length} runs from ${moment(series[0])} to ${moment(series.at(-1))}; ${failed} failed transfers in them; ${broken} runs could not work. The table below has the numbers.`;
  return element("figure", {},
    drawing("svg", { viewBox: `0 -10 ${width} ${height + ground + 10}`, width, height: height + ground + 10, role: "img", "aria-label": label }, hatch(), lines, bars,
      series.length > 1 ? drawing("text", { x: Math.min(begin, width - 250), y: height + ground - 2 }, moment(series[0])) : null,
      drawing("text", { x: width, y: height + ground - 2, "text-anchor": "end" }, moment(series.at(-1)))),
    element("figcaption", { class: "legend" }, shown.map(([name]) => key(name)), series.some((run) => run.error) ? key("broken", "could not work") : null,
      series.some((run) => run.paused) ? key("paused") : null, element("span", {}, "Height: contacts, in steps of ten.")));
}

function tens(top) {
  const values = [];
  for (let n = 1; n <= top; n *= 10) values.push(n);
  return values;
}

// hatch is the pattern of what failed: it stands out without its colour too.
function hatch() {
  return drawing("defs", {}, drawing("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    drawing("rect", { class: "part failed-ground", width: 6, height: 6 }), drawing("rect", { class: "part failed-line", width: 2, height: 6 })));
}

function bar(run, shown, total, x, step, y) {
  let bottom = y(0);
  const tall = y(0) - y(total);
  const pieces = shown.filter(([, count]) => count(run) > 0).map(([name, count]) => {
    // What failed stays visible beside thousands that did not.
    const share = Math.max((count(run) / total) * tall, name === "failed" ? 4 : 1);
    bottom -= share;
    return drawing("rect", { class: `part ${name}`, x: x + step * 0.1, width: step * 0.8, y: bottom, height: share });
  });
  const counts = shown.filter(([, count]) => count(run) > 0).map(([name, count]) => `${name} ${count(run)}`).join(", ");
  const told = run.error ? `could not work, ${run.error.code}` : run.paused ? "paused" : counts || "nothing to do";
  // The same list can be reached by keyboard from the table.
  return drawing("a", { href: `#/transfers?run=${encodeURIComponent(run.run_id)}`, tabindex: "-1" },
    drawing("title", {}, `${run.mode}, ${moment(run)}: ${told}`),
    drawing("rect", { class: "whole", x, width: step, y: 0, height: y(0) + 14 }), pieces, mark(run, x + step / 2));
}

// mark says below the ground what no bar can: a run that did not work at all.
function mark(run, x) {
  const ground = height + 8;
  if (run.error) return drawing("path", { class: "mark broken", d: `M${x - 4} ${ground - 4}l8 8m0 -8l-8 8` });
  if (run.paused) return drawing("path", { class: "mark paused", d: `M${x - 2} ${ground - 4}v8m4 -8v8` });
  return null;
}

function key(name, word = name) {
  const sign = { broken: drawing("path", { class: "mark broken", d: "M1 1l8 8m0 -8l-8 8" }), paused: drawing("path", { class: "mark paused", d: "M3 1v8m4 -8v8" }) }[name]
    ?? drawing("rect", { class: `part ${name}`, width: 10, height: 10 });
  return element("span", {}, drawing("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, sign), word);
}

const moment = (run) => new Date(run.started_at).toLocaleString(undefined, { dateStyle: "short", timeStyle: "short" });
