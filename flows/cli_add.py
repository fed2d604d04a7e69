"""``sitewatch add``: images that were bought or given, made ready to be compared."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import click
from rich.console import Console

from flows.add import Gathered, Newcomer, gather
from flows.add_ask import FLAGS, ask
from flows.add_check import Place, faults, missing, notes, places
from flows.add_files import Plan, plan, write
from flows.add_look import Look, look, preview_path, write_preview
from flows.add_screen import document, next_command, show_end, show_newcomer, show_refused
from flows.cli_common import F, print_json, screen_options, sites_option
from flows.errors import BadRequest, UnusableOutput
from imagery.listing import LeftOut
from imagery.site_file import load_sites
from imagery.sources.facts import BadFact, Facts, facts_from_mapping

EXIT_DONE = 0
EXIT_BAD_INPUT = 2
EXIT_SOME_REFUSED = 3

_OF_ONE_ACQUISITION = {
    "acquired": "--acquired", "view_off_nadir_deg": "--off-nadir", "view_azimuth_deg": "--view-azimuth",
    "sun_azimuth_deg": "--sun-azimuth", "sun_elevation_deg": "--sun-elevation", "cloud_cover_pct": "--cloud",
}  # fmt: skip
"""Facts that differ from date to date, and the options that give them."""

_OPTIONS = (
    ("--acquired", "acquired", "T", "When it was taken (UTC): 2024-12-10T08:20:11Z, or the day alone."),
    ("--sensor", "sensor", "optical|sar", "Optical or radar."),
    ("--quantity", "quantity", "Q", "What the numbers measure: dn, reflectance, gamma0, sigma0, gamma0_db, ..."),
    ("--scale", "scale", "X", "Value = number x scale + offset."),
    ("--offset", "offset", "X", "See --scale."),
    ("--nodata", "nodata", "N", "The number that means no data."),
    ("--gsd", "gsd_m", "M", "Pixel size in metres, as the vendor states it."),
    ("--bands", "bands", "NAMES", "Names of the bands in order: red,green,blue,nir."),
    ("--platform", "platform", "NAME", "The satellite."),
    ("--off-nadir", "view_off_nadir_deg", "DEG", "Angle between the view and straight down, at the satellite."),
    ("--view-azimuth", "view_azimuth_deg", "DEG", "Direction of the satellite, seen from the ground."),
    ("--sun-azimuth", "sun_azimuth_deg", "DEG", "Direction of the sun."),
    ("--sun-elevation", "sun_elevation_deg", "DEG", "Height of the sun above the horizon."),
    ("--cloud", "cloud_cover_pct", "PCT", "Cloud over the whole image."),
    ("--relative-orbit", "relative_orbit", "N", "Radar dates are compared within one orbit only."),
    ("--licence", "licence", "TEXT", "What your contract allows; goes into every record."),
    ("--attribution", "attribution", "TEXT", "The credit line printed on every picture."),
)  # fmt: skip


def _fact_options(command: F) -> F:
    for flag, name, metavar, words in reversed(_OPTIONS):
        command = click.option(flag, name, metavar=metavar, help=words)(command)
    return command


@dataclass(frozen=True, kw_only=True)
class _Run:
    """How the command was called."""

    to: Path | None
    replace: bool
    dry_run: bool
    preview: bool
    as_json: bool
    sites_file: Path | None

    @property
    def asking(self) -> bool:
        return not self.as_json and sys.stdin.isatty() and sys.stderr.isatty()

    @property
    def console(self) -> Console:
        return Console(highlight=False, stderr=self.as_json, quiet=self.as_json)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILES...")
@click.option(
    "--to", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
    help="Copy the images there; otherwise they stay where they are.",
)  # fmt: skip
@_fact_options
@click.option(
    "--yes", "--replace", "replace_", is_flag=True, help="Replace a sidecar or copy that says otherwise."
)
@click.option("--dry-run", is_flag=True, help="Show everything, write nothing.")
@click.option("--no-preview", is_flag=True, help="Write no pictures.")
@sites_option
@screen_options
def add(
    files: tuple[Path, ...], to: Path | None, replace_: bool, dry_run: bool, no_preview: bool, sites: Path | None,
    as_json: bool, debug: bool, **given: str | None,
) -> int:  # fmt: skip
    """Make images that were bought or given ready to be compared: images, or folders as they were delivered.

    Shows what is known of each, where that comes from, how it looks and where it lies; asks for what is missing; then
    writes a sidecar beside each image. Nothing is written when anything named is refused.
    """
    del debug  # acted upon by the entry point
    run = _Run(
        to=None if to is None else to.expanduser().absolute(), replace=replace_, dry_run=dry_run,
        preview=not (no_preview or dry_run), as_json=as_json, sites_file=sites,
    )  # fmt: skip
    told = _told(given)
    known_sites = load_sites(sites)
    with run.console.status("Looking at the images ...") if not as_json else nullcontext():
        gathered = gather(files, known_sites)
    _refuse(gathered)
    newcomers = _with_told(gathered.newcomers, told)
    lacking = {n.name: fields_ for n in newcomers if (fields_ := missing(n))}
    if lacking and not run.asking:
        return _say_missing(lacking, as_json=as_json)
    with ExitStack() as undo:
        entries = [_Entry(newcomer=n, where=places(n, known_sites)) for n in newcomers]
        plans, shown = _prepare(entries, gathered, run, undo)
        _confirm(plans, run)
        if not dry_run:
            for planned in plans:
                write(planned)
        undo.pop_all()
    return _end(plans, shown, gathered, run)


@dataclass(frozen=True, kw_only=True)
class _Entry:
    newcomer: Newcomer
    where: tuple[Place, ...]
    preview: Path | None = None
    hints: tuple[str, ...] = ()


def _told(given: dict[str, str | None]) -> Facts:
    """The options as facts."""
    stated = {name: value for name, value in given.items() if value is not None}
    try:
        facts = facts_from_mapping(stated)
    except BadFact as error:
        raise BadRequest(f"{error}") from error
    if facts.offset is not None and facts.scale is None:
        raise BadRequest("--offset needs --scale: value = number x scale + offset")
    return facts


def _with_told(newcomers: Sequence[Newcomer], told: Facts) -> list[Newcomer]:
    if len(newcomers) > 1:
        for name, flag in _OF_ONE_ACQUISITION.items():
            if getattr(told, name) is not None:
                raise BadRequest(
                    f"{flag} is of one acquisition, and {len(newcomers)} were given "
                    f"({', '.join(n.name for n in newcomers[:4])}); add them one at a time"
                )
    return [replace(newcomer, told=told) for newcomer in newcomers]


def _refuse(gathered: Gathered) -> None:
    refused = gathered.refused_named or (() if gathered.newcomers else gathered.refused)
    if refused:
        raise BadRequest(
            "\n".join(_line(entry) for entry in refused)
            + ("\nNothing was written." if len(refused) > 1 else "")
        )


def _line(entry: LeftOut) -> str:
    # Messages about files that cannot be opened name them already.
    return entry.reason if entry.scene_id in entry.reason else f"{entry.scene_id}: {entry.reason}"


def _say_missing(lacking: dict[str, tuple[str, ...]], *, as_json: bool) -> int:
    lines = [
        f"{name}: not known: " + "; ".join(f"{field} ({FLAGS[field]})" for field in fields_)
        for name, fields_ in lacking.items()
    ]
    message = "\n".join(
        [*lines, "Give these options, or run it in a terminal and be asked. Nothing was written."]
    )
    if not as_json:
        raise BadRequest(message)
    print_json({
        "status": "error", "reason": message, "exit_code": EXIT_BAD_INPUT,
        "missing": [
            {"name": name, "fields": list(fields_), "options": [FLAGS[field].split()[0] for field in fields_]}
            for name, fields_ in lacking.items()
        ],
    })  # fmt: skip
    return EXIT_BAD_INPUT


def _prepare(
    entries: Sequence[_Entry], gathered: Gathered, run: _Run, undo: ExitStack
) -> tuple[list[Plan], list[_Entry]]:
    """Show each acquisition, ask for what is missing, decide what is written."""
    plans, shown, answers = [], [], Facts()
    for entry in entries:
        newcomer = entry.newcomer
        _refuse_faults(newcomer)
        seen = look(newcomer, entry.where)
        if seen.empty:
            raise BadRequest(
                f"{newcomer.name}: holds no valid pixel, only no data; fetch or export it again. Nothing was written."
            )
        lacking = missing(newcomer)
        hints = notes(newcomer, gathered.unused)
        path = preview_path(run.to or newcomer.root, newcomer) if run.preview else None
        if path is not None and lacking:
            _preview(path, seen, undo)  # so that it can be looked at before the questions are answered
        show_newcomer(run.console, newcomer, entry.where, lacking, hints, seen, path)
        while lacking:
            newcomer = replace(newcomer, told=ask(newcomer, lacking, answers))
            answers = newcomer.told.over(answers)
            lacking = missing(newcomer)
        _refuse_faults(newcomer)
        if path is not None:
            _preview(path, look(newcomer, entry.where) if newcomer is not entry.newcomer else seen, undo)
        with run.console.status(f"Reading {newcomer.name} for its checksum ..."):
            plans.append(plan(newcomer, run.to))
        shown.append(replace(entry, newcomer=newcomer, preview=path, hints=hints))
    return plans, shown


def _preview(path: Path, seen: Look, undo: ExitStack) -> None:
    """Write a card; it goes again when the command ends early."""
    before = path.exists()
    try:
        write_preview(path, seen.card)
    except OSError as error:
        raise UnusableOutput(
            f"{path}: cannot be written ({error.strerror}); use --no-preview, or copy the images to a folder of "
            "yours with --to"
        ) from error
    if not before:
        undo.callback(_remove, path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    with suppress(OSError):  # others may lie there
        path.parent.rmdir()


def _refuse_faults(newcomer: Newcomer) -> None:
    found = faults(newcomer)
    if found:
        raise BadRequest(f"{newcomer.name}: {'; '.join(found)}. Nothing was written.")


def _confirm(plans: Sequence[Plan], run: _Run) -> None:
    differing = [line for planned in plans for line in planned.differences]
    if not differing or run.replace or run.dry_run:
        return
    listed = "\n".join(differing)
    if run.asking:
        click.echo(f"This would change what is there:\n{listed}", err=True)
        click.confirm("Replace it?", abort=True, err=True)
        return
    raise BadRequest(
        f"This would change what is there:\n{listed}\nGive --replace to do so. Nothing was written."
    )


def _end(plans: Sequence[Plan], shown: Sequence[_Entry], gathered: Gathered, run: _Run) -> int:
    sites = list(dict.fromkeys(p.site.id for e in shown for p in e.where if p.distance_km == 0))
    if run.as_json:
        print_json({
            "scenes": [
                document(planned, entry.where, entry.hints, entry.preview, written=not run.dry_run)
                for planned, entry in zip(plans, shown, strict=True)
            ],
            "refused": [{"name": e.scene_id, "reason": e.reason} for e in gathered.refused],
            "next": [next_command(s, f, plans, run.sites_file) for s in sites
                     for f in dict.fromkeys(planned.folder for planned in plans)],
        })  # fmt: skip
    else:
        show_refused(run.console, gathered.refused)
        if run.dry_run:
            run.console.print("Nothing was written (--dry-run)")
        else:
            show_end(run.console, plans, sites, run.sites_file)
    return EXIT_SOME_REFUSED if gathered.refused else EXIT_DONE
