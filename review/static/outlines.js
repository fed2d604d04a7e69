// How changes, zones and drawings look: a letter and a line style besides each colour.

import { CircleStyle, Feature, Fill, LineString, Point, Polygon, Stroke, Style, Text, VectorSource } from "./vendor/ol.js";

export const COLOURS = { appeared: "#56b4e9", vanished: "#f08c00", moved: "#ffd2e6" };
const DASHES = { appeared: undefined, vanished: [9, 6], moved: [14, 5, 3, 5] };
const CHOSEN_PX = 4; // wide, so that the change that is asked about is told from its neighbours at a glance
const OTHERS_PX = 1.3;
const LETTERS = { appeared: "A", vanished: "V", moved: "M" };
const NAME_FONT = "12px system-ui, sans-serif";
const NAME_MARGIN_PX = 6;
const NAMES_BELOW_PX = 40; // the dates stand above
const paper = document.createElement("canvas").getContext("2d");
const FONT = "700 13px system-ui, sans-serif";

/** Pixels (column, row) as map coordinates: rows count downward, maps upward. */
export const toMap = ([col, row]) => [col, -row];

/** The way back. */
export const toPixels = ([x, y]) => [x, -y];

/** Outlines of changes as features; `date` is the one on which something stands there. */
export function changeSource(outlines) {
  const features = outlines.map((outline) => {
    const feature = new Feature(new Polygon([outline.ring.map(toMap)]));
    feature.setProperties(outline, true); // nobody listens yet
    return feature;
  });
  return new VectorSource({ features });
}

/** Zones as features. */
export function zoneSource(zones) {
  const features = zones.flatMap((zone) => zone.paths_px.map((path) => {
    const points = path.map(toMap);
    const feature = new Feature(points.length === 1 ? new Point(points[0]) : new LineString(points));
    feature.setProperties({ name: zone.name }, true);
    return feature;
  }));
  return new VectorSource({ features });
}

/** Style of a change on the map of `date()`: a whole outline where it stands, a thin one on the other date. */
export function changeStyle(date, current) {
  const made = new Map(); // hundreds of changes have a dozen looks, and are asked for with every move of the map
  return (feature) => {
    if (feature.get("replaced")) return null; // somebody drew it anew
    const kind = feature.get("kind");
    const here = date() === null || feature.get("date") === date();
    const chosen = feature.get("change") === current();
    const name = `${kind} ${here} ${chosen}`;
    if (!made.has(name)) made.set(name, outlineStyle(kind, here, chosen));
    return made.get(name);
  };
}

function outlineStyle(kind, here, chosen) {
  const width = (chosen ? CHOSEN_PX : OTHERS_PX) * (here ? 1 : 0.6);
  const casing = chosen ? "rgba(0,0,0,.85)" : "rgba(0,0,0,.5)";
  const line = { color: COLOURS[kind], width, lineDash: here ? DASHES[kind] : [2, 5], lineCap: "butt" };
  const styles = [
    new Style({ stroke: new Stroke({ color: casing, width: width + (chosen ? 3 : 1.4) }), zIndex: chosen ? 2 : 0 }),
    new Style({ stroke: new Stroke(line), zIndex: chosen ? 3 : 1 }),
  ];
  if (here) {
    styles.push(new Style({
      geometry: topOf, zIndex: chosen ? 4 : 1,
      text: new Text({
        text: LETTERS[kind], font: FONT, offsetY: -11, fill: new Fill({ color: COLOURS[kind] }),
        stroke: new Stroke({ color: "#000", width: 3 }),
      }),
    }));
  }
  return styles;
}

function topOf(feature) {
  const [x0, , x1, y1] = feature.getGeometry().getExtent();
  return new Point([(x0 + x1) / 2, y1]);
}

/** Style of a zone on a map that shows `seen()`: {extent, resolution}; its name is moved to be read as a whole. */
export function zoneStyle(seen) {
  return (feature) => {
    const name = feature.get("name");
    const at = nameAt(feature.getGeometry(), name, seen());
    const styles = [
      new Style({ stroke: new Stroke({ color: "rgba(0,0,0,.6)", width: 3 }) }),
      new Style({
        stroke: new Stroke({ color: "#ffffff", width: 1.2, lineDash: [1, 4] }),
        image: new CircleStyle({ radius: 4, stroke: new Stroke({ color: "#fff", width: 1.5 }) }),
      }),
    ];
    const text = { text: name, font: NAME_FONT, fill: new Fill({ color: "#fff" }), stroke: new Stroke({ color: "#000", width: 3 }) };
    if (at) styles.push(new Style({ geometry: new Point(at), text: new Text(text) }));
    return styles;
  };
}

/**
 * Where the name of a zone stands: at the middle of its line, else high up on what is seen of it, but not over the edge;
 * null where none of it is seen.
 */
function nameAt(geometry, name, { extent: [x0, y0, x1, y1], resolution }) {
  const seen = ([x, y]) => x >= x0 && x <= x1 && y >= y0 && y <= y1;
  const middle = geometry.getType() === "Point" ? geometry.getCoordinates() : geometry.getFlatMidpoint();
  const [x, y] = seen(middle) ? middle : geometry.getClosestPoint([(x0 + x1) / 2, y1]);
  if (!seen([x, y])) return null;
  paper.font = NAME_FONT;
  const half = (paper.measureText(name).width / 2 + NAME_MARGIN_PX) * resolution;
  const [up, down] = [(NAMES_BELOW_PX + NAME_MARGIN_PX) * resolution, 2 * NAME_MARGIN_PX * resolution];
  return [Math.max(x0 + half, Math.min(x1 - half, x)), Math.max(y0 + down, Math.min(y1 - up, y))];
}

/** Style of what is being drawn or measured. */
export function drawStyle(feature) {
  const words = feature.get("words");
  const styles = [
    new Style({ stroke: new Stroke({ color: "#000", width: 5 }) }),
    new Style({
      stroke: new Stroke({ color: "#ffd34d", width: 2.5 }), fill: new Fill({ color: "rgba(255,211,77,.10)" }),
      image: new CircleStyle({ radius: 5, fill: new Fill({ color: "#ffd34d" }), stroke: new Stroke({ color: "#000", width: 1 }) }),
    }),
  ];
  if (words) {
    styles.push(new Style({
      geometry: (of) => new Point(of.getGeometry().getLastCoordinate()),
      text: new Text({
        text: words, font: FONT, offsetY: -14, fill: new Fill({ color: "#ffd34d" }),
        stroke: new Stroke({ color: "#000", width: 4 }),
      }),
    }));
  }
  return styles;
}
