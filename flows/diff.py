"""``sitewatch diff``: compare two image files. No Prefect, no site, no archive.

`compare_images` is the one way from two files to changes, also for the labelled cases; `diff_images` keeps what it
found as a run.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from catalog.layout import keeps_records
from catalog.report_rows import diff_document
from catalog.run import InputFile, RunPaths, RunRecord, write_run
from flows import progress
from flows.errors import BadRequest
from flows.tile_store import TileStore
from flows.work import scratch, work_folder
from imagery.image_file import FilePair, open_pair
from imagery.open import describe
from imagery.raster import Sensor
from imagery.scene import Asset, Scene
from imagery.tile import Tile
from models.compare import ALGORITHM, Comparison, TileResult, budget_row, compare, halo_px, lowest_listed
from models.score import scorer_name

GivenQuantity = Literal["reflectance", "dn", "linear", "db"]

EXIT_DONE = 0
EXIT_NOT_ASSESSABLE = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageComparison:
    """Two files, compared.

    Parameters
    ----------
    name : str
        ``<stems>_<hash of both inputs>``: same bytes, same name. Also the pair id in change ids.
    files : FilePair
    sha256 : tuple of str
        Of before and after.
    comparison : Comparison
    seconds : float
        Reading and comparing, wall time.
    """

    name: str
    files: FilePair
    sha256: tuple[str, str]
    comparison: Comparison
    seconds: float


@dataclass(frozen=True, kw_only=True, eq=False)
class DiffResult:
    """What a comparison found and where it is kept.

    Parameters
    ----------
    document : dict
        What ``sitewatch diff --json`` prints.
    paths : RunPaths
    exit_code : int
        0, or 3 where the pair or some of its tiles could not be assessed.
    """

    document: dict[str, Any]
    paths: RunPaths
    exit_code: int


def compare_images(
    before: Path,
    after: Path,
    *,
    gsd_m: float | None = None,
    sensor: Sensor | None = None,
    quantity: GivenQuantity | None = None,
    min_score: float = 0.5,
    scorer: str | None = None,
    false_alarms_per_km2: float | None = None,
    on_tile: Callable[[Tile, TileResult], None] | None = None,
) -> ImageComparison:
    """Compare two image files and keep nothing.

    Parameters
    ----------
    before, after : Path
        Any two rasters of one place.
    gsd_m : float or None
        Ground sample distance where the files do not say it.
    sensor : {"optical", "sar"} or None
        None: as the files show.
    quantity : {"reflectance", "dn", "linear", "db"} or None
        What the numbers measure; radar must say it.
    min_score : float
        Lowest score that is listed.
    scorer : str or None
        Another scorer than the default one.
    false_alarms_per_km2 : float or None
        In place of `min_score`: the score that keeps false alarms within this on this very pair.
    on_tile : callable or None
        Takes each finished tile, whose evidence is then not kept in memory.

    Raises
    ------
    ImageryError
        A file cannot be used, or what it does not say was not given.
    """
    start = time.perf_counter()
    sha256 = file_sha256(before), file_sha256(after)
    name = pair_name(before, after, sha256)
    files = open_pair(before, after, gsd_m=gsd_m, sensor=sensor, quantity=quantity)
    comparison = compare(
        files.before,
        files.after,
        sensor=files.sensor,
        pair=name,
        grid_name="before",
        min_score=min_score,
        scorer=scorer,
        false_alarms_per_km2=false_alarms_per_km2,
        on_tile=on_tile,
    )
    return ImageComparison(
        name=name, files=files, sha256=sha256, comparison=comparison, seconds=time.perf_counter() - start
    )


def diff_images(
    before: Path,
    after: Path,
    *,
    out: Path,
    gsd_m: float | None = None,
    sensor: Sensor | None = None,
    quantity: GivenQuantity | None = None,
    before_time: datetime | None = None,
    after_time: datetime | None = None,
    min_score: float = 0.5,
    scorer: str | None = None,
    false_alarms_per_km2: float | None = None,
) -> DiffResult:
    """Compare two image files and keep the result below `out`.

    Parameters
    ----------
    before, after, gsd_m, sensor, quantity, min_score, scorer, false_alarms_per_km2
        See `compare_images`.
    out : Path
        Root of all results; this one goes to ``<stems>_<hash of both inputs>``.
    before_time, after_time : datetime or None
        When they were taken, aware UTC; None: as the files say. Without both no STAC Item is written.

    Raises
    ------
    SitewatchError
        An input cannot be used, or `out` cannot be written.
    """
    work_folder(out)  # an unwritable folder is found out before the work, not after
    _refuse_reversed(
        (before, before_time or describe(before).time), (after, after_time or describe(after).time)
    )
    with scratch(out) as folder:
        store = TileStore(folder=folder)

        def keep(_tile: Tile, result: TileResult) -> None:
            store.save(result)
            progress.advance()

        progress.step("Comparing")
        compared = compare_images(
            before, after, gsd_m=gsd_m, sensor=sensor, quantity=quantity, min_score=min_score, scorer=scorer,
            false_alarms_per_km2=false_alarms_per_km2, on_tile=keep,
        )  # fmt: skip
        progress.step("Writing")
        record = _record(
            compared, before, after, before_time, after_time, store,
            parameters=_parameters(compared, min_score=min_score, scorer=scorer)
            | {"given": {"gsd_m": gsd_m, "sensor": sensor, "quantity": quantity}},
        )  # fmt: skip
        paths = write_run(record, root=out)
        if keeps_records(out):
            # Loaded here because a plain comparison need not wait for it.
            from catalog.bookkeeping import index_runs  # noqa: PLC0415

            index_runs(out)
        document = diff_document(record, paths)  # while the store is there
    assessed = all(o.outcome in ("changed", "unchanged") for o in record.conclusion.outcomes)
    return DiffResult(
        document=document,
        paths=paths,
        exit_code=EXIT_DONE if assessed and record.status != "not_assessable" else EXIT_NOT_ASSESSABLE,
    )


def _refuse_reversed(before: tuple[Path, datetime | None], after: tuple[Path, datetime | None]) -> None:
    if before[1] is not None and after[1] is not None and before[1] > after[1]:
        raise BadRequest(
            f"BEFORE ({before[0]}, {before[1]:%Y-%m-%d %H:%M:%S} UTC) is later than AFTER ({after[0]}, "
            f"{after[1]:%Y-%m-%d %H:%M:%S} UTC): swap them, or correct the dates with --before-time and --after-time"
        )


def pair_name(before: Path, after: Path, sha256: tuple[str, str]) -> str:
    """``<before stem>_<after stem>_<hash of both inputs>``, safe in file names and STAC ids."""
    stems = "_".join(
        "".join(c if c.isalnum() or c in "-." else "-" for c in path.stem)[:40].strip(".-") or "image"
        for path in (before, after)
    )
    both = hashlib.sha256("".join(sha256).encode()).hexdigest()[:12]
    return f"{stems}_{both}"


def file_sha256(path: Path) -> str:
    """Of a file's bytes, hexadecimal; of the path's text where it cannot be read (opening it says why)."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return hashlib.sha256(str(path).encode()).hexdigest()


def _record(
    compared: ImageComparison,
    before: Path,
    after: Path,
    before_time: datetime | None,
    after_time: datetime | None,
    store: TileStore,
    *,
    parameters: dict[str, Any],
) -> RunRecord:
    files, result = compared.files, compared.comparison
    before_scene = _scene(before, before_time or files.before_time, files, compared.sha256[0])
    after_scene = _scene(after, after_time or files.after_time, files, compared.sha256[1])
    return RunRecord(
        name=compared.name,
        pair=compared.name,
        site=None,
        sensor=files.sensor,
        before=before_scene if after_scene else None,
        after=after_scene if before_scene else None,
        grid=files.before.grid,
        before_reader=files.before,
        after_reader=files.after,
        model=result.model,
        status=result.status,
        reason=result.reason,
        tiles=tuple(result.tiles),
        evidence=store.evidence,
        detectability=store.detectability,
        conclusion=result.conclusion,
        valid_fraction=result.valid_fraction,
        inputs=(
            _input("before", before, compared.sha256[0]),
            _input("after", after, compared.sha256[1]),
        ),
        parameters=parameters,
        notes=tuple(files.notes),
        seconds=compared.seconds,
        simulated=files.simulated,
    )


def _parameters(compared: ImageComparison, *, min_score: float, scorer: str | None) -> dict[str, Any]:
    files = compared.files
    return {
        "algorithm": ALGORITHM,
        "min_score": lowest_listed(compared.comparison.model, min_score),
        "false_alarms": budget_row(compared.comparison.model),
        "scorer": scorer_name(scorer, files.sensor),
        "tile_px": compared.comparison.tiles[0].core.shape[1],
        "halo_px": halo_px(files.gsd_m, files.sensor),
        "sensor": files.sensor,
        "quantity": files.quantity,
        "gsd_m": files.gsd_m,
    }


def _scene(path: Path, acquired: datetime | None, files: FilePair, sha256: str) -> Scene | None:
    """A scene made from a plain file; None without a date, which a scene cannot do without."""
    if acquired is None:
        return None
    asset = Asset(href=str(path.resolve()), bands=files.before.bands, sha256=sha256)
    return Scene(
        id=path.stem,
        source="files",
        collection="files",
        platform="unknown",
        sensor=files.sensor,
        quantity=files.before.quantity,
        acquired=acquired,
        gsd_m=files.gsd_m,
        assets={"data": asset},
    )


def _input(date: Literal["before", "after"], path: Path, sha256: str) -> InputFile:
    return InputFile(
        date=date,
        scene_id=path.stem,
        href=str(path.resolve()),
        etag=None,
        length=path.stat().st_size,
        sha256=sha256,
        path=None,
    )
