"""One pass in several collections and processings: which of them is compared."""

from typing import Any

from imagery.listing import Listing
from imagery.scene import Scene
from imagery.select import Plan, choose
from imagery.versions import mixed
from tests.unit.imagery.test_select import SITE, WHOLE, pairs, reasons, scene

NEW, OLD = "sentinel-2-c1-l2a", "sentinel-2-l2a"


def delivered(day: float, collection: str, baseline: str | None = "05.11", **facts: Any) -> Scene:
    short = {NEW: "c1", OLD: "l2"}.get(collection, collection)
    defaults: dict[str, Any] = {
        "id": f"{short}-{day:g}", "datatake": f"S2A_{day:g}", "tile": "36SYD", "relative_orbit": 121,
    }  # fmt: skip
    return scene(day, collection=collection, processing_baseline=baseline, **{**defaults, **facts})


def plan(*scenes: Scene, preference: tuple[str, ...] = (NEW, OLD)) -> Plan:
    return choose(SITE, Listing(usable=scenes, preference=preference))


def test_the_preferred_collection_where_it_has_the_dates() -> None:
    found = plan(*(delivered(day, collection) for day in (0, 5) for collection in (OLD, NEW)))
    assert pairs(found) == [("c1-0", "c1-5")]
    assert [s.id for s in found.usable] == ["c1-0", "c1-5"]
    assert reasons(found) == {
        f"l2-{day}": f"the same pass as c1-{day}, which {NEW} has: it goes before {OLD}" for day in (0, 5)
    }


def test_a_date_that_the_preferred_collection_misses_is_compared_within_the_other() -> None:
    found = plan(
        delivered(0, NEW), delivered(0, OLD), delivered(5, OLD), delivered(10, NEW), delivered(10, OLD)
    )
    assert pairs(found) == [("l2-0", "l2-5"), ("l2-5", "l2-10")]
    why = reasons(found)
    assert f"its pass is compared in l2-0 of {OLD}" in why["c1-0"]
    assert set(why) == {"c1-0", "c1-10"}
    assert [s.id for s in found.usable] == ["c1-0", "l2-5", "c1-10"]


def test_one_delivery_may_serve_one_pair_and_another_the_next() -> None:
    found = plan(
        delivered(0, OLD), delivered(5, NEW), delivered(5, OLD), delivered(10, NEW)
    )  # fmt: skip
    assert pairs(found) == [("l2-0", "l2-5"), ("c1-5", "c1-10")]
    assert not found.left_out


def test_dates_without_a_collection_in_common_are_compared_and_that_is_noted() -> None:
    found = plan(delivered(0, OLD, "03.01"), delivered(5, NEW, "05.00"))
    assert pairs(found) == [("l2-0", "c1-5")]
    ((before, after),) = found.pairs
    assert mixed(before, after) == (
        f"collections differ ({OLD} and {NEW}); processing baselines differ (03.01 and 05.00)"
    )
    assert mixed(after, after) is None


def test_one_processing_baseline_where_there_is_a_choice() -> None:
    found = plan(
        delivered(0, NEW, "05.00"), delivered(0, OLD, "05.11"), delivered(5, NEW, "05.11"), delivered(5, OLD, "05.11")
    )  # fmt: skip
    assert pairs(found) == [("l2-0", "l2-5")]


def test_the_newest_reprocessing_within_a_collection() -> None:
    found = plan(
        delivered(0, OLD, "04.00", id="first"), delivered(0, OLD, "05.11", id="again"), delivered(5, OLD, "05.11"),
    )  # fmt: skip
    assert pairs(found) == [("again", "l2-5")]
    assert "older processing 04.00 of the pass in again" in reasons(found)["first"]


def test_the_newest_wins_over_one_baseline_per_pair() -> None:
    found = plan(
        delivered(0, OLD, "05.00"), delivered(5, OLD, "05.00", id="first"), delivered(5, OLD, "05.11", id="again"),
    )  # fmt: skip
    assert pairs(found) == [("l2-0", "again")]
    assert mixed(*found.pairs[0]) == "processing baselines differ (05.00 and 05.11)"


def test_a_tile_that_only_the_other_collection_has_completes_the_scene() -> None:
    west, east = (35.0, 34.0, 35.85, 35.5), (35.85, 34.0, 36.5, 35.5)
    found = plan(
        delivered(0, NEW, box=west, tile="36SYD"),
        delivered(0, OLD, box=east, tile="37SBU", id="l2-0e"),
        delivered(5, NEW, box=WHOLE),
    )
    assert pairs(found) == [("c1-0", "c1-5")]
    assert [tile.id for tile in found.pairs[0][0].siblings] == ["l2-0e"]
    assert "collections differ" in str(mixed(*found.pairs[0]))


def test_another_delivery_that_shows_less_is_not_taken_for_unity() -> None:
    west = (35.0, 34.0, 35.85, 35.5)
    found = plan(delivered(0, NEW), delivered(0, OLD, box=west), delivered(5, OLD))
    assert pairs(found) == [("c1-0", "l2-5")]


def test_without_a_preference_the_newest_baseline_counts() -> None:
    found = plan(
        delivered(0, NEW, "05.00"), delivered(0, OLD, "05.11"), delivered(5, OLD, "05.11"), preference=()
    )
    assert pairs(found) == [("l2-0", "l2-5")]
    assert "older processing 05.00" in reasons(found)["c1-0"]
