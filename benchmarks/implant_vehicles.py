"""Vehicles put into real pairs of 0.5 m: drawn ones, and real ones cut out of the same image."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.implant_cases import Placed, write_labels
from catalog.cases import CaseFiles, load_case
from imagery.implants.cut import MARGIN_PX, cut_by_other_date, ground_gain, set_down_cut
from imagery.implants.drawn import Implant, Light, drawn
from imagery.implants.ground import Tone, darkest, noise_sigma, shadow_azimuth_deg, tone_of
from imagery.implants.place import even_ground, free_ground, scattered
from imagery.raster import FloatArray
from imagery.simulate.thing import Thing
from imagery.simulate.vehicle import box, truck

PSF_PX = 0.55
"""Standard deviation of the blur of 0.5 m Pleiades pixels: a modulation of about 0.2 at their Nyquist frequency."""

SUN_ELEVATION_DEG = 45.0
"""The images say nothing about the sun; the direction of shadows is estimated, their length is that of mid-morning."""

APART_M, MARGIN_M, EVEN_M = 14.0, 9.0, 10.0
REFLECTANCE = (0.03, 0.5)
LEAST_CONTRAST = 10.0
"""Numbers of 255: about .03-.04 of reflectance. A vehicle in the colour of its ground is not asked for."""

CUT_SHARE = 0.4
_CUT_LENGTH_M = (3.5, 14.0)
_TRIES = 12


def vehicle_case(
    files: CaseFiles,
    out: Path,
    *,
    count: int,
    gsd_m: float,
    seed: int,
    sun_elevation_deg: float = SUN_ELEVATION_DEG,
) -> Path:
    """Write one case; the same arguments give the same bytes.

    Parameters
    ----------
    files : CaseFiles
        Background with a measured transform between its dates. What is labelled in it becomes don't-care.
    out : Path
        Folder of cases.
    count : int
        Objects asked for; fewer where there is no room.
    gsd_m : float
        Images are enlarged to this *after* the objects are in, so that these carry no more detail than the ground.
    seed : int
    sun_elevation_deg : float
    """
    case = files.case
    rng = np.random.default_rng([seed, *case.name.encode()])
    images = {date: _pixels(path) for date, path in (("before", files.before), ("after", files.after))}
    untouched = {date: image.copy() for date, image in images.items()}
    lights = {
        date: Light(
            shadow_azimuth_deg=azimuth, sun_elevation_deg=sun_elevation_deg, dark=darkest(images[date])
        )
        for date, azimuth in _shadows(files).items()
    }
    dont_care = [tuple(t.box) for t in case.truths] + [tuple(b) for b in case.dont_care]
    ignore = [tuple(b) for b in case.ignore]
    places = _places(untouched, files, [*dont_care, *ignore], count=count, rng=rng)
    cuts = _cuts(untouched, files)
    tones = {date: tone_of(image) for date, image in untouched.items()}
    noise = {date: noise_sigma(image) for date, image in untouched.items()}
    placed = []
    for col, row in places:
        kind = "appeared" if rng.random() < 0.5 else "vanished"
        date = "after" if kind == "appeared" else "before"
        at = _mapped(files.to_after, col, row) if date == "after" else (float(col), float(row))
        own = [cut for cut in cuts if cut[0] == date]
        if own and rng.random() < CUT_SHARE:
            implant = _pasted(own[int(rng.integers(len(own)))], images[date], untouched[date], at)
        else:
            implant = _drawn(images[date], at, case.gsd_m, lights[date], tones[date], noise[date], rng)
        if implant is None:
            continue
        implant.put_into(images[date])
        placed.append(Placed(kind=kind, implant=implant, moved_px=(col - at[0], row - at[1])))
    folder = out / f"implant_{case.name}_{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    scale = case.gsd_m / gsd_m
    shape = _save(images, folder, scale)
    matrix = np.diag((scale, scale, 1.0)) @ files.to_after @ np.diag((1 / scale, 1 / scale, 1.0))
    write_labels(
        folder, placed, klass="vehicle", scale=scale, dont_care=dont_care, ignore=ignore,
        meta={
            "width": shape[1], "height": shape[0], "gsd": gsd_m, "component": case.component, "parent_case": case.name,
            "H_before_to_after": matrix.tolist(), "seed": seed, "background_gsd": case.gsd_m,
            "shadow_azimuth_deg": {date: round(light.shadow_azimuth_deg) for date, light in lights.items()},
            "sun_elevation_deg": sun_elevation_deg, "psf_px": PSF_PX,
            "note": "enlarged from 0.5 m: carries no finer detail" if scale > 1 else "pixels as delivered",
        },
    )  # fmt: skip
    return folder


def _pixels(path: Path) -> FloatArray:
    return np.asarray(Image.open(path).convert("RGB"), np.float32)


def _shadows(files: CaseFiles) -> dict[str, float]:
    """Direction of shadows on each date, from the whole image where the case is a crop of one."""
    parent = files.folder.parent / (files.case.parent or files.case.name)
    whole = load_case(parent) if parent.is_dir() else files
    return {
        date: shadow_azimuth_deg(_pixels(path), whole.case.gsd_m)
        for date, path in (("before", whole.before), ("after", whole.after))
    }


def _mapped(matrix: NDArray[np.float64], col: float, row: float) -> tuple[float, float]:
    x, y, w = matrix @ (col, row, 1.0)
    return float(x / w), float(y / w)


def _places(
    images: dict[str, FloatArray],
    files: CaseFiles,
    taken: Sequence[Any],
    *,
    count: int,
    rng: np.random.Generator,
) -> NDArray[np.int_]:
    gsd_m = files.case.gsd_m
    shape = images["before"].shape[:2]
    after = cv2.warpPerspective(
        images["after"], files.to_after, shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    allowed = free_ground(shape, taken, margin_px=MARGIN_M / gsd_m)
    allowed &= even_ground([images["before"], after], side_px=round(EVEN_M / gsd_m))
    return scattered(allowed, count, apart_px=APART_M / gsd_m, rng=rng)


def _vehicle(rng: np.random.Generator) -> Thing:
    """A car, van, armoured vehicle or truck of 4-12 m."""
    sort = rng.random()
    if sort < 0.35:
        return box("car", float(rng.uniform(4.0, 5.0)), 1.85, 1.5, (0, 0, 0, 0), "vehicle")
    if sort < 0.55:
        return box("van", float(rng.uniform(5.0, 6.5)), 2.1, 2.4, (0, 0, 0, 0), "vehicle")
    if sort < 0.7:
        return box("armoured vehicle", float(rng.uniform(6.5, 8.0)), 2.9, 2.4, (0, 0, 0, 0), "vehicle")
    return truck("truck", float(rng.uniform(7.0, 12.0)), 2.5, top_m=float(rng.uniform(2.6, 3.6)))


def _drawn(
    image: FloatArray,
    at: tuple[float, float],
    gsd_m: float,
    light: Light,
    tone: Tone,
    noise: NDArray[np.float64],
    rng: np.random.Generator,
) -> Implant | None:
    thing = _vehicle(rng)
    col, row = round(at[0]), round(at[1])
    ground = np.median(image[max(0, row - 6) : row + 7, max(0, col - 6) : col + 7], axis=(0, 1))
    for _ in range(_TRIES):
        body = np.exp(rng.uniform(*np.log(REFLECTANCE))) * rng.normal(1.0, 0.08, 3)
        colour = np.clip(tone.numbers(body), 0, 255)
        if abs(float((colour - ground).mean())) >= LEAST_CONTRAST:
            break
    else:
        return None
    # A cab is often of another tone than the load.
    colours = np.stack(
        [colour * (1.0 if i else float(rng.uniform(0.7, 1.2))) for i in range(len(thing.parts))]
    )
    return drawn(
        image, thing, at_px=at, heading_deg=float(rng.uniform(0, 360)), gsd_m=gsd_m, colours=np.clip(colours, 0, 255),
        light=light, psf_px=PSF_PX, noise=noise, rng=rng,
    )  # fmt: skip


Cut = tuple[str, FloatArray, FloatArray, tuple[int, int], float, float]
"""Date, change, alpha, (rows, cols) of the label, brightness of its ground, length in metres."""


def _cuts(images: dict[str, FloatArray], files: CaseFiles) -> list[Cut]:
    """Labelled vehicles of the background that can be told from the ground on the other date."""
    found = []
    for truth in files.case.truths if files.case.klass == "vehicle" else ():
        length_m = truth.box.longest_px * files.case.gsd_m
        if not _CUT_LENGTH_M[0] <= length_m <= _CUT_LENGTH_M[1]:
            continue
        col0, row0 = round(truth.box.col0), round(truth.box.row0)
        size = round(truth.box.row1) - row0, round(truth.box.col1) - col0
        there = tuple(round(n) for n in _mapped(files.to_after, col0, row0))
        patches = {
            "before": _patch(images["before"], (col0, row0), size),
            "after": _patch(images["after"], there, size),
        }
        date = "after" if truth.kind == "appeared" else "before"
        present, absent = patches[date], patches["before" if date == "after" else "after"]
        if present is None or absent is None:
            continue
        cut = cut_by_other_date(present, absent, size_px=size)
        if cut is not None:
            found.append((date, *cut, size, float(np.median(absent)), length_m))
    return found


def _patch(image: FloatArray, at: tuple[int, ...], size: tuple[int, int]) -> FloatArray | None:
    col0, row0 = at[0] - MARGIN_PX, at[1] - MARGIN_PX
    col1, row1 = at[0] + size[1] + MARGIN_PX, at[1] + size[0] + MARGIN_PX
    if min(col0, row0) < 0 or row1 > image.shape[0] or col1 > image.shape[1]:
        return None
    return image[row0:row1, col0:col1]


def _pasted(cut: Cut, image: FloatArray, untouched: FloatArray, at: tuple[float, float]) -> Implant | None:
    _, change, alpha, size, old_ground, length_m = cut
    col, row = round(at[0] - size[1] / 2), round(at[1] - size[0] / 2)
    ground = _patch(untouched, (col, row), size)
    if ground is None:
        return None
    gain = ground_gain(np.array(old_ground), ground)
    implant = set_down_cut(change, alpha, at_px=(col, row), size_px=size, gain=gain)
    implant.facts["length_m"] = round(length_m, 1)
    return implant


def _save(images: dict[str, FloatArray], folder: Path, scale: float) -> tuple[int, int]:
    def enlarged(image: FloatArray) -> FloatArray:
        size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        return image if scale == 1 else cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)

    for date, image in images.items():
        pixels = np.clip(np.rint(enlarged(image)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{date}.png")
    rows, cols = enlarged(images["before"]).shape[:2]
    return rows, cols
