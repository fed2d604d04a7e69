"""Facts of the pair that travel with every format: what was compared, how, and what could not be seen."""

from typing import Any

from catalog.exports.findings import Handover


def about(handover: Handover) -> dict[str, Any]:
    """JSON-ready; the same keys in GeoJSON (member ``sitewatch``), GeoPackage (table ``about``) and KML."""
    pair = handover.pair
    return {
        "format": "sitewatch-handover/1",
        "title": pair.title, "run": pair.name, "site": pair.site, "simulated": pair.simulated, "status": pair.status,
        "reason": pair.reason, "sensor": pair.sensor, "gsd_m": round(pair.gsd_m, 4),
        "before": _scene(handover, "before"), "after": _scene(handover, "after"), "alignment": pair.alignment,
        "valid_fraction": pair.valid_fraction, "assessed_km2": round(pair.assessed_km2, 4), "tiles": pair.tiles,
        "not_assessed": [{"tile": tile.tile, "outcome": tile.outcome, "reason": tile.reason} for tile in pair.unseen],
        "detectability": pair.detectability or None, "notes": list(pair.notes), "attribution": pair.attribution,
        "min_score": pair.min_score, "held_back": handover.held_back, "rule": handover.rule or None,
        "not_placed": handover.not_placed,
        "command": pair.command, "software": dict(pair.software), "created": pair.created,
        "report_sha256": pair.report_sha256, "journal_head": pair.journal_head,
    }  # fmt: skip


def _scene(handover: Handover, date: str) -> dict[str, Any]:
    scene = handover.pair.before if date == "before" else handover.pair.after
    return {
        "id": scene.id, "platform": scene.platform, "acquired": scene.acquired, "licence": scene.licence,
        "attribution": scene.attribution, "facts": dict(scene.facts),
        "files": [{"name": file.name, "sha256": file.sha256, "copy": file.copy} for file in scene.files],
    }  # fmt: skip
