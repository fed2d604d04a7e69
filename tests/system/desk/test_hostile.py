"""A run, people and notes whose every word tries something: the browser shows words and runs nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from catalog import reviewers
from tests.services.desk import DeskThread, looking_at, settled, threaded_desk
from tests.system.desk.pages import opened, say, start_link, subjects
from tests.unit.catalog.exports.handovers import HOSTILE, SCRIPT, hostile

pytestmark = pytest.mark.system

SVG = next(text for text in HOSTILE if text.startswith("<svg"))
IMAGE = next(text for text in HOSTILE if "onerror" in text)
NAME = f"Eve {IMAGE}"

SENTINEL = """
    for (const name of ["alert", "confirm", "prompt"]) window[name] = () => { window.ran = true; };
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskThread]:
    hostile(tmp_path)
    with threaded_desk(tmp_path / "out") as running:
        first, second = subjects(running)[:2]
        for text in (SCRIPT, IMAGE, SVG):
            say(running, NAME, "note", first, text=text)
        for reviewer, verdict in ((NAME, "confirmed"), (f"Omar {SVG[:60]}", "unsure")):
            reviewers.invite(running.root, reviewer, "reviewer", given_by="test")
            for subject in (first, second):
                say(running, reviewer, "verdict", subject, verdict=verdict)
        yield running


def test_hostile_words_stay_words_in_the_browser(chromium: Browser, desk: DeskThread) -> None:
    link = start_link(desk, f"Lena {SCRIPT}")
    with looking_at(chromium, f"{desk.address}/signin") as watched:
        page = watched.page
        page.on("dialog", lambda dialog: pytest.fail(f"something ran: {dialog.message}"))
        page.add_init_script(SENTINEL)
        page.goto(link)
        for address in (
            "",
            "?show=all",
            "?what=unseen",
            "?what=blank",
            "disagreements",
            "reviewers",
            "figures",
        ):
            page.goto(f"{desk.address}/{address}")
            page.wait_for_load_state("networkidle")
            check(page)
        expect(page.locator(".bar")).to_contain_text(SCRIPT)
        page.goto(f"{desk.address}/disagreements")
        expect(page.locator("tbody").first).to_contain_text(IMAGE)
        go_through(page, desk)
        page.goto(f"{desk.address}/?what=unseen")
        page.wait_for_selector("body[data-ready]")
        page.keyboard.press("Enter")
        opened(page)
        expect(page.locator(".facts")).to_contain_text("<script>alert(1)</script>")
        check(page)
        assert watched.faults == [], "not even something that the policy had to stop"
        assert {address.split("/")[2] for address in watched.asked} == {desk.address.split("/")[2]}


def go_through(page: Page, desk: DeskThread) -> None:
    """Every change, with zones, dialogs and an outline, as a reviewer would."""
    page.goto(f"{desk.address}/review?show=all&subject={subjects(desk)[0]}")
    opened(page)
    expect(page.locator(".facts")).to_contain_text(SCRIPT)
    expect(page.locator(".facts")).to_contain_text(SVG)
    expect(page.locator("#given")).to_contain_text(IMAGE)
    for key in ("y", "?", "Escape", "l", "Escape", "s", "s", "s"):
        page.keyboard.press(key)
        page.wait_for_timeout(60)
    for _ in HOSTILE[1:]:
        page.locator("summary").first.evaluate("node => node.parentElement.open = true")
        settled(page)
        check(page)
        there = page.evaluate("() => history.state.subject")
        page.keyboard.press("j")
        page.wait_for_function("(subject) => history.state.subject !== subject", arg=there)


def check(page: Page) -> None:
    assert page.evaluate("() => window.ran") is None
    assert page.locator("img[src='x'], svg[onload], [onclick], [onerror], iframe, object, embed").count() == 0
    assert page.evaluate("() => [...document.scripts].every((s) => s.type === 'application/json' || s.src)")
