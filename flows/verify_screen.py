"""What `sitewatch verify OUT` shows of the journal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from catalog.verify_journal import JournalVerification


def show_journal(found: JournalVerification) -> None:
    """Intact with its head, or what is wrong."""
    console = Console(highlight=False)
    if not found.intact:
        table = Table("Fault", "What")
        for problem in found.problems:
            table.add_row(problem.fault, problem.detail)
        console.print(table)
        console.print(Text(f"The journal of {found.folder} is not as written", style="bold red"))
        return
    if found.head is None or found.head.seq == 0:
        console.print(Text(f"Intact: nothing has been reviewed in {found.folder} yet", style="green"))
        return
    console.print(
        Text(f"Intact: {found.events} review events of {found.folder} are as written", style="green")
    )
    console.print(
        Text(f"Head: event {found.head.seq}, {found.head.hash}\nKeep it elsewhere to prove that later."),
        soft_wrap=True,
    )
