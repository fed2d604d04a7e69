"""A run: what a compared pair leaves. The nouns, and `write_run`, the one way in."""

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from odc.geo.geobox import GeoBox

from catalog import cog, detectability, geojson, index, layout, ledger, lock, pictures, stac, versions
from catalog.errors import CannotWrite, CatalogError
from catalog.report import Report
from catalog.report_build import build_report, input_row, is_dated
from imagery.copies import sha256_of
from imagery.raster import FloatArray, Reader, Sensor
from imagery.scene import Scene
from imagery.site import Site
from imagery.tile import Tile
from models.compare import Conclusion, PairModel
from models.occupancy import ZoneState
from models.zones import ZoneSeen

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
    detectability : callable
        Tile to float32 (layer, cell row, cell col) over its cells (`models.detectability`); None where the tile was
        not assessed.
    conclusion : Conclusion
    valid_fraction : float
    zones : tuple of ZoneSeen
        What could be seen of the site's zones.
    zone_states : tuple of ZoneState
        What can be said of zones as wholes where pixels are too coarse for objects.
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
    detectability: Callable[[Tile], FloatArray | None] = lambda _: None
    zones: tuple[ZoneSeen, ...] = ()
    zone_states: tuple[ZoneState, ...] = ()
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
    report, overlay, changes, tiles, before, after, evidence, detectability : Path
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
    detectability: Path
    chips: dict[str, Path] = field(default_factory=dict)


def write_run(record: RunRecord, *, root: Path) -> RunPaths:
    """Write a run below `root`, whole or not at all.

    Everything is made in ``.partial`` beside the runs and put in place by one rename, ``item.json`` written last.
    A result that is already there is left alone where the same computation found the same; otherwise it is kept
    in ``versions/``. Copies of inputs are copied into the run; the originals stay with the caller.

    Returns
    -------
    RunPaths

    Raises
    ------
    CatalogError
        The folder cannot be written, or another process is writing the same run; nothing is left behind.
    """
    final = layout.run_folder(root, record.name)
    _check_place(record)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with lock.held(root, layout.flat(record.name)):
            report = _written(record, root, final)
        if is_dated(record):
            index.update(root, report.site)
    except CannotWrite as error:
        raise CatalogError(f"{error}, or give another folder than {root} with --out") from error
    except OSError as error:
        raise CatalogError(
            f"cannot write the run {record.name} below {root}: {error.strerror or error}; "
            "check free space and write permission, or give another folder with --out"
        ) from error
    return paths_of(final, report)


def _check_place(record: RunRecord) -> None:
    """A site's runs lie in its folder, others directly below the root: catalogues list them from there."""
    home = record.name.split("/")[:-1]
    wanted = [] if record.site is None else [record.site.id]
    if home != wanted:
        expected = "no folder" if record.site is None else f"the folder {record.site.id}"
        raise CatalogError(f"run name {record.name!r} must lie in {expected}, as its site says")


def _written(record: RunRecord, root: Path, final: Path) -> Report:
    """Make the run and put it in place, under its lock; the report that is then on disk."""
    workspace = root / layout.PARTIAL / layout.flat(record.name)
    versions.recover(workspace, final)
    shutil.rmtree(workspace, ignore_errors=True)  # left by a killed process: nobody else holds the lock
    try:
        new = workspace / "new"
        new.mkdir(parents=True)
        copies = _copy_inputs(record, new)
        report = build_report(record, copies)
        if versions.same_result(final, report):
            return Report.from_dict(layout.read_json(final / layout.REPORT))
        report = _fill(record, report, new, final)
        versions.put_in_place(new, final)
        return report
    finally:
        if final.exists() or not (workspace / versions.ASIDE).exists():
            shutil.rmtree(workspace, ignore_errors=True)
        with suppress(OSError):
            workspace.parent.rmdir()


def _fill(record: RunRecord, report: Report, new: Path, final: Path) -> Report:
    """All files of the run, in the order in which they build on each other."""
    shift = None
    if record.model is not None and record.model.alignment.verdict != "refused":
        shift = None if record.model.alignment.shift.is_zero else record.model.alignment.shift
    encoding = cog.write_images(
        (new / layout.BEFORE, record.before_reader),
        (new / layout.AFTER, record.after_reader, shift),
        record.before_reader.quantity,
        simulated=record.simulated,
    )
    with ThreadPoolExecutor(1) as beside:
        evidence = beside.submit(
            cog.write_evidence,
            new / layout.EVIDENCE, record.grid, record.tiles, record.evidence, simulated=record.simulated,
        )  # fmt: skip
        detectability.write(new / layout.DETECTABILITY, record)
        _write_findings(record, report, new)
        evidence.result()
    pictures.draw(new, report, record.grid, record.site)
    report = report.with_files(manifest(new))
    layout.write_json(new / layout.REPORT, report.as_dict())
    number = versions.next_number(final)
    if final.exists():
        versions.keep_earlier(final, new)
    if record.before is not None and record.after is not None:
        listed = report.with_files((*report.files, _entry(new, new / layout.REPORT)))
        item = stac.item_document(
            listed,
            grid=record.grid,
            before=record.before,
            after=record.after,
            bands=cog.stac_bands(record.before_reader.bands, record.before_reader.quantity, encoding),
            fields={layout.DETECTABILITY: detectability.stac_asset(record.grid, record.sensor)},
            version=number,
            predecessor=versions.predecessor_link(new),
        )
        layout.write_json(new / layout.ITEM, item)
    return report


def _write_findings(record: RunRecord, report: Report, new: Path) -> None:
    """changes.geojson and tiles.json."""
    document = geojson.feature_collection(
        report.changes,
        record.grid,
        before=record.before.acquired if record.before else None,
        after=record.after.acquired if record.after else None,
        simulated=record.simulated,
    )
    layout.write_json(new / layout.CHANGES, document)
    layout.write_json(new / layout.TILES, ledger.ledger(record.tiles, report.outcomes, report.detectability))


def _copy_inputs(record: RunRecord, new: Path) -> dict[int, str]:
    """Take the evidentiary copies into ``source/`` and check that they are what they claim to be."""
    taken: dict[int, str] = {}
    for i, entry in enumerate(record.inputs):
        if entry.path is None:
            continue
        folder = new / layout.SOURCE / entry.date
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / entry.path.name
        if target.exists():
            target = folder / f"{i}_{entry.path.name}"
        shutil.copyfile(entry.path, target)
        found = sha256_of(target)
        if found != entry.sha256:
            raise CatalogError(
                f"{entry.path} has SHA-256 {found}, fetched was {entry.sha256}: it changed since; fetch it again"
            )
        taken[i] = target.relative_to(new).as_posix()
    (new / layout.SOURCE).mkdir(exist_ok=True)
    rows = [input_row(entry, taken.get(i)) for i, entry in enumerate(record.inputs)]
    layout.write_json(new / layout.SOURCE / layout.SOURCE_LIST, {"inputs": rows})
    return taken


def manifest(folder: Path) -> tuple[dict[str, Any], ...]:
    """Path, size and SHA-256 of every file that is there now, earlier versions aside."""
    return tuple(_entry(folder, path) for path in layout.files_below(folder))


def _entry(folder: Path, path: Path) -> dict[str, Any]:
    return {
        "path": path.relative_to(folder).as_posix(),
        "size": path.stat().st_size,
        "sha256": sha256_of(path),
    }


def paths_of(folder: Path, report: Report) -> RunPaths:
    """Where the files of the run in `folder` are."""
    item = folder / layout.ITEM
    chips = {change.id: folder / layout.CHIPS / layout.chip_name(change.id) for change in report.changes}
    return RunPaths(
        folder=folder,
        item=item if item.is_file() else None,
        report=folder / layout.REPORT,
        overlay=folder / layout.OVERLAY,
        changes=folder / layout.CHANGES,
        tiles=folder / layout.TILES,
        before=folder / layout.BEFORE,
        after=folder / layout.AFTER,
        evidence=folder / layout.EVIDENCE,
        detectability=folder / layout.DETECTABILITY,
        chips={name: path for name, path in chips.items() if path.is_file()},
    )
