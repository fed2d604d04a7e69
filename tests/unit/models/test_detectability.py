"""What could not be seen: measured without objects, the same for every tiling."""

from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from imagery.lattice import Lattice
from imagery.raster import Sensor, Window
from imagery.tile import tiles
from models.compare import compare
from models.detectability import (
    DARK,
    SMALLEST,
    cell_px,
    cells_of,
    detectability,
    layers,
    needed,
    ordinary,
    references,
    summarise,
    terms,
)
from models.evidence import ChangeEvidence, Noise
from tests.unit.models.planted import noisy, reader, shifted, texture

SIDE = 16


def noise_of(radius_px: int = 0) -> Noise:
    lattice = Lattice(nodes=np.ones((1, 1), np.float32), step_px=1.0)
    return Noise(brightness=lattice, colour=lattice, radius_px=radius_px)


def evidence_of(before: np.ndarray, after: np.ndarray, sigma: float = 3.0) -> ChangeEvidence:
    shape = before.shape[1:]
    return ChangeEvidence(
        before=before, after=after, brightness=np.zeros(shape, np.float32), colour=np.zeros(shape, np.float32),
        sigma=np.full(shape, sigma, np.float32), valid=np.ones(shape, np.bool_),
        window=Window(row0=0, col0=0, row1=shape[0], col1=shape[1]),
        grid=GeoBox(shape, Affine.scale(0.5), None),
    )  # fmt: skip


def stripes(shape: tuple[int, int], low: float, high: float) -> np.ndarray:
    """Columns of two values in turn, in pairs so that every second pixel sees both."""
    columns = np.where(np.arange(shape[1]) // 2 % 2, high, low)
    return np.broadcast_to(columns, (3, *shape)).astype(np.float32).copy()


def test_terms_are_what_the_ground_holds() -> None:
    plain = np.full((3, 64, 64), 90, np.float32)
    found = evidence_of(plain, stripes((64, 64), 100, 120))
    measured = terms(
        found, noise_of(1), threshold=4.0, cells=Window(row0=0, col0=0, row1=4, col1=4), side_px=SIDE
    )
    np.testing.assert_allclose(measured.threshold, 12.0)
    np.testing.assert_allclose(measured.texture, 10.0)
    np.testing.assert_allclose(measured.forgiven[:, 1:3], 10.0)
    np.testing.assert_allclose(measured.ground, 100.0)


def test_nothing_is_forgiven_where_images_lie_exactly_on_each_other() -> None:
    found = evidence_of(stripes((32, 32), 50, 90), stripes((32, 32), 50, 90))
    cells = Window(row0=0, col0=0, row1=2, col1=2)
    assert terms(found, noise_of(0), threshold=4.0, cells=cells, side_px=SIDE).forgiven.max() == 0


@pytest.mark.parametrize("worse", ["noise", "texture", "misregistration"])
def test_whatever_hides_objects_raises_what_they_need(worse: str) -> None:
    cells = Window(row0=0, col0=0, row1=2, col1=2)
    quiet = evidence_of(stripes((32, 32), 95, 105), stripes((32, 32), 95, 105))
    other, radius = quiet, 0
    if worse == "noise":
        other = replace(quiet, sigma=2 * quiet.sigma)
    elif worse == "texture":
        other = evidence_of(stripes((32, 32), 80, 120), stripes((32, 32), 80, 120))
    else:
        radius = 1
    for size in references(0.5, "optical"):
        easy = terms(quiet, noise_of(), threshold=4.0, cells=cells, side_px=SIDE)
        hard = terms(other, noise_of(radius), threshold=4.0, cells=cells, side_px=SIDE)
        if np.isfinite(size.base):
            assert (needed(hard, size, "optical") > needed(easy, size, "optical")).all()


def test_contrast_is_a_fraction_of_the_ground_but_not_of_black_water() -> None:
    cells = Window(row0=0, col0=0, row1=1, col1=1)
    size = replace(references(0.5, "optical")[0], base=30.0, noise=0.0, texture=0.0, fill=1.0)
    for value, stated in ((150.0, 30 / 150), (5.0, 30 / DARK)):
        flat = np.full((3, 16, 16), value, np.float32)
        measured = terms(evidence_of(flat, flat), noise_of(), threshold=4.0, cells=cells, side_px=SIDE)
        assert needed(measured, size, "optical")[0, 0] == pytest.approx(stated)
        assert needed(measured, size, "sar")[0, 0] == pytest.approx(30)


def test_what_is_narrower_than_a_pixel_needs_more() -> None:
    fine, coarse = (references(gsd_m, "optical")[-1] for gsd_m in (6.0, 28.5))
    assert fine.name == coarse.name == "ship_150m"
    assert 0.95 < fine.fill <= 1
    assert coarse.fill < 0.6


def test_cells_that_were_not_seen_say_nothing() -> None:
    flat = np.full((3, 48, 48), 100, np.float32)
    valid = np.ones((48, 48), np.bool_)
    valid[:16, :9] = valid[20:24, 20:24] = False
    found = replace(evidence_of(flat, flat), valid=valid)
    (part,) = detectability(
        found, noise_of(), [Window(row0=0, col0=0, row1=3, col1=3)], gsd_m=0.5, sensor="optical"
    )
    assert part is not None
    unseen = np.isnan(part).any(axis=0)
    assert unseen[0, 0]
    assert unseen.sum() == 1
    assert np.isnan(part[:, 0, 0]).all()


@pytest.mark.parametrize(
    ("gsd_m", "sensor"), [(0.3, "optical"), (3.0, "optical"), (10.0, "optical"), (10.0, "sar")]
)
def test_smallest_object_is_the_first_for_which_an_ordinary_contrast_is_enough(
    gsd_m: float, sensor: Sensor
) -> None:
    ground = texture((256, 256))
    found = evidence_of(ground, noisy(ground, 3), sigma=0.3)
    cells = cells_of(found.window, cell_px(gsd_m))
    (part,) = detectability(found, noise_of(1), [cells], gsd_m=gsd_m, sensor=sensor)
    assert part is not None
    sizes = references(gsd_m, sensor)
    assert layers(gsd_m, sensor) == (*(size.name for size in sizes), SMALLEST)
    assert [size.length_m for size in sizes] == sorted(size.length_m for size in sizes)
    enough = np.array([part[i] <= ordinary(sensor) for i in range(len(sizes))])
    for row, col in np.ndindex(part.shape[1:]):
        which = np.flatnonzero(enough[:, row, col])
        expected = sizes[which[0]].length_m if len(which) else np.inf
        assert part[-1, row, col] == pytest.approx(expected)


@pytest.mark.parametrize("size_px", [7, 16, 61, 130, 500])
@pytest.mark.parametrize("shape", [(97, 130), (256, 512)])
def test_every_cell_belongs_to_exactly_one_tile(size_px: int, shape: tuple[int, int]) -> None:
    owned = np.zeros(tuple(-(-n // SIDE) for n in shape), int)
    for tile in tiles(shape, size_px=size_px, halo_px=0):
        cells = cells_of(tile.core, SIDE)
        if cells is not None:
            owned[cells.row0 : cells.row1, cells.col0 : cells.col1] += 1
    assert (owned == 1).all()


def assembled(gsd_m: float, tile_px: int | None) -> np.ndarray:
    before = texture((340, 410))
    valid = np.ones((340, 410), np.bool_)
    valid[100:180, 300:360] = False
    found = compare(
        reader(before, gsd_m=gsd_m, valid=valid), reader(noisy(shifted(before, 1.3, -0.8), 5), gsd_m=gsd_m),
        sensor="optical", pair="p", grid_name="g", tile_px=tile_px,
    )  # fmt: skip
    side = cell_px(gsd_m)
    whole = np.full((len(layers(gsd_m, "optical")), -(-340 // side), -(-410 // side)), -1, np.float32)
    for tile, result in zip(found.tiles, found.results, strict=True):
        cells = cells_of(tile.core, side)
        if cells is not None and result.detectability is not None:
            whole[:, cells.row0 : cells.row1, cells.col0 : cells.col1] = result.detectability
    return whole


def test_map_does_not_depend_on_tile_size() -> None:
    in_one = assembled(6.0, None)
    assert (in_one[:, 0, 0] > 0).all()
    assert np.isnan(in_one).any()
    for tile_px in (130, 173, 333):
        np.testing.assert_allclose(assembled(6.0, tile_px), in_one, rtol=1e-5)


def test_pixels_too_coarse_for_objects_have_no_map() -> None:
    ground = texture((64, 64))
    found = compare(
        reader(ground, gsd_m=60.0), reader(noisy(ground, 1), gsd_m=60.0), sensor="optical", pair="p", grid_name="g"
    )  # fmt: skip
    assert all(result.detectability is None for result in found.results)


def test_summary_counts_unseen_tiles_and_takes_medians() -> None:
    sizes = references(0.5, "optical")
    part = np.full((len(sizes) + 1, 1, 4), 0.01, np.float32)
    part[0, 0] = [0.01, 5, 6, np.nan]
    part[-1, 0] = [5, np.inf, np.inf, np.nan]
    part[1:-1, 0, 3] = np.nan
    row = Window(row0=0, col0=0, row1=1, col1=4)
    found = summarise([(row, part), (row, None), (None, None)], gsd_m=0.5, sensor="optical")
    assert found.not_observed == 5 / 8
    assert found.smallest_object_m is None
    assert found.contrast_needed[sizes[0].name] == 5
    assert found.found_share[sizes[0].name] == pytest.approx(1 / 3, abs=1e-3)
    nothing = summarise([(row, None)], gsd_m=0.5, sensor="optical")
    assert (nothing.not_observed, nothing.found_share[sizes[0].name]) == (1.0, None)
