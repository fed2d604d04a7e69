// Answers on their way: kept in the browser until the desk has taken them, sent again until it has.
//
// Every answer has a key of its own, so that one which arrived although the browser never heard of it counts once.

import { Refused, post, reviewer } from "./http.js";

const STORE = `sitewatch-outbox:${reviewer}`;
const SLOWEST_S = 30;

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
    waiting.push({ answer, taken, refused: null });
    keep();
    flush();
  });
}

/** Let go of an answer that the desk refused and that somebody has read about. */
export function dismiss(key) {
  const index = waiting.findIndex((entry) => entry.refused && entry.answer.key === key);
  if (index >= 0) waiting.splice(index, 1);
  keep();
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
        waiting.splice(waiting.indexOf(entry), 1);
        pause = 1;
        trouble = "";
        keep();
        entry.taken?.(result);
      } catch (problem) {
        if (!(problem instanceof Refused)) throw problem;
        if (isFinal(problem.status)) {
          entry.refused = problem.message;
          keep();
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

const next = () => waiting.find((entry) => !entry.refused);

/** Whether sending the same again can only give the same. */
const isFinal = (status) => [400, 403, 404, 409, 413, 422].includes(status);

function keep() {
  try {
    const plain = waiting.map(({ answer, refused }) => ({ answer, refused }));
    localStorage.setItem(STORE, JSON.stringify(plain));
  } catch {
    trouble = "this browser keeps nothing: do not close the page before everything is saved";
  }
  tell();
}

function read() {
  try {
    const found = JSON.parse(localStorage.getItem(STORE) ?? "[]");
    return Array.isArray(found) ? found.filter((entry) => entry?.answer?.key).map((entry) => ({ ...entry })) : [];
  } catch {
    return [];
  }
}

function tell() {
  const state = {
    waiting: waiting.filter((entry) => !entry.refused).length,
    refused: waiting.filter((entry) => entry.refused).map((e) => ({ key: e.answer.key, reason: e.refused, answer: e.answer })),
    trouble,
  };
  for (const listener of listeners) listener(state);
}

addEventListener("online", flush);
addEventListener("beforeunload", (event) => {
  if (waiting.some((entry) => !entry.refused)) event.preventDefault();
});
flush();
