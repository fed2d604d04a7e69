"""Simulated scenes: same every time, what stands there is seen there, shadows and shifts are as stated."""

from dataclasses import replace
from datetime import UTC, date, datetime

import cv2
import numpy as np
import pytest
import shapely
from odc.geo.geobox import GeoBox

from imagery.simulate import aircraft, sensor
from imagery.simulate.acquisition import CROPS, Acquisition, acquisitions
from imagery.simulate.canvas import Canvas
from imagery.simulate.cloud import clouds
from imagery.simulate.exposure import PICTURE_BANDS, SERIES_BANDS, expose, grid_of, view_of
from imagery.simulate.khmeimim import khmeimim_plan
from imagery.simulate.placement import Placement
from imagery.simulate.render import View, lay_ground, render
from imagery.simulate.site_plan import Patch, SitePlan
from imagery.simulate.structure import building
from imagery.simulate.sun import SunPosition, sun_position
from imagery.simulate.tartus import tartus_plan
from imagery.simulate.thing import rectangle
from imagery.simulate.truth import differences, footprint, truth_document
from imagery.site import Site
from imagery.site_file import load_sites

NOON = datetime(2024, 12, 15, 8, 20, tzinfo=UTC)
SUN = SunPosition(160.0, 30.0)


@pytest.fixture(scope="module")
def sites() -> dict[str, Site]:
    return dict(load_sites())


@pytest.fixture(scope="module")
def plans(sites: dict[str, Site]) -> dict[str, SitePlan]:
    return {"khmeimim": khmeimim_plan(sites["khmeimim"]), "tartus": tartus_plan(sites["tartus"])}


def flat(*events: Placement) -> SitePlan:
    """A plain of concrete."""
    return SitePlan(
        site_id="plain",
        corner=(0.0, 0.0),
        patches=(Patch(material="concrete", geometry=shapely.box(-500, -500, 1000, 1000)),),
        stripes=(),
        structures=(),
        events=events,
        roads=(),
    )


def taken(**changes: object) -> Acquisition:
    given = Acquisition(
        site_id="plain",
        crop="east",
        acquired=NOON,
        platform="simulated-test",
        off_nadir_deg=0.0,
        view_azimuth_deg=0.0,
    )
    return replace(given, **changes)  # type: ignore[arg-type]


def window(size: int = 400, pixel_m: float = 0.5, bands: tuple[int, ...] = PICTURE_BANDS) -> View:
    return View(west_m=0.0, north_m=size * pixel_m, pixel_m=pixel_m, shape=(size, size), bands=bands)


def test_the_sun_stands_where_almanacs_say() -> None:
    # Solstice noon: elevation is 90 - latitude - 23.44; at 0 E the sun is due south at 12:00 less the equation of time.
    sun = sun_position(0.0, 35.0, datetime(2024, 12, 21, 11, 58, 10, tzinfo=UTC))
    assert sun.elevation_deg == pytest.approx(90 - 35 - 23.44, abs=0.05)
    assert sun.azimuth_deg == pytest.approx(180.0, abs=0.3)
    equinox = sun_position(0.0, 0.0, datetime(2025, 3, 20, 6, 7, 30, tzinfo=UTC))
    assert equinox.elevation_deg == pytest.approx(0.0, abs=0.3)
    assert equinox.azimuth_deg == pytest.approx(90.0, abs=0.2)


def test_a_painted_square_covers_its_area() -> None:
    canvas = Canvas(west_m=0.0, north_m=50.0, pixel_m=0.5, image=np.zeros((100, 100, 1), np.float32))
    canvas.paint([rectangle(10.0, 4.0, 20.3, 25.7)], [1.0])
    assert float(canvas.image.sum()) * 0.25 == pytest.approx(40.0, rel=0.06)
    rows, cols = np.nonzero(canvas.image[..., 0] > 0.5)
    assert (cols.mean() + 0.5) * 0.5 == pytest.approx(20.3, abs=0.13)
    assert 50.0 - (rows.mean() + 0.5) * 0.5 == pytest.approx(25.7, abs=0.13)


@pytest.mark.parametrize("azimuth_deg", [100.0, 160.0, 250.0])
def test_shadows_lie_away_from_the_sun_and_are_as_long_as_it_is_low(azimuth_deg: float) -> None:
    hall = Placement(unit="hall", thing=building(16, 16, 20, (0.3, 0.3, 0.3, 0.3), ridge=True), x=100, y=100)
    sun = SunPosition(azimuth_deg, 45.0)
    view = window()
    lit, bare = (
        render(plan, lay_ground(plan, view), view, taken(), sun)[..., 0] for plan in (flat(hall), flat())
    )
    rows, cols = np.nonzero(lit < 0.6 * bare)
    turn = np.radians(azimuth_deg + 180)
    away = (cols * 0.5 - 100) * np.sin(turn) + (100 - rows * 0.5) * np.cos(turn)
    aside = (cols * 0.5 - 100) * np.cos(turn) - (100 - rows * 0.5) * np.sin(turn)
    assert away.mean() > 10.0
    assert abs(aside.mean()) < 1.0
    # 20 m high under 45 degrees: 20 m beyond the far side of the hall, whose corners reach 11.3 m.
    assert 20 + 7.5 < away.max() < 20 + 12


def test_tall_things_lean_away_from_the_satellite() -> None:
    hall = Placement(unit="hall", thing=building(16, 16, 30, (0.5, 0.5, 0.5, 0.5), ridge=True), x=100, y=100)
    plan, view = flat(hall), window()
    image = render(plan, lay_ground(plan, view), view, taken(off_nadir_deg=20.0, view_azimuth_deg=270.0), SUN)
    rows, cols = np.nonzero(image[..., 0] > 0.38)
    assert cols.mean() * 0.5 - 100 == pytest.approx(30 * np.tan(np.radians(20)), abs=1.0)
    assert 100 - rows.mean() * 0.5 == pytest.approx(0.0, abs=1.0)


def test_misregistration_is_what_the_record_says() -> None:
    rows, cols = np.mgrid[0:101, 0:121].astype(np.float32)
    spot = np.repeat(np.exp(-((rows - 50) ** 2 + (cols - 60) ** 2) / 50)[..., None], 3, axis=2)
    moved = sensor.displace(spot, taken(shift_px=(0.6, -0.3), warp_px=0.0), 1)[..., 0]
    assert (moved * cols).sum() / moved.sum() == pytest.approx(60.6, abs=0.04)
    assert (moved * rows).sum() / moved.sum() == pytest.approx(49.7, abs=0.04)
    fine = sensor.displace(spot, taken(shift_px=(0.6, -0.3), warp_px=0.0), 4)[..., 0]
    assert (fine * cols).sum() / fine.sum() == pytest.approx(62.4, abs=0.04)


def test_every_drawn_shift_is_between_a_fifth_and_four_fifths_of_a_pixel() -> None:
    lengths = [float(np.hypot(*a.shift_px)) for a in acquisitions()]
    assert min(lengths) > 0.19
    assert max(lengths) < 0.81


def test_calendar() -> None:
    every = acquisitions()
    assert len({a.id for a in every}) == len(every)
    for site_id, crops in CROPS.items():
        series = [a for a in every if a.site_id == site_id and a.crop is None]
        assert len(series) == 8
        assert {"clear", "partly", "overcast"} == {a.sky for a in series}
        for crop in crops:
            assert len([a for a in every if a.site_id == site_id and a.crop == crop]) == 4
    assert all("SIMULATED" in a.id and a.platform.startswith("simulated") for a in every)


def test_an_aircraft_that_left_is_gone_from_the_pixels() -> None:
    plane = Placement(unit="a", thing=aircraft.IL_76, x=100, y=100, heading_deg=30, until=date(2024, 12, 10))
    plan, view = flat(plane), window()
    ground = lay_ground(plan, view)
    before = render(plan, ground, view, taken(acquired=datetime(2024, 12, 5, 8, tzinfo=UTC)), SUN)
    after = render(plan, ground, view, taken(), SUN)
    body = shapely.transform(footprint(plane).buffer(-1), lambda xy: (xy - (0, 200)) * (2, -2))
    inside = np.zeros(view.shape, np.uint8)
    for part in shapely.get_parts(body).tolist():
        cv2.fillPoly(inside, [np.rint(shapely.get_coordinates(part.exterior)).astype(np.int32)], 1)
    change = (before - after)[..., 0]
    assert change[inside > 0].mean() > 0.1
    assert np.abs(change[:60, :60]).mean() < 0.02
    assert [
        kind for kind, *_ in differences(plan, taken(acquired=datetime(2024, 12, 5, 8, tzinfo=UTC)), taken())
    ] == ["vanished"]


@pytest.mark.parametrize(("site_id", "crop"), [("khmeimim", "east"), ("tartus", "north")])
def test_truth_names_what_the_pixels_show(
    site_id: str, crop: str, sites: dict[str, Site], plans: dict[str, SitePlan]
) -> None:
    before, after = [a for a in acquisitions() if a.site_id == site_id and a.crop == crop][:2]
    plan, site = plans[site_id], sites[site_id]
    found = [
        (kind, old, new)
        for kind, old, new in differences(plan, before, after)
        if (new or old).thing.length_m > 40  # type: ignore[union-attr]
    ]
    whole = view_of(grid_of(site, plan, crop), plan, crop)
    checked = 0
    for _, old, new in found:
        placement = new or old
        assert placement is not None
        if not shapely.box(
            whole.west_m + 80, whole.north_m - 1200, whole.west_m + 1200, whole.north_m - 80
        ).contains(shapely.Point(placement.x, placement.y)):
            continue
        view = replace(window(300), west_m=placement.x - 75.0, north_m=placement.y + 75.0)
        ground = lay_ground(plan, view)
        first, second = (render(plan, ground, view, a, SUN) for a in (before, after))
        assert np.abs(first - second)[130:170, 130:170].mean() > 0.02, placement.unit
        checked += 1
    assert checked >= 2


def test_truth_is_the_same_every_time_and_says_that_it_is_simulated(
    sites: dict[str, Site], plans: dict[str, SitePlan]
) -> None:
    first, second = [a for a in acquisitions() if a.site_id == "tartus" and a.crop == "north"][:2]
    site, plan = sites["tartus"], plans["tartus"]
    grid = grid_of(site, plan, "north")
    document = truth_document(site, plan, grid, first, second)
    assert document == truth_document(site, tartus_plan(site), grid, first, second)
    assert document["simulated"] is True
    gone = [f["properties"] for f in document["features"] if f["properties"]["kind"] == "vanished"]
    assert sum(p["class"] == "ship" and p["length_m"] > 70 for p in gone) == 6
    assert all(p["simulated"] for p in gone)
    outline = shapely.geometry.shape(document["features"][0]["geometry"])
    assert isinstance(outline, shapely.Polygon)
    assert site.aoi.contains(outline)
    assert outline.exterior.is_ccw


def test_a_thing_that_changed_its_place_moved(sites: dict[str, Site], plans: dict[str, SitePlan]) -> None:
    first, second = [a for a in acquisitions() if a.site_id == "khmeimim" and a.crop == "west"][:2]
    site, plan = sites["khmeimim"], plans["khmeimim"]
    document = truth_document(site, plan, grid_of(site, plan, "west"), first, second)
    moved = [f["properties"] for f in document["features"] if f["properties"]["kind"] == "moved"]
    assert {p["unit"] for p in moved} >= {"launcher-0", "launcher-1"}
    assert all(p["displacement_m"] > 10 and p["before"]["type"] == "Polygon" for p in moved)


def test_numbers_are_the_same_every_time_and_follow_the_stated_scale() -> None:
    plan = flat()
    view = window(80, 2.5, SERIES_BANDS)
    image = render(plan, lay_ground(plan, view), view, taken(crop=None), SUN)
    numbers = sensor.series_numbers(image, taken(crop=None))
    assert np.array_equal(numbers, sensor.series_numbers(image, taken(crop=None)))
    values = numbers * sensor.SERIES_SCALE + sensor.SERIES_OFFSET
    assert np.abs(values - image).mean() < 0.004
    picture = sensor.picture_numbers(image[..., :3], taken())
    assert picture.dtype == np.uint8
    assert picture.min() >= 1


def test_clouds_and_their_shadows_are_in_the_classification(
    sites: dict[str, Site], plans: dict[str, SitePlan]
) -> None:
    plan, site = plans["tartus"], sites["tartus"]
    grid = grid_of(site, plan, None)
    bare = replace(plan, structures=(), stripes=(), roads=())
    view = view_of(grid, plan, None)
    ground = lay_ground(bare, view)
    given = {a.sky: a for a in acquisitions() if a.site_id == "tartus" and a.crop is None}
    partly = expose(site, bare, ground, given["partly"], SUN)
    clear = expose(site, bare, ground, replace(given["partly"], sky="clear"), SUN)
    assert partly.classes is not None
    assert clear.classes is not None
    fine = np.kron(partly.classes, np.ones((2, 2), np.uint8))
    blue, blue_clear = (e.numbers[..., 0].astype(float) for e in (partly, clear))
    assert blue[fine == 9].mean() > blue_clear[fine == 9].mean() + 1500
    assert partly.numbers[..., 3][fine == 3].mean() < clear.numbers[..., 3][fine == 3].mean()
    assert 5 < partly.cloud_pct < 40
    assert clear.cloud_pct == 0
    assert set(np.unique(clear.classes)) == {4, 5, 6}
    water = np.kron(clear.classes == 6, np.ones((2, 2), bool))
    assert clear.numbers[..., 3][water].mean() < clear.numbers[..., 3][~water].mean() - 500
    overcast = clouds(given["overcast"], (100, 100), 10.0, SUN)
    assert overcast is not None
    assert (overcast.thick | overcast.thin).mean() > 0.9


def test_grids_lie_on_the_sensors_pixel_edges(sites: dict[str, Site], plans: dict[str, SitePlan]) -> None:
    for site_id, plan in plans.items():
        whole: GeoBox = grid_of(sites[site_id], plan, None)
        assert whole.affine.c % 20 == 0
        assert whole.affine.f % 20 == 0
        for crop in CROPS[site_id]:
            grid = grid_of(sites[site_id], plan, crop)
            assert tuple(grid.shape) == (2560, 2560)
            assert grid.affine.c % 0.5 == 0
