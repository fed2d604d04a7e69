"""Whether the records are still what was written: the review journal against itself, its copy and its noted heads.

Somebody who can write to the database can make a chain of hashes that hangs together. So the journal is compared with
what lies outside it: `journal.jsonl` (every event) and `journal-heads.jsonl`, or a copy of the latter that was kept
elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection

from catalog import findings, journal
from catalog.database import check, database_of
from catalog.errors import BadDatabase, BrokenRecord
from catalog.journal import BEGINNING, ReviewEvent
from catalog.journal_copy import read_copy, read_heads
from catalog.journal_diff import Difference, compare
from catalog.layout import JOURNAL_COPY, JOURNAL_HEADS, has_records

Fault = Literal[
    "changed",
    "removed",
    "added",
    "reordered",
    "truncated",
    "rewritten",
    "missing",
    "copy",
    "heads",
    "findings",
    "database",
]
"""What is wrong: with the journal in the database, or with the `copy`, the `heads`, the journal of `findings`, or the
`database` as a whole.
"""


@dataclass(frozen=True, kw_only=True)
class JournalProblem:
    """What is not as it was written.

    Parameters
    ----------
    fault : Fault
    detail : str
        Which events, and what was expected.
    """

    fault: Fault
    detail: str


@dataclass(frozen=True, kw_only=True)
class JournalVerification:
    """What checking the records of an outputs folder found.

    Parameters
    ----------
    folder : Path
    events : int
        Review events in the database.
    copied : int
        Of these, how many the copy outside holds; later ones have only their own chain.
    head : Head or None
        The end of the journal, to be kept elsewhere; None without a database.
    heads : int
        Noted heads that were compared.
    problems : tuple of JournalProblem
    """

    folder: Path
    events: int
    copied: int
    head: journal.Head | None
    heads: int
    problems: tuple[JournalProblem, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "out": str(self.folder), "intact": self.intact, "events": self.events, "copied": self.copied,
            "heads": self.heads, "head": None if self.head is None else self.head.as_dict(),
            "problems": [dict(problem.__dict__) for problem in self.problems],
        }  # fmt: skip


def verify_journal(root: Path, *, heads: Path | None = None) -> JournalVerification:
    """Check the records of an outputs folder.

    Parameters
    ----------
    root : Path
    heads : Path, optional
        Noted heads that were kept elsewhere, to be compared as well.

    Raises
    ------
    BadDatabase
        The database cannot be read at all.
    BrokenRecord
        `heads` cannot be read.
    """
    if heads is not None and not heads.is_file():
        raise BrokenRecord(f"{heads}: no such file; give a copy of {JOURNAL_HEADS}")
    with database_of(root).reading() as connection:
        return verified(root, connection, heads=heads)


def verified(root: Path, connection: Connection | None, *, heads: Path | None = None) -> JournalVerification:
    """The same for one view of a database, also one that the folder does not use; None: there is no database."""
    written, head, fault = _written(connection)
    lines = list(read_copy(root))
    copied = [line for line in lines if isinstance(line, ReviewEvent)]
    noted = [entry for path in (root / JOURNAL_HEADS, heads) if path for entry in read_heads(path)]
    problems = [
        *_copy_problems(lines, copied, written),
        *_journal_problems(written, copied),
        *_head_problems(written, noted),
    ]
    if fault is not None:
        problems.append(JournalProblem(fault="findings", detail=fault))
    return JournalVerification(
        folder=root, events=len(written or ()), copied=len(copied), head=head, heads=len(noted),
        problems=tuple(dict.fromkeys(problems)),
    )  # fmt: skip


def verify_journal_beside(folder: Path) -> JournalVerification | None:
    """Check the records beside a run; None where it lies in no outputs folder that has any.

    Parameters
    ----------
    folder : Path
        Of the run, one or two below its outputs folder.
    """
    root = next((parent for parent in folder.resolve().parents[:2] if has_records(parent)), None)
    if root is None:
        return None
    try:
        return verify_journal(root)
    except BadDatabase as problem:
        found = JournalProblem(fault="database", detail=str(problem))
        return JournalVerification(folder=root, events=0, copied=0, head=None, heads=0, problems=(found,))


def _written(
    connection: Connection | None,
) -> tuple[list[ReviewEvent] | None, journal.Head | None, str | None]:
    """The journal in the database (None: there is no database), its end, and what is wrong with that of findings."""
    if connection is None:
        return None, None, None
    check(connection)
    fault = findings.chain_fault(connection)
    if not journal.exists(connection):
        return [], journal.Head(seq=0, hash=BEGINNING, at=""), fault
    return journal.events(connection), journal.head(connection), fault


def _journal_problems(
    written: Sequence[ReviewEvent] | None, copied: Sequence[ReviewEvent]
) -> Iterator[JournalProblem]:
    if written is None:
        if copied:
            yield JournalProblem(
                fault="missing", detail=f"there is no database, but {JOURNAL_COPY} holds {len(copied)} events"
            )
        return
    sound = _chained(copied) == len(copied)
    found = [_problem(difference) for difference in compare(written, copied)] if copied and sound else []
    number = _chained(written)
    if not found and number < len(written):
        found = [_of_chain(written, number)]
    yield from found


def _problem(found: Difference) -> JournalProblem:
    names = _numbers(found.numbers)
    detail = {
        "changed": f"{names} of the journal say something else than was written",
        "removed": f"{names} of what was written are not in the journal any more",
        "added": f"{names} of the journal were slipped in: they were not written there",
        "reordered": f"{names} of what was written stand in another order",
        "truncated": f"{names} of what was written are cut off: the journal ends before them",
        "rewritten": "nothing of what was written is in the journal: it is another one",
    }[found.fault]
    return JournalProblem(fault=found.fault, detail=detail)


def _of_chain(written: Sequence[ReviewEvent], number: int) -> JournalProblem:
    """What is wrong with the first event that does not fit the one before it."""
    event = written[number]
    before = written[number - 1] if number else None
    if event.seq != (before.seq + 1 if before else 1):
        missing = f"{before.seq + 1 if before else 1} to {event.seq - 1}"
        return JournalProblem(fault="removed", detail=f"events {missing} are missing: the numbers have a gap")
    if event.hash != event.true_hash:
        return JournalProblem(
            fault="changed",
            detail=f"event {event.seq} ({event.act} on {event.subject}) does not fit its own hash",
        )
    return JournalProblem(
        fault="changed",
        detail=f"event {event.seq} does not follow from the one before: one of the two was replaced",
    )


def _copy_problems(
    lines: Sequence[ReviewEvent | str],
    copied: Sequence[ReviewEvent],
    written: Sequence[ReviewEvent] | None,
) -> Iterator[JournalProblem]:
    for number, line in enumerate(lines, 1):
        if isinstance(line, str):
            yield JournalProblem(fault="copy", detail=f"{JOURNAL_COPY} line {number}: {line}")
    if written and not copied:
        yield JournalProblem(
            fault="copy",
            detail=f"{JOURNAL_COPY} is missing or empty: a journal that was written anew could not be told from it",
        )
    good = _chained(copied)
    if good < len(copied):
        yield JournalProblem(
            fault="copy",
            detail=f"{JOURNAL_COPY} is not as it was written from event {copied[good].seq} on",
        )


def _head_problems(
    written: Sequence[ReviewEvent] | None,
    noted: Sequence[Mapping[str, Any] | str],
) -> Iterator[JournalProblem]:
    """Whether the journal went through every end that was noted."""
    for number, entry in enumerate(noted, 1):
        if isinstance(entry, str):
            yield JournalProblem(fault="heads", detail=f"noted head {number}: {entry}")
    heads = [entry for entry in noted if not isinstance(entry, str)]
    passed = 0
    for head in sorted(heads, key=lambda entry: int(entry["seq"])):
        seq = int(head["seq"])
        if written is None or seq < 1:
            continue
        if seq > len(written):
            yield JournalProblem(
                fault="truncated",
                detail=f"the journal had {seq} events on {head.get('at')} and has {len(written)}",
            )
            return
        if written[seq - 1].hash != head["hash"]:
            wholly = " or wholly" if not passed else ""
            yield JournalProblem(
                fault="rewritten",
                detail=f"event {seq} is not the one that ended the journal on {head.get('at')}: something from event "
                f"{passed + 1} to {seq} was written anew{wholly}",
            )
            return
        passed = seq


def _chained(events: Sequence[ReviewEvent]) -> int:
    """How many events from the first on follow from each other."""
    previous = BEGINNING
    for number, event in enumerate(events, 1):
        if event.seq != number or event.previous != previous or event.hash != event.true_hash:
            return number - 1
        previous = event.hash
    return len(events)


def _numbers(numbers: Sequence[int]) -> str:
    """``event 3``, ``events 3, 4, 7`` or ``events 3 to 900 (600 of them)``."""
    if len(numbers) == 1:
        return f"event {numbers[0]}"
    if len(numbers) <= 8:
        return f"events {', '.join(map(str, numbers))}"
    return f"events {min(numbers)} to {max(numbers)} ({len(numbers)} of them)"
