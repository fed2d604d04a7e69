"""Colours that mean something are told apart by every kind of colour vision."""

import re
from itertools import pairwise

import numpy as np
import pytest

from catalog.ink import KIND_COLOURS
from review import palettes
from review.statics import STATIC
from tests.review.colour_vision import MATRICES, Colour, closest, distance, seen_lab

ON_THE_PANEL = "#212427"
LEAST_KINDS = 15
LEAST_VERDICTS = 15
LEAST_SIGNED = 30
LEAST_STEPS = 7

each_vision = pytest.mark.parametrize("vision", MATRICES)


def rgb(text: str) -> Colour:
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue


def css() -> dict[str, str]:
    """Colours by name, as the style sheet has them."""
    found = re.findall(r"--([\w-]+): (#[0-9a-f]{6});", (STATIC / "desk.css").read_text())
    return dict(found)


def script(name: str) -> str:
    return (STATIC / name).read_text()


def test_the_simulation_does_what_its_source_says() -> None:
    for matrix in MATRICES.values():
        assert np.abs(matrix.sum(axis=1) - 1).max() < 1e-5, "greys stay grey"
    green, red = (0, 128, 0), (163, 87, 0)
    assert distance(green, red) > 40
    assert distance(green, red, "deuteranopia") < 16, "what deuteranopes confuse"
    assert distance((0, 0, 255), (0, 90, 90), "tritanopia") < distance((0, 0, 255), (0, 90, 90)) / 1.5


@each_vision
def test_kinds_of_change(vision: str) -> None:
    names = css()
    kinds = [rgb(names[kind]) for kind in ("appeared", "vanished", "moved")]
    assert closest(kinds, vision) >= LEAST_KINDS
    for kind in kinds:
        assert distance(kind, (0, 0, 0), vision) > 40, "against their own dark rim"


def test_maps_and_pictures_paint_kinds_as_lists_do() -> None:
    names, painted = css(), script("outlines.js")
    for kind in ("appeared", "vanished", "moved"):
        assert f'{kind}: "{names[kind]}"' in painted
        assert KIND_COLOURS[kind] == rgb(names[kind])


@each_vision
def test_marks_of_verdicts(vision: str) -> None:
    names = css()
    assert closest([rgb(names[name]) for name in ("good", "bad", "ink")], vision) >= LEAST_VERDICTS
    assert closest([rgb(names[name]) for name in ("good", "bad", "warn")], vision) >= LEAST_VERDICTS, (
        "saved, waiting, not taken"
    )


@pytest.mark.parametrize("name", ["good", "bad", "warn", "quiet", "accent"])
def test_words_in_colour_can_be_read(name: str) -> None:
    """WCAG 2.2, 1.4.3."""

    def luminance(text: str) -> float:
        share = np.array(rgb(text)) / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    names = css()
    for ground in (ON_THE_PANEL, names["raised"], names["ground"]):
        assert (luminance(names[name]) + 0.05) / (luminance(ground) + 0.05) >= 4.5


@each_vision
def test_brighter_and_darker(vision: str) -> None:
    assert distance(palettes.BRIGHTER, palettes.DARKER, vision) >= LEAST_SIGNED
    for name, colour in (("BRIGHTER", palettes.BRIGHTER), ("DARKER", palettes.DARKER)):
        assert f'{name} = "#{bytes(colour).hex()}"' in script("legend.js"), "the legend shows what is painted"


@each_vision
def test_steps_of_detectability(vision: str) -> None:
    assert min(distance(a, b, vision) for a, b in pairwise(palettes.STEPS)) >= LEAST_STEPS
    lightness = [seen_lab(step, vision)[0] for step in palettes.STEPS]
    assert all(a > b + 4 for a, b in pairwise(lightness)), "from light to dark for every eye"
