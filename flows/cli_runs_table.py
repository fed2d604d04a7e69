"""What `sitewatch run` and `sitewatch demo` show at the end."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.cli_scenes import OUTSIDE
from flows.cli_tables import status_text

if TYPE_CHECKING:
    from flows.watch import SiteResult
    from imagery.listing import LeftOut

_MAX_REASONS = 8


def runs_document(results: "Sequence[SiteResult]") -> dict[str, Any]:
    """What ``--json`` prints: every pair under ``runs``, and per site what kept it from having more."""
    return {
        "runs": [run.row for result in results for run in result.runs],
        "sites": [
            {
                "site": result.site,
                "source": result.source,
                "runs": len(result.runs),
                "reason": str(result.error) if result.error is not None else result.reason,
                "left_out": [
                    {
                        "scene": entry.scene_id,
                        "acquired": None if entry.acquired is None else entry.acquired.isoformat(),
                        "reason": entry.reason,
                    }
                    for entry in result.left_out
                ],
            }
            for result in results
        ],
    }


def show_runs(results: "Sequence[SiteResult]", out: Path) -> None:
    """The closing table and where the files are."""
    console = Console(highlight=False)
    rows = [run.row for result in results for run in result.runs]
    if any(row["simulated"] for row in rows):
        console.print(
            Text(" SIMULATED images: nothing below happened as shown. ", style="bold black on yellow")
        )
    for result in results:
        if result.runs:
            console.print(_table(result))
            console.print(_states(result))
        if result.error is not None:
            console.print(Text.assemble((f"{result.site}: ", "bold red"), str(result.error)), soft_wrap=True)
        elif result.reason is not None:
            _explain(console, result)
        elif unused := _in_period(result):
            console.print(Text(f"{result.site}: {len(unused)} scenes not used; `sitewatch scenes` says why"))
    if rows:
        console.print(Text("Folders, each with overlay.png, changes.geojson and report.json:"))
        for result in results:
            for run in result.runs:
                console.print(Text(f"  {run.paths.folder}"), soft_wrap=True)


def _states(result: "SiteResult") -> Text:
    """How many of the changes above are confirmed by a later date already."""
    count: Counter[str] = Counter()
    for run in result.runs:
        count.update(run.row.get("states", {}))
    if not count.total():
        return Text(f"{result.site}: no changes")
    said = ", ".join(f"{number} {state}" for state, number in count.items() if number)
    again = sum(run.row.get("suppressed", 0) for run in result.runs)
    before = f"; {again} of them where a reviewer rejected the same before" if again else ""
    return Text(f"{result.site}: {count.total()} changes: {said}{before}")


def _explain(console: Console, result: "SiteResult") -> None:
    console.print(Text(f"{result.site}: no usable pair of scenes", style="bold magenta"))
    near = _in_period(result) or result.left_out
    for entry in near[:_MAX_REASONS]:
        console.print(Text(f"  {entry.scene_id}: {entry.reason}"), soft_wrap=True)
    if not result.left_out:
        console.print(Text("  the source has nothing of this site in this period"))
    if len(near) > _MAX_REASONS:
        console.print(Text(f"  and {len(near) - _MAX_REASONS} more; `sitewatch scenes` lists them"))


def _in_period(result: "SiteResult") -> "tuple[LeftOut, ...]":
    return tuple(entry for entry in result.left_out if not entry.reason.startswith(OUTSIDE))


def _table(result: "SiteResult") -> Table:
    table = Table(
        title=f"{result.site}, {result.source}",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for name in ("Before (UTC)", "After (UTC)", "Result"):
        table.add_column(name, no_wrap=True)
    for name in ("Came", "Left", "Moved", "Not seen"):
        table.add_column(name, justify="right", no_wrap=True)
    for run in result.runs:
        outcomes = Counter(run.row["outcomes"])
        unseen = outcomes["not_assessable"] + outcomes["failed"]
        table.add_row(
            run.row["before"]["time"][:16].replace("T", " "),
            run.row["after"]["time"][:16].replace("T", " "),
            status_text(run.row["status"]),
            *(str(run.row["counts"][kind]) for kind in ("appeared", "vanished", "moved")),
            f"{unseen} of {sum(outcomes.values())}" if unseen else "",
        )
    if any(run.row["reason"] for run in result.runs):
        table.caption = "\n".join(
            dict.fromkeys(run.row["reason"] for run in result.runs if run.row["reason"])
        )
    return table
