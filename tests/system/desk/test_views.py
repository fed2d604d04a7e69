"""Both dates on the screen: every way of comparing them, and what lies over them."""

import itertools
import re
import time

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from review.palettes import BRIGHTER, DARKER
from tests.services.desk import DeskThread, Watched, settled, shot
from tests.system.desk.pages import await_screen, begin, centre, opened, subjects, watched_page

pytestmark = pytest.mark.system


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
    expect(page.locator("#tag-left")).to_have_text("before time unknown and after time unknown · 50 % after")
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
    page.keyboard.press("/")
    expect(page.locator(".legend .lines")).to_be_hidden()
    page.locator(".legend").get_by_role("button", name="Legend").click()
    expect(page.locator(".legend .lines")).to_be_visible()
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
    for tag in ("#tag-left", "#tag-right"):
        expect(page.locator(tag)).to_contain_text("contrast changed")
    darker = [shot(page, side).mean() for side in ("#left", "#right")]
    assert darker[0] < usual[0] * 0.75
    assert darker[1] < usual[1] * 0.75
    page.keyboard.press("x")
    page.wait_for_timeout(300)
    settled(page)
    expect(page.locator("#tag-left")).not_to_contain_text("changed")
    assert np.abs(np.subtract([shot(page, side).mean() for side in ("#left", "#right")], usual)).max() < 2


def test_scales_show_more_and_more_of_the_scene(chromium: Browser, five_desk: DeskThread) -> None:
    with watched_page(chromium, five_desk) as watched:
        page = watched.page
        begin(page, "moved")
        bars = []
        for _ in range(4):
            words = page.locator(".scalebar span").inner_text()
            width = page.locator(".scalebar i").bounding_box()["width"]
            bars.append(float(words.split()[0]) / width)
            page.keyboard.press("s")
            settled(page)
    assert bars[0] * 1.5 < bars[1] < bars[2] * 0.9, "the change, its tile, the whole scene"
    assert bars[3] == bars[0], "and back"


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
    told = re.match(r"Measure: ([\d.]+) m\.", page.locator(".message").inner_text())
    assert abs(float(told.group(1)) / float(words.removesuffix(" m")) - 1) < 0.03, (
        "as long as the scale bar says"
    )
    page.keyboard.press("Escape")
    assert page.locator(".message").is_hidden()


def test_contrast_and_bands_are_those_of_the_run_that_is_shown(
    chromium: Browser, five_desk: DeskThread
) -> None:
    runs = {e.subject: e.run.replace("/", "_") for e in five_desk.app.state.store.queue().entries}
    order = subjects(five_desk)
    at = next(i for i, (a, b) in enumerate(itertools.pairwise(order)) if runs[a] != runs[b])
    with watched_page(chromium, five_desk) as watched:
        page = watched.page
        page.goto(f"{five_desk.address}/review?subject={order[at]}")
        opened(page)
        page.keyboard.press("b")
        expect(page.locator(".message")).to_have_text("Bands: red")
        expect(page.locator("#tag-right")).to_contain_text("· bands: red")
        page.keyboard.press("w")
        page.locator("#contrast input[name=gamma]").fill("2.5")
        page.locator(".tools button", has_text="Contrast").focus()
        page.keyboard.press("j")
        await_screen(page, order[at + 1])
        answer = page.request.get(f"{five_desk.address}/api/runs/{runs[order[at + 1]]}").json()
        form = page.locator("#contrast")
        for name in ("low", "high", "gamma"):
            value = float(form.locator(f"input[name={name}]").input_value())
            usual = answer["stretch"][name]
            assert abs(value - usual) <= abs(usual) * 0.02 + 0.02, name
        page.wait_for_timeout(300)
        assert not [a for a in watched.asked if runs[order[at + 1]] in a and "gamma=2.5" in a]
        page.keyboard.press("b")
        expect(page.locator(".message")).to_have_text("Bands: red")
