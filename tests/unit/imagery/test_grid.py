"""Fixed grids: snapped, covering, the same for every date; zones drawn on them."""

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from pyproj import CRS

from imagery.geometry import projected, utm_crs
from imagery.grid import site_grid, zone_mask, zone_share
from imagery.raster import pixel_size_m
from imagery.site import Site, Zone
from imagery.site_file import load_sites


def test_sentinel_2_pixel_edges() -> None:
    grid = site_grid(load_sites()["tartus"], 10.0)
    assert str(grid.crs) == "EPSG:32636"
    assert grid.affine.c % 10 == 0
    assert grid.affine.f % 10 == 0
    assert (grid.affine.a, grid.affine.e) == (10.0, -10.0)
    assert pixel_size_m(grid) == pytest.approx((10, 10), rel=2e-3)


@given(
    lon=st.floats(-170, 170), lat=st.floats(-70, 70), gsd_m=st.sampled_from([0.3, 0.5, 3.0, 10.0, 20.0, 120.0]),
    shift=st.tuples(st.floats(-500, 500), st.floats(-500, 500)), anchored=st.booleans(),
)  # fmt: skip
def test_a_grid_covers_the_aoi_and_no_row_more(
    lon: float, lat: float, gsd_m: float, shift: tuple[float, float], anchored: bool
) -> None:
    aoi = shapely.Point(lon, lat).buffer(0.005)
    site = Site(id="s", name="s", aoi=aoi, crs=utm_crs(lon, lat), zones={})
    anchor = Affine(gsd_m, 0, shift[0], 0, -gsd_m, shift[1]) if anchored else None
    grid = site_grid(site, gsd_m, anchor=anchor)
    west, south, east, north = projected(aoi, site.crs).bounds
    left, bottom, right, top = grid.extent.boundingbox
    slack = gsd_m * 1e-3
    assert left <= west + slack
    assert west - left < gsd_m + slack
    assert right >= east - slack
    assert right - east < gsd_m + slack
    assert bottom <= south + slack
    assert south - bottom < gsd_m + slack
    assert top >= north - slack
    assert top - north < gsd_m + slack
    origin = (shift if anchored else (0.0, 0.0))[0]
    steps = (left - origin) / gsd_m
    assert steps == pytest.approx(round(steps), abs=1e-3)


def test_a_grid_is_the_same_every_time() -> None:
    site = load_sites()["khmeimim"]
    assert site_grid(site, 0.5) == site_grid(site, 0.5)


@pytest.mark.parametrize("gsd_m", [0.0, -1.0, float("nan"), float("inf")])
def test_a_pixel_size_that_is_none_is_refused(gsd_m: float) -> None:
    with pytest.raises(ValueError, match="gsd_m"):
        site_grid(load_sites()["tartus"], gsd_m)


def test_a_rotated_anchor_is_refused() -> None:
    with pytest.raises(ValueError, match="rotated"):
        site_grid(load_sites()["tartus"], 1.0, anchor=Affine.rotation(10))


def test_an_absurd_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="smaller AOI"):
        site_grid(load_sites()["tartus"], 0.001)


def zone(geometry: shapely.Geometry) -> Zone:
    return Zone(
        id="z", name="z", kind="quay", geometry=geometry, position_error_m=50, confidence="high", source="t"
    )


def test_a_zone_keeps_its_area_on_a_grid() -> None:
    tartus = load_sites()["tartus"]
    basin = tartus.zones["naval_basin"]
    mask = zone_mask(basin, site_grid(tartus, 2.0))
    assert mask.sum() * 4.0 == pytest.approx(projected(basin.geometry, tartus.crs).area, rel=0.01)


def test_a_zone_grows_by_its_position_error_in_any_crs() -> None:
    tartus = load_sites()["tartus"]
    pier = tartus.zones["floating_pier_west"]
    metres = site_grid(tartus, 2.0)
    degrees = metres.to_crs("EPSG:4326")
    wide = projected(pier.geometry, tartus.crs).buffer(pier.position_error_m).area
    for grid in (metres, degrees):
        mask = zone_mask(pier, grid, grow_m=pier.position_error_m)
        x_m, y_m = pixel_size_m(grid)
        assert mask.sum() * x_m * y_m == pytest.approx(wide, rel=0.03)


def test_a_zone_smaller_than_a_pixel_does_not_vanish() -> None:
    tartus = load_sites()["tartus"]
    grid = site_grid(tartus, 120.0)
    assert zone_mask(tartus.zones["floating_pier_west"], grid).any()


def test_zones_off_the_grid_and_points_are_empty() -> None:
    sites = load_sites()
    grid = site_grid(sites["tartus"], 10.0)
    assert not zone_mask(sites["khmeimim"].zones["runway_east"], grid).any()
    assert not zone_mask(sites["tartus"].zones["reference_point"], grid).any()
    assert zone_mask(sites["tartus"].zones["reference_point"], grid, grow_m=100).any()
    assert zone_share(sites["tartus"].zones["naval_basin"], grid) == pytest.approx(1.0)
    assert 0 < zone_share(sites["tartus"].zones["offshore_anchorage"], grid) < 0.2


def test_a_grid_without_crs_has_no_zones() -> None:
    with pytest.raises(ValueError, match="without a CRS"):
        zone_mask(zone(shapely.box(0, 0, 1, 1)), GeoBox((4, 4), Affine.identity(), None))


def test_a_crs_without_epsg_code() -> None:
    crs = CRS.from_proj4("+proj=laea +lat_0=35 +lon_0=36 +datum=WGS84 +units=m")
    site = Site(id="s", name="s", aoi=shapely.box(35.99, 34.99, 36.01, 35.01), crs=crs, zones={})
    grid = site_grid(site, 10.0)
    assert np.isclose(grid.affine.c % 10, 0)
    assert zone_mask(zone(shapely.box(35.999, 34.999, 36.001, 35.001)), grid).sum() == pytest.approx(
        405, rel=0.05
    )
