"""A case folder with implanted changes, in the format of the labelled cases."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagery.implants.drawn import Implant
from imagery.implants.place import Box
from models.detect import Kind


@dataclass(frozen=True, kw_only=True, eq=False)
class Placed:
    """One implant and where it lies on the *before* grid.

    Parameters
    ----------
    kind : {"appeared", "vanished"}
    implant : Implant
        As put into its own date.
    moved_px : (float, float)
        Columns and rows from that date's grid to the *before* grid.
    """

    kind: Kind
    implant: Implant
    moved_px: tuple[float, float] = (0.0, 0.0)

    def box(self, scale: float) -> list[float]:
        """On the *before* grid, enlarged with the images."""
        col0, row0, col1, row1 = self.implant.box
        right, down = self.moved_px
        return [round(scale * n, 2) for n in (col0 + right, row0 + down, col1 + right, row1 + down)]


def write_labels(
    folder: Path,
    placed: Sequence[Placed],
    *,
    klass: str,
    scale: float,
    dont_care: Sequence[Box],
    ignore: Sequence[Box],
    meta: dict[str, Any],
) -> None:
    """Write truth.json and meta.json of a case with ``origin: implant``.

    Parameters
    ----------
    folder : Path
        With the images in it.
    placed : sequence of Placed
    klass : {"vehicle", "ship"}
    scale : float
        By which the images were enlarged after the objects had been put in.
    dont_care, ignore : sequence of box
        Of the background, before enlarging.
    meta : dict
        width, height, gsd, component and what else is known; objects are added in the order of the truth boxes.
    """
    by_kind = {kind: [p for p in placed if p.kind == kind] for kind in ("appeared", "vanished")}
    truth = {
        "case": folder.name,
        "klass": klass,
        "null": False,
        **{kind: [p.box(scale) for p in found] for kind, found in by_kind.items()},
        "occupied_both": [],
        "ambiguous": [[scale * n for n in box] for box in dont_care],
        "ignore": [[scale * n for n in box] for box in ignore],
    }
    objects = [p.implant.facts for found in by_kind.values() for p in found]
    document = {"case": folder.name, "origin": "implant", "klass": klass, **meta, "objects": objects}
    (folder / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    (folder / "meta.json").write_text(json.dumps(document, indent=1) + "\n")
