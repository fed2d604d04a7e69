"""Answers on their way: lost, unheard, refused, and never lost for good."""

import json

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.services.desk import DeskThread, Watched, looking_at
from tests.system.desk.pages import begin, events, journal, saved, start_link

pytestmark = pytest.mark.system


def test_an_answer_survives_a_lost_connection(seen: Watched, desk: DeskThread) -> None:
    page = seen.page
    begin(page, "appeared")
    page.route("**/api/answers", lambda route: route.abort())
    page.keyboard.press("c")
    page.wait_for_selector(".banner:visible")
    assert "kept in this browser" in page.locator(".banner").inner_text()
    assert "1 not saved yet" in page.locator(".outbox").inner_text()
    assert journal(desk) == []
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.unroute("**/api/answers")
    page.reload()
    saved(page)
    assert journal(desk) == [("verdict", {"verdict": "confirmed"})]


def test_an_answer_that_arrived_unheard_counts_once(seen: Watched, desk: DeskThread) -> None:
    page = seen.page
    begin(page, "appeared")
    tries = []

    def lose_the_first_reply(route: Route) -> None:
        tries.append(json.loads(route.request.post_data)["key"])
        if len(tries) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/api/answers", lose_the_first_reply)
    page.keyboard.press("c")
    page.wait_for_function("() => document.querySelector('.outbox').dataset.state === 'waiting'")
    saved(page)
    assert len(tries) == 2
    assert tries[0] == tries[1]
    assert len(journal(desk)) == 1


def test_a_refused_answer_is_shown_until_it_was_read(seen: Watched, desk: DeskThread) -> None:
    page = seen.page
    begin(page, "appeared")
    page.route(
        "**/api/answers",
        lambda route: route.fulfill(
            status=422, content_type="application/json", body='{"error": "no such reason"}'
        ),
    )
    page.keyboard.press("c")
    page.wait_for_selector(".banner:visible")
    assert "no such reason" in page.locator(".banner").inner_text()
    page.unroute("**/api/answers")
    page.keyboard.press("j")
    assert page.locator(".banner").is_visible()
    page.locator(".banner button").click()
    assert page.locator(".banner").is_hidden()
    assert journal(desk) == []


def test_two_tabs_of_one_reviewer_keep_both_answers(seen: Watched, desk: DeskThread) -> None:
    one = seen.page
    begin(one, "appeared")
    two = one.context.new_page()
    two.goto(f"{desk.address}/")
    begin(two, "vanished")
    one.context.route("**/api/answers", lambda route: route.abort())
    for page, key in ((one, "c"), (two, "u"), (one, "t")):
        page.keyboard.press(key)
    one.keyboard.type("only in this tab")
    one.keyboard.press("Control+Enter")
    for page in (one, two):
        page.wait_for_function("() => document.querySelector('.outbox').textContent === '3 not saved yet'")
    one.on("dialog", lambda dialog: dialog.accept())
    one.close(run_before_unload=True)
    assert journal(desk) == []

    two.context.unroute("**/api/answers")
    saved(two)
    said = [body.get("verdict") or body["text"] for _, body in journal(desk)]
    assert sorted(said) == ["confirmed", "only in this tab", "unsure"]
    assert two.evaluate("() => Object.keys(localStorage).filter((name) => name.includes('outbox'))") == []


def test_an_answer_refused_in_one_tab_is_read_once(seen: Watched, desk: DeskThread) -> None:
    one = seen.page
    begin(one, "appeared")
    two = one.context.new_page()
    two.goto(f"{desk.address}/")
    one.context.route(
        "**/api/answers",
        lambda route: route.fulfill(
            status=422, content_type="application/json", body='{"error": "no such reason"}'
        ),
    )
    one.keyboard.press("c")
    for page in (one, two):
        page.wait_for_selector(".banner:has-text('no such reason')")
    two.locator(".banner button").click()
    for page in (one, two):
        page.wait_for_selector(".banner", state="hidden")
    one.reload()
    one.wait_for_selector("body[data-ready]")
    assert one.locator(".outbox").inner_text() == "all saved"


def test_an_answer_waits_until_its_reviewer_has_signed_in_again(chromium: Browser, desk: DeskThread) -> None:
    with looking_at(chromium, start_link(desk, "Ana", "reviewer")) as watched:
        page = watched.page
        begin(page, "appeared")
        other = page.context.new_page()
        other.goto(f"{desk.address}/")
        other.get_by_role("button", name="Sign out").click()
        page.keyboard.press("c")
        expect(page.locator(".banner")).to_contain_text("you are signed out")
        other.goto(start_link(desk, "Omar", "reviewer"))
        page.locator(".banner button").click()
        expect(page.locator(".banner")).to_contain_text("this page belongs to an earlier session")
        assert journal(desk) == [], "nobody else's answer"
        other.get_by_role("button", name="Sign out").click()
        other.goto(start_link(desk, "Ana", "reviewer"))
        page.on("dialog", lambda dialog: dialog.accept())
        page.reload()
        saved(page)
        assert [(event.reviewer, event.body["verdict"]) for event in events(desk)] == [("Ana", "confirmed")]
