"""``sitewatch verify``: whether a run is still what was written."""

from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from catalog.errors import BrokenRecord
from catalog.layout import REPORT, holds_records
from catalog.verify import Verification
from catalog.verify import verify as verify_run
from flows.cli_common import out_option, print_json, screen_options
from flows.rerun import Rerun, rerun
from flows.screen import progress_bars

if TYPE_CHECKING:
    from catalog.verify_journal import JournalVerification

EXIT_INTACT = 0
EXIT_BROKEN = 2


@click.command()
@click.argument("run")
@click.option(
    "--heads",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With RUN an outputs folder: also compare noted heads of the journal that were kept elsewhere.",
)
@click.option("--rerun", "again", is_flag=True, help="Also compute it again from its source/ and compare.")
@out_option
@screen_options
def verify(run: str, heads: Path | None, again: bool, out: Path, as_json: bool, debug: bool) -> int:
    """Recompute every checksum of RUN, a run's folder or its name below --out, and the review journal beside it.

    With an outputs folder for RUN: only the journal. Says whether it was changed, shortened or written anew.
    """
    del debug  # acted upon by the entry point
    if not (Path(run) / REPORT).is_file() and holds_records(Path(run)):
        return _verify_records(Path(run), heads, again=again, as_json=as_json)
    if heads is not None:
        raise BrokenRecord(f"--heads is about the journal of an outputs folder; {run} is not one")
    folder = run_folder(run, out)
    found = verify_run(folder)
    repeated = None
    if again and found.intact:
        with nullcontext() if as_json else progress_bars():
            repeated = rerun(folder)
    journal = _journal_beside(folder)
    if as_json:
        print_json(
            found.as_dict()
            | {
                "journal": None if journal is None else journal.as_dict(),
                "rerun": None if repeated is None else asdict(repeated),
            }
        )
    else:
        _show(found)
        if repeated is not None:
            _show_rerun(repeated)
        _show_journal(journal)
    same = repeated is None or not repeated.differences
    sound = journal is None or journal.intact
    return EXIT_INTACT if found.intact and same and sound else EXIT_BROKEN


def _journal_beside(folder: Path) -> "JournalVerification | None":
    from catalog.verify_journal import verify_journal_beside  # noqa: PLC0415 - help must not wait for the database

    return verify_journal_beside(folder)


def _show_journal(journal: "JournalVerification | None") -> None:
    """Nothing where nobody has reviewed anything and nothing is wrong."""
    if journal is not None and (journal.events or not journal.intact):
        from flows.verify_screen import show_journal  # noqa: PLC0415 - as above

        show_journal(journal)


def _verify_records(root: Path, heads: Path | None, *, again: bool, as_json: bool) -> int:
    """Check the journal of an outputs folder."""
    # Loaded here so that checking a run does not wait for the database.
    from catalog.verify_journal import verify_journal  # noqa: PLC0415
    from flows.verify_screen import show_journal  # noqa: PLC0415

    if again:
        raise BrokenRecord(f"--rerun is about a run; {root} is an outputs folder")
    found = verify_journal(root.resolve(), heads=heads)
    if as_json:
        print_json(found.as_dict())
    else:
        show_journal(found)
    return EXIT_INTACT if found.intact else EXIT_BROKEN


def run_folder(run: str, out: Path) -> Path:
    """The folder that `run` names.

    Raises
    ------
    BrokenRecord
        There is no run.
    """
    for folder in (Path(run), out / run):
        if (folder / REPORT).is_file():
            return folder
    known = sorted(str(p.parent.relative_to(out)) for p in out.glob(f"**/{REPORT}") if _is_run(p, out))
    hint = f"; there are {', '.join(known[:5])}" if known else ""
    raise BrokenRecord(f"{run}: neither a run's folder nor a run below {out}{hint}")


def _is_run(report: Path, out: Path) -> bool:
    parts = report.relative_to(out).parts
    return "versions" not in parts and not any(part.startswith(".") for part in parts)


def _show(found: Verification) -> None:
    console = Console(highlight=False)
    if found.intact:
        console.print(Text(f"Intact: {found.checked} files of {found.folder} are as written", style="green"))
        return
    table = Table("File", "Fault", "What")
    for problem in found.problems:
        table.add_row(problem.path, problem.fault, problem.detail)
    console.print(table)
    console.print(
        Text(f"{len(found.problems)} of {found.folder}'s files are not as written", style="bold red")
    )


def _show_rerun(repeated: Rerun) -> None:
    console = Console(highlight=False)
    if not repeated.differences:
        console.print(Text(f"Computed again: the same {repeated.changes} changes", style="green"))
        return
    console.print(Text("Computed again, something else came out:", style="bold red"))
    for line in repeated.differences:
        console.print(Text(f"  {line}"), soft_wrap=True)
