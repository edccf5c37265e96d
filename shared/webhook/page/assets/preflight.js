// The prerequisites of both systems, as verdicts.

import * as api from "./api.js";
import { at, badge, element } from "./dom.js";

let actions = {};

const verdicts = new Map([[true, ["succeeded", "ok"]], [false, ["failed", "not ok"]], [null, ["unknown", "not known yet"]]]);

export async function show({ work }) {
  actions = { work };
  return check();
}

async function check() {
  const { checks } = await api.preflight();
  at("checks").replaceChildren(...checks.map((c) => element("li", { class: "check" }, badge(...verdicts.get(c.ok)),
    element("div", {}, element("strong", {}, c.name), element("p", {}, api.sentence(c.detail))))));
  const bad = checks.filter((c) => c.ok === false).length;
  const open = checks.filter((c) => c.ok === null).length;
  at("verdict").replaceChildren(badge(bad ? "failed" : "succeeded", bad ? "not ready" : "ready"), " ",
    element("strong", {}, bad ? `${bad} of ${checks.length} checks are not ok.` : `No check of ${checks.length} fails.`), open ? ` ${open} cannot be known yet.` : "");
  return at("verdict").textContent;
}

at("check-again").addEventListener("click", () => actions.work(check));
