"""What tests of the desk do with a page: open a change, wait until answers are saved, read the journal."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from catalog import reviewers
from catalog.journal import ReviewDraft, ReviewEvent
from catalog.review import ReviewStore
from tests.services.desk import DeskProcess, DeskThread, Watched, looking_at, settled

EXPECTED = r"ERR_|net::|status of 422|beforeunload"
"""What a browser says of answers that a test has lost or refused."""

COLOURS = {"appeared": (86, 180, 233), "vanished": (240, 140, 0), "moved": (255, 210, 230)}
"""Of outlines, as the map paints them."""

AXE = Path("requirements/web/node_modules/axe-core/axe.min.js")

Desk = DeskProcess | DeskThread


@contextlib.contextmanager
def watched_page(browser: Browser, desk: Desk, link: str | None = None) -> Iterator[Watched]:
    """The queue of a desk; whatever a test does, the page must not fail nor ask elsewhere."""
    with looking_at(browser, link or start_link(desk)) as watched:
        yield watched
        assert [fault for fault in watched.faults if not re.search(EXPECTED, fault)] == []
        assert {address.split("/")[2] for address in watched.asked} == {desk.address.split("/")[2]}


def start_link(desk: Desk, name: str = "Lena", role: reviewers.Role = "lead") -> str:
    """A link that signs somebody in."""
    return f"{desk.address}/signin?token={reviewers.invite(desk.root, name, role, given_by='test', kind='start')}"


def begin(page: Page, kind: str) -> None:
    """Open the best change of a kind."""
    page.wait_for_selector("body[data-ready]:has(select[name=kind])")
    page.locator("select[name=kind]").select_option(kind)
    page.wait_for_url(re.compile(f"kind={kind}"))
    page.keyboard.press("Enter")
    opened(page)


def opened(page: Page) -> None:
    """Wait until a change is on the screen."""
    page.wait_for_selector("body.compare[data-ready]")
    settled(page)


def centre(picture: NDArray[np.uint8], share: float = 0.03) -> NDArray[np.float64]:
    """Mean colour in the middle of a picture."""
    rows, cols = picture.shape[:2]
    half = max(2, round(min(rows, cols) * share))
    part = picture[rows // 2 - half : rows // 2 + half, cols // 2 - half : cols // 2 + half]
    return part.reshape(-1, 3).mean(axis=0)


def journal(desk: Desk) -> list[tuple[str, dict[str, object]]]:
    """Acts and bodies of all events."""
    return [(event.act, dict(event.body)) for event in events(desk)]


def events(desk: Desk) -> list[ReviewEvent]:
    """All events of the journal."""
    store = ReviewStore(desk.root)
    try:
        return store.events()
    finally:
        store.close()


def say(desk: DeskThread, reviewer: str, act: str, subject: str | None, **body: object) -> ReviewEvent:
    """Somebody else answers meanwhile."""
    run = body.pop("run", None)
    draft = ReviewDraft(key=uuid4().hex, reviewer=reviewer, act=act, subject=subject, run=run, body=body)
    return desk.app.state.store.append(draft)


def on_screen(page: Page) -> str:
    """What is looked at: the subject of answers."""
    return page.evaluate("() => history.state.subject")


def await_screen(page: Page, subject: str) -> None:
    """Wait until a change is on the screen, all of it."""
    page.wait_for_function(
        "(subject) => history.state.subject === subject && document.querySelector('#left').dataset.shown === subject",
        arg=subject,
    )


def subjects(desk: DeskThread) -> list[str]:
    """Changes in the order of the queue."""
    return [entry.subject for entry in desk.app.state.store.queue().entries]


def saved(page: Page) -> None:
    """Wait until every answer has arrived."""
    page.wait_for_function("() => document.querySelector('.outbox').dataset.state === 'saved'")


def assert_accessible(page: Page, repository: Path) -> None:
    """Nothing that axe calls serious or critical."""
    page.evaluate((repository / AXE).read_text())
    found = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    assert found["passes"], "it looked at something"
    serious = [
        (fault["id"], [node["target"] for node in fault["nodes"]][:3])
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
    assert serious == []
