"""Implant cases: readable as cases, the same every time, and what the labels say is in the pixels."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from PIL import Image

from benchmarks.implant_ships import ship_case, water_of
from benchmarks.implant_vehicles import vehicle_case
from benchmarks.sen2ships import PortScene
from catalog.cases import CaseFiles, load_case
from tests.unit.models.planted import shifted, texture


def background(root: Path, **meta: Any) -> CaseFiles:
    """A pair of 160 m whose second date lies 3 px further right."""
    folder = root / "veh_a"
    folder.mkdir(parents=True)
    ground = texture((320, 320))
    for date, image in (("before", ground), ("after", shifted(ground, 0.0, 3.0))):
        pixels = np.clip(np.moveaxis(image, 0, -1), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{date}.png")
    truth = {key: [] for key in ("appeared", "vanished", "occupied_both", "ambiguous", "ignore")}
    truth |= {"klass": "vehicle", "null": False, "appeared": [[100, 100, 112, 106]]}
    (folder / "truth.json").write_text(json.dumps(truth))
    matrix = [[1, 0, 3.0], [0, 1, 0], [0, 0, 1]]
    facts = {"width": 320, "height": 320, "gsd": 0.5, "component": "a", "H_before_to_after": matrix, **meta}
    (folder / "meta.json").write_text(json.dumps(facts))
    return load_case(folder)


@pytest.mark.parametrize("gsd_m", [0.5, 0.3])
def test_vehicles_change_the_pixels_where_the_labels_say(tmp_path: Path, gsd_m: float) -> None:
    files = background(tmp_path / "from")
    made = load_case(vehicle_case(files, tmp_path / "to", count=12, gsd_m=gsd_m, seed=3))
    case = made.case
    assert (case.origin, case.klass, case.parent, case.gsd_m) == ("implant", "vehicle", "veh_a", gsd_m)
    assert case.shape == (round(320 * 0.5 / gsd_m),) * 2
    assert made.to_after[0, 2] == pytest.approx(3.0 * 0.5 / gsd_m)
    assert 5 < len(case.truths) <= 12
    assert len(case.dont_care) == 1
    after = np.asarray(Image.open(made.after), np.float32)
    scale = 0.5 / gsd_m
    original = np.asarray(
        Image.open(files.after).resize(after.shape[1::-1], Image.Resampling.BICUBIC), np.float32
    )
    for truth in (t for t in case.truths if t.kind == "appeared"):
        col0, row0, col1, row1 = (round(n) for n in truth.box)
        there = np.s_[row0:row1, col0 + round(3 * scale) : col1 + round(3 * scale)]
        assert np.abs(after[there] - original[there]).max() > 5
        assert not case.dont_care[0].overlap_px(truth.box)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    files = background(tmp_path / "from")
    first, second = (
        vehicle_case(files, tmp_path / name, count=6, gsd_m=0.5, seed=1) for name in ("one", "two")
    )
    for name in ("before.png", "after.png", "truth.json", "meta.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    other = vehicle_case(files, tmp_path / "one", count=6, gsd_m=0.5, seed=2)
    assert (other / "truth.json").read_text() != (first / "truth.json").read_text()


def scene() -> PortScene:
    """Land in the west, water in the east, one ship."""
    rng = np.random.default_rng(8)
    image = np.full((4, 260, 300), 0.02, np.float32) + rng.normal(0, 0.001, (4, 260, 300)).astype(np.float32)
    image[:, :, :60] += 0.2 + rng.normal(0, 0.03, (4, 260, 60)).astype(np.float32)
    image[:, 120:128, 200:203] += 0.2
    grid = GeoBox((260, 300), Affine(10, 0, 500000, 0, -10, 4000000), "EPSG:32633")
    return PortScene(
        name="port", reflectance=image, grid=grid, ships=np.array([[200.0, 120.0, 203.0, 128.0]])
    )


def test_ships_lie_on_water_and_carry_what_was_made(tmp_path: Path) -> None:
    made = load_case(ship_case(scene(), tmp_path, count=20, seed=1))
    case = made.case
    assert (case.origin, case.klass, case.gsd_m, case.component) == ("implant", "ship", 10.0, "port")
    assert len(case.truths) == 20
    assert all(truth.box.col0 > 58 for truth in case.truths)
    meta = json.loads((made.folder / "meta.json").read_text())
    assert len(meta["objects"]) == 20
    assert all(0.03 < o["contrast"] < 0.35 for o in meta["objects"] if o["name"] != "cut-out")
    assert np.hypot(*made.to_after[:2, 2]) == pytest.approx(0.15)


def test_water_is_the_dark_large_area() -> None:
    image = np.moveaxis(scene().reflectance, 0, -1)
    water = water_of(image, np.ones(image.shape[:2], np.bool_))
    assert water[:, 70:190].mean() > 0.99
    assert water[:, :55].mean() < 0.01
