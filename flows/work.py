"""The working folder ``<out>/.work``: where unfinished things are kept while they are unfinished.

What lies here can be deleted at any time between runs; it only saves repeated work.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.errors import UnusableOutput
from flows.whole_file import whole_file

STALE_S = 24 * 3600.0
"""Age after which a scratch folder belongs to a process that was killed."""


def work_folder(out: Path, *parts: str) -> Path:
    """``<out>/.work/<parts>``, created.

    Raises
    ------
    UnusableOutput
        It cannot be created or written.
    """
    folder = out.joinpath(".work", *parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"probe")
    except OSError as problem:
        raise UnusableOutput(
            f"{out}: cannot be written ({problem.strerror}); choose another folder with --out, or make room"
        ) from problem
    return folder


@contextmanager
def scratch(out: Path) -> Iterator[Path]:
    """A folder below ``<out>/.work`` that is gone when the block ends, however it ends."""
    parent = work_folder(out, "scratch")
    for left in parent.iterdir():
        if time.time() - left.stat().st_mtime > STALE_S:
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        yield Path(folder)


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write whole or not at all."""
    with whole_file(path) as partial:
        # json.dump encodes in Python and takes far longer.
        partial.write_text(json.dumps(document), encoding="utf-8")


def read_json(path: Path) -> dict[str, Any] | None:
    """The document, or None where there is none or it is damaged."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None
