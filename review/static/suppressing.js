// Whether what comes up again at a place is shown: suppressed for a while, for longer, or shown again.

import { choose } from "./dialogs.js";

const LASTS = [["half a year", 6], ["one year", 12], ["three years", 36]];
const AGAIN = "again";

/**
 * Ask what is to be; resolves with {act, body, words} or null. `place` is {subject, until, reason}: the change whose
 * rejection marks the place, until when and why; `until` is null where nothing does.
 */
export async function askAboutPlace({ until, reason }, reasons) {
  const today = new Date().toISOString().slice(0, 10);
  const from = until !== null && until > today ? until : today;
  const lasts = LASTS.map(([name, months]) => {
    const day = later(from, months);
    return { value: day, words: until === null ? `for ${name}, until ${day}` : `keep it suppressed ${name} longer, until ${day}` };
  });
  const again = until === null ? [] : [{ value: AGAIN, words: "show this place again from now on" }];
  const chosen = await choose(until === null ? "Suppress what comes up again here" : "This place is suppressed", [...again, ...lasts]);
  if (!chosen) return null;
  if (chosen === AGAIN) return { act: "unsuppress", body: {}, words: "This place is shown again." };
  const why = reason ?? await choose("Suppressed: why?", reasons);
  return why && { act: "suppress", body: { until: chosen, reason: why }, words: `Suppressed here until ${chosen}.` };
}

/** A day so many months later; the last of a month where it has no such day. */
function later(day, months) {
  const [year, month, date] = day.split("-").map(Number);
  const last = new Date(Date.UTC(year, month - 1 + months + 1, 0));
  const found = new Date(Date.UTC(year, month - 1 + months, Math.min(date, last.getUTCDate())));
  return found.toISOString().slice(0, 10);
}
