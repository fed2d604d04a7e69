"""``sitewatch scenes``: what a source has for a site."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.choice import Choice, survey
from flows.cli_common import print_json, screen_options, sites_option, source_options
from flows.errors import BadRequest
from flows.sites import site_named
from imagery.source import open_source
from imagery.versions import mixed

EXIT_DONE = 0
EXIT_NO_PAIR = 3

WIDE = 100
"""Columns from which there is room for everything."""

MOSTLY_HIDDEN, ZONES_NAMED = 0.5, 4
OUTSIDE = "outside the period"
"""Begins the reason of scenes that only another period would need; a person need not read them one by one."""


@click.command()
@click.argument("site")
@source_options
@sites_option
@screen_options
def scenes(
    site: str, source: str, start: datetime, end: datetime, sites: Path | None, as_json: bool, debug: bool
) -> int:
    """List the images of SITE that can be used, with cloud over the AOI and its zones, and why others are left out."""
    del debug  # acted upon by the entry point
    if start > end:
        raise BadRequest(f"--from {start:%Y-%m-%d} lies after --to {end:%Y-%m-%d}")
    place = site_named(site, sites)
    choice = survey(place, open_source(source).find(place, start, end))
    document = scenes_document(site, source, choice)
    if as_json:
        print_json(document)
    else:
        _show(document)
    return EXIT_DONE if choice.plan.pairs else EXIT_NO_PAIR


def scenes_document(site: str, source: str, choice: Choice, *, now: datetime | None = None) -> dict[str, Any]:
    """What ``--json`` prints."""
    now = now or datetime.now(UTC)
    plan, clouds = choice.plan, choice.clouds
    return {
        "site": site,
        "source": source,
        "scenes": [
            {
                "id": scene.id,
                "acquired": scene.acquired.isoformat().replace("+00:00", "Z"),
                "age_days": round((now - scene.acquired).total_seconds() / 86400, 1),
                "collection": scene.collection,
                "platform": scene.platform,
                "sensor": scene.sensor,
                "gsd_m": scene.gsd_m,
                "relative_orbit": scene.relative_orbit,
                "orbit_state": scene.orbit_state,
                "processing_baseline": scene.processing_baseline,
                "cloud_over_aoi": _share(clouds[scene.id].aoi) if scene.id in clouds else None,
                "cloud_over_zones": {zone: _share(share) for zone, share in clouds[scene.id].zones.items()}
                if scene.id in clouds
                else None,
                "cloud_cover_pct": scene.cloud_cover_pct,
                "coverage": _share(plan.coverage.get(scene.id)),
                "merged_with": [sibling.id for sibling in scene.siblings],
                "simulated": scene.simulated,
            }
            for scene in plan.usable
        ],
        "pairs": [
            {
                "before": before.id,
                "after": after.id,
                **({"note": note} if (note := mixed(before, after)) else {}),
            }
            for before, after in plan.pairs
        ],
        "left_out": [
            {
                "id": entry.scene_id,
                "acquired": None
                if entry.acquired is None
                else entry.acquired.isoformat().replace("+00:00", "Z"),
                "platform": entry.platform,
                "reason": entry.reason,
            }
            for entry in plan.left_out
        ],
    }


def _share(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f} %"


def _orbit_words(scene: Mapping[str, Any]) -> str:
    """Relative orbit and its direction, such as ``121 D``."""
    direction = str(scene["orbit_state"] or "")[:1].upper()
    return " ".join(str(v) for v in (scene["relative_orbit"], direction) if v)


def _mostly_hidden(zones: Mapping[str, float]) -> str:
    """The zones more than half under cloud, the worst first."""
    worst = sorted((-share, zone) for zone, share in zones.items() if share > MOSTLY_HIDDEN)
    named = [f"{zone} ({-share:.0%})" for share, zone in worst[:ZONES_NAMED]]
    rest = f" and {len(worst) - ZONES_NAMED} more zones" if len(worst) > ZONES_NAMED else ""
    return ", ".join(named) + rest


def _show(document: dict[str, Any]) -> None:
    console = Console(highlight=False)
    if any(scene["simulated"] for scene in document["scenes"]):
        console.print(Text(" SIMULATED archive ", style="bold black on yellow"))
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    wide = console.width >= WIDE
    # What is never cut, at 80 columns too. Where there is no room for the platform, the scene's name has to tell it.
    widths = {"Acquired (UTC)": 16, "Age": 5, "Platform": 8, "m": 3, "Orbit": 5, "Cloud": 6, "Covers": 6}
    for name, width in widths.items():
        if wide or name != "Platform":
            table.add_column(name, no_wrap=True, min_width=width)
    table.add_column("Scene", overflow="fold", min_width=18, ratio=1)
    for scene in document["scenes"]:
        cloud = _percent(scene["cloud_over_aoi"])
        if not cloud and scene["cloud_cover_pct"] is not None:
            cloud = f"({scene['cloud_cover_pct']:.0f} %)"
        table.add_row(
            scene["acquired"][:16].replace("T", " "),
            f"{scene['age_days']:.0f} d",
            *([scene["platform"]] if wide else []),
            f"{scene['gsd_m']:g}",
            _orbit_words(scene),
            cloud,
            _percent(scene["coverage"]),
            f"{scene['id']}\n{scene['collection']} {scene['processing_baseline'] or ''}".rstrip(),
        )
    console.print(table)
    for scene in document["scenes"]:
        if hidden := _mostly_hidden(scene["cloud_over_zones"] or {}):
            console.print(Text(f"{scene['acquired'][:10]}: cloud over {hidden}"))
    near = [entry for entry in document["left_out"] if not entry["reason"].startswith(OUTSIDE)]
    if near:
        left = Table("Left out", "Acquired (UTC)", "Why", box=SIMPLE_HEAD)
        for entry in near:
            left.add_row(entry["id"], (entry["acquired"] or "")[:16].replace("T", " "), entry["reason"])
        console.print(left)
    if outside := len(document["left_out"]) - len(near):
        console.print(Text(f"{outside} more scenes lie outside the period; --json lists them"))
    console.print(
        Text(
            "Cloud is measured over the AOI; in brackets: over the whole scene, by its metadata. "
            "Orbit: number, Ascending or Descending."
        )
    )
    for pair in document["pairs"]:
        if "note" in pair:
            console.print(Text(f"{pair['before']} and {pair['after']}: {pair['note']}"))
    console.print(Text(f"{len(document['scenes'])} usable scenes, {len(document['pairs'])} pairs to compare"))
