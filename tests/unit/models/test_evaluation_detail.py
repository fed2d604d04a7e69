"""Budgets, sizes, reliability, registration: against counts made by hand."""

import math

import numpy as np
import pytest

from imagery.align import Alignment, ShiftField
from models.evaluation import (
    Box,
    Registration,
    by_size,
    calibration_error,
    curve,
    detection_at_false_alarms,
    poisson_upper,
    registration_of,
    reliability,
    score_case,
    summarise,
    wilson,
    within_budgets,
)
from tests.unit.models.test_evaluation_summary import KM2, scored


def three_places() -> list:
    return [
        scored("a", 4, {0: 0.9, 1: 0.7, 2: 0.3}, {0: 0.8, 1: 0.2}),
        scored("b", 2, {0: 0.6}, {0: 0.5}),
        scored("c", 2, {0: 0.95, 1: 0.4}, {}),
    ]


def test_budget_agrees_with_the_simple_count() -> None:
    scores = three_places()
    for rate in (0.4, 1.0, 4.0):
        simple = detection_at_false_alarms(scores, [rate])[rate]
        (found,) = within_budgets(curve(scores), [rate], resamplings=50)
        assert (found.pd, found.threshold) == (simple.pd, simple.threshold)
        assert found.interval.low <= found.pd <= found.interval.high
        assert found.resolved == (rate * 3 * KM2 >= 1)


def test_budget_without_any_claim_is_zero() -> None:
    (found,) = within_budgets(curve([scored("a", 2, {}, {})]), [1.0])
    assert (found.pd, found.threshold) == (0.0, None)
    assert math.isnan(found.interval.low)


def test_budget_of_two_places_has_no_interval() -> None:
    (found,) = within_budgets(curve(three_places()[:2]), [10.0])
    assert found.pd > 0
    assert math.isnan(found.interval.low)


def test_sizes_are_those_of_the_labels() -> None:
    scores = three_places()
    (row,) = by_size(scores, within_budgets(curve(scores), [1.0]))
    assert (row["length_m"], row["gsd_m"], row["n"], row["places"]) == ([20.0, 35.0], 0.5, 8, 3)
    assert row["Pd"] == pytest.approx(4 / 8)


def test_reliability_counts_hits_and_false_alarms_per_tenth() -> None:
    bins = reliability(three_places())
    by_low = {b.low: b for b in bins}
    assert (by_low[0.9].hits, by_low[0.9].claims) == (2, 2)
    assert (by_low[0.8].hits, by_low[0.8].claims) == (0, 1)
    assert by_low[0.5].observed == 0.0
    assert math.isnan(by_low[0.0].observed)
    assert sum(b.claims for b in bins) == 9


def test_calibration_error_of_perfect_and_of_boastful_scores() -> None:
    half = [scored(str(i), 1, {0: 0.5}, {0: 0.5}) for i in range(4)]
    assert calibration_error(half)[0] == pytest.approx(0.0)
    sure = [scored(str(i), 1, {0: 1.0}, {0: 1.0}) for i in range(4)]
    error, interval = calibration_error(sure)
    assert error == pytest.approx(0.5)
    assert interval.low == pytest.approx(0.5)
    assert math.isnan(calibration_error([scored("a", 1, {}, {})])[0])


def test_intervals_of_shares_and_counts() -> None:
    low, high = wilson(5, 10)
    assert (low, high) == pytest.approx((0.269, 0.731), abs=0.01)
    assert wilson(0, 10).low == 0.0
    assert math.isnan(wilson(0, 0).high)
    assert poisson_upper(0, 1.0) == pytest.approx(2.996, abs=0.001)
    assert poisson_upper(3, 2.0) == pytest.approx(7.754 / 2, abs=0.001)
    assert math.isnan(poisson_upper(0, 0.0))


def alignment(d_row: float, d_col: float, verdict: str = "ok") -> Alignment:
    return Alignment(
        shift=ShiftField.constant(d_row, d_col), residual_px=0.2, p95_px=0.4, before_px=1.0, tie_points=9,
        verdict=verdict,
    )  # fmt: skip


def moved(d_row: float, d_col: float) -> np.ndarray:
    return np.array([[1, 0, d_col], [0, 1, d_row], [0, 0, 1.0]])


def test_registration_is_judged_by_the_measured_transform() -> None:
    case = scored("a", 12, {}, {}).case
    found = registration_of(case, alignment(2.0, -1.0), moved(2.0, -1.5))
    assert found is not None
    assert len(found.residual_px) == 12
    assert found.median_px == pytest.approx(0.5)
    assert not found.silent_failure
    assert registration_of(case, alignment(0, 0), moved(0, 3.5)).silent_failure
    assert not registration_of(case, alignment(0, 0, "refused"), moved(0, 3.5)).silent_failure
    assert registration_of(case, alignment(0, 0), np.eye(3)) is None
    assert Registration.from_dict(found.as_dict()) == found


def test_few_labels_are_replaced_by_a_lattice_that_leaves_out_ignored_ground() -> None:
    case = scored("a", 2, {}, {}, ignore=(Box(0, 0, 1000, 500),)).case
    found = registration_of(case, alignment(0, 0), moved(1.0, 0))
    assert len(found.residual_px) == 72


def test_the_document_holds_every_origin_apart() -> None:
    real, other = scored("a", 1, {0: 0.9}, {}), scored("b", 1, {}, {0: 0.9}, origin="implant")
    registration = Registration(verdict="ok", residual_px=(4.0, 5.0), reported_px=0.1).as_dict()
    real = score_case(real.case, {"status": "changed", "changes": [], "registration": registration})
    document = summarise([real, other], name="test", resamplings=5).as_dict()
    assert document["registration"] == {
        "n": 1, "points": 2, "median_px": 4.5, "p95_px": 4.95, "not_ok": 0, "silent_failures": 1,
    }  # fmt: skip
    assert set(document["cases"]) == {"a"}
    implants = document["other_origins"]["implant"]
    assert implants["registration"]["n"] == 0
    assert implants["cases"]["b"]["false_alarms"] == 1
    assert implants["detail"]["aircraft"]["reliability"][-1]["observed"] == 0.0


def test_a_case_made_of_a_fitted_one_is_in_sample() -> None:
    crop = scored("crop", 1, {}, {}, parent="whole", component="other")
    document = summarise([crop], name="test", fitted_on={"whole"}, resamplings=5).as_dict()
    assert document["in_sample"] == ["crop"]


def test_controls_say_what_rate_they_exclude() -> None:
    null = scored("n", 0, {}, {0: 0.6}, null=True, klass="none")
    document = summarise([null], name="test", resamplings=5).as_dict()["null_real"]
    assert document["n_false"]["0.5"] == 1
    assert document["FA_upper_95"]["0.5"] == pytest.approx(4.744 / KM2, abs=0.05)
    assert document["FA_upper_95"]["0.7"] == pytest.approx(2.996 / KM2, abs=0.05)
