// The operator's page: opens with a key, then shows the view that the address
// names. Data comes from the documented routes only.

import * as api from "./api.js";
import * as connection from "./connection.js";
import * as contact from "./contact.js";
import * as dom from "./dom.js";
import * as overview from "./overview.js";
import * as preflight from "./preflight.js";
import * as sync from "./sync.js";
import * as transfers from "./transfers.js";

const { at, element } = dom;
const views = { overview, transfers, contact, sync, preflight };
let opened = 0;       // counts views, so that a slow answer of one does not speak in the next
let accepted = false; // whether this key opened a view before

function say(text, unseen) {
  dom.say(text, unseen);
  at("failure").replaceChildren();
}

// complain says what went wrong and what to do; again, if given, does it once more.
function complain(error, again) {
  dom.say("");
  at("failure").replaceChildren(element("p", {}, element("strong", {}, api.sentence(error.title ?? error.message))),
    ...[error.detail, error.resolution].filter(Boolean).map((text) => element("p", {}, api.sentence(text))),
    ...(again ? [element("button", { type: "button", click: again }, "Try again")] : []));
  scrollTo(0, 0);
}

// work does something that takes time, and says how it ended. silent keeps the
// message that stands until then; what waits in the background is silent. unseen is
// for messages that say what the screen shows anyway.
async function work(task, { silent = false, unseen = false, again = () => work(task) } = {}) {
  const turn = opened;
  if (!silent) {
    say("Loading …", true);
    document.body.setAttribute("aria-busy", "true");
  }
  try {
    const text = await task();
    if (turn === opened && (text || !silent)) say(text ?? "", unseen);
    return true;
  } catch (error) {
    if (error instanceof api.Refused) lock();
    else if (turn === opened) complain(error, again);
    return false;
  } finally {
    if (!silent && turn === opened) document.body.removeAttribute("aria-busy");
  }
}

// lock asks for the key. The address stays, and so does what was typed: with a
// new key the work goes on where it was.
function lock() {
  api.forgetKey();
  opened++;
  document.body.removeAttribute("aria-busy");
  leave();
  for (const name of ["nav", "find", "forget", "connection", ...Object.keys(views)]) at(name).hidden = true;
  at("login").hidden = false;
  complain({ title: accepted ? "Your key is no longer accepted" : "This key is not accepted",
    resolution: accepted ? "Enter one that is; you stay where you were" : "Enter one of webhook.api_keys of the secret. A key that was just added is accepted within 30 seconds" });
  accepted = false;
  at("key").focus();
}

function leave() {
  contact.leave();
  overview.leave();
  transfers.leave();
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

// go opens an address, also when it is the present one.
function go(address) {
  if (location.hash === address) open();
  else location.hash = address;
}

// open shows what the address names, and then says told instead of the view's own
// words. The old view stays until the new one is whole, so that nothing jumps.
async function open(told = "") {
  const { name, id, parameters } = place();
  const turn = ++opened;
  leave();
  const again = (text) => open(text);
  const done = await work(async () => {
    const [text] = await Promise.all([views[name].show({ id, parameters, work, again, go }), connection.look()]);
    return told || text;
  }, { unseen: !told, again: () => open(told) });
  if (turn !== opened) return; // another one was opened meanwhile, or the key was refused
  accepted ||= done;
  at("login").hidden = true;
  for (const shown of ["nav", "find", "forget"]) at(shown).hidden = false;
  // A view that could not be loaded shows nothing rather than what was true before.
  for (const other of Object.keys(views)) at(other).hidden = other !== name || !done;
  for (const link of at("nav").querySelectorAll("a")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const heading = at(`${name}-heading`);
  document.title = `${heading.textContent} · Contact transfers`;
  if (done) heading.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function zone() {
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  at("zone").textContent = `Times are those of your zone, ${name}; hold the pointer over one for its exact UTC.`;
}

at("login-form").addEventListener("submit", (event) => {
  event.preventDefault();
  api.keepKey(at("key").value.trim());
  at("key").value = "";
  open();
});
at("find").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = at("find-id").value.trim();
  at("find-id").value = "";
  if (id) go(`#/contact/${encodeURIComponent(id)}`);
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
zone();
if (api.hasKey()) open();
else at("key").focus();
