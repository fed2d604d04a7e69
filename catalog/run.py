"""A run: what a compared pair leaves. The nouns, and `write_run`, the one way in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from odc.geo.geobox import GeoBox

from imagery.raster import FloatArray, Reader, Sensor
from imagery.scene import Scene
from imagery.site import Site
from imagery.tile import Tile
from models.compare import Conclusion, PairModel

Status = Literal["changed", "unchanged", "not_assessable"]


class LeftOutScene(Protocol):
    """A scene that was not used (`imagery.source.LeftOut`)."""

    @property
    def scene_id(self) -> str: ...
    @property
    def acquired(self) -> datetime | None: ...
    @property
    def reason(self) -> str: ...
    @property
    def platform(self) -> str: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class InputFile:
    """One evidentiary copy, or one input file of a plain comparison.

    Parameters
    ----------
    date : {"before", "after"}
    scene_id : str
    href : str
        Where it came from.
    etag : str or None
        As the server stated it.
    length : int
        Bytes.
    sha256 : str
        Of those bytes, hexadecimal.
    path : Path or None
        The copy to take into ``source/``; None where the file stays where it is.
    """

    date: Literal["before", "after"]
    scene_id: str
    href: str
    etag: str | None
    length: int
    sha256: str
    path: Path | None


@dataclass(frozen=True, kw_only=True, eq=False)
class RunRecord:
    """Everything a compared pair hands over to be kept.

    Parameters
    ----------
    name : str
        Folder below the root: ``<site>/<sensor>_<before>_<after>`` or ``<stems>_<hash of both inputs>``.
    pair : str
        Deterministic pair id, the one used in change ids.
    site : Site or None
    sensor : {"optical", "sar"}
    before, after : Scene or None
        None only for inputs without dates; then no item is written.
    grid : GeoBox
        `grid.crs` None means no georeference: null geometries.
    before_reader, after_reader : Reader
        On `grid`; after is read through the model's shift.
    model : PairModel or None
        None, or a refused alignment: the pair could not be assessed. All files are still written.
    status : {"changed", "unchanged", "not_assessable"}
    reason : str or None
        Why it could not be assessed.
    tiles : tuple of Tile
    evidence : callable
        Tile to float32 (row, col) over its core, NaN where not assessed; None where the tile was not assessed.
    conclusion : Conclusion
    valid_fraction : float
    inputs : tuple of InputFile
    parameters : dict
        JSON-ready: everything that was chosen (min_score, scorer, tile_px, halo_px, algorithm, ...).
    left_out : tuple of LeftOutScene
    notes : tuple of str
        Remarks for a person.
    simulated : bool
    seconds : float
        Wall time of the comparison.
    """

    name: str
    pair: str
    site: Site | None
    sensor: Sensor
    before: Scene | None
    after: Scene | None
    grid: GeoBox
    before_reader: Reader
    after_reader: Reader
    model: PairModel | None
    status: Status
    reason: str | None
    tiles: tuple[Tile, ...]
    evidence: Callable[[Tile], FloatArray | None]
    conclusion: Conclusion
    valid_fraction: float
    inputs: tuple[InputFile, ...]
    parameters: dict[str, Any]
    left_out: Sequence[LeftOutScene] = ()
    notes: tuple[str, ...] = ()
    simulated: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class RunPaths:
    """Where the files of a written run are.

    Parameters
    ----------
    folder : Path
    item : Path or None
        None where the inputs have no dates.
    report, overlay, changes, tiles, before, after, evidence : Path
    chips : dict of change id to Path
    """

    folder: Path
    item: Path | None
    report: Path
    overlay: Path
    changes: Path
    tiles: Path
    before: Path
    after: Path
    evidence: Path
    chips: dict[str, Path] = field(default_factory=dict)


def write_run(record: RunRecord, *, root: Path) -> RunPaths:
    """Write a run below `root`, whole or not at all.

    Returns
    -------
    RunPaths

    Raises
    ------
    CatalogError
        The folder cannot be written, or another process is writing the same run; nothing is left behind.
    """
    raise NotImplementedError
