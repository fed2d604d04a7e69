"""Runs on disk, for everything that reads them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog import layout
from catalog.errors import BrokenRecord, CatalogError
from catalog.report import Report
from catalog.run import RunPaths, paths_of
from catalog.versions import earlier
from models.change import Change


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredRun:
    """A run on disk.

    Parameters
    ----------
    folder : Path
    report : Report
    item : mapping or None
        The STAC Item; None where the inputs had no dates.
    paths : RunPaths
    """

    folder: Path
    report: Report
    item: Mapping[str, Any] | None
    paths: RunPaths

    @property
    def changes(self) -> tuple[Change, ...]:
        """The listed changes, best first."""
        return tuple(sorted(self.report.changes, key=lambda change: (-change.score, change.id)))

    @property
    def earlier(self) -> tuple[Path, ...]:
        """Folders of the earlier results of the same pair, oldest first."""
        return tuple(earlier(self.folder))


def list_runs(root: Path) -> tuple[Path, ...]:
    """Folders of all complete runs below `root`, sorted by name; a root that does not exist has none."""
    candidates = {path.parent for pattern in ("*/", "*/*/") for path in root.glob(pattern + layout.REPORT)}
    return tuple(sorted(folder for folder in candidates if _is_visible(folder, root) and is_run(folder)))


def _is_visible(folder: Path, root: Path) -> bool:
    return not any(part.startswith(".") for part in folder.relative_to(root).parts)


def is_run(folder: Path) -> bool:
    """Whether a complete run lies in `folder`: with ``item.json``, or without where its inputs had no dates."""
    if (folder / layout.ITEM).is_file():
        return True
    try:
        report = layout.read_json(folder / layout.REPORT)
    except CatalogError:
        return False
    return isinstance(report, dict) and not needs_item(report)


def needs_item(report: Mapping[str, Any]) -> bool:
    """Whether a report document belongs to a run that must have a STAC Item."""
    return report.get("before") is not None and report.get("after") is not None


def load_run(folder: Path) -> StoredRun:
    """Read a run.

    Raises
    ------
    BrokenRecord
        There is no complete run in `folder`, or its report cannot be understood.
    """
    document = layout.read_json(folder / layout.REPORT)
    try:
        report = Report.from_dict(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BrokenRecord(
            f"{folder / layout.REPORT} is not a report this version understands ({error}); run the pair again"
        ) from error
    item = None
    if needs_item(document):
        item = layout.read_json(folder / layout.ITEM)
    return StoredRun(folder=folder, report=report, item=item, paths=paths_of(folder, report))
