// The run history as a drawing: one bar for each run, stacked by outcome. The
// table below it says the same for those who cannot see it.

import { drawing, element } from "./dom.js";

// From the ground up. Linked customers count as updated, as in the table.
const parts = [
  ["created", (r) => r.created], ["updated", (r) => r.updated + r.linked], ["unchanged", (r) => r.unchanged],
  ["skipped", (r) => r.skipped], ["retrying", (r) => r.retrying], ["pending", (r) => r.pending], ["failed", (r) => r.failed],
];

const height = 160, left = 48, ground = 20, width = 720;

// chart draws runs, newest first as the route lists them, from left to right.
export function chart(runs, withUnchanged) {
  const shown = parts.filter(([name]) => withUnchanged || name !== "unchanged");
  const series = [...runs].reverse();
  const total = (run) => shown.reduce((sum, [, count]) => sum + count(run), 0);
  const most = niceTop(Math.max(1, ...series.map(total)));
  const step = (width - left) / Math.max(series.length, 12);
  const y = (n) => height - (n / most) * height;

  const bars = series.map((run, i) => bar(run, shown, left + i * step + step * 0.1, step * 0.8, y));
  const lines = [0, most / 2, most].filter(Number.isInteger).map((n) => drawing("g", {},
    drawing("line", { class: "grid", x1: left, x2: width, y1: y(n), y2: y(n) }),
    drawing("text", { x: left - 8, y: y(n) + 4, "text-anchor": "end" }, n.toLocaleString())));
  const failed = series.reduce((sum, run) => sum + run.failed, 0);
  const label = `${series.length} runs from ${moment(series[0])} to ${moment(series.at(-1))}; ${failed} failed transfers in them. The table below has the numbers.`;
  return element("figure", {},
    drawing("svg", { viewBox: `0 -10 ${width} ${height + ground + 10}`, role: "img", "aria-label": label }, lines, bars,
      drawing("text", { x: left, y: height + ground - 4 }, moment(series[0])),
      drawing("text", { x: width, y: height + ground - 4, "text-anchor": "end" }, moment(series.at(-1)))),
    element("figcaption", { class: "legend" }, shown.map(([name]) =>
      element("span", {}, drawing("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, drawing("rect", { class: `part ${name}`, width: 10, height: 10 })), name))));
}

function bar(run, shown, x, width, y) {
  let sum = 0;
  const pieces = shown.filter(([, count]) => count(run) > 0).map(([name, count]) => {
    const bottom = y(sum);
    sum += count(run);
    // What failed stays visible beside thousands that did not.
    const tall = Math.max(bottom - y(sum), name === "failed" ? 3 : 0.5);
    return drawing("rect", { class: `part ${name}`, x, width, y: bottom - tall, height: tall });
  });
  const counts = shown.filter(([, count]) => count(run) > 0).map(([name, count]) => `${name} ${count(run)}`).join(", ");
  return drawing("g", {}, drawing("title", {}, `${run.mode}, ${moment(run)}: ${counts || "nothing to do"}`),
    drawing("rect", { class: "whole", x, width, y: 0, height: y(0) }), pieces);
}

const moment = (run) => new Date(run.started_at).toLocaleString(undefined, { dateStyle: "short", timeStyle: "short" });

// niceTop is the next of 2, 4, 10, 20, 40, 100, ... so that the half is a whole number.
function niceTop(n) {
  for (let unit = 1; ; unit *= 10) {
    for (const top of [2, 4, 10]) if (top * unit >= n) return top * unit;
  }
}
