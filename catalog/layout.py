"""Names and places: how the outputs folder is laid out, and how its small files are written."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from catalog.errors import BrokenRecord, CatalogError

ITEM = "item.json"
REPORT = "report.json"
CHANGES = "changes.geojson"
TILES = "tiles.json"
BEFORE = "before.tif"
AFTER = "after.tif"
EVIDENCE = "evidence.tif"
DETECTABILITY = "detectability.tif"
OVERLAY = "overlay.png"
CHIPS = "chips"
SOURCE = "source"
SOURCE_LIST = "inputs.json"
VERSIONS = "versions"
COLLECTION = "collection.json"
CATALOG = "catalog.json"
PARTIAL = ".partial"
LOCKS = ".locks"
DATABASE = "sitewatch.db"
DATABASE_ADDRESS = "SITEWATCH_DATABASE"
"""Environment variable with the address of a PostgreSQL database to use in place of that file."""

DATABASE_ID = "sitewatch.id"
"""Says to which outputs folder the records in a PostgreSQL database belong."""

JOURNAL_COPY = "journal.jsonl"
JOURNAL_HEADS = "journal-heads.jsonl"

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_SAFE_PART = re.compile(r"[\w+=@-][\w.+=@-]*")


def check_name(name: str) -> PurePosixPath:
    """The run name as a relative path of one or two safe parts.

    Raises
    ------
    CatalogError
        Absolute, climbing, hidden or otherwise unfit as a folder below the root.
    """
    parts = name.split("/")
    if not 1 <= len(parts) <= 2 or not all(_SAFE_PART.fullmatch(part) for part in parts):
        raise CatalogError(
            f"run name {name!r} cannot be a folder: give one or two parts separated by '/', made of "
            "letters, digits and . _ + = @ - and not starting with a dot"
        )
    if parts[-1] in {VERSIONS, SOURCE, CHIPS}:
        raise CatalogError(f"run name {name!r} is reserved for the inside of a run; choose another")
    return PurePosixPath(name)


def keeps_records(root: Path) -> bool:
    """Whether somebody keeps records of the runs in this folder."""
    return (root / DATABASE).exists() or bool(os.environ.get(DATABASE_ADDRESS, "").strip())


def has_records(folder: Path) -> bool:
    """Whether records of the runs in a folder were begun."""
    return any((folder / name).is_file() for name in (DATABASE, DATABASE_ID, JOURNAL_COPY, JOURNAL_HEADS))


def holds_records(folder: Path) -> bool:
    """Whether a folder is an outputs folder in which records are kept, or were."""
    if has_records(folder):
        return True
    return (folder / CATALOG).is_file() and not (folder / COLLECTION).is_file()


def run_folder(root: Path, name: str) -> Path:
    """Folder of a run below `root`."""
    return root / check_name(name)


def flat(name: str) -> str:
    """The run name as one file-name part, also the STAC Item id: no ``/`` and no ``:``."""
    return str(check_name(name)).replace("/", "_").replace(":", "-")


def chip_name(change_id: str) -> str:
    """File name of a change's chip, whatever its id holds."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", change_id) + ".png"


def utc_text(moment: datetime) -> str:
    """RFC 3339 in UTC with a Z, microseconds only where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def jsonable(value: Any) -> Any:
    """`value` with numpy numbers, tuples, paths, times and mappings as plain JSON; NaN and infinity as null."""
    return orjson.loads(orjson.dumps(value, _plain, _OPTIONS))


def _plain(value: Any) -> Any:
    """What `orjson` does not write by itself; numpy's own float32 is left to Python, which keeps every digit."""
    if isinstance(value, Mapping):
        return {str(key): inner for key, inner in value.items()}
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, datetime):
        return utc_text(value) if value.tzinfo else value.isoformat()
    return float(value) if isinstance(value, float) else str(value)


def json_bytes(document: Any) -> bytes:
    """The one way JSON is written here, so that equal documents are equal bytes."""
    return orjson.dumps(document, _plain, _OPTIONS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def is_written(document: Any, data: bytes) -> bool:
    """Whether writing `document` gives exactly `data`, now or as the standard library wrote earlier runs."""
    if json_bytes(document) == data:
        return True
    return (json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode() == data


def digest(document: Any) -> str:
    """SHA-256 of a JSON document, independent of key order."""
    text = json.dumps(jsonable(document), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def write_json(path: Path, document: Any) -> None:
    """Write a document inside a folder that nobody reads yet."""
    write_bytes(path, json_bytes(document))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file and force it to disk."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_json(path: Path, document: Any) -> None:
    """Write a document that others may be reading: whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write_json(temporary, document)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """A JSON document of a run.

    Raises
    ------
    BrokenRecord
        Missing, not JSON, or not readable.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise BrokenRecord(f"{path} is missing; run the pair again to write it anew") from error
    except (OSError, ValueError) as error:
        raise BrokenRecord(
            f"{path} cannot be read as JSON ({error}); run the pair again to write it anew"
        ) from error


def multihash(sha256: str) -> str:
    """A SHA-256 as the multihash that STAC's ``file:checksum`` wants (0x12 = sha2-256, 0x20 = 32 bytes)."""
    return "1220" + sha256


def files_below(folder: Path, *, versions: bool = False) -> list[Path]:
    """Every file of a run, sorted; earlier versions only where asked for."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir())
    return [path for path in found if versions or path.relative_to(folder).parts[0] != VERSIONS]
