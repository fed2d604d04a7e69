// The strip of other dates of the same place.

export class Film {
  /** `frames` is the strip. */
  constructor(viewer, line, frames) {
    this.viewer = viewer;
    this.line = line;
    this.frames = frames;
    this.dates = [];
    this.at = null; // which one stands in place of after
    this.subject = null;
  }

  /** Back to the pair's own dates: another place is shown. */
  leave() {
    if (this.at !== null) this.reset();
    this.subject = null;
  }

  /** Show the dates of an item's place. */
  async open(item) {
    this.subject = item.subject;
    this.dates = [];
    let dates;
    try {
      ({ dates } = await this.line.film(item));
    } catch {
      return; // the strip stays as it is; the pair itself can be looked at
    }
    if (this.subject !== item.subject) return;
    this.dates = dates;
    this.frames.replaceChildren(...dates.map((date, index) => this.frame(item, date, index)));
  }

  frame(item, date, index) {
    const [col0, row0, col1, row1] = item.focus;
    const side = Math.max(col1 - col0, row1 - row0);
    const query = new URLSearchParams({ col: (col0 + col1) / 2, row: (row0 + row1) / 2, side, px: 72, v: date.version });
    const button = Object.assign(document.createElement("button"), { type: "button" });
    const picture = Object.assign(document.createElement("img"), { alt: "", loading: "lazy" });
    picture.src = `/runs/${encodeURIComponent(item.run)}/crops/${encodeURIComponent(date.key)}/${date.date}.png?${query}`;
    const when = date.role ?? date.acquired?.slice(11, 16) ?? "";
    const role = Object.assign(document.createElement("span"), { className: date.role ? "role" : "", textContent: when });
    button.append(picture, date.acquired ? date.acquired.slice(0, 10) : "no date", role);
    button.setAttribute("aria-pressed", String(this.at === index));
    button.addEventListener("click", () => this.goTo(index));
    return button;
  }

  /** Put a date in place of after, or go back where it is one of the pair's own. */
  goTo(index) {
    const date = this.dates[index];
    if (!date) return;
    this.at = date.role ? null : index;
    this.viewer.setOther("after", date.role ? null : date);
    this.press();
  }

  reset() {
    this.at = null;
    this.viewer.setOther("after", null);
    this.press();
  }

  step(by) {
    if (by === 0) return this.reset();
    const from = this.at ?? this.dates.findIndex((date) => date.role === (by > 0 ? "after" : "before"));
    return this.goTo(from + by);
  }

  press() {
    [...this.frames.children].forEach((button, index) => button.setAttribute("aria-pressed", String(this.at === index)));
  }
}
