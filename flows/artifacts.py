"""What Prefect's pages show of a run: what changed, with small pictures, and the ledger of tiles."""

import base64
import io
import re
from pathlib import Path

from PIL import Image
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows.pair_result import PairResult
from imagery.site import Site

_OVERLAY_PX = 480
_CHIP_PX = 160
_CHIPS = 5
_ROWS = 20


def publish(site: Site, result: PairResult) -> None:
    """Leave both artifacts of a pair with the flow run."""
    create_markdown_artifact(
        key=_key(f"{site.id}-what-changed"),
        markdown=what_changed(site, result),
        description=f"{site.name}: {result.row['status']}",
    )
    create_table_artifact(
        key=_key(f"{site.id}-tiles"),
        table=[
            {
                "tile": outcome.tile,
                "outcome": outcome.outcome,
                "changes": outcome.changes,
                "valid %": round(100 * outcome.valid_fraction),
                "reason": outcome.reason or "",
            }
            for outcome in result.outcomes
        ],
        description=result.name,
    )


def what_changed(site: Site, result: PairResult) -> str:
    """The run as markdown."""
    row = result.row
    lines = [f"# {site.name}: {row['status'].replace('_', ' ')}", ""]
    if row["simulated"]:
        lines += ["**SIMULATED images: this shows nothing that happened.**", ""]
    lines += [f"{row['before']['time']} to {row['after']['time']}", ""]
    if row["reason"]:
        lines += [row["reason"], ""]
    lines += [f"![both dates]({_thumbnail(result.paths.overlay, _OVERLAY_PX)})", ""]
    if result.changes:
        lines += ["| | Kind | Label | Score | Length m | Zone |", "|---|---|---|---|---|---|"]
    for i, change in enumerate(sorted(result.changes, key=lambda c: -c["score"])[:_ROWS]):
        chip = result.paths.chips.get(change["id"])
        picture = f"![]({_thumbnail(chip, _CHIP_PX)})" if chip and i < _CHIPS else ""
        place = change["after"] or change["before"]
        lines.append(
            f"| {picture} | {change['kind']} | {change['label']} | {change['score']:.2f} "
            f"| {place['length_m']:.0f} | {change['zone'] or ''} |"
        )
    if len(result.changes) > _ROWS:
        lines.append(f"\nand {len(result.changes) - _ROWS} more in `changes.geojson`")
    lines += ["", f"Files: `{result.paths.folder}`"]
    return "\n".join(lines)


def _thumbnail(path: Path, side_px: int) -> str:
    """Small JPEG as a data address, since Prefect shows no files of this machine."""
    with Image.open(path) as picture:
        small = picture.convert("RGB")
        small.thumbnail((side_px, side_px))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=70)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _key(text: str) -> str:
    """Prefect takes lowercase letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
