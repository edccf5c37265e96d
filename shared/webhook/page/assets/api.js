// The routes of the webhook function, and the key that opens them. The key is kept
// for this tab only.

const keyName = "contactsync-key";

// A Failure is an answer that is no success: title, detail and resolution as the
// server words them, for the person who must act.
export class Failure extends Error {
  constructor({ title, detail = "", resolution = "" }) {
    super([title, detail, resolution].filter(Boolean).map(sentence).join(" "));
    this.title = title;
    this.detail = detail;
    this.resolution = resolution;
  }
}

// Refused is the answer to a key that is not accepted.
export class Refused extends Failure {}

// Missing is the answer for a contact of which nothing is known.
export class Missing extends Failure {}

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
    throw new Failure({ title: "The server did not answer", resolution: "Check your network connection and try again; what was stored is safe." });
  }
  const content = await answer.json().catch(() => null);
  if (answer.ok && content) return content;
  throw failureOf(answer.status, content?.error);
}

// failureOf words an answer. One without our JSON comes from something in between,
// such as the gateway, or the function was cut off.
function failureOf(status, error) {
  const told = error ?? { title: `The server answered ${status} without a reason`, resolution: "Try again. If it stays, look into the function's log." };
  if (status === 401) return new Refused(told);
  return status === 404 ? new Missing(told) : new Failure(told);
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
export const replayAll = (which) => call("POST", "replays", which);
export const sync = (ids) => call("POST", "transfers", { ids });
export const preview = (ids) => call("POST", "transfers", { ids, dry_run: true });
export const preflight = () => call("GET", "preflight");
