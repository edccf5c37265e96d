// The prerequisites of both systems, as verdicts.

import * as api from "./api.js";
import { at, element } from "./dom.js";

let actions = {};

const verdicts = new Map([[true, ["ok", "succeeded"]], [false, ["not ok", "failed"]], [null, ["not known yet", "skipped"]]]);

export async function show({ work }) {
  actions = { work };
  at("checks").replaceChildren();
  await check();
}

async function check() {
  const { checks } = await api.preflight();
  at("checks").replaceChildren(...checks.map((c) => {
    const [word, kind] = verdicts.get(c.ok);
    return element("li", { class: "check" }, element("span", { class: `badge ${kind}` }, word),
      element("div", {}, element("strong", {}, c.name), element("p", {}, c.detail)));
  }));
  const bad = checks.filter((c) => c.ok === false).length;
  return bad ? `${bad} of ${checks.length} checks are not ok.` : `No check of ${checks.length} fails.`;
}

at("check-again").addEventListener("click", () => actions.work(check));
