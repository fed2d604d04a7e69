"""How a journal differs from what was once written: which events, and in which way."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from catalog.journal import ReviewEvent

Way = Literal["changed", "removed", "added", "reordered", "truncated", "rewritten"]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One way in which they differ.

    Parameters
    ----------
    fault : Way
    numbers : tuple of int
        Of the events: as they were written, or for `added` as they stand in the journal now.
    """

    fault: Way
    numbers: tuple[int, ...]


def compare(journal: Sequence[ReviewEvent], written: Sequence[ReviewEvent]) -> Iterator[Difference]:
    """How a journal differs from what was written.

    Events that come after all that was written are new and no difference.

    Parameters
    ----------
    journal : sequence of ReviewEvent
        As it is now.
    written : sequence of ReviewEvent
        A sound copy of its beginning.
    """
    if list(journal[: len(written)]) == list(written):
        return
    now, then = {event.key: event for event in journal}, {event.key: event for event in written}
    same = [key for key in then if key in now and now[key].content == then[key].content]
    if not same and journal:
        yield Difference(fault="rewritten", numbers=tuple(event.seq for event in written))
        return
    sound = set(same)
    changed = [event.seq for event in written if event.key in now and event.key not in sound]
    if changed:
        yield Difference(fault="changed", numbers=tuple(changed))
    yield from _gone([event for event in written if event.key not in now], written)
    yield from _added(journal, set(then))
    yield from _moved([event for event in written if event.key in now], now)


def _gone(missing: Sequence[ReviewEvent], written: Sequence[ReviewEvent]) -> Iterator[Difference]:
    """Cut off at the end, or taken out before it."""
    gone = {event.seq for event in missing}
    end = written[-1].seq
    while end in gone:
        end -= 1
    inside = tuple(event.seq for event in missing if event.seq < end)
    if inside:
        yield Difference(fault="removed", numbers=inside)
    if end < written[-1].seq:
        yield Difference(fault="truncated", numbers=tuple(range(end + 1, written[-1].seq + 1)))


def _added(journal: Sequence[ReviewEvent], keys: set[str]) -> Iterator[Difference]:
    """Strange events before the last one that was written; what follows after it is new."""
    last = max((number for number, event in enumerate(journal) if event.key in keys), default=-1)
    strange = tuple(event.seq for event in journal[:last] if event.key not in keys)
    if strange:
        yield Difference(fault="added", numbers=strange)


def _moved(kept: Sequence[ReviewEvent], now: dict[str, ReviewEvent]) -> Iterator[Difference]:
    """The fewest events that would have to be moved to restore the order."""
    places = [now[event.key].seq for event in kept]
    in_order = _longest_rising(places)
    moved = tuple(event.seq for number, event in enumerate(kept) if number not in in_order)
    if moved:
        yield Difference(fault="reordered", numbers=moved)


def _longest_rising(values: Sequence[int]) -> set[int]:
    """Positions of a longest rising subsequence (patience sorting)."""
    tails: list[int] = []
    at: list[int] = []
    before: list[int] = []
    for number, value in enumerate(values):
        length = bisect_left(tails, value)
        if length == len(tails):
            tails.append(value)
            at.append(number)
        else:
            tails[length], at[length] = value, number
        before.append(at[length - 1] if length else -1)
    found, step = set(), at[-1] if at else -1
    while step >= 0:
        found.add(step)
        step = before[step]
    return found
