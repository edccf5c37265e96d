// Search in the list of transfers. The server filters by status, cause, run and
// time; words are looked for here, in the pages of the list, so many at a time that
// neither the table nor the reader's patience is used up.

import * as api from "./api.js";

const page = 200, mostLooked = 2000, enough = 50;

// find looks for a text from a cursor on ("" is the beginning) and calls found after
// each page with the matches so far. It ends with enough matches, at the end of the
// list, or after mostLooked transfers; cursor then says where to go on, null at the
// end. wanted says whether anybody still waits for it.
export async function find(filter, text, cursor, found, wanted) {
  const matches = [];
  let looked = 0;
  if (!cursor) {
    const exact = await byId(text);
    if (exact && passes(exact, filter)) matches.push(exact);
  }
  do {
    const answer = await api.transfers({ ...filter, limit: String(page), cursor });
    if (!wanted()) break;
    looked += answer.transfers.length;
    cursor = answer.next_cursor;
    matches.push(...answer.transfers.filter((t) => t.id !== matches[0]?.id && holds(t, text)));
    found({ matches, looked, cursor });
  } while (cursor && matches.length < enough && looked < mostLooked);
  return { matches, looked, cursor };
}

// byId finds the contact whose number or internal id the text is, wherever it
// stands in the list.
async function byId(text) {
  try {
    return (await api.story(text)).transfer;
  } catch (error) {
    if (error instanceof api.Missing) return null;
    throw error;
  }
}

function passes(t, { status, code, run, since }) {
  return (!status || t.status === status) && (!code || t.error?.code === code) && (!run || t.run_id === run)
    && (!since || new Date(t.finished_at ?? t.requested_at) >= new Date(since));
}

function holds(t, text) {
  const words = [t.id, t.contact_id, t.customer_id, t.trigger, t.action, t.error?.code, t.error?.title, t.error?.detail, t.reason, ...t.warnings];
  return words.some((word) => word?.toLowerCase().includes(text.toLowerCase()));
}
