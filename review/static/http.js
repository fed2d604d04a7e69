// Asking the desk.

const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";

export const reviewer = meta("reviewer");
export const role = meta("role");

/** What the desk said no to; `status` is 0 where it could not be reached, `stale` where this page is too old. */
export class Refused extends Error {
  constructor(message, status, stale = false) {
    super(message);
    this.status = status;
    this.stale = stale;
  }
}

/** A JSON document. */
export async function get(address) {
  return answered(await reached(fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" })));
}

/** Send a JSON document. */
export async function post(address, body) {
  return answered(await reached(fetch(address, {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": meta("csrf-token") },
    body: JSON.stringify(body),
  })));
}

async function reached(request) {
  try {
    return await request;
  } catch {
    throw new Refused("the desk cannot be reached", 0);
  }
}

async function answered(response) {
  const text = await response.text();
  let document;
  try {
    document = JSON.parse(text);
  } catch {
    document = { error: text.slice(0, 200) };
  }
  if (!response.ok) {
    throw new Refused(document.error ?? `the desk answered ${response.status}`, response.status, document.stale === true);
  }
  return document;
}
