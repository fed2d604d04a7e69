"""Labelled cases on disk: two images of one place, what changed between them, and how they were taken.

::

    CASES/<case>/before.*  after.*    PNG, JPEG, GeoTIFF or JPEG 2000; radar as GeoTIFF in decibels
    CASES/<case>/truth.json           klass, null, and boxes [col0, row0, col1, row1] in *before* pixels
    CASES/<case>/meta.json            width, height, gsd (m), component; optional origin, parent_case,
                                      H_before_to_after
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from catalog.errors import BadCase
from imagery.raster import Sensor
from models.evaluation import Box, Case, Truth

CaseQuantity = Literal["dn", "db"]

_SUFFIXES = (".tif", ".tiff", ".jp2", ".png", ".jpg", ".jpeg")
"""In order of preference: where a case holds a picture as well as numbers, the numbers are used."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CaseFiles:
    """A case and where its images are.

    Parameters
    ----------
    case : Case
    folder, before, after : Path
    sensor : {"optical", "sar"}
    quantity : {"dn", "db"}
    to_after : float64 (3, 3)
        Homography from *before* to *after* pixels (col, row, 1); identity where none was measured.
    """

    case: Case
    folder: Path
    before: Path
    after: Path
    sensor: Sensor
    quantity: CaseQuantity
    to_after: NDArray[np.float64]


def load_cases(folder: Path) -> tuple[CaseFiles, ...]:
    """Every case in a folder, in the order of their folder names.

    Raises
    ------
    BadCase
        When there is none, or one of them is incomplete or contradicts itself.
    """
    if not folder.is_dir():
        raise BadCase(f"{folder}: not a folder. Give the folder that holds one folder per case.")
    if (folder / "truth.json").exists():
        raise BadCase(
            f"{folder}: this is one case. Give the folder above it, which holds one folder per case."
        )
    # As paths with a closing slash, the order in which published figures resampled their places.
    names = sorted(f"{entry.name}/" for entry in folder.iterdir() if entry.is_dir() and entry.name[0] != ".")
    if not names:
        raise BadCase(
            f"{folder}: holds no cases. A case is a folder with before.*, after.*, truth.json, meta.json."
        )
    return tuple(load_case(folder / name) for name in names)


def load_case(folder: Path) -> CaseFiles:
    """One case.

    Raises
    ------
    BadCase
        When a file is missing or says something that cannot be.
    """
    truth, meta = _document(folder / "truth.json"), _document(folder / "meta.json")
    try:
        case = _case(folder.name, truth, meta)
    except (KeyError, TypeError, ValueError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else error
        raise BadCase(f"{folder}: truth.json and meta.json do not make a case: {what}") from error
    suffixes = _SUFFIXES[:2] if case.radar else _SUFFIXES
    return CaseFiles(
        case=case,
        folder=folder,
        before=_image(folder, "before", suffixes),
        after=_image(folder, "after", suffixes),
        sensor="sar" if case.radar else "optical",
        quantity="db" if case.radar else "dn",
        to_after=_homography(folder, meta.get("H_before_to_after")),
    )


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadCase(f"{path}: missing. Every folder beside it must be a complete case.") from error
    except (OSError, ValueError) as error:
        raise BadCase(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadCase(f"{path}: must hold a JSON object, holds a {type(document).__name__}")
    return document


def _case(name: str, truth: Mapping[str, Any], meta: Mapping[str, Any]) -> Case:
    if not isinstance(truth["null"], bool):
        raise TypeError(f"null must be true or false, got {truth['null']!r}")
    component = meta.get("component")
    return Case(
        name=name,
        klass=truth["klass"],
        gsd_m=float(meta["gsd"]),
        shape=(int(meta["height"]), int(meta["width"])),
        component=None if component is None else str(component),
        null=truth["null"],
        perturbed="perturbation" in meta,
        origin=meta.get("origin", "real"),
        parent=meta.get("parent_case"),
        truths=(
            *(Truth("appeared", box) for box in _boxes(truth, "appeared")),
            *(Truth("vanished", box) for box in _boxes(truth, "vanished")),
        ),
        dont_care=(*_boxes(truth, "occupied_both"), *_boxes(truth, "ambiguous")),
        ignore=_boxes(truth, "ignore"),
    )


def _boxes(truth: Mapping[str, Any], key: str) -> tuple[Box, ...]:
    return tuple(Box.from_numbers(numbers) for numbers in truth[key])


def _image(folder: Path, date: str, suffixes: tuple[str, ...]) -> Path:
    for suffix in suffixes:
        path = folder / f"{date}{suffix}"
        if path.is_file():
            return path
    raise BadCase(f"{folder}: no image of the {date} date; looked for {date} with {', '.join(suffixes)}")


def _homography(folder: Path, numbers: Any) -> NDArray[np.float64]:
    if numbers is None:
        return np.eye(3)
    try:
        matrix = np.asarray(numbers, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadCase(f"{folder}: H_before_to_after in meta.json is not a matrix of numbers") from error
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all() or matrix[2, 2] == 0:
        raise BadCase(f"{folder}: H_before_to_after in meta.json must be 3 x 3 finite numbers, is {numbers}")
    return matrix
