"""Tables of figures on the screen: one look, and numbers that may be unknown."""

from rich.box import SIMPLE_HEAD
from rich.table import Table


def new_table(*columns: str, title: str) -> Table:
    """A borderless table; the first column reads from the left."""
    table = Table(
        title=title, title_justify="left", title_style="", box=SIMPLE_HEAD, padding=0, pad_edge=False
    )
    for index, name in enumerate(columns):
        table.add_column(name, justify="right" if index else "left", no_wrap=True)
    return table


def number(value: float | None, digits: int) -> str:
    """A figure, or a dash where it is unknown."""
    return "-" if value is None else f"{value:.{digits}f}"


def interval(ends: list[float | None], digits: int) -> str:
    """Both ends, or nothing where they are unknown."""
    low, high = ends
    return "" if low is None or high is None else f"{low:.{digits}f}-{high:.{digits}f}"
