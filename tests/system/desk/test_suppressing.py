"""Recurrences at the desk: shown again, suppressed for longer, taken back, by key and by button."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.review.conftest import write_recurrence
from tests.services.desk import DeskThread
from tests.system.desk.pages import events, on_screen, opened, saved, say, start_link, watched_page
from tests.unit.catalog.catalog_runs import appeared

pytestmark = pytest.mark.system

FIRST = appeared().id


@pytest.fixture
def again(five_desk: DeskThread, tmp_path: Path) -> str:
    """A change that comes up where another one was rejected."""
    store = five_desk.app.state.store
    name = write_recurrence(five_desk.root, tmp_path / "later")
    five_desk.app.state.shelf._listed = float("-inf")
    store.sync()
    say(five_desk, "Omar", "verdict", FIRST, verdict="rejected", reason="known_object")
    store.settle()
    return name


def show(page: Page, desk: DeskThread, subject: str) -> None:
    page.goto(f"{desk.address}/review?subject={subject}")
    opened(page)


def acts(desk: DeskThread) -> list[tuple[str, str | None]]:
    return [(event.act, event.subject) for event in events(desk)]


def test_a_place_is_shown_again_and_that_is_taken_back(
    chromium: Browser, five_desk: DeskThread, again: str
) -> None:
    with watched_page(chromium, five_desk, start_link(five_desk, "Ana", "reviewer")) as watched:
        page = watched.page
        expect(page.locator(f"a.change[href*='subject={again}']")).to_contain_text("suppressed until")
        show(page, five_desk, again)
        facts = page.locator(".facts")
        expect(facts).to_contain_text("Omar rejected the same at this place")
        expect(facts).to_contain_text("known object")
        page.keyboard.press("n")
        page.keyboard.press("1")
        expect(facts.locator(".flag", has_text="Suppressed")).to_have_count(0)
        assert acts(five_desk)[-1] == ("unsuppress", FIRST)
        assert on_screen(page) == again
        page.keyboard.press("z")
        expect(facts).to_contain_text("Omar rejected the same at this place")
        assert on_screen(page) == again, "what was undone is about what is on the screen"
        assert acts(five_desk)[-1] == ("undo", FIRST)

        facts.get_by_role("button", name="Show again, or suppress longer").click()
        page.get_by_role("button", name="show this place again").click()
        expect(facts.locator(".flag", has_text="Suppressed")).to_have_count(0)
        saved(page)
        page.reload()
        opened(page)
        page.keyboard.press("z")
        expect(facts).to_contain_text("Omar rejected the same at this place")
        assert on_screen(page) == again, "also after the page was loaded anew"


def test_a_place_is_suppressed_from_now_on_and_kept_so_longer(
    chromium: Browser, five_desk: DeskThread, again: str
) -> None:
    year = datetime.now(UTC).year
    with watched_page(chromium, five_desk, start_link(five_desk, "Ana", "reviewer")) as watched:
        page = watched.page
        show(page, five_desk, again)
        expect(page.locator(".facts")).to_contain_text("Suppressed until")
        page.keyboard.press("n")
        expect(page.locator("dialog h2")).to_have_text("This place is suppressed")
        page.keyboard.press("4")
        expect(page.locator(".facts")).to_contain_text("Ana suppressed the same at this place")
        longer = events(five_desk)[-1]
        assert (longer.act, longer.subject, longer.body["reason"]) == ("suppress", FIRST, "known_object")
        assert int(str(longer.body["until"])[:4]) >= year + 3
        expect(page.locator(".facts")).to_contain_text(f"Suppressed until {longer.body['until']}")

        (other,) = [e.subject for e in five_desk.app.state.store.queue().entries if e.kind == "moved"]
        show(page, five_desk, other)
        page.get_by_role("button", name="Suppress what comes up again here").click()
        page.keyboard.press("2")
        expect(page.locator("dialog h2")).to_have_text("Suppressed: why?")
        page.keyboard.press("6")
        expect(page.locator(".facts")).to_contain_text("What comes up again at this place: known object")
        saved(page)
        fresh = events(five_desk)[-1]
        assert (fresh.act, fresh.subject, fresh.body["reason"]) == ("suppress", other, "known_object")
        assert int(str(fresh.body["until"])[:4]) in (year + 1, year + 2)
        page.keyboard.press("z")
        expect(page.locator(".facts .flag", has_text="Suppressed")).to_have_count(0)
        saved(page)
        assert acts(five_desk)[-1] == ("undo", other)


def test_whoever_only_looks_is_not_asked(chromium: Browser, five_desk: DeskThread, again: str) -> None:
    with watched_page(chromium, five_desk, start_link(five_desk, "Rea", "read-only")) as watched:
        page = watched.page
        show(page, five_desk, again)
        expect(page.locator(".facts")).to_contain_text("Omar rejected the same at this place")
        expect(page.locator('.facts [data-action="place"]')).to_have_count(0)
        page.keyboard.press("n")
        page.wait_for_timeout(200)
        expect(page.locator("dialog")).to_have_count(0)
    assert acts(five_desk) == [("verdict", FIRST)]
