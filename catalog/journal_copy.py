"""The journal outside the database: a copy of every event, and its head at each run and export.

::

    <out>/journal.jsonl         every event, one JSON line each, added after it is in the database
    <out>/journal-heads.jsonl   seq, count, hash and time of the last event, and why it was noted

Both are only added to. With them a journal that was changed, cut short or written anew in the database shows
(`catalog.verify_journal`), and one that was lost with its database comes back. A copy kept elsewhere protects further.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from catalog import journal
from catalog.database import Database
from catalog.errors import BrokenJournal, CannotWrite
from catalog.journal import Head, ReviewEvent, event_of
from catalog.layout import JOURNAL_COPY, JOURNAL_HEADS

_TAIL_BYTES = 65536
_BATCH = 2000


def add_missing(root: Path, database: Database) -> int:
    """Add the events to the copy that it does not have yet; number of the last one that it has then.

    Raises
    ------
    CannotWrite
    """
    path = root / JOURNAL_COPY
    with _alone(path):
        while True:
            last = last_copied(root)
            with database.reading() as connection:
                found = [] if connection is None else journal.events(connection, after=last, limit=_BATCH)
            if not found:
                return last
            _add(path, [event.as_dict() for event in found])


def add_these(root: Path, database: Database, events: Sequence[ReviewEvent]) -> None:
    """The same, for somebody who has just added `events` to the journal and need not read them again."""
    path = root / JOURNAL_COPY
    with _alone(path):
        if events and last_copied(root) == events[0].seq - 1:
            _add(path, [event.as_dict() for event in events])
            return
    add_missing(root, database)


def note_head(root: Path, database: Database, why: str) -> Head | None:
    """Note where the journal ends now; None where nobody has answered anything yet.

    Parameters
    ----------
    root : Path
    database : Database
    why : str
        For people: the run or export that is at its end.

    Raises
    ------
    CannotWrite
    """
    with database.reading() as connection:
        head = None if connection is None or not journal.exists(connection) else journal.head(connection)
    if head is None or head.seq == 0:
        return None
    add_missing(root, database)
    path = root / JOURNAL_HEADS
    with _alone(path):
        _add(path, [head.as_dict() | {"why": why}], durable=True)
    return head


def last_copied(root: Path) -> int:
    """Number of the last event in the copy, 0 where there is none."""
    path = root / JOURNAL_COPY
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            tail = _TAIL_BYTES
            while True:
                file.seek(max(0, size - tail))
                lines = file.read().split(b"\n")
                for line in reversed(lines[1:] if tail < size else lines):
                    number = _seq(line)
                    if number:
                        return number
                if tail >= size:
                    return 0
                tail *= 4
    except FileNotFoundError:
        return 0


def read_copy(root: Path) -> Iterator[ReviewEvent | str]:
    """Lines of the copy: events, or what is wrong with a line.

    A last line that is not whole, as a killed process leaves it, is passed over.
    """
    yield from (_event(entry) if isinstance(entry, dict) else entry for entry in _lines(root / JOURNAL_COPY))


def read_heads(path: Path) -> Iterator[Mapping[str, Any] | str]:
    """Heads that were noted in a file, or what is wrong with a line."""
    for entry in _lines(path):
        if isinstance(entry, dict) and not (
            isinstance(entry.get("seq"), int) and isinstance(entry.get("hash"), str)
        ):
            yield "a line without seq and hash"
        else:
            yield entry


def restored(root: Path, salvaged: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The journal for a new database: what could be read of the old one, or the copy where that has more.

    Raises
    ------
    BrokenJournal
        Neither is a whole chain.
    """
    copied = [entry.as_dict() for entry in read_copy(root) if isinstance(entry, ReviewEvent)]
    best = max((list(map(dict, salvaged)), copied), key=_chained)
    if _chained(best) < max(len(salvaged), len(copied)):
        raise BrokenJournal(
            f"the review journal in the database and {root / JOURNAL_COPY} are both damaged: of {len(best)} events "
            f"{_chained(best)} hang together. Nothing was changed; put a sound copy in place of {JOURNAL_COPY}"
        )
    return best


def lacking(root: Path, head: Head) -> list[dict[str, Any]]:
    """Events of the copy that come after the end of a journal.

    Raises
    ------
    BrokenJournal
        They do not follow from it.
    """
    rows: list[dict[str, Any]] = []
    last: Head | ReviewEvent = head
    for entry in read_copy(root):
        if isinstance(entry, ReviewEvent) and entry.seq > last.seq:
            if (entry.seq, entry.previous, entry.hash) != (last.seq + 1, last.hash, entry.true_hash):
                raise BrokenJournal(
                    f"event {entry.seq} in {root / JOURNAL_COPY} does not follow from event {last.seq} of the journal "
                    f"in the database: one of them was changed. `sitewatch verify {root}` says which"
                )
            rows.append(entry.as_dict())
            last = entry
    return rows


def _chained(rows: Sequence[Mapping[str, Any]]) -> int:
    """How many events from the first on are as they were written."""
    previous = journal.BEGINNING
    for number, row in enumerate(rows, 1):
        event = event_of(row)
        if event.seq != number or event.previous != previous or event.hash != event.true_hash:
            return number - 1
        previous = event.hash
    return len(rows)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Be the only one who adds to a file; the system's lock, which goes with its holder."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise _cannot(path, error) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _cannot(path: Path, error: OSError) -> CannotWrite:
    return CannotWrite(
        f"{path} cannot be written ({error.strerror}): make room or check permissions. The answers are safe in the "
        "database and are added here with the next one"
    )


def _seq(line: bytes) -> int:
    try:
        return int(orjson.loads(line)["seq"])
    except (ValueError, TypeError, KeyError):
        return 0


def _event(entry: Mapping[str, Any]) -> ReviewEvent | str:
    try:
        event = event_of(entry)
    except (KeyError, TypeError):
        return "a line that is no event"
    return event if isinstance(event.seq, int) and isinstance(event.body, dict) else "a line that is no event"


def _lines(path: Path) -> Iterator[dict[str, Any] | str]:
    try:
        with path.open("rb") as file:
            for line in file:
                try:
                    entry = json.loads(line)
                except ValueError:
                    if line.endswith(b"\n"):
                        yield "a line that is not JSON"
                    continue
                yield entry if isinstance(entry, dict) else "a line that is no JSON object"
    except FileNotFoundError:
        return


def _add(path: Path, entries: Sequence[Mapping[str, Any]], *, durable: bool = False) -> None:
    """Add lines at the end, in one piece; a line that a killed process left unfinished is ended first."""
    data = b"".join(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE) for entry in entries)
    try:
        with path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    data = b"\n" + data
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
    except OSError as error:
        raise _cannot(path, error) from error
