"""Closing tables of the commands."""

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from flows.diff import DiffResult

_MAX_ROWS = 15

_STYLE = {"changed": "bold yellow", "unchanged": "green", "not_assessable": "magenta", "failed": "bold red"}


def status_text(status: str) -> Text:
    """A status as a person reads it."""
    return Text(status.replace("_", " "), style=_STYLE.get(status, ""))


def show_diff(result: "DiffResult") -> None:
    """What changed, how good the alignment was and where the files are."""
    console = Console(highlight=False)
    document = result.document
    if document["changes"]:
        console.print(changes_table(document["changes"]))
    console.print(
        status_text(document["status"]),
        Text(f"{len(document['changes'])} changes in {document['seconds']:.1f} s at {document['gsd_m']:g} m"),
    )
    if document["reason"]:
        console.print(Text(document["reason"]))
    console.print(Text(f"Alignment: {_alignment(document['alignment'])}"), soft_wrap=True)
    console.print(Text(f"Usable on both dates: {100 * document['valid_fraction']:.0f} %"))
    console.print(Text(f"Picture: {result.paths.overlay}"), soft_wrap=True)
    console.print(Text(f"Files:   {result.paths.folder}"), soft_wrap=True)


def _alignment(alignment: dict[str, Any] | None) -> str:
    """How well the images lie on each other, as far as that could be measured."""
    if alignment is None or alignment["residual_px"] is None:
        trusted = alignment is not None and alignment["verdict"] == "georeference"
        return "could not be measured" + (", the georeference of the files is trusted" if trusted else "")
    p95 = "" if alignment["p95_px"] is None else f" (95 %: {alignment['p95_px']:.2f} px)"
    return f"residual {alignment['residual_px']:.2f} px{p95}"


def changes_table(changes: list[dict[str, Any]]) -> Table:
    """The highest scores first."""
    zones, causes = any(c["zone"] for c in changes), any(c["causes"] for c in changes)
    table = Table(box=SIMPLE_HEAD)
    for name, wanted in (("Kind", True), ("Label", True), ("Score", True), ("Size m", True), ("Col, row", True),
                         ("Zone", zones), ("Doubt", causes)):  # fmt: skip
        if wanted:
            table.add_column(name, justify="right" if name in {"Score", "Size m", "Col, row"} else "left")
    for change in sorted(changes, key=lambda c: -c["score"])[:_MAX_ROWS]:
        place = change["after"] or change["before"]
        col0, row0, col1, row1 = place["bbox_px"]
        cells = [
            change["kind"],
            change["label"],
            f"{change['score']:.2f}",
            f"{place['length_m']:.0f} x {place['width_m']:.0f}",
            f"{(col0 + col1) // 2}, {(row0 + row1) // 2}",
            *([change["zone"] or ""] if zones else []),
            *([", ".join(change["causes"])] if causes else []),
        ]
        table.add_row(*cells)
    if len(changes) > _MAX_ROWS:
        table.caption = f"and {len(changes) - _MAX_ROWS} more in changes.geojson"
    return table
