// The routes of the webhook function, and the key that opens them. The key is kept
// for this tab only.

const keyName = "contactsync-key";

// Refused is the answer to a key that is not accepted.
export class Refused extends Error {}

// Missing is the answer for a contact of which nothing is known.
export class Missing extends Error {}

export const hasKey = () => sessionStorage.getItem(keyName) !== null;
export const keepKey = (key) => sessionStorage.setItem(keyName, key);
export const forgetKey = () => sessionStorage.removeItem(keyName);

async function call(method, path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method, cache: "no-store", credentials: "omit",
      headers: { Authorization: `Bearer ${encodeKey()}`, ...(body ? { "Content-Type": "application/json" } : {}) },
      body: body ? JSON.stringify(body) : undefined,
    });
  } catch {
    throw new Error("The server did not answer. Check the connection and try again.");
  }
  const content = await answer.json().catch(() => ({}));
  if (answer.ok) return content;
  const error = content.error ?? { title: `The server answered ${answer.status}.` };
  const text = [error.title, error.detail, error.resolution].filter(Boolean).map(sentence).join(" ");
  if (answer.status === 401) throw new Refused(text);
  throw answer.status === 404 ? new Missing(text) : new Error(text);
}

// A header carries no letters beyond Latin-1: such a key is no key, and is sent as
// something that is refused instead of failing the call.
function encodeKey() {
  const key = sessionStorage.getItem(keyName) ?? "";
  return /^[\x21-\x7e]*$/.test(key) ? key : "?";
}

// sentence makes sure that a text ends as one, and begins as one.
export function sentence(text) {
  const whole = /[.!?]$/.test(text) ? text : `${text}.`;
  return whole[0].toUpperCase() + whole.slice(1);
}

const query = (values) => new URLSearchParams(Object.entries(values).filter(([, value]) => value)).toString();

export const errors = () => call("GET", "errors");
export const runs = (limit) => call("GET", `runs?${query({ limit })}`);
export const transfers = (filter) => call("GET", `transfers?${query(filter)}`);
export const story = (id) => call("GET", `transfers/${encodeURIComponent(id)}`);
export const replay = (id) => call("POST", `transfers/${encodeURIComponent(id)}/replay`);
export const replayAll = (code) => call("POST", "replays", { code });
export const sync = (ids) => call("POST", "transfers", { ids });
export const preview = (ids) => call("POST", "transfers", { ids, dry_run: true });
export const preflight = () => call("GET", "preflight");
