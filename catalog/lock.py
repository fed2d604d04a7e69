"""One writer at a time: locks that the system itself releases when their holder dies."""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from catalog.errors import RunBusy
from catalog.layout import LOCKS

POLL_S = 0.05
WAIT_S = 300.0
"""Longer than writing the largest run takes."""


@contextmanager
def held(root: Path, name: str, *, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold the lock `name` below `root`, waiting for another holder at most `wait_s`.

    The lock is advisory and the system's (``flock``): a killed process leaves its lock file but no lock, so
    there is nothing stale to clean up. The file stays, because removing it would let two writers in.

    Raises
    ------
    RunBusy
        Somebody else still holds it; the message says who and since when.
    """
    folder = root / LOCKS
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.lock"
    with path.open("a+", encoding="utf-8") as file:
        _acquire(file, path, name, wait_s)
        try:
            _sign(file)
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def _acquire(file: IO[str], path: Path, name: str, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise RunBusy(
                    f"{name} is being written by {_holder(path)}; waited {wait_s:.0f} s. "
                    "Wait for that run to finish, or stop it, and run again"
                ) from None
            time.sleep(POLL_S)
        else:
            return


def _sign(file: IO[str]) -> None:
    """Say who holds it, for the message that the next one may have to print."""
    file.seek(0)
    file.truncate()
    since = datetime.now(UTC).isoformat(timespec="seconds")
    json.dump({"pid": os.getpid(), "host": socket.gethostname(), "since": since}, file)
    file.flush()


def _holder(path: Path) -> str:
    try:
        who = json.loads(path.read_text(encoding="utf-8"))
        return f"process {who['pid']} on {who['host']} since {who['since']}"
    except (OSError, ValueError, KeyError):
        return "another process"
