"""Which scenes are compared, and that every other one has a reason."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from imagery.geometry import utm_crs
from imagery.listing import LeftOut, Listing
from imagery.scene import Asset, Scene
from imagery.select import Plan, choose, coverage_of, sift
from imagery.site import Site

SITE = Site(id="s", name="s", aoi=shapely.box(35.8, 34.8, 35.9, 34.9), crs=utm_crs(35.8, 34.8), zones={})
START = datetime(2024, 12, 1, 8, 20, tzinfo=UTC)
WHOLE = (35.0, 34.0, 36.5, 35.5)


def scene(day: float, *, box: tuple[float, float, float, float] = WHOLE, **facts: Any) -> Scene:
    bands = facts.pop("bands", ("red",))
    defaults: dict[str, Any] = {
        "id": f"scene-{day:g}", "source": "t", "collection": "c", "platform": "sat-1", "sensor": "optical",
        "quantity": "dn", "gsd_m": 10.0, "acquired": START + timedelta(days=day),
        "assets": {"data": Asset(href="x.tif", bands=bands)},
        "footprint": shapely.geometry.mapping(shapely.box(*box)),
    }  # fmt: skip
    return Scene(**{**defaults, **facts})


def radar(day: float, orbit: int | None = 14, state: str | None = "ascending", **facts: Any) -> Scene:
    return scene(
        day, sensor="sar", quantity="gamma0", relative_orbit=orbit, orbit_state=state, bands=("vv",), **facts
    )  # fmt: skip


def plan(*scenes: Scene, **options: Any) -> Plan:
    return choose(SITE, Listing(usable=scenes), **options)


def pairs(found: Plan) -> list[tuple[str, str]]:
    return [(before.id, after.id) for before, after in found.pairs]


def reasons(found: Plan) -> dict[str, str]:
    return {entry.scene_id: entry.reason for entry in found.left_out}


def test_consecutive_dates() -> None:
    assert pairs(plan(scene(5), scene(0), scene(10))) == [("scene-0", "scene-5"), ("scene-5", "scene-10")]


def test_the_same_orbit_is_preferred() -> None:
    found = plan(*(scene(day, relative_orbit=121 if day % 2 else 78) for day in range(5)))
    assert pairs(found) == [("scene-0", "scene-2"), ("scene-1", "scene-3"), ("scene-2", "scene-4")]


def test_an_optical_date_of_an_orbit_of_its_own_is_not_lost() -> None:
    found = plan(scene(0, relative_orbit=1), scene(3, relative_orbit=2), scene(5, relative_orbit=1))
    assert ("scene-0", "scene-3") in pairs(found)
    assert ("scene-0", "scene-5") in pairs(found)
    assert not found.left_out


def test_radar_is_compared_within_one_orbit_and_direction_only() -> None:
    found = plan(radar(0), radar(1, 87), radar(12), radar(13, 14, "descending"), radar(14, None))
    assert pairs(found) == [("scene-0", "scene-12")]
    assert "only usable scene of relative orbit 87" in reasons(found)["scene-1"]
    assert "orbit 14, descending" in reasons(found)["scene-13"]
    assert "relative orbit is not known" in reasons(found)["scene-14"]


def test_radar_of_another_polarisation_or_quantity_is_never_compared() -> None:
    other = scene(
        1, sensor="sar", quantity="gamma0", relative_orbit=14, orbit_state="ascending", bands=("vh",)
    )
    assert plan(radar(0), other).pairs == ()
    assert "no other scene has its bands (vh)" in reasons(plan(radar(0), other))["scene-1"]
    sigma = scene(
        1, sensor="sar", quantity="sigma0", relative_orbit=14, orbit_state="ascending", bands=("vv",)
    )
    assert plan(radar(0), sigma).pairs == ()
    assert "sigma0" in reasons(plan(radar(0), sigma))["scene-1"]


def test_a_direction_that_is_not_stated_is_that_of_its_orbit() -> None:
    found = plan(radar(0, 14, None), radar(12), radar(24, 14, None), radar(1, 87, None), radar(13, 87, None))
    assert pairs(found) == [("scene-0", "scene-12"), ("scene-1", "scene-13"), ("scene-12", "scene-24")]


def test_radar_and_optical_are_never_compared() -> None:
    found = plan(scene(0), radar(1))
    assert found.pairs == ()
    assert "only usable optical scene" in reasons(found)["scene-0"]
    assert "only usable sar scene" in reasons(found)["scene-1"]


def test_cloud_by_metadata_until_it_is_measured() -> None:
    cloudy, clear = scene(0, cloud_cover_pct=95.0), scene(5, cloud_cover_pct=95.0)
    assert set(reasons(plan(cloudy, clear))) == {"scene-0", "scene-5"}
    assert "95 % cloud over the scene" in reasons(plan(cloudy, clear))["scene-0"]
    measured = plan(cloudy, clear, aoi_cloud={"scene-0": 0.1, "scene-5": 0.0})
    assert len(measured.pairs) == 1
    wrong = plan(scene(0, cloud_cover_pct=1.0), aoi_cloud={"scene-0": 0.99})
    assert "99 % cloud over the AOI" in reasons(wrong)["scene-0"]


def test_one_usable_scene_only() -> None:
    found = plan(scene(0), scene(5, cloud_cover_pct=99.0))
    assert found.pairs == ()
    assert "only usable optical scene" in reasons(found)["scene-0"]
    assert [entry.id for entry in found.usable] == ["scene-0"]


def test_no_scene_at_all() -> None:
    empty = plan()
    assert (empty.pairs, empty.left_out, empty.usable) == ((), (), ())


def test_pixel_sizes_are_not_mixed() -> None:
    found = plan(scene(0, gsd_m=0.5), scene(1, gsd_m=0.6), scene(2, gsd_m=3.0))
    assert pairs(found) == [("scene-0", "scene-1")]
    assert (
        "no other scene of its kind (optical, 3 m, dn); the others have 0.5 m, 0.6 m"
        in reasons(found)["scene-2"]
    )


def test_quantities_and_bands_are_not_mixed() -> None:
    assert plan(scene(0), scene(1, quantity="reflectance")).pairs == ()
    assert plan(scene(0), scene(1, bands=("nir",))).pairs == ()
    assert plan(scene(0, bands=("band1",)), scene(1)).pairs


EAST = (35.85, 34.0, 36.5, 35.5)
WEST = (35.0, 34.0, 35.85, 35.5)


def test_tiles_of_one_pass_become_one_scene() -> None:
    a = scene(0, id="east", datatake="D1", tile="37SBU", box=(35.84, 34.0, 36.5, 35.5))
    b = scene(0.0001, id="west", datatake="D1", tile="36SYD", box=WEST)
    later = scene(5, datatake="D2", tile="36SYD")
    found = plan(a, b, later)
    assert pairs(found) == [("east", "scene-5")]
    before = found.pairs[0][0]
    assert [s.id for s in before.siblings] == ["west"]
    assert found.coverage["east"] == pytest.approx(1.0)
    assert not found.left_out


def test_a_second_tile_that_adds_nothing_is_left_out_and_the_sites_own_zone_wins() -> None:
    found = plan(
        scene(0, id="b37", datatake="D", tile="37SBU"), scene(0, id="z36", datatake="D", tile="36SYD")
    )
    assert [s.id for s in found.usable] == ["z36"]
    assert "same pass as z36" in reasons(found)["b37"]


def test_the_newest_processing_wins() -> None:
    versions = [
        scene(0, id=f"v{b}", datatake="D", tile="T", processing_baseline=b)
        for b in ("05.09", "05.11", "02.14")
    ]
    found = plan(*versions)
    assert [s.id for s in found.usable] == ["v05.11"]
    assert "older processing 05.09" in reasons(found)["v05.09"]
    assert "older processing 02.14" in reasons(found)["v02.14"]


def test_the_same_image_twice_is_a_duplicate() -> None:
    found = plan(scene(0, id="a"), scene(0, id="b"), scene(4))
    assert pairs(found) == [("a", "scene-4")]
    assert "duplicate of a" in reasons(found)["b"]


def test_slices_of_a_radar_pass_are_merged_without_a_datatake() -> None:
    first = radar(0, id="slice-1", box=WEST)
    second = radar(25 / 86400, id="slice-2", box=EAST)
    merged = plan(first, second).usable
    assert len(merged) == 1
    assert coverage_of(SITE, merged[0]) == pytest.approx(1.0)


def test_two_satellites_minutes_apart_are_two_passes() -> None:
    assert len(plan(scene(0), scene(0.005, platform="sat-2")).usable) == 2


def test_days_without_a_time_of_one_satellite_are_one_pass() -> None:
    day = datetime(2024, 12, 5, tzinfo=UTC)
    found = plan(
        scene(0, id="a", acquired=day, time_known=False, tile="36SYD", box=WEST),
        scene(0, id="b", acquired=day, time_known=False, tile="37SBU", box=EAST),
    )
    assert len(found.usable) == 1


def test_a_swath_edge_is_seen() -> None:
    sliver = scene(0, box=(35.0, 34.0, 35.805, 35.5))
    half = scene(5, box=(35.0, 34.0, 35.85, 35.5))
    found = plan(sliver, half, scene(10))
    assert "covers 5.0% of the AOI" in reasons(found)["scene-0"]
    assert found.coverage["scene-5"] == pytest.approx(0.5)
    assert pairs(found) == [("scene-5", "scene-10")]
    assert len(plan(sliver, half, scene(10), min_coverage=0.01).usable) == 3


def test_halves_that_do_not_overlap_are_not_compared() -> None:
    found = plan(scene(0, box=WEST), scene(5, box=EAST))
    assert found.pairs == ()
    assert "too little of the same ground" in reasons(found)["scene-0"]


def test_fine_crops_meet_their_own_ground() -> None:
    here, there = (35.81, 34.81, 35.82, 34.82), (35.87, 34.87, 35.88, 34.88)
    crops = [scene(day, id=f"{name}{day}", gsd_m=0.5, box=box, platform=name)
             for day in (0, 5) for name, box in (("here", here), ("there", there))]  # fmt: skip
    assert pairs(plan(*crops)) == [("here0", "here5"), ("there0", "there5")]


def test_what_the_source_left_out_stays_listed() -> None:
    before = LeftOut(scene_id="broken", acquired=None, reason="malformed")
    found = choose(SITE, Listing(usable=(scene(0), scene(5)), left_out=(before,)))
    assert found.left_out == (before,)


def test_sift_by_period_and_place() -> None:
    listing = sift(
        SITE,
        [
            scene(0), scene(40), scene(1, id="away", box=(10, 10, 11, 11)),
            scene(2, id="swapped", box=(34.0, 35.0, 35.5, 36.5)),
            scene(3, id="day", acquired=START.replace(hour=0, minute=0), time_known=False),
            scene(4, id="unknown", footprint=None),
        ],
        START,
        START + timedelta(days=10),
    )  # fmt: skip
    assert {s.id for s in listing.usable} == {"scene-0", "day", "unknown"}
    why = {entry.scene_id: entry.reason for entry in listing.left_out}
    assert "outside the period 2024-12-01 to 2024-12-11" in why["scene-40"]
    assert why["away"] == "does not touch the AOI of s"
    assert "exchanged" in why["swapped"]


kinds = st.sampled_from(["optical", "sar"])
any_scene = st.builds(
    lambda n, kind, day, orbit, gsd_m, cloud, tile, take, west: (
        radar(day, orbit, id=f"r{n}", gsd_m=gsd_m, datatake=take, box=(west, 34.0, 36.5, 35.5))
        if kind == "sar"
        else scene(day, id=f"o{n}", relative_orbit=orbit, gsd_m=gsd_m, cloud_cover_pct=cloud, tile=tile,
                   datatake=take, box=(west, 34.0, 36.5, 35.5))
    ),
    st.integers(), kinds, st.integers(0, 6), st.sampled_from([None, 1, 2]), st.sampled_from([0.5, 3.0, 10.0]),
    st.floats(0, 100), st.sampled_from([None, "36SYD", "37SBU"]), st.sampled_from([None, "A", "B"]),
    st.floats(35.7, 35.95),
)  # fmt: skip


@given(st.lists(any_scene, max_size=12, unique_by=lambda s: s.id))
def test_every_scene_is_used_or_has_one_reason(scenes: list[Scene]) -> None:
    found = plan(*scenes)
    used = {part.id for pair in found.pairs for s in pair for part in (s, *s.siblings)}
    left = [entry.scene_id for entry in found.left_out]
    assert len(left) == len(set(left))
    assert not used & set(left)
    assert {s.id for s in scenes} == used | set(left)
    assert all(before.acquired <= after.acquired for before, after in found.pairs)
    assert plan(*reversed(scenes)) == found
