"""Targets by overlap with the truth, and suppression as the comparison does it."""

import numpy as np
import pytest

from models.detect import Detection
from models.evaluation import Box, Case, Truth
from models.overlap import without_overlaps
from models.training.lines import calibration
from models.training.samples import OTHER_PIECE, PIECE, sample_of, suppressed


def case(**more: object) -> Case:
    given = {
        "name": "air_1", "klass": "aircraft", "gsd_m": 0.5, "shape": (400, 400), "component": "c1", "null": False,
        "truths": (Truth("appeared", Box(100, 100, 160, 160)),), "dont_care": (Box(300, 300, 360, 360),), **more,
    }  # fmt: skip
    return Case(**given)


def test_hits_pieces_unknowns_and_misses() -> None:
    boxes = np.array([
        [105, 100, 160, 160],  # the object
        [100, 100, 130, 125],  # a piece as large as an aircraft
        [100, 100, 106, 108],  # a piece of another size
        [310, 310, 350, 350],  # on don't-care
        [10, 10, 60, 60],  # nothing there
        [200, 200, 208, 208],  # too small for the labels to say anything
    ])  # fmt: skip
    sample = sample_of(case(), boxes, np.zeros((6, 1)), np.ones(6))
    assert sample.target.tolist() == [1, 0, 0, -1, 0, -1]
    assert sample.weight[:3].tolist() == [1.0, PIECE, OTHER_PIECE]
    assert sample.place == "c1"


def test_suppression_agrees_with_the_comparison(rng: np.random.Generator) -> None:
    corners = rng.integers(0, 150, (200, 2))
    boxes = np.hstack([corners, corners + rng.integers(3, 40, (200, 2))])
    scores = np.round(rng.random(200), 2)
    lengths = rng.uniform(2, 30, 200)
    detections = [
        Detection(
            outline_px=((0, 0), (1, 0), (1, 1), (0, 0)), bbox_px=tuple(box), centroid_px=(0, 0), length_m=length,
            width_m=1, area_m2=1, orientation_deg=0, polarity="brighter", kind="appeared", kind_margin=1, label="x",
            score=score, tile="t",
        )
        for box, score, length in zip(boxes.tolist(), scores.tolist(), lengths.tolist(), strict=True)
    ]  # fmt: skip
    kept = suppressed(boxes, scores, lengths, lowest=0.0)
    kept_boxes = sorted(tuple(box) for box in boxes[kept].tolist())
    assert kept_boxes == sorted(d.bbox_px for d in without_overlaps(detections))
    assert (np.diff(scores[kept]) <= 0).all()


def test_calibration_finds_the_planted_line(rng: np.random.Generator) -> None:
    raw = rng.normal(size=20000) * 2
    right = (rng.random(20000) < 1 / (1 + np.exp(-(0.5 * raw - 1)))).astype(np.float64)
    assert calibration(raw, right, np.ones(20000)) == pytest.approx((0.5, -1.0), abs=0.06)


def test_calibration_leaves_alone_what_it_cannot_judge() -> None:
    assert calibration(np.zeros(0), np.zeros(0), np.zeros(0)) == (1.0, 0.0)
