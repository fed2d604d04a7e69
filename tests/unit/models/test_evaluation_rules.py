"""What counts as the same object, and what becomes of a claim; every figure worked out by hand."""

from collections.abc import Sequence
from typing import Any

import pytest

from models.evaluation import Box, Case, CaseScore, Truth, claims_of, rule_for, score_case

PLANE = (100, 100, 160, 160)
"""60 px a side: 30 m at 0.5 m."""


def case(**changes: Any) -> Case:
    facts: dict[str, Any] = {
        "name": "case",
        "klass": "aircraft",
        "gsd_m": 0.5,
        "shape": (1000, 1000),
        "component": "a",
        "null": False,
        "truths": (Truth("appeared", Box(*PLANE)),),
    }
    return Case(**{**facts, **changes})


def change(kind: str, box: Sequence[float], score: float = 0.9, label: str = "object") -> dict[str, Any]:
    date = "before" if kind == "vanished" else "after"
    return {"kind": kind, "score": score, "label": label, date: {"bbox_px": list(box)}}


def judged(given: Case, *changes: dict[str, Any]) -> CaseScore:
    return score_case(given, {"status": "changed", "seconds": 2.0, "changes": list(changes)})


def statuses(given: Case, *changes: dict[str, Any]) -> list[str]:
    return [status for _, status in judged(given, *changes).judged]


def test_overlap_of_boxes() -> None:
    left, right = Box(0, 0, 10, 10), Box(5, 0, 15, 10)
    assert left.overlap_px(right) == 50
    assert left.iou(right) == pytest.approx(50 / 150)
    assert left.overlap_px(Box(10, 0, 20, 10)) == 0  # sharing an edge is not overlapping
    assert left.iou(Box(50, 50, 60, 60)) == 0
    assert left.holds((10, 10))
    assert not left.holds((10.1, 10))
    assert left.holds((12, 10), margin_px=2)


@pytest.mark.parametrize(
    ("claim", "same"),
    [
        ((100, 100, 160, 160), True),
        ((100, 100, 160, 112), True),  # a fifth of the box: IoU 0.2
        ((0, 100, 200, 220), False),  # holds all of it, but IoU 0.15 and 6.7 times its area
        ((70, 70, 170, 178), True),  # centre inside, 3 times its area
        ((130, 130, 150, 150), False),  # centre inside, but a ninth of its area
        ((161, 100, 221, 160), False),
    ],
)
def test_aircraft_match(claim: tuple[float, ...], same: bool) -> None:
    assert rule_for("aircraft").matches(Box(*claim), Box(*PLANE), 0.5) is same


@pytest.mark.parametrize(
    ("claim", "same"),
    [
        ((109, 100, 119, 110), False),  # IoU 0.05, centre 4 px outside where 2.5 are allowed
        ((108, 100, 118, 110), True),  # IoU 0.11
        ((102, 108, 112, 118), False),  # IoU 0.09, centre 3 px outside
        ((102, 107.5, 112, 117.5), True),  # centre 2.5 px outside
        ((111, 100, 113, 110), True),  # beside it, centre 2 px outside, a fifth of its area
        ((111, 100, 112, 110), False),  # a tenth of its area
        ((94, 94, 116, 116), True),  # 4.84 times its area, around it
        ((93, 93, 117, 117), True),  # 5.76 times its area, but IoU 0.17
        ((85, 85, 125, 125), False),  # 16 times
    ],
)
def test_vehicle_match_is_wider(claim: tuple[float, ...], same: bool) -> None:
    truth = Box(100, 100, 110, 110)
    assert rule_for("vehicle").matches(Box(*claim), truth, 1.0) is same


@pytest.mark.parametrize(
    ("side_px", "label", "status"),
    [
        (23, "object", "off_class"),  # 11.5 m: too small for an aircraft
        (24, "object", "false_alarm"),
        (160, "object", "false_alarm"),
        (161, "object", "off_class"),
        (161, "aircraft", "false_alarm"),  # labelled so: counts whatever its size
        (5, "aircraft", "false_alarm"),
    ],
)
def test_only_claims_of_the_class_count(side_px: int, label: str, status: str) -> None:
    assert statuses(case(), change("appeared", (500, 500, 500 + side_px, 510), label=label)) == [status]


def test_a_found_truth_is_found_once() -> None:
    first, second = change("appeared", PLANE, 0.6), change("appeared", PLANE, 0.8)
    result = judged(case(), first, second)
    assert [(claim.score, status) for claim, status in result.judged] == [(0.8, "hit"), (0.6, "fragment")]
    assert result.hit_scores == (0.8,)


def test_ties_go_to_the_first_in_the_document() -> None:
    result = judged(case(), change("appeared", (100, 100, 160, 150), 0.7), change("appeared", PLANE, 0.7))
    assert [(claim.change, status) for claim, status in result.judged] == [(0, "hit"), (1, "fragment")]


def test_a_claim_finds_the_truth_it_overlaps_most() -> None:
    two = case(truths=(Truth("appeared", Box(0, 0, 60, 60)), Truth("appeared", Box(30, 0, 90, 60))))
    assert judged(two, change("appeared", (28, 0, 88, 60), 0.7)).hit_scores == (None, 0.7)


def test_greedy_takes_the_best_score_first_even_where_that_costs_a_hit() -> None:
    two = case(truths=(Truth("appeared", Box(0, 0, 60, 60)), Truth("appeared", Box(40, 0, 100, 60))))
    between, only_first = change("appeared", (15, 0, 75, 60), 0.9), change("appeared", (0, 0, 55, 60), 0.8)
    result = judged(two, between, only_first)
    assert result.hit_scores == (0.9, None)  # IoU 45/75 with the first, 35/85 with the second
    assert [status for _, status in result.judged] == ["hit", "fragment"]


def test_wrong_kind_is_no_hit_and_no_false_alarm() -> None:
    result = judged(case(), change("vanished", PLANE, 0.9), change("appeared", PLANE, 0.4))
    assert [status for _, status in result.judged] == ["wrong_kind", "hit"]
    assert result.hit_scores == (0.4,)
    assert result.matches == ((0.9, False),)  # the best match says the wrong thing


def test_touching_without_matching_is_a_fragment() -> None:
    assert statuses(case(), change("appeared", (150, 150, 200, 200))) == ["fragment"]
    assert statuses(case(), change("vanished", (150, 150, 200, 200))) == ["fragment"]


def test_a_dont_care_box_excuses_and_is_not_found() -> None:
    given = case(dont_care=(Box(500, 500, 560, 560),))
    result = judged(given, change("appeared", (500, 500, 560, 560)))
    assert [status for _, status in result.judged] == ["fragment"]
    assert result.hit_scores == (None,)


@pytest.mark.parametrize(("klass", "too_long_px"), [("aircraft", 161), ("ship", 801), ("vehicle", 51)])
def test_longer_than_any_such_object_never_touches(klass: Any, too_long_px: int) -> None:
    long = change("appeared", (150, 150, 150 + too_long_px, 160), label=klass)
    shorter = change("appeared", (150, 150, 149 + too_long_px, 160), label=klass)
    assert statuses(case(klass=klass), long) == ["false_alarm"]
    assert statuses(case(klass=klass), shorter) == ["fragment"]


def test_ignored_ground() -> None:
    edge = (Box(0, 0, 1000, 40),)
    assert statuses(case(ignore=edge), change("appeared", (500, 10, 560, 70))) == [
        "ignored"
    ]  # centre on its edge
    assert statuses(case(ignore=edge), change("appeared", (500, 11, 560, 71))) == ["false_alarm"]
    assert statuses(case(ignore=(Box(0, 0, 1000, 1000),)), change("appeared", PLANE)) == [
        "hit"
    ]  # a match counts


def test_on_a_control_every_claim_is_a_false_alarm() -> None:
    control = case(
        klass="none", null=True, truths=(), dont_care=(Box(0, 0, 50, 50),), ignore=(Box(0, 0, 9, 9),)
    )
    tiny, huge = change("appeared", (20, 20, 21, 21)), change("vanished", (0, 0, 900, 900))
    assert statuses(control, tiny, huge, change("appeared", (0, 0, 4, 4))) == [
        "false_alarm",
        "false_alarm",
        "ignored",
    ]


def test_moved_makes_two_claims() -> None:
    given = case(truths=(Truth("appeared", Box(*PLANE)), Truth("vanished", Box(300, 300, 360, 360))))
    moved = {
        "kind": "moved",
        "score": 0.7,
        "before": {"bbox_px": [300, 300, 360, 360]},
        "after": {"bbox_px": [600, 600, 660, 660]},
    }
    result = judged(given, moved)
    assert [(claim.kind, claim.change, status) for claim, status in result.judged] == [
        ("vanished", 0, "hit"),
        ("appeared", 0, "false_alarm"),
    ]
    assert result.hit_scores == (None, 0.7)


def test_no_result_and_not_assessable_claim_nothing() -> None:
    assert not score_case(case(), None).assessed
    refused = score_case(case(), {"status": "not_assessable", "changes": [change("appeared", PLANE)]})
    assert not refused.assessed
    assert refused.judged == ()
    assert refused.hit_scores == (None,)
    assert score_case(case(), {"status": "unchanged", "changes": []}).assessed


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({"kind": "modified", "score": 1, "after": {"bbox_px": [0, 0, 1, 1]}}, "unknown kind 'modified'"),
        ({"kind": "appeared", "score": 1, "after": None}, "no bbox_px"),
        ({"kind": "appeared", "score": float("nan"), "after": {"bbox_px": [0, 0, 1, 1]}}, "score nan"),
        ({"kind": "appeared", "score": 1, "after": {"bbox_px": [0, 0, 1]}}, "col0, row0, col1, row1"),
        ({"kind": "appeared", "score": 1, "after": {"bbox_px": [0, 0, 1, float("inf")]}}, "finite"),
    ],
)
def test_claims_that_cannot_be_read_are_refused(document: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        claims_of({"status": "changed", "changes": [document]})


def test_examined_ground_leaves_out_what_is_ignored() -> None:
    # 25 x 25 blocks of 4 px in 96 x 96 px; the box covers blocks 0-10 in both directions.
    counted = 25 * 25 - 11 * 11
    given = case(shape=(96, 96), gsd_m=2.0, ignore=(Box(-5, -5, 40, 43.9),))
    assert given.examined_km2 == pytest.approx(counted * 16 * 4 / 1e6)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"gsd_m": 0.0}, "gsd must be"),
        ({"shape": (0, 10)}, "10 x 0"),
        ({"klass": "tank"}, "'tank'"),
        ({"origin": "drawn"}, "'drawn'"),
        ({"truths": (Truth("appeared", Box(5, 5, 5, 9)),)}, "is empty"),
    ],
)
def test_a_case_that_cannot_be_is_refused(wrong: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        case(**wrong)
