"""Measures of candidate regions against their plain definitions, region by region on masks."""

from typing import Any

import cv2
import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from imagery.raster import Window
from models import features, second_look
from models.candidates import Regions, candidate_regions, search_limits, spot_maps
from models.evidence import ChangeEvidence
from models.features import measure, surroundings
from models.footprints import Footprints, footprints
from models.second_look import look_again, views
from tests.unit.models.planted import block, noisy, texture

GSD_M = 0.5
SIDE = 220


def planted() -> ChangeEvidence:
    before = texture((SIDE, SIDE))
    after = noisy(before, 5)
    for row, col, height, width, value in ((30, 40, 6, 10, 190), (30, 54, 6, 10, 20), (90, 100, 30, 44, 210)):
        block(after, row, col, height, width, value)
    block(before, 150, 60, 8, 8, 5)
    valid = np.ones((SIDE, SIDE), np.bool_)
    valid[:, 140:] = False
    valid[:100, :] = True
    difference = after - before
    brightness = np.where(valid, difference.mean(axis=0) / 3, 0).astype(np.float32)
    colour = np.where(valid, difference.std(axis=0), 0).astype(np.float32)
    return ChangeEvidence(
        before=before, after=after, brightness=brightness, colour=colour,
        sigma=np.full((SIDE, SIDE), 3, np.float32), valid=valid,
        window=Window(row0=0, col0=0, row1=SIDE, col1=SIDE), grid=GeoBox((SIDE, SIDE), Affine.scale(GSD_M), None),
    )  # fmt: skip


def widened(mask: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    shape = cv2.MORPH_ELLIPSE if side > 3 else cv2.MORPH_RECT
    out: NDArray[np.bool_] = (
        cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(shape, (side, side))) > 0
    )
    return out


class Plain:
    """Masks of one region's body, core, neighbours and ring, from the label map and nothing else."""

    def __init__(self, regions: Regions, number: int, evidence: ChangeEvidence) -> None:
        labels = regions.painted()
        self.body = labels == number + 1
        square = np.ones((3, 3), np.uint8)
        self.core = cv2.erode(labels, square) == number + 1
        self.close = cv2.dilate(labels, square) == number + 1
        limits = search_limits(GSD_M, "optical")
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * limits.ring_px + 3,) * 2)
        self.whole = (cv2.dilate(labels, disc) == number + 1) & evidence.valid
        self.ring = self.whole & ~widened(labels > 0, 3)
        self.rim = self.close & ~(cv2.erode(labels, square) > 0)


@pytest.fixture(scope="module")
def found() -> ChangeEvidence:
    return planted()


@pytest.fixture(scope="module")
def every(found: ChangeEvidence) -> list[tuple[Regions, Footprints]]:
    limits = search_limits(GSD_M, "optical")
    return [
        (regions, footprints(regions, found.valid, limits.ring_px))
        for regions in candidate_regions(found, limits, spot_maps(found, limits))
    ]


def test_footprints_are_the_masks(found: ChangeEvidence, every: list[tuple[Regions, Footprints]]) -> None:
    seen = 0
    for regions, feet in every:
        for number in range(regions.count):
            plain = Plain(regions, number, found)
            for name in ("body", "core", "close", "rim", "whole", "ring"):
                pool = getattr(feet, name)
                np.testing.assert_array_equal(
                    pool.at[pool.label == number], np.flatnonzero(getattr(plain, name))
                )
            seen += 1
    assert seen > 50


def test_chosen_footprints_keep_their_pixels(every: list[tuple[Regions, Footprints]]) -> None:
    regions, feet = max(every, key=lambda pair: pair[0].count)
    chosen = np.arange(1, regions.count, 4)
    some = feet.only(chosen)
    for name in ("body", "core", "close", "rim", "whole", "ring"):
        one, other = getattr(some, name), getattr(feet, name)
        for new, old in enumerate(chosen):
            np.testing.assert_array_equal(one.at[one.label == new], other.at[other.label == old])


def log_ratio(value: float, reference: float) -> float:
    return float(np.log((max(value, 0) + 10) / (max(reference, 0) + 10)))


def plain_measures(found: ChangeEvidence, plain: Plain) -> dict[str, float]:
    """What `models.features.NAMES` says in words, for one region with a ring that can be seen."""
    body = plain.body
    changed = (np.abs(found.brightness) > 4) | (found.colour > 4)
    ring = plain.ring & ~changed
    grey = {"before": found.before.mean(axis=0), "after": found.after.mean(axis=0)}
    bands = {"before": found.before, "after": found.after}
    edges = {
        date: np.abs(cv2.Sobel(image, cv2.CV_32F, 1, 0, scale=0.25))
        + np.abs(cv2.Sobel(image, cv2.CV_32F, 0, 1, scale=0.25))
        for date, image in grey.items()
    }
    contrast = {
        date: float(np.sqrt(sum((band[body].mean() - band[ring].mean()) ** 2 for band in image)))
        for date, image in bands.items()
    }
    edge = {date: float(image[plain.rim].mean()) for date, image in edges.items()}
    sign = np.log((contrast["after"] + 8) / (contrast["before"] + 8))
    edge_sign = np.log((edge["after"] + 4) / (edge["before"] + 4))
    now, then = ("after", "before") if sign + edge_sign > 0 else ("before", "after")
    ratios = [
        log_ratio(b[body].mean(), a[body].mean()) for a, b in zip(found.before, found.after, strict=True)
    ]
    return {
        "log_area_m2": float(np.log(body.sum() * GSD_M**2)),
        "brightness": abs(float(found.brightness[body].mean())),
        "brightness_max": float(np.abs(found.brightness[body]).max()),
        "brightness_spread": float(found.brightness[body].std()),
        "colour": float(found.colour[body].mean()), "colour_max": float(found.colour[body].max()),
        "strength": float(np.hypot(found.brightness, found.colour)[body].mean() * np.sqrt(body.sum())),
        "contrast_present": contrast[now], "contrast_absent": contrast[then],
        "edge_present": edge[now], "edge_absent": edge[then],
        "log_ratio_present": log_ratio(grey[now][body].mean(), grey[now][ring].mean()),
        "texture_present": float(grey[now][body].std()), "ring_texture_absent": float(grey[then][ring].std()),
        "ring_changed": 1 - float(ring.sum() / plain.ring.sum()), "ring_brightness": float(grey["before"][ring].mean()),
        "ratio_mean": float(np.mean(ratios)) * (1 if now == "after" else -1), "ratio_spread": float(np.std(ratios)),
        "changed_share": float(changed[body].mean()), "kind_clarity": abs(float(sign + edge_sign)),
    }  # fmt: skip


def plain_second_look(found: ChangeEvidence, plain: Plain, late: bool) -> dict[str, float]:
    """The same of `models.second_look.NAMES`."""
    grey = [found.before.mean(axis=0), found.after.mean(axis=0)]
    now, then = (grey[1], grey[0]) if late else (grey[0], grey[1])
    strength = np.hypot(found.brightness, found.colour)

    def sameness(mask: NDArray[np.bool_]) -> float:
        a, b = (image[mask].astype(np.float64) for image in grey)
        return float(((a * b).mean() - a.mean() * b.mean()) / (a.std() * b.std() + 4.0))

    middle = cv2.blur(now, (33, 33), borderType=cv2.BORDER_REFLECT)
    return {
        "sameness": sameness(plain.whole), "ring_sameness": sameness(plain.ring),
        "stand_out_present": float((now - middle)[plain.body].mean()),
        "tone_present": float(now[plain.body].mean()), "tone_absent": float(then[plain.body].mean()),
        "strength_mean": float(strength[plain.body].mean()),
        "isolation": float(strength[plain.body].mean() / (strength[plain.ring].mean() + 1)),
        "compactness": float(plain.rim.sum() / np.sqrt(plain.body.sum())),
    }  # fmt: skip


def column(names: tuple[str, ...], rows: NDArray[Any], number: int, name: str) -> float:
    return float(rows[number, names.index(name)])


def test_measures_are_as_defined(found: ChangeEvidence, every: list[tuple[Regions, Footprints]]) -> None:
    limits = search_limits(GSD_M, "optical")
    around = surroundings(found, limits)
    seen = views(found, around, spot_maps(found, limits)[-1], GSD_M)
    compared = 0
    for regions, feet in every:
        measured = measure(regions, feet, found, around, GSD_M)
        more = look_again(measured, feet, found, around, seen, GSD_M)
        for number in range(regions.count):
            plain = Plain(regions, number, found)
            changed = (np.abs(found.brightness) > 4) | (found.colour > 4)
            if (plain.ring & ~changed).sum() < 3:
                continue
            compared += 1
            for name, value in plain_measures(found, plain).items():
                mine = column(features.NAMES, measured.features, number, name)
                assert mine == pytest.approx(value, rel=2e-3, abs=2e-3), name
            for name, value in plain_second_look(found, plain, bool(measured.kind[number] > 0)).items():
                mine = column(second_look.NAMES, more, number, name)
                assert mine == pytest.approx(value, rel=2e-3, abs=2e-3), name
    assert compared > 50
