"""KML 2.2 (OGC 07-147r2) for Google Earth; with pictures as KMZ.

No element refers to another host: there are no icons, and pictures lie inside the KMZ. Balloons show the description
only, in which every value is escaped twice: once as HTML, once as XML.
"""

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from xml.etree import ElementTree

from catalog import ink
from catalog.exports import claims, observation
from catalog.exports.about import about
from catalog.exports.anonymous import SAID
from catalog.exports.columns import row
from catalog.exports.findings import Handed, Handover, Place
from catalog.exports.pair import Ring
from catalog.exports.pictures import ChipOf, png
from catalog.layout import chip_name

NAMESPACE = "http://www.opengis.net/kml/2.2"
MEDIA_TYPE = "application/vnd.google-earth.kml+xml"
FOLDER = "files"
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_OUTSIDE = "Outside the zones"
_REJECTED_OPACITY = "60"

ElementTree.register_namespace("", NAMESPACE)


def kml(handover: Handover) -> bytes:
    """The document, without pictures."""
    return _written(handover, pictures={})


def kmz(handover: Handover, chip_of: ChipOf) -> bytes:
    """The document with the pictures of its findings, in one archive that is the same for the same input.

    Raises
    ------
    BrokenRecord
        A picture of the run cannot be read.
    """
    images = {one.id: chip_of(one) for one in handover.findings}
    drawn = {name: image for name, image in images.items() if image is not None}
    names = {name: f"{FOLDER}/{chip_name(name)}" for name in drawn}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        _store(out, "doc.kml", _written(handover, names))
        for name, image in drawn.items():
            _store(out, names[name], png(image))
    return archive.getvalue()


def _store(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
    entry.compress_type = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, data)


def _written(handover: Handover, pictures: Mapping[str, str]) -> bytes:
    root = ElementTree.Element(_tag("kml"))
    document = _child(root, "Document")
    pair = handover.pair
    head = "SIMULATED " if pair.simulated else ""
    _child(document, "name", f"{head}{pair.title}: {pair.before.when} to {pair.after.when}")
    _child(document, "open", "1")
    _child(document, "description", _about_words(handover))
    for kind, colour in ink.KIND_COLOURS.items():
        for faint in (False, True):
            _style(document, kind, colour, faint=faint)
    _style_unseen(document)
    _data(document, _facts(handover).items())
    for zone, findings in _by_zone(handover.findings):
        folder = _child(document, "Folder")
        _child(folder, "name", zone)
        for one in findings:
            _placemark(folder, one, handover, pictures.get(one.id))
    _unseen(document, handover)
    ElementTree.indent(root, " ")
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _facts(handover: Handover) -> dict[str, object]:
    """The plain values of `about`."""
    return {name: value for name, value in about(handover).items() if not isinstance(value, dict | list)}


def _by_zone(findings: Sequence[Handed]) -> list[tuple[str, list[Handed]]]:
    folders: dict[str, list[Handed]] = {}
    for one in findings:
        folders.setdefault(one.zone or _OUTSIDE, []).append(one)
    return sorted(folders.items(), key=lambda folder: (folder[0] == _OUTSIDE, folder[0]))


def _placemark(folder: ElementTree.Element, one: Handed, handover: Handover, picture: str | None) -> None:
    pair = handover.pair
    mark = _child(folder, "Placemark", id=f"change-{_xml_id(one.id)}")
    said = observation.claim_of(one, pair)
    head = "SIMULATED " if pair.simulated else ""
    _child(mark, "name", f"{head}{one.tag} {one.kind}: {said.label}")
    _child(mark, "Snippet", "", maxLines="0")
    _child(mark, "description", _description(one, handover, picture))
    _span(mark, handover)
    _child(mark, "styleUrl", f"#{one.kind}{'-rejected' if one.answer == 'rejected' else ''}")
    _data(mark, row(one, pair).items())
    _geometry(mark, one)


def _span(mark: ElementTree.Element, handover: Handover) -> None:
    """The time between both dates: some time in it the change happened."""
    times = [handover.pair.before.acquired, handover.pair.after.acquired]
    if all(times):
        begin, end = sorted(map(str, times), key=_moment)
        span = _child(mark, "TimeSpan")
        _child(span, "begin", begin)
        _child(span, "end", end)


def _moment(text: str) -> float:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def _geometry(mark: ElementTree.Element, one: Handed) -> None:
    parts = _child(mark, "MultiGeometry")
    _point(parts, one.place)
    if one.before is not None and one.after is not None:
        line = _child(parts, "LineString")
        _child(line, "tessellate", "1")
        _child(line, "coordinates", f"{_centre(one.before)} {_centre(one.after)}")
    for place in one.places:
        _polygon(parts, place.ring or ())


def _point(parts: ElementTree.Element, place: Place) -> None:
    _child(_child(parts, "Point"), "coordinates", _centre(place))


def _centre(place: Place) -> str:
    return f"{place.lon!r},{place.lat!r}"


def _polygon(parts: ElementTree.Element, ring: Ring) -> None:
    outer = _child(_child(_child(parts, "Polygon"), "outerBoundaryIs"), "LinearRing")
    _child(outer, "coordinates", " ".join(f"{x!r},{y!r}" for x, y in ring))


def _unseen(document: ElementTree.Element, handover: Handover) -> None:
    """Where nothing can be said, so that an empty place is not taken for a quiet one."""
    placed = [tile for tile in handover.pair.unseen if tile.ring]
    if not placed:
        return
    folder = _child(document, "Folder")
    _child(folder, "name", "Not assessed: not observed, never \u201cgone\u201d")
    for tile in placed:
        mark = _child(folder, "Placemark")
        _child(mark, "name", f"Tile {tile.tile}: {tile.outcome.replace('_', ' ')}")
        _child(mark, "description", _inert(escape(tile.reason)))
        _child(mark, "styleUrl", "#not-assessed")
        _polygon(mark, tile.ring or ())


def _style(document: ElementTree.Element, kind: str, colour: ink.Colour, *, faint: bool) -> None:
    opacity = _REJECTED_OPACITY if faint else "ff"
    shade = _abgr(colour, opacity)
    style = _child(document, "Style", id=f"{kind}-rejected" if faint else kind)
    _child(_child(style, "IconStyle"), "scale", "0")
    label = _child(style, "LabelStyle")
    _child(label, "color", shade)
    _child(label, "scale", "0.8")
    line = _child(style, "LineStyle")
    _child(line, "color", shade)
    _child(line, "width", "1.5" if faint else "3")
    _child(_child(style, "PolyStyle"), "color", _abgr(colour, "00" if faint else "30"))
    _balloon(style)


def _style_unseen(document: ElementTree.Element) -> None:
    style = _child(document, "Style", id="not-assessed")
    _child(_child(style, "IconStyle"), "scale", "0")
    line = _child(style, "LineStyle")
    _child(line, "color", "ffffffff")
    _child(line, "width", "1")
    _child(_child(style, "PolyStyle"), "color", "50808080")
    _balloon(style)


def _balloon(style: ElementTree.Element) -> None:
    _child(_child(style, "BalloonStyle"), "text", "$[description]")


def _abgr(colour: ink.Colour, opacity: str) -> str:
    red, green, blue = colour
    return f"{opacity}{blue:02x}{green:02x}{red:02x}"


def _description(one: Handed, handover: Handover, picture: str | None) -> str:
    """HTML; whatever is not ours is escaped."""
    words = observation.of(one, handover.pair)
    parts = []
    if handover.pair.simulated:
        parts.append("<p><b>SIMULATED: drawn by a computer, not a satellite image</b></p>")
    if picture is not None:
        parts.append(f'<p><img src="{escape(picture)}" width="720" alt="before and after"/></p>')
    parts.append(f"<p>{escape(' '.join(words.observed))}</p>")
    parts.append(f"<p>{escape(words.confidence.sentence)}</p>")
    facts = "".join(f"<tr><th align='left'>{escape(n)}</th><td>{escape(v)}</td></tr>" for n, v in words.facts)
    parts.append(f"<table>{facts}</table>")
    for title, lines in (("It could also be", words.alternatives), ("Not observed", words.gaps)):
        parts.append(f"<p><b>{title}</b></p><ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>")
    return _inert("".join(parts))


def _about_words(handover: Handover) -> str:
    pair = handover.pair
    lines = [
        "SIMULATED: drawn by a computer, not a satellite image" if pair.simulated else "", pair.alignment,
        pair.detectability, claims.MAY[claims.tier(pair.gsd_m, pair.sensor)], observation.CAUTION, pair.attribution,
        SAID if handover.anonymous else "", f"Computed again by: {pair.command}",
    ]  # fmt: skip
    return _inert("".join(f"<p>{escape(line)}</p>" for line in lines if line))


def _inert(html: str) -> str:
    """Google Earth fills in ``$[name]`` wherever it finds it, also in what somebody wrote."""
    return html.replace("$[", "$&#91;")


def _data(parent: ElementTree.Element, values: Iterable[tuple[str, object]]) -> None:
    extended = _child(parent, "ExtendedData")
    for name, value in values:
        if value is not None:
            words = str(value).lower() if isinstance(value, bool) else str(value)
            _child(_child(extended, "Data", name=name), "value", words)


def _xml_id(text: str) -> str:
    return "".join(char if char.isascii() and (char.isalnum() or char in "-_.") else "_" for char in text)


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _child(
    parent: ElementTree.Element, tag: str, text: str | None = None, /, **attributes: str
) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, _tag(tag), attributes)
    child.text = text
    return child
