"""The desk in a real browser: a whole review by keyboard, and what is on the screen while it is done."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, Route

from catalog.review import ReviewStore
from review.palettes import BRIGHTER, DARKER
from review.server import sign_in_link
from tests.services.desk import DeskProcess, Watched, looking_at, running_desk, settled, shot
from tests.system.desk_runs import APPEARED, VANISHED, planted_pair, sitewatch

pytestmark = pytest.mark.system

EXPECTED = r"ERR_|net::|status of 422|beforeunload"
"""What a browser says of answers that a test has lost or refused."""

AXE = Path("requirements/web/node_modules/axe-core/axe.min.js")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of `sitewatch diff` on two plain images, in which both planted objects are found."""
    folder = tmp_path_factory.mktemp("desk")
    before, after = planted_pair(folder)
    # No learned scorer: it has seen no bars on bare ground, and what it makes of them is not what is tested here.
    plain = ("--gsd", "0.5", "--scorer", "statistical")
    found = sitewatch("diff", before, after, *plain, "--out", folder / "out")
    kinds = {change["kind"] for change in found["changes"]}
    assert {"appeared", "vanished"} <= kinds
    return folder / "out"


@pytest.fixture(scope="module")
def opened(outputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskProcess]:
    """One desk for the tests that look and do not answer."""
    root = tmp_path_factory.mktemp("look") / "out"
    shutil.copytree(outputs, root)
    with running_desk(root) as running:
        yield running


@pytest.fixture
def desk(outputs: Path, tmp_path: Path) -> Iterator[DeskProcess]:
    """A desk of the test's own."""
    shutil.copytree(outputs, tmp_path / "out")
    with running_desk(tmp_path / "out") as running:
        yield running


def watched_page(browser: Browser, desk: DeskProcess) -> Iterator[Watched]:
    """The queue of a desk; whatever a test does, the page must not fail nor ask elsewhere."""
    with looking_at(browser, sign_in_link(desk.settings)) as watched:
        yield watched
        assert [fault for fault in watched.faults if not re.search(EXPECTED, fault)] == []
        assert {address.split("/")[2] for address in watched.asked} == {desk.address.split("/")[2]}


@pytest.fixture
def look(chromium: Browser, opened: DeskProcess) -> Iterator[Watched]:
    """The queue of the desk that all share."""
    yield from watched_page(chromium, opened)


@pytest.fixture
def seen(chromium: Browser, desk: DeskProcess) -> Iterator[Watched]:
    """The queue of the test's own desk."""
    yield from watched_page(chromium, desk)


def begin(page: Page, kind: str) -> None:
    """Open the best change of a kind."""
    page.wait_for_selector("body[data-ready]:has(select[name=kind])")
    page.locator("select[name=kind]").select_option(kind)
    page.wait_for_url(re.compile(f"kind={kind}"))
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-ready]")
    settled(page)


def centre(picture: NDArray[np.uint8], share: float = 0.03) -> NDArray[np.float64]:
    """Mean colour in the middle of a picture."""
    rows, cols = picture.shape[:2]
    half = max(2, round(min(rows, cols) * share))
    part = picture[rows // 2 - half : rows // 2 + half, cols // 2 - half : cols // 2 + half]
    return part.reshape(-1, 3).mean(axis=0)


def journal(desk: DeskProcess) -> list[tuple[str, dict[str, object]]]:
    store = ReviewStore(desk.root)
    try:
        return [(event.act, dict(event.body)) for event in store.events()]
    finally:
        store.close()


def saved(page: Page) -> None:
    page.wait_for_function("() => document.querySelector('.outbox').dataset.state === 'saved'")


def test_a_whole_review_by_keyboard(seen: Watched, desk: DeskProcess) -> None:
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
    page.keyboard.press("t")
    page.keyboard.type("two rows <b>north</b> of the road")
    page.keyboard.press("Control+Enter")
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
    assert "&lt;b&gt;" in page.content() or "<b>north" not in page.content()


def test_a_missed_change_is_added_by_keyboard(seen: Watched, desk: DeskProcess) -> None:
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


def test_what_appeared_is_bright_after_and_not_before(look: Watched) -> None:
    page = look.page
    begin(page, "appeared")
    before, after = (centre(shot(page, side)) for side in ("#left", "#right"))
    assert after.min() > before.max() + 60
    page.keyboard.down(" ")
    settled(page)
    held = centre(shot(page, "#left"))
    page.keyboard.up(" ")
    settled(page)
    assert np.abs(held - after).max() < 6, "the other date for as long as it is held"
    assert np.abs(centre(shot(page, "#left")) - before).max() < 6


def test_zoom_and_pan_are_one_for_both(look: Watched) -> None:
    page = look.page
    begin(page, "appeared")
    page.keyboard.press("h")
    for key in ("-", "-", "ArrowLeft"):
        page.keyboard.press(key)
    settled(page)
    left, right = shot(page, "#left"), shot(page, "#right")
    rows = slice(130, 420)
    cols = slice(20, 200)
    one, other = left[rows, cols].mean(axis=2), right[rows, cols].mean(axis=2)
    same = np.corrcoef(one.ravel(), other.ravel())[0, 1]
    aside = np.corrcoef(one[:, 9:].ravel(), other[:, :-9].ravel())[0, 1]
    assert same > 0.7, "the same ground at the same place"
    assert same > aside + 0.1


def test_swipe_shows_both_dates_at_their_side(look: Watched) -> None:
    page = look.page
    begin(page, "appeared")
    page.keyboard.press("h")
    page.keyboard.press("2")
    settled(page)
    wide = shot(page, "#left")
    rows, cols = wide.shape[:2]
    left = wide[rows // 2 - 8 : rows // 2 + 8, cols // 2 - 30 : cols // 2 - 16].mean()
    right = wide[rows // 2 - 8 : rows // 2 + 8, cols // 2 + 16 : cols // 2 + 30].mean()
    assert right > left + 60
    for _ in range(4):
        page.keyboard.press("[")
    settled(page)
    moved = shot(page, "#left")
    assert moved[rows // 2 - 8 : rows // 2 + 8, cols // 2 - 30 : cols // 2 - 16].mean() > left + 60
    box = page.locator(".handle").bounding_box()
    page.mouse.move(box["x"] + 12, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(700, box["y"] + 100)
    page.mouse.up()
    settled(page)
    dragged = shot(page, "#left")
    assert abs(dragged[rows // 2 - 8 : rows // 2 + 8, cols // 2 + 16 : cols // 2 + 30].mean() - left) < 30


def test_blink_alternates_and_its_pace_can_be_set(look: Watched) -> None:
    page = look.page
    begin(page, "appeared")
    page.keyboard.press("h")
    page.keyboard.press("3")
    for _ in range(5):
        page.keyboard.press("[")
    assert "0.5 per second" in page.locator("#tag-left").inner_text()
    colours = []
    until = time.monotonic() + 6
    while time.monotonic() < until and len({colour > 150 for colour in colours}) < 2:
        colours.append(centre(shot(page, "#left")).mean())
        page.wait_for_timeout(250)
    assert max(colours) > min(colours) + 60
    for _ in range(9):
        page.keyboard.press("]")
    assert "3 per second" in page.locator("#tag-left").inner_text(), "no faster than is safe to look at"


def test_fade_mixes_both_dates(look: Watched) -> None:
    page = look.page
    begin(page, "appeared")
    before, after = (centre(shot(page, side)) for side in ("#left", "#right"))
    page.keyboard.press("4")
    settled(page)
    mixed = centre(shot(page, "#left"))
    assert np.abs(mixed - (before + after) / 2).max() < 12
    for _ in range(5):
        page.keyboard.press("]")
    settled(page)
    assert np.abs(centre(shot(page, "#left")) - after).max() < 8


def test_difference_and_evidence_say_brighter_and_darker(look: Watched) -> None:
    page = look.page
    begin(page, "appeared")
    page.keyboard.press("h")
    page.keyboard.press("5")
    settled(page)
    appeared = centre(shot(page, "#left"), 0.015)
    assert np.abs(appeared - BRIGHTER).max() < 40
    assert "brighter than before" in page.locator(".legend").inner_text()
    page.keyboard.press("1")
    page.keyboard.press("e")
    settled(page)
    covered = centre(shot(page, "#left"), 0.015)
    assert covered[0] > covered[2] + 40, "yellow over the dark ground of before"

    page.keyboard.press("q")
    begin(page, "vanished")
    page.keyboard.press("h")
    page.keyboard.press("5")
    settled(page)
    assert np.abs(centre(shot(page, "#left"), 0.015) - DARKER).max() < 40


def test_contrast_is_shared_and_can_be_taken_back(look: Watched) -> None:
    page = look.page
    begin(page, "appeared")
    page.keyboard.press("h")
    usual = [shot(page, side).mean() for side in ("#left", "#right")]
    page.keyboard.press("w")
    page.locator("#contrast input[name=high]").focus()
    for _ in range(12):
        page.keyboard.press("PageUp")
    page.wait_for_timeout(300)
    page.keyboard.press("Escape")
    settled(page)
    darker = [shot(page, side).mean() for side in ("#left", "#right")]
    assert darker[0] < usual[0] * 0.75
    assert darker[1] < usual[1] * 0.75
    page.keyboard.press("x")
    page.wait_for_timeout(300)
    settled(page)
    assert np.abs(np.subtract([shot(page, side).mean() for side in ("#left", "#right")], usual)).max() < 2


def test_outlines_show_kind_by_colour_and_line(look: Watched) -> None:
    page = look.page
    begin(page, "vanished")
    on = shot(page, "#left").astype(int)
    orange = (np.abs(on - (240, 140, 0)) < 40).all(axis=2).sum()
    assert orange > 60
    page.keyboard.press("h")
    settled(page)
    off = shot(page, "#left").astype(int)
    assert (np.abs(off - (240, 140, 0)) < 40).all(axis=2).sum() < orange / 10


def test_scales_show_more_and_more_of_the_scene(look: Watched) -> None:
    page = look.page
    begin(page, "appeared")
    bars = []
    for _ in range(3):
        words = page.locator(".scalebar span").inner_text()
        width = page.locator(".scalebar i").bounding_box()["width"]
        bars.append(float(words.split()[0]) / width)
        page.keyboard.press("s")
        settled(page)
    assert bars[0] < bars[1] <= bars[2]


def test_a_measured_length_is_in_metres(look: Watched) -> None:
    page = look.page
    begin(page, "appeared")
    words = page.locator(".scalebar span").inner_text()
    width = page.locator(".scalebar i").bounding_box()["width"]
    page.keyboard.press("m")
    box = page.locator("#left").bounding_box()
    x, y = box["x"] + 60, box["y"] + 300
    page.mouse.click(x, y)
    page.mouse.move(x + width, y, steps=4)
    page.wait_for_timeout(200)
    with_line = shot(page, "#left").astype(int)
    assert (np.abs(with_line - (255, 211, 77)) < 30).all(axis=2).sum() > width
    assert page.locator(".message").inner_text().startswith("Measure")
    page.keyboard.press("Escape")
    assert page.locator(".message").is_hidden()
    assert words.endswith("m")


def test_an_answer_survives_a_lost_connection(seen: Watched, desk: DeskProcess) -> None:
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


def test_an_answer_that_arrived_unheard_counts_once(seen: Watched, desk: DeskProcess) -> None:
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


def test_a_refused_answer_is_shown_until_it_was_read(seen: Watched, desk: DeskProcess) -> None:
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


def test_the_next_change_is_there_at_once(look: Watched) -> None:
    page = look.page
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-ready]")
    settled(page)
    page.wait_for_load_state("networkidle")
    took = page.evaluate(
        """() => new Promise((done) => {
            const left = document.querySelector('#left'), was = left.dataset.shown, began = performance.now();
            const look = () => left.dataset.shown !== was && left.dataset.rendered === 'yes'
                ? done(performance.now() - began) : requestAnimationFrame(look);
            dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true }));
            look();
        })"""
    )
    assert took < 400, f"{took:.0f} ms; the aim on an idle machine is 100"


@pytest.mark.parametrize(
    "where", ["queue", "compare", "reject", "keys", "disagreements", "reviewers", "figures"]
)
def test_no_serious_fault_of_accessibility(
    look: Watched, opened: DeskProcess, where: str, repository: Path
) -> None:
    page = look.page
    if where in ("compare", "reject", "keys"):
        begin(page, "appeared")
        if where != "compare":
            page.keyboard.press({"reject": "r", "keys": "?"}[where])
    elif where != "queue":
        page.goto(f"{opened.address}/{where}")
    page.evaluate((repository / AXE).read_text())
    found = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    serious = [
        (fault["id"], [node["target"] for node in fault["nodes"]][:3])
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_everything_fits_a_small_screen(look: Watched) -> None:
    page = look.page
    begin(page, "appeared")
    wide = page.evaluate(
        "() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    assert wide[0] <= 1280
    assert wide[1] <= 720
    for button in page.locator(".decide button, .tools button").all():
        box = button.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 1280
        assert box["y"] + box["height"] <= 720
        overflow = button.evaluate("b => b.scrollWidth - b.clientWidth")
        assert overflow <= 1, button.inner_text()


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
