"""The words on the pictures: what was compared, how well, what was found, what that cannot show."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from PIL import Image, ImageDraw

from catalog import ink
from catalog.ledger import counts, reasons
from catalog.report import Report
from catalog.report_rows import kind_counts
from imagery.site import Site
from models.change import Change

SHEET_WIDTH_PX = 2000
MARGIN_PX = 24
DATE_LINE_PX = 40
FOOT_PX = 17
TEXT_PX = 20
TITLE_PX = 34

WELL_SEEN = 0.5
ZONES_NAMED = 8

CAUTION = (
    "Two images do not show what happened between them. Not assessed means not observed, never gone. "
    "'Moved' is a hypothesis that links a vacated and an occupied place."
)


def counts_by_kind(report: Report) -> dict[str, int]:
    """Listed changes by kind."""
    return kind_counts(report.changes)


def title(report: Report) -> str:
    """What the picture is of."""
    return report.name if report.site is None else str(report.site["name"])


def verdict(report: Report) -> str:
    """The result in one sentence."""
    if report.status == "not_assessable":
        return f"NOT ASSESSABLE: {report.reason or 'no reason given'}. Nothing is claimed about this pair."
    tiles = counts(report.outcomes)
    missed = tiles["not_assessable"] + tiles["failed"]
    where = f"{len(report.outcomes) - missed} of {len(report.outcomes)} tiles examined"
    lowest = report.parameters.get("min_score")
    floor = "" if lowest is None else f" with a score of {float(lowest):.0%} or more"
    asked = report.parameters.get("false_alarms")
    if asked is not None:
        floor += f" (at most {asked['asked_per_km2']:g} false alarms per km² asked for)"
    if not report.changes:
        return f"No change found{floor}; {where}."
    number = len(report.changes)
    return f"{number} change{'s' if number > 1 else ''}{floor}; {where}."


def why_not_assessed(report: Report) -> str:
    """The commonest reasons for tiles without a result, or for pixels without one."""
    if report.status == "not_assessable":
        return report.reason or "no reason given"
    stated = [reason for reason, _ in reasons(report.outcomes)]
    return "; ".join(stated[:2]) or "no valid pixels on both dates (cloud, edge or no data)"


def header(report: Report) -> Image.Image:
    """Banner where simulated, title, verdict."""
    banner = 52 if report.simulated else 0
    lines = ink.wrapped(verdict(report), 24, SHEET_WIDTH_PX - 2 * MARGIN_PX)
    image = Image.new("RGB", (SHEET_WIDTH_PX, banner + 66 + 32 * len(lines)), ink.PAPER)
    draw = ImageDraw.Draw(image)
    if banner:
        draw.rectangle((0, 0, SHEET_WIDTH_PX, banner), fill=ink.WARNING)
        text = "SIMULATED: drawn by a computer, not a satellite image"
        ink.write(draw, (SHEET_WIDTH_PX / 2, banner / 2), text, 30, anchor="mm")
    name = ink.shortened(title(report), TITLE_PX, SHEET_WIDTH_PX - 2 * MARGIN_PX)
    ink.write(draw, (MARGIN_PX, banner + 14), name, TITLE_PX)
    colour = (176, 42, 48) if report.status == "not_assessable" else ink.INK
    for i, text in enumerate(lines):
        ink.write(draw, (MARGIN_PX, banner + 60 + 32 * i), text, 24, colour)
    return image


def date_line(draw: ink.Draw, at: tuple[float, float], report: Report, date: str, width_px: int) -> None:
    """The line above a panel: date, sensor, angles."""
    x, y = at
    head = f"{date.upper()}   {when(report, date)}"
    ink.write(draw, (x, y + DATE_LINE_PX / 2), head, 24, anchor="lm")
    rest = "  ·  ".join(_sensor_words(report, date))
    room = width_px - ink.width_of(head, 24) - 24
    ink.write(
        draw, (x + width_px, y + DATE_LINE_PX / 2), ink.shortened(rest, 19, room), 19, ink.QUIET, anchor="rm"
    )


def when(report: Report, date: str) -> str:
    """Acquisition time in UTC, or the file's name where the date is not known."""
    scene = report.before if date == "before" else report.after
    if scene is not None and not scene.get("time_known", True):
        return f"{str(scene['acquired'])[:10]} (time unknown)"
    if scene is not None:
        return f"{str(scene['acquired'])[:16].replace('T', ' ')} UTC"
    hrefs = [PurePosixPath(str(entry["href"])).name for entry in report.inputs if entry["date"] == date]
    return f"{hrefs[0]} (date unknown)" if hrefs else "date unknown"


def _sensor_words(report: Report, date: str) -> list[str]:
    scene = report.before if date == "before" else report.after
    words = []
    if scene is not None and scene["platform"] != "unknown":
        words.append(str(scene["platform"]))
    elif report.sensor == "sar":
        words.append("radar")
    words.append(f"{report.gsd_m:.3g} m pixels")
    if scene is not None and scene["view_off_nadir_deg"] is not None:
        words.append(f"off-nadir {scene['view_off_nadir_deg']:.0f}°")
    if scene is not None and scene["sun_elevation_deg"] is not None:
        words.append(f"sun {scene['sun_elevation_deg']:.0f}° high")
    return words


def table_row(
    draw: ink.Draw,
    at: tuple[float, float],
    change: Change,
    tags: Mapping[str, str],
    site: Site | None,
    width_px: int,
) -> None:
    """One listed change: tag, kind, label, size, zone, score, link."""
    x, y = at
    draw.rectangle((x + 4, y - 9, x + 16, y + 9), fill=ink.KIND_COLOURS[change.kind], outline=(60, 60, 60))
    place = change.place
    size = f"{place.length_m:.0f} x {place.width_m:.0f} m"
    cells = (
        (24, tags[change.id], 58), (82, change.kind, 92), (174, change.label, 196), (370, size, 104),
        (474, score_words(change.score), 58), (532, zone_words(change, site), 190),
        (722, link_words(change, tags), width_px - 722),
    )  # fmt: skip
    for dx, text, room in cells:
        ink.write(draw, (x + dx, y), ink.shortened(text, 18, room - 6), 18, anchor="lm")


def score_words(score: float) -> str:
    """A probability as a percentage that never claims certainty."""
    return ">99%" if score > 0.99 else f"{score:.0%}"


def zone_words(change: Change, site: Site | None) -> str:
    """Name of the change's zone, with a question mark where it may lie outside."""
    if change.zone is None:
        return "no zone" if site is not None else ""
    zone = site.zones.get(change.zone) if site is not None else None
    return (zone.name if zone else change.zone) + (" (?)" if change.zone_uncertain else "")


def link_words(change: Change, tags: Mapping[str, str]) -> str:
    """What links the change with others, and what could mimic it."""
    words = []
    if change.kind == "moved" and change.displacement_m is not None:
        words.append(f"{change.displacement_m:.0f} m")
    if change.link.state == "ambiguous":
        words.append(_partner_words([tags[name] for name in change.link.partners if name in tags]))
    if change.causes:
        words.append("or " + ", ".join(cause.replace("_", " ") for cause in change.causes) + "?")
    return "; ".join(words)


def _partner_words(partners: list[str]) -> str:
    if not partners:
        return "link ambiguous"
    if len(partners) <= 2:
        return f"same as {' or '.join(partners)}?"
    return f"same as {partners[0]} or {len(partners) - 1} others?"


def footer_lines(report: Report) -> list[str]:
    """Everything else that a reader needs to judge the picture."""
    lines = [
        f"{alignment_words(report)}  {_coverage_words(report)}",
        detectability_words(report),
        unseen_zone_words(report),
        zone_state_words(report),
        *report.notes,
        source_words(report),
        CAUTION,
    ]
    software = f"sitewatch {report.software['sitewatch']}, method {report.software['sitewatch-algorithm']}"
    lines.append(f"{software}. Run {report.name}, written {report.created}. Both dates share one stretch.")
    return [text for text in lines if text]


def alignment_words(report: Report) -> str:
    """How well the dates lie on each other."""
    stated = report.alignment
    if stated is None:
        return "Alignment: not measured."
    if stated["verdict"] == "refused":
        return f"Alignment refused: {stated['reason'] or 'no reason given'}."
    if stated["residual_px"] is None:
        return f"Alignment not measured, the files' georeference is trusted: {stated['reason'] or 'little structure'}."
    metres = stated["residual_px"] * report.gsd_m
    if stated["verdict"] == "georeference":
        return (
            f"The files' georeference is trusted: {stated['reason']}. What it leaves: {stated['residual_px']:.2f} px "
            f"({metres:.2g} m) median over {stated['tie_points']} tie points."
        )
    spread = "" if stated["p95_px"] is None else f", 95% within {stated['p95_px']:.2f} px"
    return (
        f"Alignment residual {stated['residual_px']:.2f} px ({metres:.2g} m) median{spread}, held-out tie points "
        f"({stated['tie_points']} kept)."
    )


def _coverage_words(report: Report) -> str:
    tiles = counts(report.outcomes)
    missed = "; ".join(f"{reason} ({number})" for reason, number in reasons(report.outcomes)[:4])
    words = f"{report.valid_fraction:.0%} of the area usable on both dates."
    if tiles["not_assessable"] or tiles["failed"]:
        words += f" Tiles not assessed: {tiles['not_assessable']}, failed: {tiles['failed']} [{missed}]."
    return words


def detectability_words(report: Report) -> str:
    """What would have been found, so that silence means something; "" where nothing was assessed."""
    entry = report.detectability
    if entry is None or entry["not_observed"] >= 1:
        return ""
    first, *rest = [(size["words"], f"{size['found_share']:.0%}") for size in entry["sizes"]]
    contrast = entry["ordinary_contrast"]
    how = f"{contrast:g} dB above the clutter" if report.sensor == "sar" else f"{contrast:.0%} contrast"
    others = "".join(f", {words} on {share}" for words, share in rest)
    rough = (
        "" if all(size["calibrated"] for size in entry["sizes"]) else " Not tried at this pixel size: rough."
    )
    shown = f"{first[0]} with {how} on {first[1]} of the ground seen{others}"
    plain = "even plain" if report.sensor == "sar" else "even plain and without a shadow"
    return f"Found here would have been, {plain}: {shown}.{rough}"


def unseen_zone_words(report: Report) -> str:
    """The zones of which less than half could be seen, the worst first; "" where there are none."""
    if report.site is None or report.status == "not_assessable":
        return ""
    names = {zone["id"]: zone["name"] for zone in report.site["zones"] if zone["watch"]}
    unseen = sorted(
        (zone["seen"] * zone["on_grid"], names[zone["zone"]])
        for zone in report.zones
        if zone["zone"] in names
    )
    words = [f"{name} ({share:.0%} seen)" for share, name in unseen if share < WELL_SEEN]
    rest = f" and {len(words) - ZONES_NAMED} more" if len(words) > ZONES_NAMED else ""
    return f"Zones not seen, or less than half: {'; '.join(words[:ZONES_NAMED])}{rest}." if words else ""


def zone_state_words(report: Report) -> str:
    """What can be said of zones as wholes where pixels are too coarse for objects; "" where nothing was judged."""
    if report.site is None or not report.zone_states:
        return ""
    names = {zone["id"]: zone["name"] for zone in report.site["zones"]}
    changed = sorted(
        (state["unusual"], names[state["zone"]])
        for state in report.zone_states
        if state["state"] == "changed"
    )
    like = sum(state["state"] == "unchanged" for state in report.zone_states)
    named = [name for _, name in changed[:ZONES_NAMED]]
    more = f" and {len(changed) - ZONES_NAMED} more" if len(changed) > ZONES_NAMED else ""
    words = f"Changed as a whole, more than like places elsewhere: {'; '.join(named) or 'no zone'}{more}."
    return f"{words} Not unusual: {like}. Pixels of {report.gsd_m:.3g} m count nothing."


def source_words(report: Report) -> str:
    """Credit and licence of both dates, and of the site's outlines."""
    parts: list[str] = []
    for scene in (report.before, report.after):
        if scene is None:
            continue
        credit = scene["attribution"] or f"{scene['collection']} via {scene['source']}"
        parts.append(f"{credit} ({scene['licence'] or 'licence not stated'})")
    if not parts:
        parts.append("images as given; licence not stated, check before publishing")
    if report.site is not None and report.site["attribution"]:
        parts.append(f"outlines: {report.site['attribution']}")
    return "Source: " + "; ".join(dict.fromkeys(parts)) + "."
