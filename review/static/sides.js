// The two maps of the compare page: their layers, the swipe between dates, the mark that follows the mouse.

import { OlMap, TileLayer, VectorLayer, defaultInteractions, getRenderPixel } from "./vendor/ol.js";
import { changeStyle, drawStyle, zoneStyle } from "./outlines.js";

/** A map in an element: its layers from below to above, with the styles of what `viewer` looks at. */
export function makeSide(viewer, target, date) {
  const layer = (zIndex) => new TileLayer({ zIndex, preload: 0, cacheSize: 512 });
  const vector = (style, zIndex, declutter = false) => new VectorLayer({ zIndex, style, declutter, updateWhileInteracting: true });
  const seen = () => ({ extent: viewer.view.calculateExtent(map.getSize()), resolution: viewer.view.getResolution() });
  const layers = {
    before: layer(0), after: layer(1), difference: layer(2), detectability: layer(3), evidence: layer(4), validity: layer(5),
    zones: vector(zoneStyle(seen), 6, true), outlines: vector(changeStyle(date, () => viewer.current), 7), drawing: vector(drawStyle, 8),
  };
  layers.drawing.setSource(viewer.drawing);
  const map = new OlMap({
    target, layers: Object.values(layers), controls: [],
    interactions: defaultInteractions({ altShiftDragRotate: false, pinchRotate: false, keyboard: false, doubleClickZoom: false }),
  });
  map.on("moveend", () => layers.zones.getVisible() && layers.zones.changed()); // names stand where they can be read
  return { map, layers };
}

/** In swipe mode *after* is drawn right of the handle alone. */
export function clipSwipe(viewer, { map, layers: { after } }) {
  after.on("prerender", (event) => {
    const { context } = event;
    context.save();
    if (viewer.mode !== "swipe") return;
    const [width, height] = map.getSize();
    const x = width * (viewer.flipped ? 1 - viewer.swipe : viewer.swipe);
    const corners = [[x, 0], [width, 0], [width, height], [x, height]].map((corner) => getRenderPixel(event, corner));
    context.beginPath();
    corners.forEach(([px, py], index) => (index ? context.lineTo(px, py) : context.moveTo(px, py)));
    context.closePath();
    context.clip();
  });
  after.on("postrender", (event) => event.context.restore());
}

/** The handle is dragged, or moved by arrow keys while it has the focus. */
export function moveSwipe(viewer, { handle, maps }) {
  const drag = (event) => {
    const box = maps.getBoundingClientRect();
    viewer.setSwipe((event.clientX - box.left) / box.width);
  };
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    handle.addEventListener("pointermove", drag);
  });
  handle.addEventListener("pointerup", () => handle.removeEventListener("pointermove", drag));
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || viewer.mode !== "swipe") return;
    viewer.step(step);
    event.stopPropagation();
    event.preventDefault();
  });
}

/** The same place on the other date, while the mouse moves over one of them. */
export function crossOver(viewer, elements, sides) {
  for (const [name, other] of [["left", "right"], ["right", "left"]]) {
    const mark = elements[other].querySelector(".cross");
    sides[name].map.on("pointermove", (event) => {
      const place = viewer.mode === "side" ? sides[other].map.getPixelFromCoordinate(event.coordinate) : null;
      mark.hidden = place === null;
      if (place) [mark.style.left, mark.style.top] = place.map((value) => `${value}px`);
    });
    elements[name].addEventListener("pointerleave", () => { mark.hidden = true; });
  }
}
