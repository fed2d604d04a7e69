// Addresses of tiles, and which of them a view needs: to fetch them before the map asks for them.

const DATED = ["before", "after", "difference"];
const LEAST_RESOLUTION = 1 / 24;
const PADDING = 8;

/** Address of a tile of a layer. `other` is another date in its place; `look` is contrast and bands. */
export function address(run, layer, [z, x, y], { other = null, look = {}, size = "" } = {}) {
  const query = new URLSearchParams({ v: run.version });
  if (DATED.includes(layer)) {
    for (const [name, value] of Object.entries(look)) query.set(name, Array.isArray(value) ? value.join(",") : value);
  }
  if (layer === "detectability" && size) query.set("size", size);
  const place = other ? `dates/${encodeURIComponent(other.key)}/${other.date}` : `tiles/${layer}`;
  return `/runs/${encodeURIComponent(run.key)}/${place}/${z}/${x}/${y}.png?${query}`;
}

/** Addresses of the tiles of some layers that a map of a size in pixels needs to show a part of a run. */
export function addresses(run, layers, [col0, row0, col1, row1], [width, height], asked = {}) {
  const resolution = Math.max(
    (col1 - col0) / (width - 2 * PADDING), (row1 - row0) / (height - 2 * PADDING), LEAST_RESOLUTION,
  );
  const zoom = nearestZoom(run.deepest_zoom, resolution);
  const side = run.tile_px * 2 ** (run.deepest_zoom - zoom);
  const half = [width * resolution / 2, height * resolution / 2];
  const centre = [(col0 + col1) / 2, (row0 + row1) / 2];
  const range = (axis) => [
    Math.max(0, Math.floor((centre[axis] - half[axis]) / side)),
    Math.min(Math.ceil(run.size[axis] / side) - 1, Math.floor((centre[axis] + half[axis]) / side)),
  ];
  const [[x0, x1], [y0, y1]] = [range(0), range(1)];
  const found = [];
  for (let x = x0; x <= x1; x++) {
    for (let y = y0; y <= y1; y++) {
      for (const layer of layers) found.push(address(run, layer, [zoom, x, y], asked));
    }
  }
  return found;
}

/** The zoom whose tiles the map takes at a resolution: the nearest one, as OpenLayers chooses it. */
function nearestZoom(deepest, resolution) {
  for (let zoom = deepest; zoom > 0; zoom--) {
    const [fine, coarse] = [2 ** (deepest - zoom), 2 ** (deepest - zoom + 1)];
    if (resolution < coarse) return resolution <= fine || coarse - resolution >= resolution - fine ? zoom : zoom - 1;
  }
  return 0;
}
