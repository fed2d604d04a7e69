"""Zones judged as wholes: what coarse pixels can say of a vehicle park, and what they cannot."""

from dataclasses import replace

import numpy as np
import pytest
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from shapely.geometry import box

from imagery.geometry import utm_crs
from imagery.raster import FloatArray
from imagery.site import Site, Zone
from imagery.tile import tiles
from models.occupancy import ZoneState, zone_states

WEST, NORTH, GSD = 767_000.0, 3_920_000.0, 10.0
SIDE = 300
GRID = GeoBox.from_bbox(
    (WEST, NORTH - SIDE * GSD, WEST + SIDE * GSD, NORTH), crs="EPSG:32636", resolution=GSD
)
PARK = (slice(100, 110), slice(50, 62))


def zone(kind: str = "vehicle_park", name: str = "park") -> Zone:
    to_lonlat = Transformer.from_crs(32636, 4326, always_xy=True)
    rows, cols = PARK
    corners = [
        to_lonlat.transform(WEST + col * GSD, NORTH - row * GSD)
        for row, col in ((rows.start, cols.start), (rows.stop, cols.stop))
    ]
    (west, north), (east, south) = corners
    return Zone(
        id=name, name=name, kind=kind, geometry=box(west, south, east, north), position_error_m=5.0,
        source="made for a test", confidence="high", watch=True,
    )  # fmt: skip


def states(evidence: FloatArray, *zones: Zone, grid: GeoBox = GRID) -> tuple[ZoneState, ...]:
    site = Site(
        id="field", name="field", aoi=box(35.9, 35.3, 36.0, 35.5), crs=utm_crs(35.9, 35.4),
        zones={z.id: z for z in zones or (zone(),)},
    )  # fmt: skip
    cut = tuple(tiles(evidence.shape, size_px=128, halo_px=0))
    return zone_states(
        site, grid, cut, lambda tile: evidence[tile.core.row0 : tile.core.row1, tile.core.col0 : tile.core.col1]
    )  # fmt: skip


@pytest.fixture
def quiet(rng: np.random.Generator) -> FloatArray:
    """Unit noise, and elsewhere fields that changed."""
    out = rng.standard_normal((SIDE, SIDE)).astype(np.float32)
    for row, col in ((10, 10), (200, 220), (250, 40)):
        out[row : row + 12, col : col + 12] += 5
    return out


def test_a_park_that_filled_is_changed_and_nothing_is_counted(quiet: FloatArray) -> None:
    quiet[PARK][2:6, 2:9] += 6
    (found,) = states(quiet)
    assert found.state == "changed"
    assert found.unusual is not None
    assert found.unusual <= 0.02
    assert found.changed_m2 == pytest.approx(28 * 100, rel=0.1)
    assert found.brighter_share == pytest.approx(1.0, abs=0.1)
    assert found.count == (0, None)
    assert found.as_dict()["count"] == [0, None]


def test_a_park_like_everything_else_is_unchanged(quiet: FloatArray) -> None:
    (found,) = states(quiet)
    assert found.state == "unchanged"
    assert found.seen == 1.0


def test_where_everything_changed_no_zone_stands_out(quiet: FloatArray) -> None:
    quiet[::3] += 6
    assert states(quiet)[0].state == "unchanged"


def test_under_cloud_nothing_is_said(quiet: FloatArray) -> None:
    quiet[PARK] = np.nan
    quiet[PARK][:2] = 9
    (found,) = states(quiet)
    assert (found.state, found.changed_share) == ("not_observed", None)
    assert found.reason == "20% of the zone could be seen on both dates"


def test_a_scene_too_small_to_compare_with_is_no_ground_for_a_claim(quiet: FloatArray) -> None:
    small = quiet[80:130, 30:90].copy()
    small[20:30, 20:32] += 6
    (found,) = states(small, grid=GRID[80:130, 30:90])
    assert found.state == "not_observed"
    assert found.reason is not None
    assert "other places of the zone's size" in found.reason


def test_a_zone_of_a_pixel_is_not_judged(quiet: FloatArray) -> None:
    west, south, east, north = zone().geometry.bounds
    tiny = replace(zone(), geometry=box(west, north - (north - south) / 12, west + (east - west) / 14, north))
    (found,) = states(quiet, tiny)
    assert found.state == "not_observed"
    assert found.reason is not None
    assert "too few to be judged" in found.reason


@pytest.mark.parametrize("kind", ["aoi", "runway", "anchorage"])
def test_zones_where_nothing_is_parked_are_left_out(quiet: FloatArray, kind: str) -> None:
    assert states(quiet, zone(kind)) == ()


@pytest.mark.parametrize("step", [0.3, 40])
def test_only_pixels_that_are_too_coarse_for_objects_and_fine_enough_for_zones(
    quiet: FloatArray, step: float
) -> None:
    grid = GeoBox.from_bbox(
        (WEST, NORTH - SIDE * step, WEST + SIDE * step, NORTH), crs="EPSG:32636", resolution=step
    )
    assert states(quiet, grid=grid) == ()


def test_noise_is_hardly_ever_called_a_change(rng: np.random.Generator) -> None:
    """In pure noise the rank is even, so that about `UNUSUAL` of zones would pass by rank alone."""
    called = sum(
        states(rng.standard_normal((SIDE, SIDE)).astype(np.float32))[0].state == "changed" for _ in range(40)
    )
    assert called <= 3


def test_a_zone_as_long_as_a_province_is_not_judged() -> None:
    long = replace(zone("quay"), geometry=box(35.90, 35.28, 36.20, 35.30))
    grid = GeoBox.from_bbox((WEST, 3_900_000, WEST + 30_000, NORTH), crs="EPSG:32636", resolution=GSD)
    (found,) = states(np.zeros(tuple(grid.shape), np.float32), long, grid=grid)
    assert found.state == "not_observed"
    assert found.reason is not None
    assert "draw zones of up to 10 km" in found.reason


def test_what_is_not_finite_was_not_seen(quiet: FloatArray) -> None:
    quiet[PARK][:9] = np.inf
    (found,) = states(quiet)
    assert (found.state, found.seen) == ("not_observed", 0.1)


def test_what_lies_far_away_says_nothing_of_a_zone(rng: np.random.Generator) -> None:
    """Other places are those around the zone: what a scene holds thirty kilometres away does not move its rank."""
    evidence = rng.standard_normal((300, 3000)).astype(np.float32)
    evidence[PARK][2:6, 2:9] += 6
    grid = GeoBox((300, 3000), GRID.affine, GRID.crs)
    (near,) = states(evidence, grid=grid)
    evidence[:, 1200:] += 6
    assert states(evidence, grid=grid) == (near,)
    evidence[:, 200:1000] += 6
    assert states(evidence, grid=grid) != (near,)
