"""The lists of the desk: queue and disagreements, by keyboard."""

import pytest
from playwright.sync_api import Browser, expect

from tests.services.desk import DeskThread
from tests.system.desk.pages import await_screen, opened, say, subjects, watched_page

pytestmark = pytest.mark.system


def test_keys_of_the_queue_are_its_own(chromium: Browser, five_desk: DeskThread) -> None:
    order = subjects(five_desk)
    with watched_page(chromium, five_desk) as watched:
        page = watched.page
        page.wait_for_selector("body[data-ready]")
        page.keyboard.press("?")
        told = page.locator("dialog").inner_text()
        assert "Next one" in told
        assert "Confirmed" not in told
        assert page.locator("dialog kbd").all_inner_texts() == ["J", "K", "Enter", "F", "?", "Esc"]
        page.keyboard.press("Escape")
        expect(page.locator("dialog")).to_have_count(0)
        for key in ("j", "j", "j", "k"):
            page.keyboard.press(key)
        page.keyboard.press("Enter")
        opened(page)
        await_screen(page, order[1])


def test_disagreements_are_opened_by_keyboard(chromium: Browser, five_desk: DeskThread) -> None:
    order = subjects(five_desk)
    for subject in order[:2]:
        say(five_desk, "Ana", "verdict", subject, verdict="confirmed")
        say(five_desk, "Omar", "verdict", subject, verdict="unsure")
    with watched_page(chromium, five_desk) as watched:
        page = watched.page
        page.get_by_role("link", name="Disagreements").click()
        page.wait_for_selector("body[data-ready]:has(tbody)")
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        opened(page)
        await_screen(page, order[1])
        expect(page.locator("#left-count")).to_have_text("2 disputed")
