// What holds up every transfer of the connection: a pause, a mapping that is
// disabled, a run that could not work. It stands above every view, because it
// explains whatever is seen there.

import * as api from "./api.js";
import { ago, at, badge, element } from "./dom.js";

// look reads the newest run and shows what it says. A failure is silent: the view
// that is opened at the same time speaks of it.
export async function look() {
  try {
    const { runs } = await api.runs(1);
    tell(runs[0]);
  } catch {
    tell(undefined);
  }
}

// tell shows what the newest run says of the connection.
export function tell(run) {
  const words = run ? wordsOf(run) : null;
  at("connection").hidden = !words;
  at("connection").className = `callout ${run?.error ? "failed" : "paused"}`;
  at("connection").replaceChildren(...(words ? [element("p", {}, words[0], " ", element("strong", {}, words[1]), element("span", { class: "soft" }, " Last run ", ago(run.started_at), ".")), ...words[2]] : []));
}

function wordsOf(run) {
  if (run.error) {
    return [badge("failed", "stopped"), api.sentence(run.error.title), [
      element("p", {}, `The last run could not work, so nothing is transferred: ${run.error.code}${run.error.detail ? `, ${run.error.detail}` : ""}.`),
      element("p", { class: "resolution" }, element("strong", {}, "What to do: "), run.error.resolution)]];
  }
  if (run.paused) {
    return [badge("paused"), "Transfers are paused.", [element("p", {}, "Nothing is lost: what is accepted waits as pending. ", element("code", {}, "contactsync resume"), " lets it go on.")]];
  }
  if (run.disabled) {
    return [badge("paused", "disabled"), "The mapping is disabled.", [element("p", {}, "Nothing is read until the mapping file says ", element("code", {}, "status: enabled"), " and is deployed.")]];
  }
  return null;
}
