"""Radar pairs end to end, on simulated speckle of known looks."""

import json

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from imagery.raster import Raster
from imagery.warp import ArrayReader
from models.compare import Comparison, PairModel, compare, prepare

SHAPE = (300, 320)
SEA, ROUGH, BRIGHT = 10**-2.0, 10**-1.3, 10**-0.3
SHIP, GONE = (slice(60, 72), slice(80, 84)), (slice(200, 204), slice(240, 252))


def reader(ground: np.ndarray, looks: float, seed: int, valid: np.ndarray | None = None) -> ArrayReader:
    speckle = np.random.default_rng(seed).gamma(looks, 1 / looks, ground.shape)
    return ArrayReader(
        raster=Raster(
            data=(ground * speckle)[None].astype(np.float32),
            valid=np.ones(ground.shape, np.bool_) if valid is None else valid.copy(),
            bands=("vv",), quantity="gamma0",
            grid=GeoBox(ground.shape, Affine(10, 0, 745_000, 0, -10, 3_936_000), "EPSG:32636"),
        )
    )  # fmt: skip


def sea(level: float = SEA) -> np.ndarray:
    return np.full(SHAPE, level)


def found(before: np.ndarray, after: np.ndarray, *, looks: float = 4.4, **options: object) -> Comparison:
    valid = options.pop("valid", None)
    return compare(
        reader(before, looks, 1, valid), reader(after, looks, 2, valid), sensor="sar", pair="p", grid_name="g",
        **options,
    )  # fmt: skip


def claims(comparison: Comparison) -> list[tuple[str, tuple[float, float]]]:
    return [
        (end.kind, end.centroid_px)
        for change in comparison.conclusion.changes
        for end in (change.before, change.after)
        if end is not None
    ]


@pytest.mark.parametrize("looks", [1, 4.4, 60])
def test_a_ship_that_came_and_one_that_left(looks: float) -> None:
    before, after = sea(), sea(ROUGH)
    after[SHIP] = before[GONE] = BRIGHT
    listed = dict(claims(found(before, after, looks=looks)))
    assert set(listed) == {"appeared", "vanished"}
    assert listed["appeared"] == pytest.approx((82, 66), abs=2)
    assert listed["vanished"] == pytest.approx((246, 202), abs=2)


@pytest.mark.parametrize("looks", [1, 4.4, 60])
def test_a_rough_sea_after_a_calm_one_is_no_change(looks: float) -> None:
    assert claims(found(sea(), sea(ROUGH), looks=looks)) == []


def test_fluctuation_of_what_is_bright_on_both_dates_is_no_change() -> None:
    before, after = sea(), sea()
    before[SHIP], after[SHIP] = BRIGHT / 6, BRIGHT * 2
    assert claims(found(before, after, looks=60)) == []


def test_a_streak_across_the_water_is_no_ship() -> None:
    before, after = sea(), sea()
    for image in (before, after):
        image[:, :60] = BRIGHT / 4  # land
    for col in range(60, 120):
        row = round(150 - 0.19 * (col - 60))
        after[row : row + 3, col] = SEA * 10 ** (1.3 - 0.008 * (col - 60))
    assert claims(found(before, after, looks=60)) == []


def test_pieces_at_the_rim_of_what_cannot_be_seen_are_not_listed() -> None:
    before, after = sea(), sea()
    valid = np.ones(SHAPE, np.bool_)
    valid[:, 200:] = False
    after[100:103, 197:200] = BRIGHT
    after[200:216, 192:200] = BRIGHT
    listed = claims(found(before, after, looks=60, valid=valid))
    assert [kind for kind, _ in listed] == ["appeared"]
    assert listed[0][1][1] == pytest.approx(208, abs=2)


def test_the_result_does_not_depend_on_the_tile_size() -> None:
    before, after = sea(), sea(ROUGH)
    after[SHIP] = before[GONE] = BRIGHT
    one, other = (found(before, after, min_score=0.05, tile_px=size) for size in (300, 130))
    assert [(c.id, c.place.bbox_px) for c in one.conclusion.changes] == [
        (c.id, c.place.bbox_px) for c in other.conclusion.changes
    ]


def test_looks_are_said_and_survive_json() -> None:
    model = prepare(reader(sea(), 4.4, 1), reader(sea(), 4.4, 2), sensor="sar")
    stated = json.loads(json.dumps(model.as_dict()))
    assert stated["noise"]["looks"]["before"] == pytest.approx(4.4, rel=0.1)
    assert stated["noise"]["looks"]["side_px"] == 3
    assert PairModel.from_dict(stated).as_dict() == model.as_dict()
