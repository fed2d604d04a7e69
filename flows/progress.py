"""Progress as the flows report it and as a person sees it.

Flows and the comparison report to whatever is listening in this context; nothing listens by default (a worker has
no screen), the command line puts up progress bars.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol


class Progress(Protocol):
    """Something that wants to know how far a run is."""

    def step(self, what: str, *, total: int | None = None) -> None:
        """A new step begins, of `total` parts where that is known."""
        ...

    def advance(self, parts: int = 1) -> None:
        """Some parts of the current step are done."""
        ...


@dataclass(frozen=True)
class _Silent:
    def step(self, what: str, *, total: int | None = None) -> None:
        """Nobody is listening."""

    def advance(self, parts: int = 1) -> None:
        """Nobody is listening."""


_listener: ContextVar[Progress] = ContextVar("progress", default=_Silent())  # noqa: B039 - stateless


def step(what: str, *, total: int | None = None) -> None:
    """Report that a step begins."""
    _listener.get().step(what, total=total)


def advance(parts: int = 1) -> None:
    """Report that some parts of the current step are done."""
    _listener.get().advance(parts)


@contextmanager
def reporting_to(listener: Progress) -> Iterator[None]:
    """Send reports to `listener` while the block runs."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
