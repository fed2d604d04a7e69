"""Outlines on the map: told apart without colour, and what people drew in place of what a run found."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from tests.review.conftest import PLAIN_RUN
from tests.services.desk import DeskThread, settled, shot
from tests.system.desk.pages import COLOURS, begin, events, opened, saved, say, start_link, watched_page

pytestmark = pytest.mark.system

BLUE, ORANGE = COLOURS["appeared"], COLOURS["vanished"]


def painted(page: Page, side: str, colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Where outlines paint a colour: the images, which are noise of all colours, left out."""
    settled(page)
    shown = shot(page, side).astype(int)
    page.keyboard.press("h")
    settled(page)
    bare = shot(page, side).astype(int)
    page.keyboard.press("h")
    return (np.abs(shown - colour) < 60).all(axis=2) & (np.abs(shown - bare).max(axis=2) > 20)


def middle(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Column and row."""
    rows, cols = np.nonzero(mask)
    return np.array([cols.mean(), rows.mean()])


@pytest.mark.parametrize(
    ("kind", "side", "pieces"),
    [("appeared", "#right", (1, 1)), ("vanished", "#left", (8, 60)), ("moved", "#right", (5, 60))],
)
def test_a_kind_is_told_by_colour_by_line_and_by_letter(
    chromium: Browser, five_desk: DeskThread, kind: str, side: str, pieces: tuple[int, int]
) -> None:
    with watched_page(chromium, five_desk) as watched:
        page = watched.page
        page.goto(f"{five_desk.address}/?site=testbase")
        begin(page, kind)
        shown = painted(page, side, COLOURS[kind])
        if kind == "moved":  # where it stands now, not where it stood
            shown[:, : shown.shape[1] // 2] = False
        letter, line = letter_and_line(shown)
        found = cv2.connectedComponents(cv2.dilate(line, np.ones((3, 3), np.uint8)))[0] - 1
        assert pieces[0] <= found <= pieces[1]
        assert 20 < letter.sum() < 200
        other = "#left" if side == "#right" else "#right"
        if kind != "moved":
            elsewhere = painted(page, other, COLOURS[kind])
            assert 10 < elsewhere.sum() < 0.7 * shown.sum(), "thin where it does not stand"
            assert letter_and_line(elsewhere)[0].sum() == 0, "and without a letter"


def test_what_is_asked_about_stands_out_from_its_neighbours(chromium: Browser, five_desk: DeskThread) -> None:
    with watched_page(chromium, five_desk) as watched:
        page = watched.page
        page.goto(f"{five_desk.address}/?run={PLAIN_RUN}")
        begin(page, "appeared")
        page.keyboard.press("s")
        chosen = painted(page, "#right", BLUE).sum()
        page.goto(f"{five_desk.address}/?run={PLAIN_RUN}")
        begin(page, "vanished")
        page.keyboard.press("s")
        assert chosen > 2 * painted(page, "#right", BLUE).sum() > 0


def letter_and_line(shown: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The letter stands above the upper edge of the outline."""
    edge = np.flatnonzero(shown.sum(axis=1) >= 15)[0]
    letter = shown.copy()
    letter[edge - 3 :] = False
    return letter.astype(np.uint8), (shown & ~letter).astype(np.uint8)


def test_an_outline_drawn_anew_takes_the_place_of_the_old_one(
    chromium: Browser, five_desk: DeskThread
) -> None:
    with watched_page(chromium, five_desk) as watched:
        page = watched.page
        page.goto(f"{five_desk.address}/?run={PLAIN_RUN}")
        begin(page, "appeared")
        old = painted(page, "#right", BLUE)
        page.keyboard.press("o")
        for _ in range(6):
            page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Enter")
        saved(page)
        page.wait_for_timeout(400)
        new = painted(page, "#right", BLUE)
        assert old.sum() > 100
        assert abs(new.sum() - old.sum()) < 0.2 * old.sum(), "one outline, not two"
        right, down = middle(new) - middle(old)
        assert right > 20
        assert abs(down) < 4
        page.keyboard.press("z")
        page.wait_for_function("() => document.querySelector('#given').textContent === 'Not answered yet'")
        page.wait_for_timeout(400)
        assert np.abs(middle(painted(page, "#right", BLUE)) - middle(old)).max() < 1


def test_what_people_added_is_on_every_map(chromium: Browser, five_desk: DeskThread) -> None:
    ring = [[63, 34], [77, 34], [77, 46], [63, 46], [63, 34]]
    say(five_desk, "Omar", "missed", None, outline_px=ring, kind="vanished", label="truck", run=PLAIN_RUN)
    with (
        watched_page(chromium, five_desk, start_link(five_desk, "Ana", "reviewer")) as watched,
        watched_page(chromium, five_desk) as lead,
    ):
        for page in (watched.page, lead.page):
            page.goto(f"{five_desk.address}/?run={PLAIN_RUN}")
            begin(page, "appeared")
            assert f"run={PLAIN_RUN}" in page.url, "one filter more takes no other away"
        page = watched.page
        page.wait_for_timeout(400)
        assert painted(page, "#left", ORANGE).sum() > 60, "solid on the date on which it stood there"
        before = painted(page, "#right", BLUE).sum()
        page.keyboard.press("a")
        for _ in range(8):
            page.keyboard.press("Shift+ArrowDown")
        page.keyboard.press("Enter")
        page.keyboard.press("1")
        page.keyboard.press("1")
        saved(page)
        page.wait_for_timeout(400)
        after = painted(page, "#right", BLUE).sum()
        assert after > before + 100, "what was added just now"
        assert events(five_desk)[-1].act == "missed"
        lead.page.goto(page.url)
        opened(lead.page)
        lead.page.wait_for_timeout(400)
        assert abs(painted(lead.page, "#right", BLUE).sum() - after) < 0.1 * after, "and for others"
