"""Connected regions as runs, against OpenCV's label maps."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.runs import runs_of, set_positions


@given(arrays(np.uint8, st.tuples(st.integers(1, 23), st.integers(1, 19)), elements=st.integers(0, 1)))
def test_regions_are_those_of_a_label_map(mask: np.ndarray) -> None:
    runs = runs_of(mask)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    assert runs.count == count - 1
    at, owner = runs.pixels()
    np.testing.assert_array_equal(at, np.flatnonzero(mask))
    theirs = labels.ravel()[at]
    assert len(set(zip(owner, theirs, strict=True))) == runs.count
    area, boxes = runs.measured(mask.shape[1])
    for region, label in set(zip(owner.tolist(), theirs.tolist(), strict=True)):
        left, top, width, height, size = stats[label]
        assert area[region] == size
        assert boxes[region].tolist() == [left, top, left + width, top + height]


@given(arrays(np.uint8, (17, 21), elements=st.integers(0, 1)))
def test_regions_are_numbered_by_their_first_pixel(mask: np.ndarray) -> None:
    _, owner = runs_of(mask).pixels()
    first = [int(np.argmax(owner == region)) for region in range(owner.max(initial=-1) + 1)]
    assert first == sorted(first)


def test_chosen_regions_are_numbered_anew() -> None:
    mask = np.zeros((5, 9), np.uint8)
    mask[1, 1:3] = mask[3, 4:6] = mask[1, 7] = 1
    left = runs_of(mask).only(np.array([0, 2]))
    assert left.count == 2
    at, owner = left.pixels()
    assert list(zip(at.tolist(), owner.tolist(), strict=True)) == [(10, 0), (11, 0), (31, 1), (32, 1)]


@pytest.mark.parametrize("kind", [np.bool_, np.uint8, np.uint16, np.float32])
def test_set_positions_are_those_of_numpy(kind: type) -> None:
    values = np.random.default_rng(3).random(8 * 40) < 0.1
    np.testing.assert_array_equal(set_positions(values.astype(kind)), np.flatnonzero(values))
