"""A labelled case and the claims made about it: what is known to have changed, and what was said to have."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from models.detect import Kind

Klass = Literal["aircraft", "ship", "vehicle", "none"]
"""What the labels of a case are about; "none" on controls."""

Origin = Literal["real", "implant", "simulated"]
"""Where a case's changes come from: seen in real images, pasted into real images, or drawn."""

_COUNTING_BLOCK_PX = 4
"""Ignored ground is counted in blocks of this many pixels: fine enough for a figure per km2."""


class Box(NamedTuple):
    """Axis-parallel box in pixel-edge coordinates of the *before* image."""

    col0: float
    row0: float
    col1: float
    row1: float

    @property
    def area_px(self) -> float:
        """Pixels squared; 0 for a box without inside."""
        return max(0.0, self.col1 - self.col0) * max(0.0, self.row1 - self.row0)

    @property
    def longest_px(self) -> float:
        """Longer of its two sides."""
        return max(self.col1 - self.col0, self.row1 - self.row0)

    @property
    def centre(self) -> tuple[float, float]:
        """(col, row)."""
        return (self.col0 + self.col1) / 2, (self.row0 + self.row1) / 2

    def overlap_px(self, other: "Box") -> float:
        """Area shared with another box."""
        cols = min(self.col1, other.col1) - max(self.col0, other.col0)
        rows = min(self.row1, other.row1) - max(self.row0, other.row0)
        return max(0.0, cols) * max(0.0, rows)

    def iou(self, other: "Box") -> float:
        """Shared area over joint area, 0-1."""
        shared = self.overlap_px(other)
        return shared / (self.area_px + other.area_px - shared) if shared else 0.0

    def holds(self, point: tuple[float, float], margin_px: float = 0.0) -> bool:
        """Whether a (col, row) lies in the box grown by a margin, its edges included."""
        col, row = point
        return (
            self.col0 - margin_px <= col <= self.col1 + margin_px
            and self.row0 - margin_px <= row <= self.row1 + margin_px
        )

    def centre_offset_px(self, other: "Box") -> float:
        """Twice the city-block distance between the centres: only good for comparing."""
        cols = abs(self.col0 + self.col1 - other.col0 - other.col1)
        return cols + abs(self.row0 + self.row1 - other.row0 - other.row1)

    @classmethod
    def from_numbers(cls, numbers: Sequence[Any]) -> "Box":
        """From [col0, row0, col1, row1] as it stands in a file.

        Raises
        ------
        ValueError
            When these are not four finite numbers.
        """
        try:
            box = cls(*(float(n) for n in numbers))
        except (TypeError, ValueError) as error:
            raise ValueError(f"a box is [col0, row0, col1, row1], got {numbers!r}") from error
        if not all(math.isfinite(n) for n in box):
            raise ValueError(f"a box needs finite numbers, got {numbers!r}")
        return box


class Truth(NamedTuple):
    """One labelled change."""

    kind: Kind
    box: Box


@dataclass(frozen=True, kw_only=True)
class Case:
    """One labelled pair of images.

    Parameters
    ----------
    name : str
        Unique among the cases scored together; radar cases are named "sar...".
    klass : Klass
        What is labelled. Other kinds of object may change too, unlabelled.
    gsd_m : float
        Ground sample distance of the *before* image.
    shape : tuple of int
        (rows, cols) of the *before* image.
    component : str or None
        The place it shows. Cases of one component are not independent and are resampled together; those
        without one count as one place.
    null : bool
        True where nothing changed: every claim is a false alarm.
    perturbed : bool
        True for a control made by shifting, scaling and adding noise to one image.
    origin : Origin
    parent : str or None
        Case whose images this one is cut from or painted on; what was fitted on one has seen the other.
    truths : tuple of Truth
        Appeared first, then vanished.
    dont_care : tuple of Box
        Places a claim may touch freely: occupied on both dates, or undecidable.
    ignore : tuple of Box
        Ground outside the experiment: not counted as area, and claims centred there are not counted.
    """

    name: str
    klass: Klass
    gsd_m: float
    shape: tuple[int, int]
    component: str | None
    null: bool
    truths: tuple[Truth, ...] = ()
    dont_care: tuple[Box, ...] = ()
    ignore: tuple[Box, ...] = ()
    perturbed: bool = False
    origin: Origin = "real"
    parent: str | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.gsd_m) and self.gsd_m > 0):
            raise ValueError(f"gsd must be a positive number of metres, got {self.gsd_m}")
        if min(self.shape) < 1:
            raise ValueError(f"width and height must be positive, got {self.shape[1]} x {self.shape[0]}")
        if self.klass not in get_args(Klass):
            raise ValueError(f"klass must be one of {', '.join(get_args(Klass))}, got {self.klass!r}")
        if self.origin not in get_args(Origin):
            raise ValueError(f"origin must be one of {', '.join(get_args(Origin))}, got {self.origin!r}")
        for truth in self.truths:
            if not truth.box.area_px > 0:
                raise ValueError(f"{truth.kind} box {list(truth.box)} is empty")

    @property
    def radar(self) -> bool:
        """Whether this is a radar case, which by convention its name says."""
        return self.name.startswith("sar")

    @property
    def mpx(self) -> float:
        """Size of the image in millions of pixels."""
        rows, cols = self.shape
        return cols * rows / 1e6

    @cached_property
    def examined_km2(self) -> float:
        """Ground outside the ignored boxes, counted in blocks of 4 x 4 pixels."""
        block = _COUNTING_BLOCK_PX
        counted = np.ones((self.shape[0] // block + 1, self.shape[1] // block + 1), dtype=bool)
        for box in self.ignore:
            first_col, first_row, last_col, last_row = (int(edge // block) for edge in box)
            rows = slice(max(0, first_row), max(0, last_row + 1))
            counted[rows, max(0, first_col) : max(0, last_col + 1)] = False
        return int(counted.sum()) * block**2 * self.gsd_m * self.gsd_m / 1e6


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One end of a reported change: something came to, or left, this place.

    Parameters
    ----------
    kind : {"appeared", "vanished"}
    box : Box
    score : float
    label : str
    change : int
        Position of the change in the document it came from; both ends of a move share it.
    """

    kind: Kind
    box: Box
    score: float
    label: str
    change: int


def claims_of(document: Mapping[str, Any]) -> tuple[Claim, ...]:
    """Claims in a document of the form that `sitewatch diff --json` prints.

    A "moved" change makes two claims: vanished at its *before*, appeared at its *after*. A pair that could not be
    assessed makes none.

    Raises
    ------
    ValueError
        When a change is of no known kind, has no place, or its numbers cannot be used.
    """
    if document.get("status") == "not_assessable":
        return ()
    return tuple(
        claim for index, change in enumerate(document.get("changes", [])) for claim in _ends(change, index)
    )


def _ends(change: Mapping[str, Any], index: int) -> list[Claim]:
    score = float(change.get("score", 1.0))
    if not math.isfinite(score):
        raise ValueError(f"change {index} has score {score}")
    before, after = (_place(change, date) for date in ("before", "after"))
    places: dict[str, tuple[tuple[Kind, Box | None], ...]] = {
        "appeared": (("appeared", after or before),),
        "vanished": (("vanished", before or after),),
        "moved": (("vanished", before), ("appeared", after)),
    }
    if change["kind"] not in places:
        raise ValueError(f"change {index} is of unknown kind {change['kind']!r}")
    if not (before or after):
        raise ValueError(f"change {index} has no bbox_px on either date")
    label = str(change.get("label", "unknown"))
    return [
        Claim(kind=kind, box=box, score=score, label=label, change=index)
        for kind, box in places[change["kind"]]
        if box is not None
    ]


def _place(change: Mapping[str, Any], date: str) -> Box | None:
    numbers = (change.get(date) or {}).get("bbox_px")
    return Box.from_numbers(numbers) if numbers else None
