// The operator's page: opens with a key, then shows the view that the address
// names. Data comes from the documented routes only.

import * as api from "./api.js";
import { at } from "./dom.js";
import * as contact from "./contact.js";
import * as overview from "./overview.js";
import * as preflight from "./preflight.js";
import * as sync from "./sync.js";
import * as transfers from "./transfers.js";

const views = { overview, transfers, contact, sync, preflight };
let opened = 0; // counts views, so that a slow answer of one does not speak in the next

function say(text, failed = false) {
  at("message").textContent = failed ? "" : text;
  at("failure").textContent = failed ? text : "";
}

// work does something that takes time, and says how it ended. silent keeps the
// message that stands until then; what waits in the background is silent.
async function work(task, silent = false) {
  const turn = opened;
  if (!silent) {
    say("Loading …");
    document.body.setAttribute("aria-busy", "true");
  }
  try {
    const text = await task();
    if (turn === opened && (text || !silent)) say(text ?? "");
    return true;
  } catch (error) {
    if (error instanceof api.Refused) lock(error.message);
    else if (turn === opened) say(error.message, true);
    return false;
  } finally {
    if (!silent) document.body.removeAttribute("aria-busy");
  }
}

function lock(text) {
  api.forgetKey();
  opened++;
  for (const name of Object.keys(views)) at(name).hidden = true;
  for (const name of ["nav", "find", "forget"]) at(name).hidden = true;
  at("login").hidden = false;
  say(text, true);
  at("key").focus();
}

// place reads the address: #/transfers?status=failed, #/contact/44552%7Ccontact
function place() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const parameters = new URLSearchParams(query);
  const [name, ...rest] = path.split("/");
  if (name === "contact" && rest.length) return { name, id: decode(rest.join("/")), parameters };
  return { name: Object.hasOwn(views, name) && name !== "contact" ? name : "overview", parameters };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a number may hold a percent sign
  }
}

async function open() {
  const { name, id, parameters } = place();
  opened++;
  contact.leave();
  const again = (task) => work(async () => {
    const text = await task();
    await overview.show({ say, again });
    return text;
  });
  const done = await work(() => views[name].show({ id, parameters, say, work, again }));
  if (!api.hasKey() || name !== place().name) return;
  at("login").hidden = true;
  for (const shown of ["nav", "find", "forget"]) at(shown).hidden = false;
  for (const other of Object.keys(views)) at(other).hidden = other !== name;
  for (const link of at("nav").querySelectorAll("a")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const heading = at(`${name}-heading`);
  document.title = `${heading.textContent} · Contact transfers`;
  if (done) heading.focus({ preventScroll: true });
  scrollTo(0, 0);
}

at("login-form").addEventListener("submit", (event) => {
  event.preventDefault();
  api.keepKey(at("key").value.trim());
  at("key").value = "";
  open();
});
at("find").addEventListener("submit", (event) => {
  event.preventDefault();
  const address = `#/contact/${encodeURIComponent(at("find-id").value.trim())}`;
  at("find-id").value = "";
  if (location.hash === address) open();
  else location.hash = address;
});
at("forget").addEventListener("click", () => {
  api.forgetKey();
  location.reload();
});
at("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address belongs to the views
  at("main").focus();
});
window.addEventListener("hashchange", () => { if (api.hasKey()) open(); });
if (api.hasKey()) open();
else at("key").focus();
