"""Ship-like objects put into Sentinel-2 scenes, of which a second date is made."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rasterio
from numpy.typing import NDArray
from skimage.filters import threshold_otsu

from benchmarks.implant_cases import Placed, write_labels
from benchmarks.sen2ships import BANDS, GSD_M, PortScene
from imagery.implants.cut import MARGIN_PX, cut_by_surroundings, set_down_cut
from imagery.implants.drawn import drawn
from imagery.implants.ground import noise_sigma
from imagery.implants.place import free_ground, scattered
from imagery.implants.second_date import two_dates
from imagery.raster import BoolArray, FloatArray
from imagery.simulate.thing import Part, Thing, points

PSF_PX = 0.6
"""Standard deviation of the blur of 10 m pixels: a modulation of about 0.17 at their Nyquist frequency."""

SHIFT_PX = 0.15
"""Measured between adjacent orbits of Sentinel-2 (same orbit .09)."""

CONTRAST = (0.05, 0.3)
LENGTHS_M = (20.0, 30.0, 50.0, 80.0, 120.0, 180.0)
APART_PX, BERTH_PX = 12.0, (3.0, 5.0)
CUT_SHARE = 0.25
BERTH_SHARE = 0.4
_DN = 10000.0
_LARGEST_CUT_PX = 40


def ship_case(scene: PortScene, out: Path, *, count: int, seed: int, shift_px: float = SHIFT_PX) -> Path:
    """Write one case; the same arguments give the same bytes.

    Both dates are the same image under a known sub-pixel shift, gain and offset, with independent noise of the level
    measured on its water: easier than two real dates, between which waves, tides, haze and real ships change.

    Parameters
    ----------
    scene : PortScene
        Its real ships stand on both dates and are not labelled: a claim there is a false alarm.
    out : Path
        Folder of cases.
    count : int
        Objects asked for; fewer where there is no room.
    seed : int
    shift_px : float
        Size of the shift; its direction is drawn.
    """
    rng = np.random.default_rng([seed, *scene.name.encode()])
    image = np.ascontiguousarray(np.moveaxis(scene.reflectance, 0, -1))
    known = np.isfinite(image).all(axis=2)
    image = np.where(known[..., None], image, 0).astype(np.float32)
    water = water_of(image, known)
    noise = noise_sigma(image, water)
    turn = rng.uniform(0, 2 * np.pi)
    shift = float(shift_px * np.cos(turn)), float(shift_px * np.sin(turn))
    gain, offset = float(rng.uniform(0.95, 1.05)), float(rng.uniform(-0.005, 0.005))
    before, after = two_dates(image, shift_px=shift, gain=gain, offset=offset, noise=noise, rng=rng)
    dates = {"before": before, "after": after}
    placed = _put_in(dates, scene, image, water & known, count=count, shift=shift, noise=noise, rng=rng)
    folder = out / f"implant_s2_{scene.name}_{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    for date, pixels in dates.items():
        _write(folder / f"{date}.tif", pixels, known, scene)
    write_labels(
        folder, placed, klass="ship", scale=1.0, dont_care=[], ignore=_outside(known),
        meta={
            "width": image.shape[1], "height": image.shape[0], "gsd": GSD_M, "component": scene.name,
            "H_before_to_after": [[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1]], "seed": seed,
            "gain": gain, "offset": offset, "noise": [round(float(n), 5) for n in noise], "psf_px": PSF_PX,
            "note": "second date made of the first: easier than a real one",
        },
    )  # fmt: skip
    return folder


def water_of(image: FloatArray, known: BoolArray) -> BoolArray:
    """Water by Otsu's threshold on near infrared, small dark spots on land left out, bool (row, col)."""
    nir = np.clip(image[..., list(BANDS).index("nir")], 0, 0.4)
    water = ((nir < threshold_otsu(nir[known])) & known).astype(np.uint8)
    water = cv2.morphologyEx(water, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(water)
    large = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] > 2000]
    return np.asarray(np.isin(labels, large), np.bool_)


def hull(length_m: float, width_m: float) -> Thing:
    """A flat hull with a pointed bow; a square where it is as wide as long."""
    a, b = length_m / 2, width_m / 2
    bow = a - min(width_m, 0.25 * length_m) if length_m > 1.5 * width_m else a
    outline = points((-a, -b), (bow, -b), (a, 0.0), (bow, b), (-a, b))
    part = Part(outline=outline, base_m=0.0, top_m=10.0, colour=(0, 0, 0, 0))
    return Thing(name="hull", category="ship", length_m=length_m, width_m=width_m, parts=(part,))


def _put_in(
    dates: dict[str, FloatArray],
    scene: PortScene,
    image: FloatArray,
    water: BoolArray,
    *,
    count: int,
    shift: tuple[float, float],
    noise: NDArray[np.float64],
    rng: np.random.Generator,
) -> list[Placed]:
    room = free_ground(water.shape, [tuple(map(float, box)) for box in scene.ships], margin_px=8.0)
    to_land = cv2.distanceTransform(water.astype(np.uint8), cv2.DIST_L2, 5)
    berths = round(BERTH_SHARE * count)
    near = scattered(
        room & (to_land >= BERTH_PX[0]) & (to_land <= BERTH_PX[1]), berths, apart_px=APART_PX, rng=rng
    )
    open_water = room & (to_land > 14)
    for col, row in near:
        open_water[max(0, row - 24) : row + 25, max(0, col - 24) : col + 25] = False
    far = scattered(open_water, count - len(near), apart_px=2 * APART_PX, rng=rng)
    cuts = _cuts(image, scene)
    placed = []
    for (col, row), berth in [*((p, True) for p in near), *((p, False) for p in far)]:
        kind = "appeared" if rng.random() < 0.5 else "vanished"
        date = "after" if kind == "appeared" else "before"
        offset = shift if date == "after" else (0.0, 0.0)
        if cuts and not berth and rng.random() < CUT_SHARE:
            change, alpha, size = cuts[int(rng.integers(len(cuts)))]
            implant = set_down_cut(
                change, alpha, at_px=(int(col), int(row)), size_px=size, gain=1.0, tight=True
            )
            implant.facts["length_m"] = round(GSD_M * max(np.subtract(implant.box[2:], implant.box[:2])), 1)
        else:
            at = (float(col) + float(rng.random()) + offset[0], float(row) + float(rng.random()) + offset[1])
            implant = _hull_at(dates[date], at, berth=berth, noise=noise, rng=rng)
        implant.facts["place"] = "near land" if berth else "open water"
        implant.put_into(dates[date])
        placed.append(Placed(kind=kind, implant=implant, moved_px=(-offset[0], -offset[1])))
    return placed


def _hull_at(
    image: FloatArray,
    at: tuple[float, float],
    *,
    berth: bool,
    noise: NDArray[np.float64],
    rng: np.random.Generator,
) -> Any:
    # Near land only what fits between shore and the next pixels of it.
    length_m = float(rng.choice(LENGTHS_M[:2] if berth else LENGTHS_M))
    width_m = max(20.0, length_m / 6)
    contrast = float(np.exp(rng.uniform(*np.log(CONTRAST))))
    col, row = round(at[0]), round(at[1])
    ground = np.median(image[max(0, row - 3) : row + 4, max(0, col - 3) : col + 4], axis=(0, 1))
    implant = drawn(
        image, hull(length_m, width_m), at_px=at, heading_deg=float(rng.uniform(0, 360)), gsd_m=GSD_M,
        colours=(ground + contrast)[None].astype(np.float64), light=None, psf_px=PSF_PX, noise=noise, rng=rng,
    )  # fmt: skip
    implant.facts["contrast"] = round(contrast, 4)  # what was asked for: small objects fill no pixel
    return implant


def _cuts(image: FloatArray, scene: PortScene) -> list[tuple[FloatArray, FloatArray, tuple[int, int]]]:
    """Labelled ships with water all around them."""
    found = []
    for col0, row0, col1, row1 in np.rint(scene.ships).astype(int):
        size = (int(row1 - row0), int(col1 - col0))
        patch = image[
            max(0, row0 - MARGIN_PX) : row1 + MARGIN_PX, max(0, col0 - MARGIN_PX) : col1 + MARGIN_PX
        ]
        whole = patch.shape[:2] == (size[0] + 2 * MARGIN_PX, size[1] + 2 * MARGIN_PX)
        if whole and min(size) >= 2 and max(size) <= _LARGEST_CUT_PX:
            cut = cut_by_surroundings(patch, size_px=size)
            if cut is not None:
                found.append((*cut, size))
    return found


def _write(path: Path, pixels: FloatArray, known: BoolArray, scene: PortScene) -> None:
    numbers = np.where(known[..., None], np.clip(np.rint(pixels * _DN), 1, 65535), 0).astype(np.uint16)
    rows, cols = known.shape
    with rasterio.open(
        path, "w", driver="GTiff", width=cols, height=rows, count=len(BANDS), dtype="uint16", nodata=0,
        crs=str(scene.grid.crs), transform=scene.grid.affine, compress="deflate",
    ) as image:  # fmt: skip
        image.write(np.moveaxis(numbers, -1, 0))
        image.descriptions = tuple(BANDS)


def _outside(known: BoolArray) -> list[tuple[float, float, float, float]]:
    """Boxes that cover what the delivered image does not: bands along the edges of the turned grid."""
    blocks = []
    side = 32
    rows, cols = known.shape
    for row in range(0, rows, side):
        for col in range(0, cols, side):
            if not known[row : row + side, col : col + side].any():
                blocks.append(
                    (float(col), float(row), float(min(col + side, cols)), float(min(row + side, rows)))
                )
    return blocks
