"""What a person sees of images on their way in."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.add import RETOLD, TOLD, Newcomer
from flows.add_ask import FLAGS
from flows.add_check import Place
from flows.add_files import Plan, fact_fields
from flows.add_look import Look, in_terminal, where_words
from imagery.geometry import area_km2
from imagery.listing import LeftOut
from imagery.sources.folder import asset_of
from imagery.sources.maxar_metadata import product_stem

_LABELS = {
    "acquired": "Taken (UTC)", "sensor": "Sensor", "quantity": "Numbers are", "scale": "Scale", "offset": "Offset",
    "gsd_m": "Stated pixel", "platform": "Platform", "collection": "Collection", "bands": "Bands",
    "relative_orbit": "Relative orbit", "orbit_state": "Orbit", "view_off_nadir_deg": "Off nadir",
    "view_azimuth_deg": "Seen from", "sun_elevation_deg": "Sun elevation", "sun_azimuth_deg": "Sun azimuth",
    "cloud_cover_pct": "Cloud, all of it", "datatake": "Acquisition", "processing_baseline": "Baseline",
    "licence": "Licence", "attribution": "Credit",
}  # fmt: skip
_UNITS = {
    "gsd_m": " m", "view_off_nadir_deg": "°", "view_azimuth_deg": "°", "sun_elevation_deg": "°",
    "sun_azimuth_deg": "°", "cloud_cover_pct": " %",
}  # fmt: skip
_ALWAYS = ("licence",)


def show_newcomer(
    console: Console, newcomer: Newcomer, where: Sequence[Place], lacking: Sequence[str], hints: Sequence[str],
    seen: Look, preview: Path | None,
) -> None:  # fmt: skip
    """One acquisition: what is known and from where, what is missing, how it looks and where it lies."""
    console.print()
    title = Text(newcomer.name, style="bold")
    if newcomer.simulated:
        title.append("  ").append(" SIMULATED ", style="black on yellow")
    console.print(title)
    console.print(_table(newcomer, lacking))
    for place in where:
        style = "yellow" if place.distance_km > 0 else "green"
        console.print(Text(where_words(place), style=style), soft_wrap=True)
    for hint in hints:
        console.print(Text(f"Note: {hint}", style="yellow"), soft_wrap=True)
    if console.is_terminal and console.color_system in {"truecolor", "256"} and "utf" in console.encoding:
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_row(*in_terminal(seen.card))
        console.print(grid)
    if preview is not None:
        console.print(Text(f"Picture: {short(preview)}"), soft_wrap=True)


def _table(newcomer: Newcomer, lacking: Sequence[str]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("Known", overflow="fold")
    table.add_column("From", overflow="fold", style="dim")
    state = newcomer.known
    values = fact_fields(state.facts)
    for name in lacking:
        table.add_row(Text(_LABELS[name], style="bold red"), Text("not known", style="bold red"), FLAGS[name])
    for name, label in _LABELS.items():
        if name in values:
            origin = state.origins[name]
            table.add_row(label, _value(name, values[name]), _origin(origin, newcomer))
        elif name == "bands":
            table.add_row(label, ", ".join(asset_of(newcomer.data[0]).bands), "the file")
        elif name in _ALWAYS and name not in lacking:
            table.add_row(Text(label, style="yellow"), Text("not known", style="yellow"), f"--{name} TEXT")
    for label, value in _file_rows(newcomer):
        table.add_row(label, value, "the file" if len(newcomer.data) == 1 else "the files")
    return table


def _origin(origin: str, newcomer: Newcomer) -> str:
    """Where a fact comes from, without the long name that the image's files share."""
    first = newcomer.data[0]
    for stem in (first.path.stem, product_stem(first.path), first.name.key):
        if origin.startswith(stem) and origin != stem:
            return f"its {origin.removeprefix(stem)} file"
    return RETOLD if origin == TOLD else origin


def _value(name: str, value: Any) -> str:
    if name == "bands":
        return ", ".join(value)
    if name == "acquired":
        shown = str(value).replace("T", " ").removesuffix("Z")
        return shown.rstrip("0") if "." in shown else shown
    return (f"{value:.6g}" if isinstance(value, float) else str(value)) + _UNITS.get(name, "")


def _file_rows(newcomer: Newcomer) -> list[tuple[str, str]]:
    first = newcomer.data[0].info
    rows, cols = first.grid.shape
    square = sum(area_km2(outline) for outline in newcomer.outlines)
    crs = str(first.grid.crs)
    found = [
        ("Pixel", f"{newcomer.gsd_m:.3g} m"),
        ("Size", f"{cols} x {rows} pixels, {first.dtype}, {square:.3g} km²"
                 + (f" in {len(newcomer.data)} files" if len(newcomer.data) > 1 else "")),
        ("CRS", crs if len(crs) < 40 else f"{crs[:36]}..."),
    ]  # fmt: skip
    if newcomer.quality:
        found.append(("Usable pixels", ", ".join(image.path.name for image in newcomer.quality)))
    return found


def show_refused(console: Console, refused: Sequence[LeftOut]) -> None:
    """What cannot be used, and why."""
    if not refused:
        return
    table = Table("Not added", "Why, and what to do", box=SIMPLE_HEAD, pad_edge=False)
    for entry in refused:
        table.add_row(Text(entry.scene_id, overflow="fold"), entry.reason)
    console.print(table)


def show_end(console: Console, plans: Sequence[Plan], sites: Sequence[str], sites_file: Path | None) -> None:
    """What was done, and the command to go on with."""
    written = sum(not s.same for plan in plans for s in plan.sidecars)
    copied = sum(not c.same for plan in plans for c in plan.copies)
    scenes = f"{len(plans)} image" + ("" if len(plans) == 1 else "s")
    if all(plan.nothing_to_do for plan in plans):
        console.print(Text(f"{scenes}: nothing to do, all of it was added before", style="green"))
    else:
        done = f"Added {scenes}: {written} sidecar{'' if written == 1 else 's'} written"
        console.print(Text(done + (f", {copied} files copied and checked" if copied else ""), style="green"))
    folders = dict.fromkeys(plan.folder for plan in plans)
    for site in sites:
        for folder in folders:
            console.print(Text(f"Next: {next_command(site, folder, plans, sites_file)}"), soft_wrap=True)


def short(path: Path) -> Path:
    """A path as one would type it here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def next_command(site: str, folder: Path, plans: Sequence[Plan], sites_file: Path | None) -> str:
    """The command that lists what can be compared now."""
    days = sorted(
        plan.newcomer.known.facts.acquired for plan in plans if plan.newcomer.known.facts.acquired is not None
    )
    own = f" --sites {shlex.quote(str(sites_file))}" if sites_file else ""
    period = f" --from {days[0]:%Y-%m-%d} --to {days[-1]:%Y-%m-%d}" if days else ""
    return f"sitewatch scenes {site} --source {shlex.quote(str(short(folder)))}{period}{own}"


def document(
    plan: Plan, where: Sequence[Place], hints: Sequence[str], preview: Path | None, *, written: bool
) -> dict[str, Any]:
    """An acquisition as ``--json`` prints it."""
    newcomer = plan.newcomer
    state = newcomer.known
    facts = fact_fields(state.facts)
    origins: Mapping[str, str] = state.origins
    return {
        "name": newcomer.name,
        "status": "unchanged" if plan.nothing_to_do else "added" if written else "not_written",
        "folder": str(plan.folder),
        "files": [
            {"path": str(image.path), "sha256": plan.sha256[image.path.name], "role": image.name.role}
            for image in (*newcomer.data, *newcomer.quality)
        ],
        "sidecars": [str(sidecar.path) for sidecar in plan.sidecars],
        "copied": [str(copy.target) for copy in plan.copies],
        "facts": facts,
        "origins": {name: RETOLD if origins[name] == TOLD else origins[name] for name in facts},
        "pixel_m": round(newcomer.gsd_m, 4),
        "simulated": newcomer.simulated,
        "sites": [
            {"id": p.site.id, "covers": round(p.covers, 4), "inside": round(p.inside, 4), "zones": list(p.zones),
             "distance_km": round(p.distance_km, 1), "direction": p.direction if p.distance_km > 0 else None}
            for p in where
        ],
        "notes": list(hints),
        "preview": None if preview is None else str(preview),
    }  # fmt: skip
