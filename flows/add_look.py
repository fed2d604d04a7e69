"""Pictures of images on their way in: the card that is written, and the rough one for the terminal."""

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import shapely
from PIL import Image
from rich.text import Text

from catalog.scene_card import PANEL_PX, Card, draw_card, map_picture, picture
from flows.add import Newcomer
from flows.add_check import Place
from flows.add_files import write_whole
from imagery.geometry import utm_crs
from imagery.sources.folder import asset_of
from imagery.thumbnail import Shown, small_grid, thumbnail

PREVIEWS = "preview"
"""Folder of the cards; the folder source passes it by."""

_TERMINAL_COLS = 38
_TERMINAL_ROWS = 19


@dataclass(frozen=True, kw_only=True)
class Look:
    """What an acquisition looks like.

    Parameters
    ----------
    card : Card
    empty : bool
        Whether there is not one valid pixel.
    """

    card: Card
    empty: bool


def look(newcomer: Newcomer, where: Sequence[Place]) -> Look:
    """Shrink an acquisition's files and put them on the map.

    Raises
    ------
    UnreadableRaster
        A file cannot be read.
    """
    outlines = newcomer.outlines
    area = shapely.union_all(outlines)
    site = where[0].site if where else None
    crs = (
        site.crs
        if site is not None and where[0].distance_km < 500
        else utm_crs(area.centroid.x, area.centroid.y)
    )
    files = []
    for image in newcomer.data:
        asset = asset_of(image)
        bands = asset.bands if len(asset.bands) == len(image.info.bands) else image.info.bands
        files.append(Shown(path=image.path, info=image.info, bands=bands, nodata=asset.nodata))
    small = thumbnail(files, small_grid(area, crs, PANEL_PX))
    facts = newcomer.known.facts
    card = Card(
        title=newcomer.name, lines=(_taken(newcomer), *(where_words(place) for place in where)), thumbnail=small,
        outlines=outlines, site=site, decibels=facts.sensor == "sar" and not facts.in_db,
        simulated=newcomer.simulated, credit=facts.attribution or "",
    )  # fmt: skip
    return Look(card=card, empty=not small.valid.any())


def _taken(newcomer: Newcomer) -> str:
    facts = newcomer.known.facts
    if facts.acquired is None:
        when = "date not known"
    else:
        when = f"{facts.acquired:%Y-%m-%d}" + (
            "" if facts.time_known is False else f" {facts.acquired:%H:%M:%S} UTC"
        )
    return f"{when}, {facts.platform or 'platform not known'}, pixels of {newcomer.gsd_m:.3g} m"


def where_words(place: Place) -> str:
    """Where something lies, in one sentence."""
    if place.distance_km > 0:
        return (
            f"Shows no known site: {place.distance_km:,.0f} km {place.direction} of {place.site.name} "
            f"({place.site.id})"
        )
    zones = ", ".join(place.zones[:4]) + (f" and {len(place.zones) - 4} more" if len(place.zones) > 4 else "")
    seen = f"; in view: {zones}" if zones else ""
    return (
        f"{place.site.name} ({place.site.id}): covers {_percent(place.covers)} of it, {_percent(place.inside)} of "
        f"the image lies in it{seen}"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else f"{100 * share:.2g} %"


def preview_path(folder: Path, newcomer: Newcomer) -> Path:
    """Where the card of an acquisition is written."""
    return folder / PREVIEWS / f"{re.sub(r'[^A-Za-z0-9_.-]+', '_', newcomer.name)}.png"


def write_preview(path: Path, card: Card) -> None:
    """Draw and write the card, whole or not at all."""
    with tempfile.TemporaryDirectory() as scratch:
        drawn = Path(scratch) / "card.png"
        draw_card(drawn, card)
        write_whole(path, drawn.read_bytes())


def in_terminal(card: Card) -> tuple[Text, Text]:
    """The image and the map in coloured half blocks: two pixels to a character."""
    shown = Image.fromarray(picture(card.thumbnail, decibels=card.decibels))
    return _blocks(shown), _blocks(map_picture(card, 2 * _TERMINAL_ROWS))


def _blocks(image: Image.Image) -> Text:
    scale = min(_TERMINAL_COLS / image.width, 2 * _TERMINAL_ROWS / image.height)
    size = max(1, round(image.width * scale)), 2 * max(1, round(image.height * scale / 2))
    pixels = image.convert("RGB").resize(
        size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST
    )
    text = Text(no_wrap=True)
    for y in range(0, size[1], 2):
        for x in range(size[0]):
            upper, lower = (",".join(map(str, pixels.getpixel((x, y + dy)))) for dy in (0, 1))  # type: ignore[arg-type]
            text.append("\u2580", style=f"rgb({upper}) on rgb({lower})")
        text.append("\n")
    return text
