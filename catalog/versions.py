"""Earlier results of the same pair: kept inside the new one, never deleted.

``versions/0001_<created>/`` is a whole earlier run folder. Its files are the very same bytes (hard links where the
file system has them); only its ``item.json`` is re-issued, because it now lies two folders deeper and is deprecated.
"""

import ctypes
import os
import shutil
from pathlib import Path
from typing import Any

from catalog.errors import CatalogError
from catalog.layout import CATALOG, COLLECTION, ITEM, REPORT, VERSIONS, read_json, write_json
from catalog.report import Report
from catalog.stac import VERSION, sealed

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
ASIDE = "aside"


def earlier(folder: Path) -> list[Path]:
    """Folders of the earlier results of a run, oldest first."""
    home = folder / VERSIONS
    return sorted(path for path in home.iterdir() if path.is_dir()) if home.is_dir() else []


def next_number(folder: Path) -> int:
    """Version number of the next result of a run: 1 for the first."""
    return len(earlier(folder)) + 2 if folder.exists() else 1


def same_result(folder: Path, report: Report) -> bool:
    """Whether the complete run in `folder` came from the same computation and found the same."""
    path = folder / REPORT
    if not path.is_file():
        return False
    try:
        old = Report.from_dict(read_json(path))
    except (CatalogError, KeyError, TypeError, ValueError):
        return False
    whole = all(_has_size(folder / str(entry["path"]), entry["size"]) for entry in old.files)
    return whole and old.fingerprint == report.fingerprint and old.result_digest() == report.result_digest()


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def keep_earlier(old: Path, new: Path) -> None:
    """Take the run in `old`, with its own earlier versions, into the versions of `new`."""
    home = new / VERSIONS
    home.mkdir()
    for folder in earlier(old):
        _link_tree(folder, home / folder.name)
    number = len(earlier(old)) + 1
    kept = home / f"{number:04d}_{_created(old)}"
    _link_tree(old, kept, leave_out=VERSIONS)
    item = kept / ITEM
    if item.is_file():
        document = _deprecated(read_json(item))
        item.unlink()  # a hard link: writing through it would change the old run itself
        write_json(item, document)


def _created(folder: Path) -> str:
    try:
        created = str(read_json(folder / REPORT)["created"])
    except (CatalogError, KeyError, TypeError):
        return "unreadable"
    return "".join(char for char in created if char.isalnum())


def _link_tree(source: Path, target: Path, *, leave_out: str | None = None) -> None:
    target.mkdir()
    for entry in sorted(source.iterdir()):
        if entry.name == leave_out:
            continue
        if entry.is_dir() and not entry.is_symlink():
            _link_tree(entry, target / entry.name)
        else:
            link_or_copy(entry, target / entry.name)


def link_or_copy(source: Path, target: Path) -> None:
    """Hard link where the file system can, a copy otherwise."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _deprecated(document: dict[str, Any]) -> dict[str, Any]:
    links = [
        {**link, "href": f"../../{link['href']}"} if _leaves_the_run(link["href"]) else link
        for link in document["links"]
        if link["rel"] not in {"successor-version", "latest-version"}
    ]
    links += [
        {"rel": rel, "href": f"../../{ITEM}", "type": "application/geo+json"}
        for rel in ("successor-version", "latest-version")
    ]
    extensions = [*dict.fromkeys([*document["stac_extensions"], VERSION])]
    properties = {**document["properties"], "deprecated": True}
    return sealed({**document, "stac_extensions": extensions, "properties": properties, "links": links})


def _leaves_the_run(href: str) -> bool:
    return href.startswith("../") and href.endswith((COLLECTION, CATALOG))


def predecessor_link(new: Path) -> dict[str, str] | None:
    """Link from a new Item to the result it replaces."""
    kept = earlier(new)
    if not kept or not (kept[-1] / ITEM).is_file():
        return None
    href = f"./{VERSIONS}/{kept[-1].name}/{ITEM}"
    return {"rel": "predecessor-version", "href": href, "type": "application/geo+json"}


def put_in_place(new: Path, final: Path) -> None:
    """Make `new` appear at `final` in one step.

    Where a run is already there, the two folders change places; the old one, whose files live on in the new
    one's versions, is left at `new`. Without a system call for that, the old one is first put aside as
    `new`/../aside, from where `recover` brings it back if the process dies in between.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    if not final.exists():
        new.rename(final)
        return
    if not _exchange(new, final):
        aside = new.parent / ASIDE
        final.rename(aside)
        new.rename(final)


def recover(workspace: Path, final: Path) -> None:
    """Bring back a run that an interrupted `put_in_place` left aside."""
    aside = workspace / ASIDE
    if aside.is_dir() and not final.exists():
        final.parent.mkdir(parents=True, exist_ok=True)
        aside.rename(final)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders atomically; False where the system cannot."""
    try:
        swap = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    done = swap(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return bool(done == 0)
