"""Figures over cases: hand-computed sums, the bootstrap, budgets, and what never shares a figure."""

import json
import math
from typing import Any

import numpy as np
import pytest

from models.evaluation import (
    Box,
    Case,
    CaseScore,
    Truth,
    confidence_interval,
    detection_at_false_alarms,
    score_case,
    summarise,
    tally,
)

SIDE_PX = 60
KM2 = 251 * 251 * 16 * 0.25 / 1e6
"""Of a case of 1000 x 1000 px at 0.5 m."""


def spot(index: int) -> list[int]:
    """Places that do not touch each other."""
    row, col = divmod(index, 10)
    return [col * 100, row * 100, col * 100 + SIDE_PX, row * 100 + SIDE_PX]


def scored(
    name: str, truths: int, hits: dict[int, float], alarms: dict[int, float], **facts: Any
) -> CaseScore:
    """A case with `truths` appeared at spots 0, 1, ...; `hits` and `alarms` map spots to scores."""
    case = Case(
        **{
            "name": name,
            "klass": "aircraft",
            "gsd_m": 0.5,
            "shape": (1000, 1000),
            "component": name,
            "null": False,
            "truths": tuple(Truth("appeared", Box(*map(float, spot(i)))) for i in range(truths)),
            **facts,
        }
    )
    changes = [
        {"kind": "appeared", "score": score, "label": "object", "after": {"bbox_px": spot(place)}}
        for place, score in {**hits, **{50 + place: score for place, score in alarms.items()}}.items()
    ]
    return score_case(case, {"status": "changed", "seconds": 2.0, "changes": changes})


def test_sums_over_two_cases() -> None:
    first = scored("a", 4, {0: 0.9, 1: 0.6, 2: 0.2}, {0: 0.8})
    second = scored("b", 1, {}, {0: 0.4})
    total = tally([first, second], 0.5)
    assert (total.hits, total.truths, total.false_alarms) == (2, 5, 1)
    assert total.pd == pytest.approx(0.4)
    assert math.isnan(total.pd_vanished)
    assert total.false_alarms_per_km2 == pytest.approx(1 / (2 * KM2))
    assert total.precision_lower_bound == pytest.approx(2 / 3)
    assert total.claims_per_km2 == pytest.approx(3 / (2 * KM2))
    everything = tally([first, second], 0.0)
    assert (everything.hits, everything.false_alarms) == (3, 2)


def test_right_kind_is_judged_by_the_best_scored_match() -> None:
    case = scored("a", 2, {}, {}).case
    wrong = {"kind": "vanished", "score": 0.9, "before": {"bbox_px": spot(0)}}
    right = [{"kind": "appeared", "score": 0.6, "after": {"bbox_px": spot(i)}} for i in range(2)]
    total = tally([score_case(case, {"status": "changed", "changes": [wrong, *right]})], 0.0)
    assert (total.hits, total.matched, total.wrong_kind) == (2, 2, 1)
    assert total.right_kind == pytest.approx(0.5)


def test_a_budget_buys_the_threshold_that_keeps_to_it() -> None:
    one = scored("a", 4, {0: 0.9, 1: 0.7, 2: 0.3}, {0: 0.8, 1: 0.5, 2: 0.4})
    points = detection_at_false_alarms([one], [0.5 / KM2, 1.5 / KM2, 10 / KM2])
    assert [tuple(point) for point in points.values()] == [(0.25, 0.9), (0.5, 0.7), (0.75, 0.3)]


def test_a_budget_that_no_threshold_keeps_to() -> None:
    points = detection_at_false_alarms([scored("a", 1, {0: 0.3}, {0: 0.9})], [0.5])
    assert tuple(points[0.5]) == (0.0, None)


def test_bootstrap_draws_places_not_boxes() -> None:
    places = [scored(str(i), 4, dict.fromkeys(range(i), 0.9), {}) for i in range(5)]
    pd, alarms = confidence_interval(places, 0.5, resamplings=400, seed=3)
    # Worked out apart: shares of five places drawn with replacement.
    generator = np.random.default_rng(3)
    drawn = [generator.integers(0, 5, 5).sum() / 20 for _ in range(400)]
    assert tuple(pd) == pytest.approx(np.percentile(drawn, [5, 95]))
    assert tuple(alarms) == (0.0, 0.0)
    assert confidence_interval(places, 0.5, resamplings=400, seed=3) == (pd, alarms)
    assert confidence_interval(places, 0.5, resamplings=400, seed=4)[0] != pd


def test_two_places_give_no_interval() -> None:
    cases = [scored(str(i), 1, {}, {}, component="ab"[i % 2]) for i in range(6)]
    pd, alarms = confidence_interval(cases, 0.5, resamplings=10)
    assert all(math.isnan(end) for end in (*pd, *alarms))


def test_the_document_is_strict_json_and_says_what_is_unknown() -> None:
    document = summarise([scored("a", 2, {0: 0.9}, {0: 0.4})], name="test", resamplings=5).as_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    row = document["rows"][2]
    assert (row["klass"], row["thr"], row["Pd"], row["n"]) == ("aircraft", 0.5, 0.5, 2)
    assert row["Pd_van"] is None
    assert row["Pd_ci"] == [None, None]
    assert row["null_FA"] is None
    assert document["per_case"] == {"a": {"Pd": 0.5, "FA": 1}}
    assert document["s_per_mpx"] == 2.0


def test_controls_are_counted_over_all_and_told_apart() -> None:
    control = {"klass": "none", "null": True}
    scores = [
        scored("a", 1, {}, {}),
        scored("real", 0, {}, {0: 0.6}, **control),
        scored("made", 0, {}, {0: 0.4, 1: 0.8}, **control, perturbed=True),
    ]
    document = summarise(scores, name="test", resamplings=5).as_dict()
    assert document["null_n"] == 2
    assert document["null_n_false_scenes"]["0.5"] == 2
    assert document["null_n_false_scenes"]["0.7"] == 1
    assert document["rows"][2]["null_FA"] == round(2 / (2 * KM2), 2)
    assert document["null_real"]["n"] == 1
    assert document["null_real"]["FA"]["0.7"] == 0.0
    assert document["null_perturbed"]["FA"]["0.0"] == round(2 / KM2, 2)


def test_real_implanted_and_simulated_never_share_a_figure() -> None:
    scores = [
        scored("a", 2, {0: 0.9}, {}),
        scored("b", 2, {0: 0.9, 1: 0.9}, {}, origin="simulated"),
        scored("c", 2, {}, {0: 0.9}, origin="implant"),
    ]
    document = summarise(scores, name="test", failed={"c": "broken"}, resamplings=5).as_dict()
    assert (document["origin"], document["n_cases"], document["rows"][2]["Pd"]) == ("real", 1, 0.5)
    assert list(document["per_case"]) == ["a"]
    others = document["other_origins"]
    assert {origin: other["rows"][2]["Pd"] for origin, other in others.items()} == {
        "implant": 0.0,
        "simulated": 1.0,
    }
    assert (document["failed"], others["implant"]["failed"]) == ({}, {"c": "broken"})


def test_radar_ships_are_their_own_class() -> None:
    facts = {"klass": "ship", "gsd_m": 3.0}
    scores = [scored("sar_1", 2, {0: 0.9}, {}, **facts), scored("ship_1", 2, {}, {}, **facts)]
    rows = summarise(scores, name="test", resamplings=5).as_dict()["rows"]
    assert [(row["klass"], row["Pd"]) for row in rows if row["thr"] == 0.5] == [("ship", 0.0), ("sar", 0.5)]


def test_cases_of_fitted_places_are_in_sample() -> None:
    scores = [
        scored("a", 1, {}, {}, component="x"),
        scored("crop_of_a", 1, {}, {}, component="x", klass="vehicle"),
        scored("elsewhere", 1, {}, {}, component="y", klass="ship"),
    ]
    document = summarise(scores, name="test", fitted_on={"a", "unknown"}, resamplings=5).as_dict()
    assert document["in_sample"] == ["a", "crop_of_a"]
    assert document["in_sample_classes"] == ["aircraft", "vehicle"]
    assert summarise(scores, name="test", resamplings=5).as_dict()["in_sample"] == []
