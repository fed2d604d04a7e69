"""Outlines on the map: told apart without colour, and what people drew in place of what a run found."""

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from tests.review.conftest import PLAIN_RUN
from tests.services.desk import DeskThread, settled, shot
from tests.system.desk.pages import COLOURS, begin, events, saved, say, start_link, watched_page

pytestmark = pytest.mark.system

BLUE, ORANGE = COLOURS["appeared"], COLOURS["vanished"]


def painted(page: Page, side: str, colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Where a map shows a colour."""
    settled(page)
    return (np.abs(shot(page, side).astype(int) - colour) < 25).all(axis=2)


def middle(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Column and row."""
    rows, cols = np.nonzero(mask)
    return np.array([cols.mean(), rows.mean()])


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
        assert np.abs(middle(painted(page, "#right", BLUE)) - middle(old)).max() < 4


def test_what_people_added_is_on_every_map(chromium: Browser, five_desk: DeskThread) -> None:
    ring = [[95, 60], [120, 60], [120, 80], [95, 80], [95, 60]]
    say(five_desk, "Omar", "missed", None, outline_px=ring, kind="vanished", label="truck", run=PLAIN_RUN)
    with (
        watched_page(chromium, five_desk, start_link(five_desk, "Ana", "reviewer")) as watched,
        watched_page(chromium, five_desk) as lead,
    ):
        for page in (watched.page, lead.page):
            page.goto(f"{five_desk.address}/?run={PLAIN_RUN}")
            begin(page, "appeared")
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
        lead.page.keyboard.press("j")
        lead.page.keyboard.press("k")
        lead.page.wait_for_timeout(600)
        assert abs(painted(lead.page, "#right", BLUE).sum() - after) < 0.1 * after, "and for others"
