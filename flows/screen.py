"""What a person sees while a command works: one progress bar per step, on stderr."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from flows.progress import reporting_to


@dataclass
class _Bars:
    bars: Progress
    current: TaskID | None = None

    def step(self, what: str, *, total: int | None = None) -> None:
        self.finish()
        self.current = self.bars.add_task(what, total=total)

    def advance(self, parts: int = 1) -> None:
        if self.current is not None:
            self.bars.advance(self.current, parts)

    def finish(self) -> None:
        if self.current is None:
            return
        total = self.bars.tasks[self.current].total or 1
        self.bars.update(self.current, total=total, completed=total)


@contextmanager
def progress_bars() -> Iterator[None]:
    """Show progress while the block runs."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        listener = _Bars(bars)
        with reporting_to(listener):
            yield
        listener.finish()
