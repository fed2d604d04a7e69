// The size of objects that the detectability layer is about.

export class Size {
  /** `form` holds the picker, which is shown with the layer; `brief(text)` says something for a moment. */
  constructor(viewer, form, brief) {
    this.viewer = viewer;
    this.form = form;
    this.select = form.querySelector("select");
    this.brief = brief;
    this.clicked = false;
    this.select.addEventListener("pointerdown", () => { this.clicked = true; });
    this.select.addEventListener("keydown", () => { this.clicked = false; });
    this.select.addEventListener("change", () => {
      this.take(this.select.value);
      if (this.clicked) this.select.blur(); // the next key is one of the page again
    });
  }

  get sizes() {
    return this.viewer.run.detectability?.sizes ?? [];
  }

  /** Another run is shown, with sizes of its own: the one that was chosen stays where it has it. */
  reset() {
    const usual = new Option("the smallest found", "");
    this.select.replaceChildren(usual, ...this.sizes.map(({ name, words }) => new Option(words, name)));
    this.select.value = this.viewer.size;
  }

  show() {
    this.form.hidden = !this.viewer.shown.detectability || this.sizes.length === 0;
  }

  /** The next one; the layer comes on where it was off. */
  next() {
    if (this.sizes.length === 0) {
      this.brief("Nothing is known of what would have been found here.");
      return;
    }
    if (!this.viewer.shown.detectability) this.viewer.toggle("detectability");
    const names = ["", ...this.sizes.map(({ name }) => name)];
    this.take(names[(names.indexOf(this.viewer.size) + 1) % names.length]);
  }

  take(name) {
    this.viewer.setSize(name);
    this.select.value = name;
  }
}
