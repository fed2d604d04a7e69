// Tools on the map: measure a length, correct an outline, add a change that was missed.

import { Draw, Feature, Modify, Polygon } from "./vendor/ol.js";
import { drawStyle, toMap, toPixels } from "./outlines.js";

const START_PX = 56;

export class Tools {
  /** `say(text or null)` shows what to do next. */
  constructor(viewer, say) {
    this.viewer = viewer;
    this.say = say;
    this.active = null;
    this.interactions = [];
  }

  /** Leave whatever tool is in use; whether there was one. */
  leave() {
    const was = this.active !== null;
    this.stop();
    this.viewer.drawing.clear();
    this.active = null;
    this.say(null);
    return was;
  }

  measure() {
    if (this.active?.name === "measure") {
      this.leave();
      return;
    }
    this.leave();
    this.active = { name: "measure" };
    this.say("Measure: click along a line, double-click ends it. Esc leaves.");
    this.draw("LineString", (feature) => {
      const words = this.length(feature);
      feature.set("words", words);
      this.say(`Measure: ${words}. Double-click ends it, Esc leaves.`);
    }, () => this.viewer.drawing.clear());
  }

  /** Correct a ring of [column, row]; `save(ring)` is called on Enter. */
  edit(name, ring, words, save) {
    this.leave();
    this.active = { name, save, words };
    this.place(new Feature(new Polygon([ring.map(toMap)])));
    this.say(words);
  }

  /** A square in the middle of the view, to be moved and sized. */
  square() {
    const { view } = this.viewer;
    const half = (START_PX / 2) * view.getResolution();
    const [x, y] = view.getCenter();
    const corners = [[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]];
    return corners.map(([right, down]) => toPixels([x + right * half, y - down * half]));
  }

  /** A key while an outline is edited; whether it was used. */
  key(event) {
    if (!this.active?.save) return false;
    const step = event.shiftKey ? 5 : 1;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (event.key in moves) {
      const [x, y] = moves[event.key];
      this.geometry()?.translate(x * step, y * step);
    } else if (event.key === "+" || event.key === "=" || event.key === "-") {
      this.geometry()?.scale(event.key === "-" ? 1 / 1.1 : 1.1);
    } else if (event.key.toLowerCase() === "d") {
      this.viewer.drawing.clear();
      this.stop();
      this.say("Click the corners; a click on the first one closes the outline. Esc leaves.");
      this.draw("Polygon", null, () => this.viewer.drawing.clear(), (feature) => {
        this.place(feature);
        this.say(this.active.words);
      });
    } else if (event.key === "Enter") {
      const ring = this.geometry()?.getCoordinates()[0].map(toPixels);
      const { save } = this.active;
      if (ring) {
        this.leave();
        save(ring.map(([col, row]) => [Math.round(col * 100) / 100, Math.round(row * 100) / 100]));
      }
    } else {
      return false;
    }
    return true;
  }

  geometry() {
    return this.viewer.drawing.getFeatures()[0]?.getGeometry();
  }

  place(feature) {
    this.stop();
    this.viewer.drawing.clear();
    this.viewer.drawing.addFeature(feature);
    for (const { map } of Object.values(this.viewer.sides)) this.add(map, new Modify({ source: this.viewer.drawing }));
  }

  draw(type, changing, starting, ended) {
    for (const { map } of Object.values(this.viewer.sides)) {
      const drawing = new Draw({ source: this.viewer.drawing, type, style: drawStyle });
      drawing.on("drawstart", (event) => {
        starting();
        if (changing) event.feature.getGeometry().on("change", () => changing(event.feature));
      });
      if (ended) drawing.on("drawend", (event) => setTimeout(() => ended(event.feature)));
      this.add(map, drawing);
    }
  }

  add(map, interaction) {
    map.addInteraction(interaction);
    this.interactions.push([map, interaction]);
  }

  stop() {
    for (const [map, interaction] of this.interactions) map.removeInteraction(interaction);
    this.interactions = [];
  }

  length(feature) {
    const metres = feature.getGeometry().getLength() * this.viewer.run.gsd_m;
    return metres < 1000 ? `${metres.toFixed(1)} m` : `${(metres / 1000).toFixed(3)} km`;
  }
}
