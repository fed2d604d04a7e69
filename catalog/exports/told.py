"""How far an export is, for whoever waits for it."""

from typing import Protocol


class Told(Protocol):
    """Something that wants to know."""

    def step(self, what: str, *, total: int | None = None) -> None:
        """A step begins, of `total` parts where that is known."""
        ...

    def advance(self, parts: int = 1) -> None:
        """Some parts of the present step are done."""
        ...


class _Silent:
    def step(self, what: str, *, total: int | None = None) -> None:
        """Nobody is listening."""

    def advance(self, parts: int = 1) -> None:
        """Nobody is listening."""


SILENT: Told = _Silent()
