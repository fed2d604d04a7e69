// The order in which items come: the queue as it was filtered, fetched ahead so that the next one is there at once.

import { get, role } from "./http.js";

const AHEAD = 2;
const BATCH = 20;
const PICTURES_KEPT = 200;
const RECOUNT_MS = 120; // answers that follow each other quickly are counted once

export class Line {
  /** `needed(entry)` gives the addresses of the pictures that the first view of an item needs. */
  constructor(needed) {
    this.needed = needed;
    this.items = new Map(); // subject -> promise of an item
    this.runs = new Map(); // key and version -> promise of a run
    this.films = new Map();
    this.visited = [];
    this.ahead = [];
    this.pictures = new Map();
    this.filters = new URLSearchParams(location.search);
    this.filters.delete("subject");
    this.settles = role === "lead" && this.filters.get("needs") === "settle"; // anybody else answers again
    this.waits = !this.filters.has("show") && this.filters.get("what") !== "unseen";
    this.left = null;
    this.filled = null;
  }

  begin({ item, run }) {
    this.items.set(item.subject, Promise.resolve(item));
    this.runs.set(run.key, Promise.resolve(run));
    this.visited.push(item.subject);
    this.subject = item.subject;
  }

  /** What comes next is known. */
  ready() {
    this.filled ??= this.fill(this.subject);
    return this.filled;
  }

  /** What is left to do, in words. */
  words() {
    if (this.left === null) return "";
    if (this.filters.get("needs") === "settle") return `${this.left} disputed`;
    return this.waits ? `${this.left} waiting` : `${this.left} in this view`;
  }

  address(subject) {
    const query = new URLSearchParams(this.filters);
    query.set("subject", subject);
    return `/review?${query}`;
  }

  queue() {
    return `/?${this.filters}`;
  }

  /** An item with its run. */
  async at(subject) {
    const item = await this.item(subject);
    return { item, run: await this.run(item) };
  }

  async next(subject) {
    await this.ready();
    if (this.ahead.length === 0) this.filled = this.fill(subject);
    await this.filled;
    const next = this.ahead.shift();
    if (next === undefined) return null;
    this.visited.push(next);
    this.subject = next;
    return this.at(next);
  }

  async back() {
    if (this.visited.length < 2) return null;
    this.ahead.unshift(this.visited.pop());
    this.subject = this.visited.at(-1);
    return this.at(this.subject);
  }

  /** Go to any subject; what lies between it and what is on the screen comes next, or was visited. */
  async goTo(subject) {
    const [behind, before] = [this.visited.lastIndexOf(subject), this.ahead.indexOf(subject)];
    if (behind >= 0) {
      this.ahead.unshift(...this.visited.splice(behind + 1));
    } else if (before >= 0) {
      this.visited.push(...this.ahead.splice(0, before + 1));
    } else {
      this.ahead.unshift(this.visited.pop());
      this.visited.push(subject);
    }
    this.subject = subject;
    return this.at(subject);
  }

  /** Something was said about it: look at it anew next time. */
  forget(subject) {
    this.items.delete(subject);
  }

  /** Ask how many are left, after answers were taken. */
  recount() {
    clearTimeout(this.counting);
    this.counting = setTimeout(async () => {
      const query = new URLSearchParams(this.filters);
      query.set("limit", "1");
      try {
        this.tell((await get(`/api/queue?${query}`)).total);
      } catch {
        // the number stays; it is asked for again after the next answer
      }
    }, RECOUNT_MS);
  }

  tell(left) {
    this.left = left;
    document.querySelector("#left-count").textContent = this.words();
  }

  /** Fetch what comes next, with the tiles that its first view needs. */
  async prefetch() {
    await this.ready();
    if (this.ahead.length < AHEAD) this.filled = this.fill(this.ahead.at(-1) ?? this.subject);
    await this.filled;
    for (const subject of this.ahead.slice(0, AHEAD)) {
      const entry = await this.at(subject);
      for (const address of this.needed(entry)) this.picture(address);
      this.film(entry.item);
    }
  }

  /** Have a picture fetched; a few hundred stay decoded. */
  picture(address) {
    if (this.pictures.has(address)) return;
    const picture = new Image();
    picture.src = address;
    this.pictures.set(address, picture);
    if (this.pictures.size > PICTURES_KEPT) this.pictures.delete(this.pictures.keys().next().value);
  }

  /** Other dates of the place of an item. */
  film(item) {
    if (!this.films.has(item.subject)) {
      const [col0, row0, col1, row1] = item.focus;
      const place = new URLSearchParams({ col: (col0 + col1) / 2, row: (row0 + row1) / 2 });
      this.films.set(item.subject, get(`/api/runs/${encodeURIComponent(item.run)}/dates?${place}`));
    }
    return this.films.get(item.subject);
  }

  async fill(from) {
    const query = new URLSearchParams(this.filters);
    query.set("from", from);
    query.set("limit", String(BATCH));
    const found = await get(`/api/queue?${query}`);
    this.tell(found.total);
    const known = new Set([...this.visited, ...this.ahead]);
    this.ahead.push(...found.subjects.filter((subject) => !known.has(subject)));
  }

  item(subject) {
    if (!this.items.has(subject)) {
      const asked = get(`/api/items?${new URLSearchParams({ subject })}`);
      asked.catch(() => this.items.delete(subject));
      this.items.set(subject, asked);
    }
    return this.items.get(subject);
  }

  run(item) {
    if (!this.runs.has(item.run)) this.runs.set(item.run, get(`/api/runs/${encodeURIComponent(item.run)}`));
    return this.runs.get(item.run);
  }
}
