// Contrast and bands: one setting for both dates, for as long as changes of one run are looked at.

const NAMES = ["low", "high", "gamma"];
const WAIT_MS = 120; // a slider that is moved asks for pictures when it rests

export class Look {
  /** `form` holds the sliders, `button` opens it; `brief(text)` says something for a moment. */
  constructor(viewer, form, button, brief) {
    this.viewer = viewer;
    this.form = form;
    this.button = button;
    this.brief = brief;
    this.timer = null;
    form.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.take(), WAIT_MS);
    });
  }

  get isOpen() {
    return !this.form.hidden;
  }

  /** Another run is shown, with a contrast and bands of its own. */
  reset() {
    clearTimeout(this.timer);
    this.fill();
  }

  toggle() {
    this.form.hidden = !this.form.hidden;
    this.button.setAttribute("aria-pressed", String(this.isOpen));
    this.fill();
    if (this.isOpen) this.form.elements.low.focus();
  }

  /** The contrast as the run has it. */
  usual() {
    const { bands } = this.viewer.look;
    this.viewer.setLook(bands ? { bands } : {});
    this.reset();
  }

  nextBands() {
    const { sets } = this.viewer.run.bands;
    const { bands, ...contrast } = this.viewer.look;
    const at = bands ? sets.findIndex((set, index) => index > 0 && String(set.bands) === String(bands)) : 0;
    const next = (at + 1) % sets.length;
    this.viewer.setLook(next === 0 ? contrast : { ...contrast, bands: sets[next].bands });
    this.brief(sets.length === 1 ? "These images have no other bands." : `Bands: ${sets[next].name}`);
  }

  take() {
    const { stretch } = this.viewer.run;
    const [low, white, gamma] = NAMES.map((name) => Number(this.form.elements[name].value));
    const high = Math.max(white, low + (stretch.most - stretch.least) / 1000);
    this.viewer.setLook({ ...this.viewer.look, low, high, gamma });
    this.tell();
  }

  fill() {
    const { viewer, form } = this;
    const { stretch } = viewer.run;
    for (const name of ["low", "high"]) {
      Object.assign(form.elements[name], { min: stretch.least, max: stretch.most, step: (stretch.most - stretch.least) / 400 });
    }
    for (const name of NAMES) form.elements[name].value = viewer.look[name] ?? stretch[name];
    this.tell();
  }

  tell() {
    for (const name of NAMES) {
      this.form.querySelector(`output[name="${name}-shown"]`).value = Number(this.form.elements[name].value).toPrecision(3);
    }
  }
}
