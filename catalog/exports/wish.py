"""What is to be handed over, and where it goes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from catalog import layout
from catalog.errors import CatalogError
from catalog.exports.text import file_part
from catalog.reader import StoredRun

Format = Literal["geojson", "kml", "csv", "gpkg", "stac", "html", "pdf"]
FORMATS: tuple[Format, ...] = ("geojson", "kml", "csv", "gpkg", "stac", "html", "pdf")

_ENDINGS: dict[Format, str] = {
    "geojson": ".geojson", "kml": ".kml", "csv": ".csv", "gpkg": ".gpkg", "stac": "-stac", "html": "-brief.html",
    "pdf": "-brief.pdf",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be handed over.

    Parameters
    ----------
    formats : tuple of Format
    to : Path
        Folder to write to; made where it is not there.
    min_score : float or None
        Leave out what scored lower.
    confirmed : bool
        Only what reviewers confirmed.
    pictures : bool
        KML as KMZ, with the picture of each finding.
    anonymous : bool
        Reviewers by number in place of their names.
    replace : bool
        Take the place of what is there.

    Raises
    ------
    CatalogError
        Something is to be left out of a STAC copy.
    """

    formats: tuple[Format, ...]
    to: Path
    min_score: float | None = None
    confirmed: bool = False
    pictures: bool = False
    anonymous: bool = False
    replace: bool = False

    def __post_init__(self) -> None:
        if "stac" in self.formats and (self.confirmed or self.min_score is not None):
            others = ",".join(form for form in self.formats if form != "stac") or "geojson"
            raise CatalogError(
                "a STAC copy is the whole run and leaves nothing out: ask for it without --confirmed and --min-score, "
                f"and for the others by --format {others}"
            )

    def target(self, run: StoredRun, form: Format) -> Path:
        """Where a format goes."""
        ending = ".kmz" if form == "kml" and self.pictures else _ENDINGS[form]
        return self.to / (file_part(layout.flat(run.report.name)) + ending)
