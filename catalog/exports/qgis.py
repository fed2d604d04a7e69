"""QGIS styles (QML) for the layers of a GeoPackage: the colours and dashes of the run's own pictures."""

from collections.abc import Mapping
from xml.etree import ElementTree

from catalog import ink

_DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
_WORDS = {"appeared": "appeared", "vanished": "vanished", "moved": "may have moved"}
_DASHES = {"appeared": "solid", "vanished": "dash", "moved": "dash dot"}
_MULTI = {"type": "Map"}


def findings_style() -> str:
    """Outlines by kind, rejected ones faint, labelled with tag and label."""
    root = _qml()
    renderer = ElementTree.SubElement(
        root, "renderer-v2", type="RuleRenderer", symbollevels="0", enableorderby="0", forceraster="0"
    )
    rules = ElementTree.SubElement(renderer, "rules", key="root")
    symbols = ElementTree.SubElement(renderer, "symbols")
    number = 0
    for faint in (False, True):
        for kind, words in _WORDS.items():
            test = "=" if faint else "<>"
            ElementTree.SubElement(
                rules, "rule", key=f"rule{number}", symbol=str(number),
                filter=f"\"kind\" = '{kind}' AND \"review\" {test} 'rejected'",
                label=f"{words}{', rejected on review' if faint else ''}",
            )  # fmt: skip
            _fill(symbols, number, ink.KIND_COLOURS[kind], dash=_DASHES[kind], alpha="0.35" if faint else "1")
            number += 1
    _labels(root, '"tag" || \' \' || "label"', placement="0", priority="10")
    return _text(root)


def unseen_style() -> str:
    """Tiles of which nothing can be said: hatched."""
    root = _qml()
    symbols = _single(root)
    symbol = ElementTree.SubElement(symbols, "symbol", type="fill", name="0", alpha="0.8", clip_to_extent="1")
    layer = ElementTree.SubElement(symbol, "layer", attrib={"class": "LinePatternFill", "enabled": "1"})
    _options(layer, {
        "angle": "45", "distance": "3", "distance_unit": "MM", "color": "90,96,104,255", "line_width": "0.4",
        "line_width_unit": "MM",
    })  # fmt: skip
    line = ElementTree.SubElement(layer, "symbol", type="line", name="@0@0", alpha="1", clip_to_extent="1")
    stroke = ElementTree.SubElement(line, "layer", attrib={"class": "SimpleLine", "enabled": "1"})
    _options(stroke, {"line_color": "90,96,104,255", "line_width": "0.4", "line_width_unit": "MM"})
    _labels(root, '"reason"')
    return _text(root)


def zones_style() -> str:
    """Zones as thin dashed outlines with their names."""
    root = _qml()
    _fill(_single(root), 0, (60, 60, 60), dash="dot", alpha="1", width="0.3")
    _labels(root, '"name"')
    return _text(root)


def _qml() -> ElementTree.Element:
    return ElementTree.Element("qgis", version="3.28.0", styleCategories="Symbology|Labeling")


def _single(root: ElementTree.Element) -> ElementTree.Element:
    renderer = ElementTree.SubElement(
        root, "renderer-v2", type="singleSymbol", symbollevels="0", enableorderby="0", forceraster="0"
    )
    return ElementTree.SubElement(renderer, "symbols")


def _fill(
    symbols: ElementTree.Element, name: int, colour: ink.Colour, *, dash: str, alpha: str, width: str = "0.7"
) -> None:
    symbol = ElementTree.SubElement(
        symbols, "symbol", type="fill", name=str(name), alpha=alpha, clip_to_extent="1"
    )
    layer = ElementTree.SubElement(symbol, "layer", attrib={"class": "SimpleFill", "enabled": "1"})
    red, green, blue = colour
    _options(layer, {
        "color": f"{red},{green},{blue},40", "style": "no", "outline_color": f"{red},{green},{blue},255",
        "outline_style": dash, "outline_width": width, "outline_width_unit": "MM", "joinstyle": "round",
    })  # fmt: skip


def _options(layer: ElementTree.Element, values: Mapping[str, str]) -> None:
    """As QGIS 3.28 writes them, and as older ones read them."""
    holder = ElementTree.SubElement(layer, "Option", _MULTI)
    for name, value in values.items():
        ElementTree.SubElement(holder, "Option", type="QString", name=name, value=value)
    for name, value in values.items():
        ElementTree.SubElement(layer, "prop", k=name, v=value)


def _labels(root: ElementTree.Element, expression: str, *, placement: str = "1", priority: str = "1") -> None:
    """Beside the outline (placement 0) or over it (1); of labels that collide the higher priority stays."""
    labelling = ElementTree.SubElement(root, "labeling", type="simple")
    settings = ElementTree.SubElement(labelling, "settings", calloutType="simple")
    style = ElementTree.SubElement(
        settings, "text-style", fieldName=expression, isExpression="1", fontSize="8", fontSizeUnit="Point",
        textColor="20,24,30,255", textOpacity="1", fontFamily="Sans Serif",
    )  # fmt: skip
    ElementTree.SubElement(
        style,
        "text-buffer",
        bufferDraw="1",
        bufferSize="0.8",
        bufferSizeUnits="MM",
        bufferColor="255,255,255,255",
    )
    ElementTree.SubElement(
        settings, "placement", placement=placement, priority=priority, dist="2", distUnits="MM"
    )
    ElementTree.SubElement(settings, "rendering", obstacle="0", displayAll="0", scaleVisibility="0")


def _text(root: ElementTree.Element) -> str:
    ElementTree.indent(root, " ")
    return _DOCTYPE + ElementTree.tostring(root, encoding="unicode") + "\n"
