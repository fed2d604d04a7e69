"""Attempts to watch a site: when, with which source, and what came of it, so that nobody has to guess."""

import fcntl
import os
import socket
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, insert, select

import imagery
from catalog.database import writing
from catalog.errors import CannotWrite
from catalog.layout import LOCKS, utc_text
from catalog.tables import attempt_ends, attempts, scenes

if TYPE_CHECKING:
    from imagery.scene import Scene

Result = Literal["done", "degraded", "no_pair", "source_down", "refused", "failed", "interrupted"]

GOOD: frozenset[Result] = frozenset(("done", "degraded", "no_pair"))
"""The source answered and everything that could be compared was."""


@dataclass(frozen=True, kw_only=True)
class AttemptEnd:
    """What came of an attempt.

    Parameters
    ----------
    result : str
        ``done``; ``degraded``: some tiles or pairs could not be assessed; ``no_pair``: nothing to compare;
        ``source_down``: it does not answer; ``refused``: it does, and wants another login, key or link; ``failed``;
        ``interrupted``.
    reason : str or None
        For people; None where all is well.
    runs : int
        Pairs concluded.
    scenes : tuple of Scene
        What the source offered, before any was left out for cloud.
    tiles : mapping of outcome to int
        Tiles of all pairs.
    unseen : tuple of (reason, count)
        Why tiles were not assessed, the commonest first.
    """

    result: Result
    reason: str | None = None
    runs: int = 0
    scenes: "tuple[Scene, ...]" = ()
    tiles: Mapping[str, int] = field(default_factory=dict)
    unseen: Sequence[tuple[str, int]] = ()


@contextmanager
def attempting(
    root: Path, *, site: str, source: str, start: datetime, end: datetime
) -> Iterator[Mapping[str, Any]]:
    """Record that an attempt begins; while the block runs it counts as running.

    That is known by a lock that the system releases when its holder dies. Whoever uses this calls `conclude`
    before the block ends; an attempt without an end was killed.

    Yields
    ------
    mapping
        The attempt, to give to `conclude`.
    """
    facts = {
        "id": uuid.uuid4().hex[:12], "site": site, "source": source, "period_start": utc_text(start),
        "period_end": utc_text(end), "began": utc_text(datetime.now(UTC)), "host": socket.gethostname(),
        "pid": os.getpid(), "version": imagery.__version__,
    }  # fmt: skip
    with _alive(root, str(facts["id"])):
        with writing(root) as connection:
            connection.execute(insert(attempts).values(facts))
        yield facts


def conclude(root: Path, attempt: Mapping[str, Any], end: AttemptEnd) -> int:
    """Record what came of an attempt; how many of its scenes had never been offered before."""
    with writing(root) as connection:
        # The database may have been made anew since, from one that did not know of this attempt yet.
        if not connection.execute(select(attempts.c.id).where(attempts.c.id == attempt["id"])).all():
            connection.execute(insert(attempts).values(attempt))
        fresh = _remember(connection, attempt, end.scenes)
        connection.execute(
            insert(attempt_ends).values(
                attempt=attempt["id"], ended=utc_text(datetime.now(UTC)), result=end.result, reason=end.reason,
                runs=end.runs, new_scenes=fresh, tiles=dict(end.tiles),
                unseen=[list(entry) for entry in end.unseen],
            )
        )  # fmt: skip
    return fresh


def _remember(connection: Connection, attempt: Mapping[str, Any], offered: "Sequence[Scene]") -> int:
    """Note scenes that this source had not offered for this site before; how many they are."""
    known = set(
        connection.execute(
            select(scenes.c.id).where(scenes.c.site == attempt["site"], scenes.c.source == attempt["source"])
        ).scalars()
    )
    fresh = {scene.id: scene for scene in offered if scene.id not in known}
    if fresh:
        connection.execute(
            insert(scenes),
            [
                {
                    "site": attempt["site"], "source": attempt["source"], "id": scene.id, "sensor": scene.sensor,
                    "platform": scene.platform, "gsd_m": scene.gsd_m, "acquired": utc_text(scene.acquired),
                    "simulated": scene.simulated, "attempt": attempt["id"],
                }
                for scene in fresh.values()
            ],
        )  # fmt: skip
    return len(fresh)


def history(connection: Connection) -> list[dict[str, Any]]:
    """Every attempt with its end, in order of time; the fields of an end are None where there is none."""
    rows = connection.execute(
        select(attempts, *(column for column in attempt_ends.c if column.name != "attempt"))
        .join_from(attempts, attempt_ends, attempts.c.id == attempt_ends.c.attempt, isouter=True)
        .order_by(attempts.c.began, attempts.c.id)
    )
    return [dict(row) for row in rows.mappings()]


def is_running(root: Path, attempt: str) -> bool:
    """Whether the process that began an attempt on this machine is still at it."""
    try:
        with _lock_file(root, attempt).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def _alive(root: Path, attempt: str) -> Iterator[None]:
    """Hold the attempt's lock.

    Raises
    ------
    CannotWrite
        Nothing can be written below `root`.
    """
    path = _lock_file(root, attempt)
    unlocked = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        file = unlocked.open("w")
        fcntl.flock(file, fcntl.LOCK_EX)
        unlocked.rename(path)  # under its name it is never seen unlocked while its holder lives
    except OSError as error:
        raise CannotWrite(
            f"{root} cannot be written ({error.strerror}); make room, check permissions, or give another folder "
            "with --out"
        ) from error
    with file:
        try:
            yield
        finally:
            # Nobody ever takes the lock of another attempt, so its file can go.
            path.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Remove what killed attempts left behind."""
    for path in folder.glob("attempt-*.lock"):
        try:
            with path.open() as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
        except OSError:
            continue


def _lock_file(root: Path, attempt: str) -> Path:
    return root / LOCKS / f"attempt-{attempt}.lock"
