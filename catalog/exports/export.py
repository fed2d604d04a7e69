"""``sitewatch export``: a run in the formats that were asked for, all of them or none.

Everything is made in a hidden folder beside the targets and renamed when the last of it is whole.
"""

import secrets
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from catalog import journal_copy, layout
from catalog.database import database_of
from catalog.errors import BrokenRecord, CannotWrite, CatalogError, TargetExists
from catalog.exports import features, geopackage, kml, stac_copy, table
from catalog.exports.anonymous import numbered
from catalog.exports.blocks import Document
from catalog.exports.findings import Handover
from catalog.exports.gather import check_placed, chosen, gather, root_of
from catalog.exports.pictures import RunPictures
from catalog.exports.reviews import reviews_of
from catalog.exports.told import SILENT, Told
from catalog.exports.wish import FORMATS, Format, Wish
from catalog.reader import StoredRun, load_run
from catalog.verify import verify
from imagery.copies import sha256_of

__all__ = ["FORMATS", "Export", "Format", "Wish", "Written", "export", "refuse_existing"]

DOCUMENT = "sitewatch-export/1"

_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Written:
    """A file or folder that was written.

    Parameters
    ----------
    form : Format
    path : Path
    size : int
        Bytes, of all files together.
    sha256 : str
        Of the file; of a folder that of its Item.
    files : int
    """

    form: Format
    path: Path
    size: int
    sha256: str
    files: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "format": self.form, "path": str(self.path), "size": self.size, "sha256": self.sha256, "files": self.files,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Export:
    """What an export came to.

    Parameters
    ----------
    handover : Handover
    written : tuple of Written
        In the order in which formats were asked for.
    """

    handover: Handover
    written: tuple[Written, ...]

    def as_dict(self) -> dict[str, Any]:
        """What ``sitewatch export --json`` prints."""
        pair, findings = self.handover.pair, self.handover.findings
        return {
            "format": DOCUMENT, "run": pair.name, "site": pair.site_id, "status": pair.status,
            "simulated": pair.simulated, "findings": len(findings), "held_back": self.handover.held_back,
            "reviewed": sum(one.answer != "not reviewed" for one in findings),
            "added_by_people": sum(one.by_person for one in findings), "report_sha256": pair.report_sha256,
            "journal_head": pair.journal_head, "anonymous": self.handover.anonymous,
            "files": [one.as_dict() for one in self.written],
        }  # fmt: skip


def export(folder: Path, wish: Wish, *, told: Told = SILENT) -> Export:
    """Hand over the run in `folder`, and tell how far it is.

    Raises
    ------
    BrokenRecord
        The run is not as it was written.
    TargetExists
        Something is in the place of a file, and `wish.replace` is not set.
    CatalogError
        A format cannot hold this run, or the folder lies inside a run.
    CannotWrite
        No space, or no permission.
    """
    told.step("checking the run")
    run = load_run(folder)
    _refuse_broken(folder)
    targets = {form: wish.target(run, form) for form in dict.fromkeys(wish.formats)}
    _refuse_inside(run, wish.to)
    if not wish.replace:
        refuse_existing(targets.values())
    if "stac" in targets:
        stac_copy.check_dated(run)
    reviews = reviews_of(run)
    if reviews is not None and wish.anonymous:
        reviews = numbered(reviews)
    gathered = replace(gather(run, reviews=reviews), anonymous=reviews is not None and wish.anonymous)
    handover = chosen(gathered, min_score=wish.min_score, confirmed=wish.confirmed)
    if wish.confirmed and reviews is None:
        raise CatalogError(
            f"{run.report.name}: nothing has been reviewed yet, so nothing is confirmed; review it with `sitewatch "
            "review`, or export without --confirmed"
        )
    if "kml" in targets:
        check_placed(handover, "KML")
    if reviews is not None:
        root = root_of(run)
        journal_copy.note_head(root, database_of(root), f"export of {run.report.name}")
    return Export(handover=handover, written=_all_or_none(run, handover, wish, targets, told))


def refuse_existing(targets: Iterable[Path]) -> None:
    """Raise where something is in the place of a target.

    Raises
    ------
    TargetExists
    """
    there = [str(path) for path in targets if path.exists() or path.is_symlink()]
    if there:
        raise TargetExists(
            f"{', '.join(there)}: there already. Give --force to replace, or another folder with --to"
        )


def _refuse_broken(folder: Path) -> None:
    found = verify(folder)
    if not found.intact:
        named = "; ".join(f"{one.path} {one.fault}" for one in found.problems[:_NAMED])
        more = len(found.problems) - _NAMED
        rest = f" and {more} more" if more > 0 else ""
        raise BrokenRecord(
            f"{folder} is not as it was written ({named}{rest}), so it is not handed over; `sitewatch verify` lists "
            "everything, running the pair again writes it anew"
        )


def _refuse_inside(run: StoredRun, to: Path) -> None:
    """Whatever is added to an outputs folder is taken for a run, or for damage to one."""
    home = to.resolve()
    root = root_of(run)
    inside = home.is_relative_to(run.folder.resolve())
    if inside or ((root / layout.CATALOG).is_file() and home.is_relative_to(root)):
        raise CatalogError(
            f"{to} lies among the runs in {root}, where only runs are kept; choose another folder with --to"
        )


def _all_or_none(
    run: StoredRun, handover: Handover, wish: Wish, targets: dict[Format, Path], told: Told
) -> tuple[Written, ...]:
    work = wish.to / f".sitewatch-export-{secrets.token_hex(4)}"
    try:
        work.mkdir(parents=True)
        made = {form: work / target.name for form, target in targets.items()}
        makers = _makers(run, handover, wish, told)
        for form, path in made.items():
            told.step(f"writing {form}")
            makers[form](path)
        found = tuple(_described(form, made[form], targets[form], run) for form in targets)
        _put([(made[form], targets[form]) for form in targets], work)
    except OSError as error:
        raise CannotWrite(
            f"{wish.to} cannot be written ({error.strerror}): make room, check permissions, or choose another folder "
            "with --to. What was there before is untouched"
        ) from error
    else:
        return found
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _makers(
    run: StoredRun, handover: Handover, wish: Wish, told: Told
) -> dict[Format, Callable[[Path], object]]:
    pictures = RunPictures(run)

    @cache
    def document() -> Document:
        from catalog.exports import brief  # noqa: PLC0415 - other formats must not wait for it

        told.step("pictures of the findings", total=len(handover.findings))
        return brief.brief(handover, pictures.chip, told=told)

    def places(path: Path) -> None:
        layout.write_bytes(path, kml.kmz(handover, pictures.chip) if wish.pictures else kml.kml(handover))

    def copy(path: Path) -> None:
        said = features.geojson(handover) if handover.reviewed else None
        stac_copy.write_stac(path, run, said=said, head=handover.pair.journal_head)

    def page(path: Path) -> None:
        from catalog.exports import brief_html  # noqa: PLC0415 - as above

        layout.write_bytes(path, brief_html.html(document()))

    def pages(path: Path) -> None:
        from catalog.exports import brief_pdf  # noqa: PLC0415 - as above

        layout.write_bytes(path, brief_pdf.pdf(document(), told=told))

    return {
        "geojson": lambda path: layout.write_bytes(path, features.geojson(handover)),
        "csv": lambda path: layout.write_bytes(path, table.table(handover)), "kml": places,
        "gpkg": lambda path: geopackage.write_geopackage(path, handover),
        "stac": copy, "html": page, "pdf": pages,
    }  # fmt: skip


def _described(form: Format, made: Path, target: Path, run: StoredRun) -> Written:
    if made.is_dir():
        files = layout.files_below(made)
        item = made / layout.check_name(run.report.name) / layout.ITEM
        size = sum(path.stat().st_size for path in files)
        return Written(form=form, path=target, size=size, sha256=sha256_of(item), files=len(files))
    return Written(form=form, path=target, size=made.stat().st_size, sha256=sha256_of(made), files=1)


def _put(moves: Sequence[tuple[Path, Path]], work: Path) -> None:
    """Rename everything into place; what was there comes back where one of the renames fails."""
    done: list[tuple[Path, Path | None]] = []
    try:
        for made, target in moves:
            old = None
            if target.exists() or target.is_symlink():
                old = work / f"old-{target.name}"
                target.rename(old)
            done.append((target, old))
            made.rename(target)
    except OSError:
        for target, old in reversed(done):
            if target.exists():
                target.rename(work / f"new-{target.name}")
            if old is not None:
                old.rename(target)
        raise
