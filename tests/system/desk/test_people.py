"""Several people at one desk: invited, shut out, blind to each other, of different opinions."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from catalog import reviewers
from tests.services.desk import DeskThread, Watched, looking_at
from tests.system.desk.pages import events, opened, saved, say, start_link, subjects, watched_page

pytestmark = pytest.mark.system

SIGN_IN = re.compile("/signin$")


@pytest.fixture
def second(chromium: Browser, desk: DeskThread) -> Iterator[Watched]:
    """Another browser, in which nobody has signed in."""
    with looking_at(chromium, f"{desk.address}/") as watched:
        yield watched
        assert [fault for fault in watched.faults if "403" not in fault] == []


def test_somebody_is_invited_comes_in_signs_out_and_is_shut_out(
    seen: Watched, second: Watched, desk: DeskThread
) -> None:
    lead, other = seen.page, second.page
    expect(other).to_have_url(SIGN_IN)

    lead.get_by_role("link", name="Reviewers").click()
    lead.get_by_label("Name").fill("Omar")
    lead.get_by_role("button", name="Invite").click()
    link = lead.get_by_label("Invitation link").input_value()
    expect(lead.locator("table")).to_contain_text("Omar")

    other.goto(link)
    expect(other.locator("h1")).to_have_text("Welcome, Omar")
    other.get_by_role("button", name="Sign in as Omar").click()
    expect(other).to_have_title(re.compile("^Queue"))
    expect(other.locator(".bar")).to_contain_text("Omar · reviewer")

    other.get_by_role("button", name="Sign out").click()
    expect(other).to_have_url(SIGN_IN)
    other.goto(f"{desk.address}/")
    expect(other).to_have_url(SIGN_IN)
    other.goto(link)
    expect(other.get_by_role("alert").first).to_contain_text("used already")

    other.goto(invitation(desk, "Omar"))
    other.get_by_role("button", name="Sign in as Omar").click()
    expect(other).to_have_title(re.compile("^Queue"))
    lead.get_by_role("link", name="Reviewers").click()
    lead.get_by_role("button", name="Shut out Omar").click()
    expect(lead.locator("table")).not_to_contain_text("Omar")
    other.goto(f"{desk.address}/")
    expect(other).to_have_url(SIGN_IN)


def test_a_reviewer_resolves_a_disagreement_by_answering_again(
    chromium: Browser, five_desk: DeskThread
) -> None:
    subject, other = subjects(five_desk)[:2]
    for place in (subject, other):
        say(five_desk, "Ana", "verdict", place, verdict="confirmed")
        say(five_desk, "Omar", "verdict", place, verdict="unsure")
    with watched_page(chromium, five_desk, start_link(five_desk, "Omar", "reviewer")) as watched:
        page = watched.page
        page.get_by_role("link", name="Disagreements").click()
        page.locator(f"a[href*='{subject}']").click()
        opened(page)
        page.keyboard.press("c")
        saved(page)
        expect(page.locator(".banner")).to_be_hidden()
        assert events(five_desk)[-1].body == {"verdict": "confirmed"}
        page.get_by_role("link", name="Disagreements").click()
        expect(page.locator("tbody tr")).to_have_count(1)
    with watched_page(chromium, five_desk, start_link(five_desk)) as watched:
        page = watched.page
        page.get_by_role("link", name="Disagreements").click()
        page.locator(f"a[href*='{other}']").click()
        opened(page)
        page.keyboard.press("r")
        page.keyboard.press("6")
        saved(page)
        assert events(five_desk)[-1].body == {
            "verdict": "rejected",
            "reason": "known_object",
            "settles": True,
        }
        page.get_by_role("link", name="Disagreements").click()
        expect(page.locator(".empty")).to_have_text("Nobody disagrees about anything.")


def invitation(desk: DeskThread, name: str) -> str:
    token = reviewers.invite(desk.root, name, "reviewer", given_by="test")
    return f"{desk.address}/signin?token={token}"
