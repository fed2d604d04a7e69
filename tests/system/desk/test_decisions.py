"""What a person decides by keyboard, and what the journal then holds."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from catalog.review import ReviewStore
from tests.services.desk import DeskThread, Watched, settled
from tests.system.desk.pages import (
    await_screen,
    begin,
    events,
    journal,
    on_screen,
    opened,
    saved,
    say,
    subjects,
    watched_page,
)
from tests.system.desk_runs import APPEARED, VANISHED

pytestmark = pytest.mark.system


def test_a_whole_review_by_keyboard(seen: Watched, desk: DeskThread) -> None:
    page = seen.page
    assert page.title().startswith("Queue")
    waiting = int(page.locator("[role=status] strong").first.inner_text())
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-ready]")
    settled(page)
    page.keyboard.press("?")
    assert "Undo your last answer" in page.locator("dialog").inner_text()
    page.keyboard.press("Escape")

    first = page.locator("#crumb").inner_text()
    page.keyboard.press("l")
    page.keyboard.press("2")
    expect(page.locator("#given")).to_have_text("Relabelled by you, no verdict yet")
    named = page.locator("#crumb").inner_text()
    assert named != first
    assert page.title().startswith(named)
    expect(page.locator(".facts h1")).to_contain_text(named)
    page.keyboard.press("t")
    page.keyboard.type("two rows <b>north</b> of the road")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".facts")).to_contain_text("two rows <b>north</b> of the road")
    assert page.locator(".facts b").count() == 0
    page.keyboard.press("o")
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.keyboard.press("c")
    saved(page)
    acts = [act for act, _ in journal(desk)]
    assert acts == ["relabel", "note", "outline", "verdict"]
    assert page.locator("#crumb").inner_text() != first or waiting == 1

    page.keyboard.press("r")
    page.keyboard.press("2")
    saved(page)
    assert journal(desk)[-1] == ("verdict", {"verdict": "rejected", "reason": "shadow"})

    page.keyboard.press("z")
    page.wait_for_function("() => document.querySelector('#given').textContent === 'Not answered yet'")
    assert journal(desk)[-1][0] == "undo"

    for _ in range(waiting - 1):
        page.keyboard.press("u")
        page.wait_for_timeout(150)
    saved(page)
    page.wait_for_selector("text=That was the last one here")
    page.keyboard.press("q")
    page.wait_for_selector("text=Nothing waits here")
    verdicts = [body["verdict"] for act, body in journal(desk) if act == "verdict"]
    assert verdicts.count("unsure") == waiting - 1


def test_a_missed_change_is_added_by_keyboard(seen: Watched, desk: DeskThread) -> None:
    page = seen.page
    begin(page, "appeared")
    page.keyboard.press("a")
    for key in ("ArrowLeft", "Shift+ArrowDown", "-", "Enter"):
        page.keyboard.press(key)
    page.keyboard.press("2")
    page.keyboard.press("1")
    saved(page)
    ((act, body),) = journal(desk)
    assert act == "missed"
    assert body["kind"] == "vanished"
    assert len(body["outline_px"]) == 5

    there = on_screen(page)
    page.keyboard.press("c")
    saved(page)
    added, verdict = events(desk)
    assert added.subject.startswith("missed:")
    assert (verdict.act, verdict.subject) == ("verdict", there)


def test_undo_goes_back_and_nothing_is_skipped(chromium: Browser, five_desk: DeskThread) -> None:
    order = subjects(five_desk)
    assert len(order) == 5
    with watched_page(chromium, five_desk) as watched:
        page = watched.page
        page.keyboard.press("Enter")
        opened(page)
        for subject in order[:3]:
            await_screen(page, subject)
            page.keyboard.press("c")
        await_screen(page, order[3])
        for subject in (order[2], order[1]):
            page.keyboard.press("z")
            await_screen(page, subject)
            page.wait_for_function(
                "() => document.querySelector('#given').textContent === 'Not answered yet'"
            )
        for subject in order[1:]:
            await_screen(page, subject)
            page.keyboard.press("u")
        page.wait_for_selector("text=That was the last one here")
        saved(page)
        assert verdicts(five_desk) == {order[0]: "confirmed", **dict.fromkeys(order[1:], "unsure")}


def test_undo_after_the_page_was_loaded_anew(chromium: Browser, five_desk: DeskThread) -> None:
    order = subjects(five_desk)
    say(five_desk, "Omar", "note", order[4], text="not mine")
    with watched_page(chromium, five_desk) as watched:
        page = watched.page
        page.keyboard.press("Enter")
        opened(page)
        page.keyboard.press("c")
        await_screen(page, order[1])
        saved(page)
        page.reload()
        opened(page)
        page.keyboard.press("z")
        await_screen(page, order[0])
        page.wait_for_function("() => document.querySelector('#given').textContent === 'Not answered yet'")
        page.keyboard.press("j")
        await_screen(page, order[1])
        page.keyboard.press("z")
        page.wait_for_selector("text=There is no answer of yours to take back")
        assert [act for act, _ in journal(five_desk)] == ["note", "verdict", "undo"]


def test_the_buttons_of_the_browser_keep_the_order(chromium: Browser, five_desk: DeskThread) -> None:
    order = subjects(five_desk)
    with watched_page(chromium, five_desk) as watched:
        page = watched.page
        page.keyboard.press("Enter")
        opened(page)
        for subject in order[1:4]:
            page.keyboard.press("j")
            await_screen(page, subject)
        for _ in range(2):
            page.go_back()
        await_screen(page, order[1])
        page.go_forward()
        await_screen(page, order[2])
        for subject in order[3:]:
            page.keyboard.press("j")
            await_screen(page, subject)


def test_what_waits_is_counted_by_the_desk(chromium: Browser, five_desk: DeskThread) -> None:
    order = subjects(five_desk)
    with watched_page(chromium, five_desk) as watched:
        page = watched.page
        page.keyboard.press("Enter")
        opened(page)
        waits(page, 5)
        for text in ("one", "two"):
            page.keyboard.press("t")
            page.keyboard.type(text)
            page.keyboard.press("Control+Enter")
        saved(page)
        page.wait_for_timeout(500)
        waits(page, 5)
        page.keyboard.press("c")
        waits(page, 4)
        say(five_desk, "Omar", "verdict", order[4], verdict="confirmed")
        page.keyboard.press("k")
        await_screen(page, order[0])
        page.keyboard.press("u")  # another verdict about the same
        waits(page, 3)
        for count in (3, 4):
            page.keyboard.press("z")
            waits(page, count)
        page.goto(f"{five_desk.address}/review?show=all&subject={order[0]}")
        expect(page.locator("#left-count")).to_have_text("5 in this view")


def waits(page: Page, count: int) -> None:
    expect(page.locator("#left-count")).to_have_text(f"{count} waiting")


def verdicts(desk: DeskThread) -> dict[str, str]:
    store = desk.app.state.store
    return {entry.subject: entry.verdict for entry in store.queue().entries if entry.verdict}


def test_the_planted_places_are_what_is_shown(outputs: Path) -> None:
    store = ReviewStore(outputs)
    try:
        (run,) = store.runs()
        changes = store.run(run["name"]).report.changes
    finally:
        store.close()
    for row, col, height, width in (APPEARED, VANISHED):
        middle = (col + width / 2, row + height / 2)
        assert any(np.hypot(*np.subtract(c.place.centroid_px, middle)) < 6 for c in changes)
