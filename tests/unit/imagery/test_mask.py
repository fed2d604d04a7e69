import numpy as np
import pytest

from imagery.mask import erode, fraction, fraction_by_zone, hidden, large_only


def test_scene_classes() -> None:
    classes = np.arange(12, dtype=np.uint8).reshape(1, 1, 12)
    cloud, no_data = hidden(classes, "scl")
    assert np.flatnonzero(cloud).tolist() == [3, 8, 9, 10]
    assert np.flatnonzero(no_data).tolist() == [0, 1]


def test_usable_data_mask() -> None:
    planes = np.zeros((8, 1, 6), np.uint8)
    planes[0] = 1
    for col, plane in enumerate((2, 3, 4, 5), start=1):
        planes[plane, 0, col] = 1
    planes[7, 0, 5] = 1
    cloud, no_data = hidden(planes, "udm2")
    assert cloud[0].tolist() == [False, True, False, True, True, False]
    assert no_data[0].tolist() == [False] * 5 + [True]
    cloud, _ = hidden(np.array([[[1, 0]]], np.uint8), "udm2")
    assert cloud[0].tolist() == [False, True]


def test_cloud_band() -> None:
    cloud, no_data = hidden(np.array([[[0, 1, 255]]], np.uint8), "cloud")
    assert cloud[0].tolist() == [False, True, True]
    assert not no_data.any()


def test_small_bright_things_are_not_cloud() -> None:
    mask = np.zeros((100, 100), np.bool_)
    mask[20:24, 20:26] = True  # a roof of 40 m by 60 m
    mask[50:90, 50:90] = True  # 400 m by 400 m of cloud
    mask[0, 10:12] = True  # cut off by the rim: may be large outside
    kept = large_only(mask, pixel_m=10.0, min_area_m2=100_000)
    assert not kept[20:24, 20:26].any()
    assert kept[50:90, 50:90].all()
    assert kept[0, 10:12].all()
    assert np.array_equal(large_only(mask, pixel_m=10.0, min_area_m2=0), mask)


def test_erosion_takes_a_rim_around_what_is_invalid_and_none_at_the_edge() -> None:
    valid = np.ones((20, 20), np.bool_)
    valid[10, 10] = False
    assert (~erode(valid, 2)).sum() == 25
    assert np.array_equal(erode(valid, 0), valid)
    assert erode(np.ones((5, 5), np.bool_), 2).all()


def test_fractions() -> None:
    mask = np.zeros((10, 10), np.bool_)
    mask[:5] = True
    quay = np.zeros_like(mask)
    quay[4:6] = True
    assert fraction(mask) == pytest.approx(0.5)
    assert fraction_by_zone(mask, {"quay": quay}) == {"quay": pytest.approx(0.5)}
    assert np.isnan(fraction(mask, np.zeros_like(mask)))
