// Both dates under one view: side by side, swipe, blink, fade, difference. One zoom, one contrast.

import { Projection, TileGrid, TileImage, VectorSource, View } from "./vendor/ol.js";
import { changeSource, zoneSource } from "./outlines.js";
import { clipSwipe, crossOver, makeSide, moveSwipe } from "./sides.js";
import { address, addresses } from "./tiles.js";

export const MODES = ["side", "swipe", "blink", "fade", "difference"];
const OVERLAYS = ["evidence", "detectability", "validity"];
const BLINK_HZ = [0.5, 1, 1.5, 2, 3];
const LONGEST_WAIT_MS = 2000;
const DATES = ["before", "after"];

export class Viewer {
  /** `elements`: {maps, left, right, handle}; `told()` is called whenever something changes that is shown elsewhere. */
  constructor(elements, told) {
    this.elements = elements;
    this.told = told;
    this.mode = "side";
    this.swipe = 0.5;
    this.fade = 0.5;
    this.blink = 1;
    this.blinking = "before";
    this.flipped = false;
    this.smooth = false;
    this.shown = { outlines: true, zones: false, evidence: false, detectability: false, validity: false };
    this.current = null;
    this.other = { before: null, after: null };
    this.look = {};
    this.size = ""; // of the object that the detectability layer is about; "": the smallest that would have been found
    this.run = null;
    this.view = null;
    this.drawing = new VectorSource();
    this.sides = {
      left: makeSide(this, elements.left, () => this.leftDate()), right: makeSide(this, elements.right, () => "after"),
    };
    this.ticking = null;
    this.waiting = [];
    for (const [name, { map }] of Object.entries(this.sides)) map.on("rendercomplete", () => this.rendered(name));
    clipSwipe(this, this.sides.left);
    moveSwipe(this, elements);
    crossOver(this, elements, this.sides);
  }

  /** Show a run, as `/api/runs/<key>` describes it; whether it was another one. */
  open(run) {
    if (this.run?.key === run.key && this.run?.version === run.version) return false;
    this.run = run;
    this.other = { before: null, after: null };
    this.look = {};
    this.size = this.sizeFor(run);
    const [cols, rows] = run.size;
    const extent = [0, -rows, cols, 0];
    this.projection = new Projection({ code: `pixels-${run.key}`, units: "pixels", extent });
    const zooms = Array.from({ length: run.deepest_zoom + 1 }, (_, z) => 2 ** (run.deepest_zoom - z));
    this.grid = new TileGrid({ extent, origin: [0, 0], resolutions: zooms, tileSize: run.tile_px });
    const margin = Math.max(cols, rows) / 2;
    this.view = new View({
      projection: this.projection, center: [cols / 2, -rows / 2], resolution: Math.max(cols, rows) / 700,
      extent: [-margin, -rows - margin, cols + margin, margin], minResolution: 1 / 24, maxResolution: Math.max(cols, rows) / 200,
      enableRotation: false, smoothExtentConstraint: false, constrainOnlyCenter: true,
    });
    this.view.on(["change:resolution", "change:center"], () => this.redraw());
    const [changes, zones] = [changeSource(run.outlines), zoneSource(run.zones)];
    for (const { map, layers } of Object.values(this.sides)) {
      map.setView(this.view);
      layers.outlines.setSource(changes);
      layers.zones.setSource(zones);
    }
    this.sources();
    return true;
  }

  /** Go to a part of the grid: [col0, row0, col1, row1]. */
  fit([col0, row0, col1, row1]) {
    for (const { map } of Object.values(this.sides)) map.updateSize();
    this.view.fit([col0, -row1, col1, -row0], { size: this.sides.left.map.getSize(), padding: [8, 8, 8, 8] });
  }

  /** Addresses of the tiles that the present mode, layers and look would need of a part of a run. */
  addresses(run, area) {
    const shown = [...(this.mode === "difference" ? ["difference"] : DATES), ...OVERLAYS.filter((name) => this.shown[name])];
    const look = run.key === this.run.key ? this.look : {}; // another run begins with its own
    return addresses(run, shown, area, this.sides.left.map.getSize(), { look, size: this.sizeFor(run) });
  }

  /** The chosen size of objects, where a run knows of it. */
  sizeFor(run) {
    return run.detectability?.sizes.some(({ name }) => name === this.size) ? this.size : "";
  }

  source(layer, other = null) {
    const { run, look, size } = this;
    return new TileImage({
      projection: this.projection, tileGrid: this.grid, interpolate: this.smooth, transition: 0, wrapX: false,
      tileUrlFunction: (coordinate) => coordinate && address(run, layer, coordinate, { other, look, size }),
    });
  }

  /** Make the sources anew: another run, another contrast, another date. */
  sources() {
    const shared = {
      before: this.source("before", this.other.before), after: this.source("after", this.other.after),
      difference: this.source("difference"),
    };
    for (const name of OVERLAYS) shared[name] = this.source(name);
    for (const { layers } of Object.values(this.sides)) {
      for (const [name, source] of Object.entries(shared)) layers[name].setSource(source);
    }
    this.arrange();
  }

  setMode(mode) {
    this.mode = mode;
    this.blinking = "before";
    this.arrange();
    for (const { map } of Object.values(this.sides)) map.updateSize();
  }

  setLook(look) {
    this.look = look;
    this.sources();
  }

  setSize(size) {
    if (size === this.size) return;
    this.size = size;
    this.sources();
  }

  setOther(date, other) {
    this.other = { before: null, after: null, [date]: other };
    this.sources();
  }

  /** What is looked at: the change whose outline stands out, and a name for it. */
  setCurrent(change, subject) {
    this.current = change;
    this.subject = subject;
    for (const { layers } of Object.values(this.sides)) layers.outlines.changed();
    this.redraw();
  }

  /** Outlines that people drew: of changes that the run lacks, or in place of its own. */
  setExtra(outlines) {
    const drawn = JSON.stringify(outlines);
    const source = this.sides.left.layers.outlines.getSource(); // both maps share it
    if (drawn === source.get("drawn")) return;
    source.set("drawn", drawn);
    const places = new Set(outlines.map(({ change, date }) => `${change} ${date}`));
    for (const feature of source.getFeatures()) {
      if (feature.get("extra")) source.removeFeature(feature);
      else feature.set("replaced", places.has(`${feature.get("change")} ${feature.get("date")}`));
    }
    source.addFeatures(changeSource(outlines.map((outline) => ({ ...outline, extra: true }))).getFeatures());
    this.redraw();
  }

  toggle(layer) {
    this.shown[layer] = !this.shown[layer];
    this.arrange();
  }

  setSmooth(smooth) {
    this.smooth = smooth;
    this.sources();
  }

  /** Show the other date for as long as it is held. */
  flip(held) {
    if (this.flipped === held) return;
    this.flipped = held;
    this.arrange();
  }

  /** The [ and ] keys. */
  step(sign) {
    if (this.mode === "swipe") this.setSwipe(this.swipe + sign * 0.05);
    if (this.mode === "fade") this.fade = Math.min(1, Math.max(0, this.fade + sign * 0.1));
    if (this.mode === "blink") {
      const index = BLINK_HZ.indexOf(this.blink) + sign;
      this.blink = BLINK_HZ[Math.min(BLINK_HZ.length - 1, Math.max(0, index))];
    }
    this.arrange();
  }

  /** Where before ends and after begins, as a share of the width. */
  setSwipe(share) {
    this.swipe = Math.min(1, Math.max(0, share));
    this.arrange();
  }

  zoom(steps) {
    this.view.setResolution(this.view.getConstrainedResolution(this.view.getResolution() / 1.5 ** steps));
  }

  pan([right, down]) {
    const [x, y] = this.view.getCenter();
    const step = this.view.getResolution() * 80;
    this.view.setCenter([x + right * step, y - down * step]);
  }

  /** Which date the left map shows, as far as outlines go; null: both. */
  leftDate() {
    if (this.mode === "side") return this.flipped ? "after" : "before";
    if (this.mode === "blink") return this.flipped ? (this.blinking === "before" ? "after" : "before") : this.blinking;
    return null;
  }

  /** Layers as mode, overlays and dates want them. */
  arrange() {
    const { left, right } = this.sides;
    const { mode, flipped } = this;
    this.elements.maps.dataset.mode = mode;
    this.elements.right.hidden = mode !== "side";
    this.elements.handle.hidden = mode !== "swipe";
    this.elements.handle.style.left = `${this.swipe * 100}%`;
    this.elements.handle.setAttribute("aria-valuenow", String(Math.round(this.swipe * 100)));
    const date = this.leftDate();
    left.layers.before.setVisible(mode !== "difference");
    left.layers.difference.setVisible(mode === "difference");
    left.layers.after.setVisible(mode !== "difference" && (mode !== "side" || flipped));
    left.layers.after.setOpacity(mode === "fade" ? (flipped ? 1 - this.fade : this.fade) : mode === "blink" ? Number(date === "after") : 1);
    right.layers.before.setVisible(flipped);
    right.layers.after.setVisible(!flipped);
    right.layers.difference.setVisible(false);
    for (const { layers } of [left, right]) {
      for (const name of ["outlines", "zones", ...OVERLAYS]) layers[name].setVisible(this.shown[name]);
      layers.outlines.changed();
      layers.after.changed();
    }
    this.tick();
    this.redraw();
  }

  /** Resolves once all of a change is on the screen, or after a while: what else is fetched does not delay it. */
  whenShown() {
    return new Promise((shown) => {
      this.waiting.push(shown);
      setTimeout(shown, LONGEST_WAIT_MS);
      this.tellShown();
    });
  }

  /** All that one side wants to show is on the screen. */
  rendered(name) {
    Object.assign(this.elements[name].dataset, { rendered: "yes", shown: this.subject ?? "" });
    this.tellShown();
  }

  tellShown() {
    const sides = ["left", "right"].map((name) => this.elements[name]).filter((element) => !element.hidden);
    if (sides.every(({ dataset }) => dataset.rendered === "yes" && dataset.shown === this.subject)) {
      this.waiting.splice(0).forEach((shown) => shown());
    }
  }

  /** Something is to be shown differently; `data-rendered` says when all of it is on the screen. */
  redraw() {
    for (const name of ["left", "right"]) {
      this.elements[name].dataset.rendered = "no";
      this.sides[name].map.render();
    }
    this.told();
  }

  tick() {
    clearInterval(this.ticking);
    this.ticking = null;
    if (this.mode !== "blink") return;
    this.ticking = setInterval(() => {
      this.blinking = this.blinking === "before" ? "after" : "before";
      const date = this.leftDate();
      this.sides.left.layers.after.setOpacity(Number(date === "after"));
      this.sides.left.layers.outlines.changed();
      this.told();
    }, 500 / this.blink);
  }
}
