// Answers on their way: kept in the browser until the desk has taken them, sent again until it has.
//
// Every answer has a key of its own, so that one which arrived although the browser never heard of it counts once. Each
// is kept under that key, and nothing is ever written over: tabs of one reviewer see each other's answers, and the one
// that is left sends what a closed one did not.

import { Refused, post, reviewer } from "./http.js";

const STORE = `sitewatch-outbox:${encodeURIComponent(reviewer)}:`;
const SLOWEST_S = 30;
const OTHERS_S = 4; // how long the tab that took an answer is left to send it

const waiting = read();
const listeners = [];
let sending = false;
let pause = 1;
let timer = null;
let trouble = "";

/** Call `listener(state)` now and whenever something changes: {waiting, refused, trouble}. */
export function watch(listener) {
  listeners.push(listener);
  tell();
}

/** Take an answer; resolves with what the desk said once it has it, also after many tries. */
export function send(answer) {
  return new Promise((taken) => {
    const entry = { answer, taken, refused: null, at: Math.max(Date.now(), (waiting.at(-1)?.at ?? 0) + 1) };
    waiting.push(entry);
    keep(entry);
    flush();
  });
}

/** Answers that have not arrived, the oldest first. */
export const pending = () => waiting.filter((entry) => !entry.refused).map((entry) => entry.answer);

/** Let go of an answer that the desk refused and that somebody has read about. */
export function dismiss(key) {
  drop(waiting.find((entry) => entry.refused && entry.answer.key === key));
}

/** A key for a new answer. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Send what waits, in order. */
export async function flush() {
  if (sending) return;
  sending = true;
  clearTimeout(timer);
  try {
    for (let entry = next(); entry; entry = next()) {
      try {
        const result = await post("/api/answers", entry.answer);
        pause = 1;
        trouble = "";
        drop(entry);
        entry.taken?.(result);
      } catch (problem) {
        if (!(problem instanceof Refused)) throw problem;
        if (isFinal(problem)) {
          entry.refused = problem.message;
          if (waiting.includes(entry)) keep(entry); // else another tab was told the same, and somebody has read it
          continue;
        }
        trouble = problem.status === 401 ? "you are signed out: open your link in another tab" : problem.message;
        timer = setTimeout(flush, pause * 1000);
        pause = Math.min(pause * 2, SLOWEST_S);
        break;
      }
    }
  } finally {
    sending = false;
    tell();
  }
}

const next = () => waiting.find((entry) => !entry.refused && !(entry.due > Date.now()));

/** Whether sending the same again can only give the same. */
const isFinal = ({ status, stale }) => !stale && [400, 403, 404, 409, 413, 422].includes(status);

function keep({ answer, refused, at }) {
  try {
    localStorage.setItem(STORE + answer.key, JSON.stringify({ answer, refused, at }));
  } catch {
    trouble = "this browser keeps nothing: do not close the page before everything is saved";
  }
  tell();
}

function drop(entry) {
  const index = waiting.indexOf(entry);
  if (index < 0) return;
  waiting.splice(index, 1);
  try {
    localStorage.removeItem(STORE + entry.answer.key);
  } catch {
    // it was never kept
  }
  tell();
}

function read() {
  try {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(STORE));
    return names.map((name) => parsed(localStorage.getItem(name))).filter(Boolean).sort((a, b) => a.at - b.at);
  } catch {
    return [];
  }
}

function parsed(text) {
  try {
    const found = JSON.parse(text);
    return found?.answer?.key ? found : null;
  } catch {
    return null;
  }
}

/** Another tab took, sent or was refused an answer. */
function heard({ key, newValue }) {
  if (!key?.startsWith(STORE)) return;
  const known = waiting.find((entry) => STORE + entry.answer.key === key);
  const told = parsed(newValue);
  if (known && told) {
    known.refused = told.refused;
  } else if (known) {
    waiting.splice(waiting.indexOf(known), 1);
    known.taken?.({ item: null });
  } else if (told) {
    waiting.push({ ...told, due: Date.now() + OTHERS_S * 1000 });
    setTimeout(flush, OTHERS_S * 1000 + 50);
  }
  tell();
}

function tell() {
  const state = {
    waiting: waiting.filter((entry) => !entry.refused).length,
    refused: waiting.filter((entry) => entry.refused).map((e) => ({ key: e.answer.key, reason: e.refused, answer: e.answer })),
    trouble,
  };
  for (const listener of listeners) listener(state);
}

addEventListener("storage", heard);
addEventListener("online", flush);
addEventListener("beforeunload", (event) => {
  if (waiting.some((entry) => !entry.refused)) event.preventDefault();
});
flush();
