"""Looks at planted places, and the rule that turns looks into a state."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from models.finding_state import DECISIVE, NOTES
from models.look import MIN_SEEN, NOT_OBSERVED, Look, Sight, look
from models.persistence import KEEP_SCORE, DatedLook, Judgement, both_ends, judge, outline_of, same_place
from tests.unit.models.planted import block, noisy, texture

SIDE = 60
ROW, COL, HEIGHT, WIDTH = 26, 24, 6, 12
Image = NDArray[np.float32]


def place() -> NDArray[np.bool_]:
    mask = np.zeros((SIDE, SIDE), np.bool_)
    mask[ROW : ROW + HEIGHT, COL : COL + WIDTH] = True
    return mask


def scene(seed: int, *, there: bool, value: float = 150.0) -> Image:
    image = texture((SIDE, SIDE))
    if there:
        block(image, ROW, COL, HEIGHT, WIDTH, value)
    return noisy(image, seed)


def seen(later: Image, *, appeared: bool = True, valid: NDArray[np.bool_] | None = None) -> Look:
    before, after = scene(1, there=not appeared), scene(2, there=appeared)
    whole = np.ones((SIDE, SIDE), np.bool_)
    return look(
        before, after, later, valid=whole, later_valid=whole if valid is None else valid, place=place(),
        sensor="optical",
    )  # fmt: skip


@pytest.mark.parametrize("appeared", [True, False], ids=["appeared", "vanished"])
@pytest.mark.parametrize("there", [True, False])
def test_later_date_resembles_the_date_on_which_the_object_stands_or_not(appeared: bool, there: bool) -> None:
    found = seen(scene(3, there=there), appeared=appeared)
    assert found.sight == ("as_after" if there is appeared else "as_before")
    assert found.seen == 1.0


@pytest.mark.parametrize("gain", [0.7, 1.3])
def test_a_darker_or_brighter_day_changes_nothing(gain: float) -> None:
    assert seen(scene(3, there=True) * np.float32(gain)).sight == "as_after"
    assert seen(scene(3, there=False) * np.float32(gain)).sight == "as_before"


def test_a_pixel_of_misregistration_changes_nothing() -> None:
    for offset in ((1, 0), (0, -1), (-1, 1)):
        assert seen(np.roll(scene(3, there=True), offset, axis=(1, 2))).sight == "as_after"
        assert seen(np.roll(scene(3, there=False), offset, axis=(1, 2))).sight == "as_before"


def test_something_else_at_the_place_is_unclear() -> None:
    assert seen(scene(3, there=True, value=250.0)).sight == "unclear"
    assert seen(scene(3, there=True, value=20.0)).sight == "unclear"


def test_half_of_the_change_is_unclear() -> None:
    between = (scene(4, there=True) + scene(5, there=False)) / 2
    assert seen(between).sight == "unclear"


def test_a_change_within_the_noise_is_unclear(rng: np.random.Generator) -> None:
    ground = texture((SIDE, SIDE))
    dates = [noisy(ground, seed, sigma=6.0) for seed in (11, 12, 13)]
    whole = np.ones((SIDE, SIDE), np.bool_)
    found = look(*dates, valid=whole, later_valid=whole, place=place(), sensor="optical")
    assert found.sight == "unclear"


@pytest.mark.parametrize(("hidden", "observed"), [(0.1, True), (0.5, False), (1.0, False)])
def test_cloud_over_the_place_is_not_observed(hidden: float, observed: bool) -> None:
    valid = np.ones((SIDE, SIDE), np.bool_)
    valid[:, COL : COL + round(hidden * WIDTH)] = False
    later = scene(3, there=True)
    later[:, ~valid] = 0
    found = seen(later, valid=valid)
    assert (found.sight == "as_after") is observed
    assert (found.sight == "not_observed") is not observed
    assert (found.seen >= MIN_SEEN) is observed


def test_cloud_all_around_leaves_nothing_to_compare_brightness_with() -> None:
    assert seen(scene(3, there=True), valid=place()).sight == "unclear"


def test_radar_is_compared_in_decibels(rng: np.random.Generator) -> None:
    def radar(seed: int, *, there: bool) -> Image:
        speckle = np.random.default_rng(seed).gamma(12, 1 / 12, (1, SIDE, SIDE))
        power = np.full((1, SIDE, SIDE), 0.01)
        if there:
            power[:, ROW : ROW + HEIGHT, COL : COL + WIDTH] = 1.0
        return (power * speckle).astype(np.float32)

    whole = np.ones((SIDE, SIDE), np.bool_)
    for there in (True, False):
        found = look(
            radar(1, there=False), radar(2, there=True), 3 * radar(3, there=there), valid=whole,
            later_valid=whole, place=place(), sensor="sar",
        )  # fmt: skip
        assert found.sight == ("as_after" if there else "as_before")


def dated(sight: Sight, day: int = 1, *, undone: bool = False) -> DatedLook:
    found = NOT_OBSERVED if sight == "not_observed" else Look(sight=sight, seen=1.0)
    return DatedLook(
        look=found, acquired=f"2025-01-{day:02d}T08:00:00Z", undone=undone, run=f"r{day}", scene=f"s{day}"
    )


def chain(*sights: Sight) -> list[DatedLook]:
    return [dated(sight, day) for day, sight in enumerate(sights, start=1)]


HIGH, LOW = KEEP_SCORE, KEEP_SCORE - 0.01


@pytest.mark.parametrize(
    ("score", "sights", "state", "reason", "by"),
    [
        (HIGH, (), "provisional", "no_later_date", None),
        (LOW, ("as_after",), "confirmed", "lasts", 1),
        (HIGH, ("as_before",), "provisional", "seen_once", 1),
        (LOW, ("as_before",), "withdrawn", "not_repeated", 1),
        (HIGH, ("not_observed",), "provisional", "not_observed", 1),
        (HIGH, ("not_observed", "as_after"), "confirmed", "lasts", 2),
        (LOW, ("not_observed", "as_before", "as_after"), "withdrawn", "not_repeated", 2),
        (HIGH, ("unclear",), "provisional", "unclear", 1),
        (HIGH, ("unclear", "not_observed"), "provisional", "unclear", 1),
        (HIGH, ("unclear", "as_after"), "confirmed", "lasts", 2),
        (LOW, ("as_after", "as_before"), "confirmed", "lasts", 1),
    ],
)
def test_the_first_clear_look_decides(
    score: float, sights: Sequence[Sight], state: str, reason: str, by: int | None
) -> None:
    found = judge(score, chain(*sights))
    assert (found.state, found.reason) == (state, reason)
    assert (None if found.by is None else found.by.run) == (None if by is None else f"r{by}")


def test_no_more_looks_are_taken_than_needed() -> None:
    looks = iter(chain("not_observed", "as_after", "as_after", "as_after"))
    judge(0.9, looks)
    assert len(list(looks)) == 2


@pytest.mark.parametrize(
    ("sight", "reason"),
    [("as_after", "unclear"), ("unclear", "not_repeated"), ("as_before", "not_repeated"),
     ("not_observed", "unclear")],
)  # fmt: skip
def test_pixels_and_detector_must_not_contradict_each_other(sight: Sight, reason: str) -> None:
    assert judge(LOW, [dated(sight, undone=True)]).reason == reason


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        (("as_after", "as_after"), "lasts"),
        (("as_after", "as_before"), "not_repeated"),
        (("as_after", "unclear"), "unclear"),
        (("not_observed", "as_after"), "not_observed"),
        (("unclear", "as_before"), "not_repeated"),
    ],
)
def test_moved_lasts_only_at_both_ends(ends: tuple[Sight, Sight], reason: str) -> None:
    first, second = (judge(LOW, [dated(sight)]) for sight in ends)
    assert both_ends(first, second).reason == reason
    assert both_ends(second, first).reason == reason


def test_moved_is_decided_by_the_later_of_its_looks() -> None:
    first, second = judge(LOW, chain("as_after")), judge(LOW, chain("not_observed", "as_after"))
    found: Judgement = both_ends(first, second)
    assert found.by is not None
    assert found.by.run == "r2"


def test_same_place_allows_for_half_a_pixel_and_not_for_a_neighbour() -> None:
    ring = [(0.0, 0.0), (10.0, 0.0), (10.0, 6.0), (0.0, 6.0), (0.0, 0.0)]
    here = outline_of(ring, grown_by=0.25)
    assert same_place(here, outline_of([(x + 3, y + 1) for x, y in ring], grown_by=0.25))
    assert same_place(here, outline_of([(x / 3, y / 3) for x, y in ring], grown_by=0.25))
    assert not same_place(here, outline_of([(x + 10, y) for x, y in ring], grown_by=0.25))


def test_every_decisive_reason_has_a_sentence() -> None:
    assert set(DECISIVE) < set(NOTES)
