"""``sitewatch export``: hand a run over."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.cli_common import Score, out_option, print_json, screen_options

if TYPE_CHECKING:
    from catalog.exports.export import Export, Wish

ALL = "all"
NAMES = ("geojson", "kml", "csv", "gpkg", "stac", "html", "pdf")
"""As `catalog.exports.export.FORMATS`, which help must not wait for."""


class Formats(click.ParamType[tuple[str, ...]]):
    """One or several names of formats with commas between."""

    name = "formats"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Names, each once."""
        if isinstance(value, tuple):
            return value
        names = [name.strip().lower() for name in str(value).split(",") if name.strip()]
        if names == [ALL]:
            return NAMES
        unknown = [name for name in names if name not in NAMES]
        if unknown or not names:
            self.fail(
                f"{', '.join(unknown) or 'nothing'} is no format; choose from {', '.join(NAMES)} or {ALL}",
                param,
                ctx,
            )
        return tuple(dict.fromkeys(names))


@click.command()
@click.argument("run")
@click.option("--format", "formats", type=Formats(), multiple=True, required=True, metavar="F",
              help=f"{', '.join(NAMES)}; several with commas between, or {ALL}.")  # fmt: skip
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), default=Path(), metavar="DIR",
              help="Folder to write to; the present one otherwise.")  # fmt: skip
@click.option("--min-score", type=Score(0.0, 1.0), metavar="S", help="Leave out what scored lower.")
@click.option("--confirmed", is_flag=True, help="Only what reviewers confirmed.")
@click.option("--chips", is_flag=True, help="KML as KMZ, with the picture of each finding.")
@click.option("--anonymous", is_flag=True, help="Reviewers by number in place of their names.")
@click.option("--force", is_flag=True, help="Replace what is there without asking.")
@out_option
@screen_options
def export(
    run: str,
    formats: tuple[tuple[str, ...], ...],
    to: Path,
    min_score: float | None,
    confirmed: bool,
    chips: bool,
    anonymous: bool,
    force: bool,
    out: Path,
    as_json: bool,
    debug: bool,
) -> int:
    """Hand over RUN, a run's folder or its name below --out: data for a GIS, or a brief for people."""
    del debug  # acted upon by the entry point
    from catalog.exports.export import Wish  # noqa: PLC0415 - help and bad usage must not wait for it
    from flows.cli_verify import run_folder  # noqa: PLC0415

    named: tuple[Any, ...] = tuple(dict.fromkeys(name for listed in formats for name in listed))
    wish = Wish(
        formats=named, to=to, min_score=min_score, confirmed=confirmed, pictures=chips, anonymous=anonymous,
        replace=force,
    )  # fmt: skip
    asking = sys.stdin.isatty() and not as_json
    done = _exported(run_folder(run, out), wish, asking=asking, bars=not as_json)
    if as_json:
        print_json(done.as_dict())
    else:
        _show(done)
    return 0


def _exported(folder: Path, wish: "Wish", *, asking: bool, bars: bool = False) -> "Export":
    from dataclasses import replace  # noqa: PLC0415

    from catalog.errors import TargetExists  # noqa: PLC0415
    from catalog.exports.export import export as hand_over  # noqa: PLC0415
    from flows import progress  # noqa: PLC0415
    from flows.screen import progress_bars  # noqa: PLC0415 - a document on stdout needs no screen

    def made(wish: "Wish") -> "Export":
        with progress_bars() if bars else nullcontext():
            return hand_over(folder, wish, told=progress)

    try:
        return made(wish)
    except TargetExists as there:
        if not asking:
            raise
        click.echo(str(there), err=True)
        click.confirm("Replace it?", abort=True, err=True)
        return made(replace(wish, replace=True))


def _show(done: "Export") -> None:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - a document on stdout needs no screen
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console, pair = Console(highlight=False), done.handover.pair
    table = Table(box=SIMPLE_HEAD)
    table.add_column("Format")
    table.add_column("Size", justify="right")
    table.add_column("Where", overflow="fold")
    for written in done.written:
        table.add_row(written.form, f"{written.size / 1e6:.1f} MB", Text(str(written.path)))
    console.print(table)
    held = f", {done.handover.held_back} held back" if done.handover.held_back else ""
    console.print(Text(f"{len(done.handover.findings)} findings of {pair.name}{held}"), soft_wrap=True)
    if pair.simulated:
        console.print(Text("SIMULATED: everything that was written says so", style="bold yellow"))
    if done.handover.anonymous and any(one.review.remarks for one in done.handover.findings):
        console.print(Text("Notes of reviewers stand as they were written: see that they name nobody."))
    if any(written.form == "stac" for written in done.written):
        console.print(
            Text(
                f"The STAC copy holds the images themselves. {pair.attribution} See that you may pass them on."
            ),
            soft_wrap=True,
        )
