// What a person says of the item on the screen: sent at once, kept until it has arrived, taken back by one key.

import { choose, write } from "./dialogs.js";
import { get, role } from "./http.js";
import { newKey, pending, send } from "./outbox.js";
import { askAboutPlace } from "./suppressing.js";

const REASONS = ["cloud", "shadow", "misregistration", "tide_or_waves", "seasonal", "known_object", "bad_imagery", "not_of_interest"];
const SEEN_ON_MAPS = ["missed", "outline", "undo"];
const words = (name) => name.replaceAll("_", " ");
const reasons = () => REASONS.map((value) => ({ value, words: words(value) }));

export const mayDecide = role !== "read-only";

export class Answers {
  /**
   * `page` has what is looked at: {item, viewer, line, tools, advance}, and what follows from an answer: goNext(),
   * goTo(subject), showGiven(words), heard(item), askDrawn(), brief(words).
   */
  constructor(page) {
    this.page = page;
    this.given = standing(pending()); // own answers of this visit, for undo: {key, subject, shows}
  }

  get item() {
    return this.page.item;
  }

  /**
   * Send an answer about this item; the page does not wait for it. `shows` is the subject whose marks it may change:
   * the desk tells how that one stands after.
   */
  send(act, body, { subject = this.item.subject, run = null, thenNext = false, shows = null } = {}) {
    const { line, viewer, advance } = this.page;
    const key = newKey();
    this.given.push({ key, subject, shows });
    const goesOn = thenNext && advance;
    const more = shows === null ? {} : { shows };
    send({ key, act, subject, run, body, run_key: viewer.run.key, show: !goesOn, ...more }).then((told) => this.heard(told, act));
    line.forget(subject);
    if (shows !== null) line.forget(shows);
    if (goesOn) this.page.goNext();
  }

  /** What the desk made of an answer. */
  heard({ item }, act) {
    this.page.line.recount();
    if (SEEN_ON_MAPS.includes(act)) this.page.askDrawn();
    if (item) this.page.heard(item);
  }

  decide(verdict, reason = null) {
    if (!mayDecide || !this.item.decidable) return;
    this.page.showGiven(`You: ${words(verdict)}${reason ? `, ${words(reason)}` : ""}`);
    const settles = this.page.line.settles ? { settles: true } : {};
    this.send("verdict", { verdict, ...(reason ? { reason } : {}), ...settles }, { thenNext: true });
  }

  async reject() {
    const { item } = this;
    if (!mayDecide || item.is_tile) return;
    const reason = await choose("Rejected: why?", reasons());
    if (reason && this.isOn(item)) this.decide("rejected", reason);
  }

  async relabel() {
    const { item } = this;
    if (!mayDecide || item.is_tile) return;
    const chosen = await this.label("What is it?", item.label);
    if (chosen && this.isOn(item)) this.send("relabel", { label: chosen });
  }

  label(title, current = null) {
    const options = this.page.viewer.run.labels.map((value) => ({ value, words: value }));
    return choose(title, options, { other: "another label", current });
  }

  outline() {
    const { item, page } = this;
    if (!mayDecide || item.is_tile || !item.ring) return;
    const help = "Outline: drag its corners, arrows nudge it (Shift: five pixels), + and − size it, D draws anew. Enter saves, Esc leaves.";
    page.tools.edit("outline", item.ring, help, (ring) => {
      this.item.ring = ring;
      this.send("outline", { outline_px: ring });
      page.brief("Outline sent.");
    });
  }

  missed() {
    if (!mayDecide) return;
    const { tools } = this.page;
    const help = "A missed change: put the outline on it. Arrows move it, + and − size it, corners can be dragged, D draws it. Enter goes on.";
    tools.edit("missed", tools.square(), help, (ring) => this.add(ring));
  }

  async add(ring) {
    const kind = await choose("What happened there?", [
      { value: "appeared", words: "appeared: it stands there after" }, { value: "vanished", words: "vanished: it stood there before" },
    ]);
    const label = kind && await this.label("What is it?");
    if (!label) return;
    const { item, page } = this;
    this.send("missed", { outline_px: ring, kind, label }, { subject: null, run: page.viewer.run.name });
    if (item.is_tile && item.decidable) this.send("verdict", { verdict: "missed" });
    page.brief("Missed change sent.");
  }

  async note() {
    const { item } = this;
    if (!mayDecide) return;
    const text = await write("Note", { longest: 4000 });
    if (text && this.isOn(item)) this.send("note", { text });
  }

  second() {
    if (mayDecide && !this.item.is_tile) this.send("assign_second", { rule: "asked for at the desk" });
  }

  /** Whether what comes up again at this place is shown, and how long it is not. */
  async place() {
    const { item } = this;
    if (!mayDecide || !item.place) return;
    const answer = await askAboutPlace(item.place, reasons());
    if (!answer || !this.isOn(item)) return;
    this.send(answer.act, answer.body, { subject: item.place.subject, shows: item.subject });
    this.page.brief(answer.words);
  }

  /** Take the last answer back: of this visit, or what the desk knows of the last hours. */
  async undo() {
    if (!mayDecide) return;
    const own = this.given.pop();
    const last = own ? { ...own, body: { event_key: own.key } } : await this.lastTaken();
    if (!last) return;
    const { page } = this;
    const { subject, shows, body } = last;
    const run_key = page.viewer.run.key;
    const more = shows === null ? {} : { shows };
    send({ key: newKey(), act: "undo", subject, run: null, body, run_key, ...more }).then((told) => this.heard(told, "undo"));
    for (const one of [subject, shows]) page.line.forget(one);
    const there = shows ?? subject;
    if (there && there !== this.item.subject) await page.goTo(there);
    page.showGiven("Taken back");
  }

  /** The last own answer that the desk knows, for a page that was loaded since. */
  async lastTaken() {
    try {
      const { event, subject, act } = await get("/api/answers/last");
      const marks = act === "suppress" || act === "unsuppress";
      if (event !== null) return { subject, shows: marks ? this.item.subject : null, body: { event } };
      this.page.brief("There is no answer of yours to take back.");
    } catch (problem) {
      this.page.brief(`Your last answer is not known: ${problem.message}.`);
    }
    return null;
  }

  /** Whether an item is still the one on the screen: a dialog was open meanwhile. */
  isOn({ subject }) {
    return this.item.subject === subject;
  }
}

/** Answers that no other one takes back. */
function standing(answers) {
  const undone = new Set(answers.filter(({ act }) => act === "undo").map(({ body }) => body.event_key));
  return answers
    .filter(({ act, key }) => act !== "undo" && !undone.has(key))
    .map(({ key, subject, shows = null }) => ({ key, subject, shows }));
}
