"""The map as colour-blind eyes see it: kinds of change differ by line and letter, whatever is left of their colours."""

from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, Route

from tests.review.colour_vision import distance
from tests.services.desk import DeskThread, settled, shot
from tests.system.desk.pages import COLOURS, opened, watched_page

pytestmark = pytest.mark.system

GROUND = 60
BRIGHT = 100
LETTER_PX = 16


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What is on the screen of one change: lengths of the dashes of its upper edge, its letter, its colour."""

    dashes: list[int]
    letter: NDArray[np.bool_]
    colour: tuple[int, int, int]


def plain(route: Route) -> None:
    """Even ground in place of every image."""
    _, png = cv2.imencode(".png", np.full((256, 256, 3), GROUND, np.uint8))
    route.fulfill(body=png.tobytes(), content_type="image/png")


def mark(page: Page) -> Mark:
    settled(page)
    picture = shot(page, "#left")
    height, width = picture.shape[:2]
    part = picture[50 : height - 60, width // 4 : 3 * width // 4]
    bright = part.max(axis=2) > BRIGHT
    top = int(np.flatnonzero(bright.sum(axis=1) > bright.sum(axis=1).max() * 0.6)[0])
    edge = bright[top : top + 4].any(axis=0)
    inner = np.flatnonzero(edge)[[0, -1]]
    dashes = lengths(edge[inner[0] : inner[1] + 1])
    letter = bright[max(0, top - 22) : top - 3]
    rows, cols = (np.flatnonzero(letter.any(axis=axis)) for axis in (1, 0))
    drawn = letter[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1].astype(np.uint8)
    letter = cv2.resize(drawn, (LETTER_PX, LETTER_PX), interpolation=cv2.INTER_NEAREST).astype(np.bool_)
    colours = part[top : top + 4].reshape(-1, 3)
    strongest = colours[np.argsort(colours.max(axis=1))[-20:]]
    red, green, blue = (int(value) for value in np.median(strongest, axis=0))
    return Mark(dashes=dashes, letter=letter, colour=(red, green, blue))


def lengths(on: NDArray[np.bool_]) -> list[int]:
    """Of the runs that are on, without the first and last one: corners join them with others."""
    turns = np.flatnonzero(np.diff(np.concatenate(([0], on.astype(np.int8), [0]))))
    found = [int(length) for length in (turns[1::2] - turns[::2])]
    return found if len(found) == 1 else found[1:-1]


@pytest.mark.parametrize("vision", ["none", "protanopia", "deuteranopia", "tritanopia"])
def test_kinds_differ_by_line_and_letter(chromium: Browser, five_desk: DeskThread, vision: str) -> None:
    entries = five_desk.app.state.store.queue().entries
    subjects = {entry.kind: entry.subject for entry in entries if entry.site is not None}
    marks = {}
    with watched_page(chromium, five_desk) as watched:
        page = watched.page
        page.route("**/tiles/**", plain)
        page.context.new_cdp_session(page).send("Emulation.setEmulatedVisionDeficiency", {"type": vision})
        for kind, subject in subjects.items():
            page.goto(f"{five_desk.address}/review?subject={subject}")
            opened(page)
            page.keyboard.press("4")
            page.keyboard.press("+")
            marks[kind] = mark(page)
    assert marks.keys() == {"appeared", "vanished", "moved"}

    assert len(marks["appeared"].dashes) == 1, "a whole line"
    even, mixed = marks["vanished"].dashes, marks["moved"].dashes
    assert len(even) > 4
    assert max(even) <= 1.5 * min(even), "dashes of one length"
    assert len(mixed) > 4
    assert max(mixed) > 1.8 * min(mixed), "long and short ones"
    for one, other in combinations(marks.values(), 2):
        both, either = (one.letter & other.letter).sum(), (one.letter | other.letter).sum()
        assert min(one.letter.sum(), other.letter.sum()) > 20, "a letter is there"
        assert both / either < 0.8, "and another one"
        assert distance(one.colour, other.colour) > 8
    changed = max(distance(marks[kind].colour, COLOURS[kind]) for kind in marks)
    assert changed < 4 if vision == "none" else changed > 8, "the browser shows what such eyes see"
