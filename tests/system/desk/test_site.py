"""A watched site, as `sitewatch run` leaves it: reviewed by three people with the keyboard alone."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect
from pyproj import Proj

from review.palettes import STEPS, UNSEEN
from tests.services.desk import DeskThread, settled, shot
from tests.system.desk.pages import (
    assert_accessible,
    begin,
    centre,
    events,
    opened,
    saved,
    start_link,
    watched_page,
)

pytestmark = pytest.mark.system


def view(page: Page, side: str) -> NDArray[np.int64]:
    settled(page)
    return shot(page, side).astype(int)


def test_what_only_a_site_has_is_on_the_screen(chromium: Browser, site_desk: DeskThread) -> None:
    with watched_page(chromium, site_desk) as watched:
        page = watched.page
        expect(page.locator(".simulated").first).to_be_visible()
        begin(page, "appeared")
        expect(page.locator(".facts .simulated")).to_have_text("SIMULATED")
        expect(page.locator(".facts")).to_contain_text("east yard")
        check_north(page, site_desk)
        page.keyboard.press("h")
        check_film(page)
        check_bands(page)
        page.keyboard.press("s")
        check_zones(page)
        check_detectability(page, site_desk)


def check_north(page: Page, desk: DeskThread) -> None:
    """The arrow points to true north, which is not that of the grid."""
    (change,) = [e for e in desk.app.state.store.queue().entries if e.kind == "appeared"]
    convergence = Proj("EPSG:32636").get_factors(change.lon, change.lat).meridian_convergence
    turned = page.locator(".north").evaluate("arrow => arrow.style.transform")
    assert convergence > 1
    assert abs(float(re.search(r"rotate\((.*)deg\)", turned).group(1)) + convergence) < 0.1
    expect(page.locator(".north")).to_be_visible()


def check_film(page: Page) -> None:
    """The object is there on the second of three dates alone."""
    expect(page.locator(".film button")).to_have_count(3)
    there = centre(view(page, "#right"), 0.02).mean()
    before = centre(view(page, "#left"), 0.02).mean()
    assert there > before + 60
    page.keyboard.press(".")
    expect(page.locator("#tag-right")).to_contain_text("in place of after 2025-01-21 08:20:00 UTC")
    expect(page.locator(".film button").nth(2)).to_have_attribute("aria-pressed", "true")
    assert abs(centre(view(page, "#right"), 0.02).mean() - before) < 25, "gone again"
    page.keyboard.press(",")
    expect(page.locator("#tag-right")).to_contain_text("after 2025-01-11")
    page.keyboard.press(",")
    page.keyboard.press(".")
    page.keyboard.press(".")
    page.keyboard.press("0")
    assert abs(centre(view(page, "#right"), 0.02).mean() - there) < 5


def check_bands(page: Page) -> None:
    """Four bands: the usual three, false colour, and each alone."""
    told, colours = [], []
    for _ in range(6):
        page.keyboard.press("b")
        told.append(page.locator(".message").inner_text().removeprefix("Bands: "))
        colours.append(view(page, "#left")[40:-80].mean(axis=(0, 1)))
    assert told == ["false colour (nir, red, green)", "red", "green", "blue", "nir", "as usual"]
    false, red, _, _, nir, usual = colours
    assert false[0] > false[1] + 30, "what is bright in the near infrared is red"
    assert np.ptp(red) < 2, "one band is grey"
    assert np.ptp(nir) < 2
    assert nir[0] > red[0] + 10
    assert np.ptp(usual) < np.ptp(false)


def check_zones(page: Page) -> None:
    without = view(page, "#left")
    page.keyboard.press("y")
    lines = np.abs(view(page, "#left") - without).sum(axis=2) > 60
    page.keyboard.press("y")
    rows, cols = lines.any(axis=1).nonzero()[0], lines.any(axis=0).nonzero()[0]
    assert np.ptp(cols) > lines.shape[1] * 0.6, "its northern edge"
    assert np.ptp(rows) > lines.shape[0] * 0.3, "its eastern edge"
    assert lines.mean() < 0.05, "lines, not areas"


def check_detectability(page: Page, desk: DeskThread) -> None:
    """Colours of the legend, in the shares that the file has for this tile."""
    without = view(page, "#left")
    page.keyboard.press("d")
    covered = view(page, "#left")
    expect(page.locator(".legend")).to_contain_text("objects of 12 m found")
    expect(page.locator(".legend")).to_contain_text("none of these found")
    lengths = stored_cells(desk, -1)
    assert max(np.isclose(lengths, m).mean() for m in (12, 35, 100, np.inf)) < 0.9, "more than one of them"
    check_shares(
        without, covered, [*STEPS[:3], STEPS[-1]], [np.isclose(lengths, m) for m in (12, 35, 100, np.inf)]
    )
    check_sizes(page, desk, without)
    page.keyboard.press("d")
    expect(page.locator(".legend")).to_be_hidden()


def check_sizes(page: Page, desk: DeskThread, without: NDArray[np.int64]) -> None:
    """One size of objects: found or missed, with the share of the whole and of this tile."""
    run = site_run(desk)
    entry = json.loads((run / "report.json").read_text())["detectability"]
    legend, picker = page.locator(".legend"), page.locator(".legend select")
    words = [size["words"] for size in entry["sizes"]]
    assert picker.locator("option").all_inner_texts() == ["the smallest found", *words]
    item = page.evaluate("() => JSON.parse(document.querySelector('#first').textContent).item")
    for number, size in enumerate(entry["sizes"]):
        if number == 1:
            picker.select_option(label=size["words"])
            page.locator("#left").focus()
        else:
            page.keyboard.press("p")
        here = entry["tiles"][item["tile"]]["found_share"][size["name"]]
        expect(legend).to_contain_text(
            f"Share of {size['words']} that would have been found: {size['found_share'] * 100:.0f} %, "
            f"{here * 100:.0f} % in this tile"
        )
        expect(legend).to_contain_text(f"{size['words']} would have been missed")
        expect(picker).to_have_value(size["name"])
        enough = stored_cells(desk, number) <= entry["ordinary_contrast"]
        check_shares(without, view(page, "#left"), [STEPS[0], STEPS[-1]], [enough, ~enough])
    page.keyboard.press("p")
    expect(picker).to_have_value("")
    expect(legend).to_contain_text("none of these found")


def site_run(desk: DeskThread) -> Path:
    return next((desk.root / "field").glob("*_20250111T082000Z"))


def stored_cells(desk: DeskThread, layer: int) -> NDArray[np.float64]:
    """A layer of the tile that is shown, as the file has it."""
    with rasterio.open(site_run(desk) / "detectability.tif") as stored:
        cells = stored.read(range(1, stored.count + 1)[layer])[: 350 // 8, 533 // 8 : 1066 // 8]
    return np.asarray(cells, np.float64)


def check_shares(
    without: NDArray[np.int64],
    covered: NDArray[np.int64],
    colours: list[tuple[int, int, int]],
    wanted: list[NDArray[np.bool_]],
) -> None:
    part = (slice(60, -90), slice(20, -20))
    strength = 125 / 255
    mixed = [without[part] * (1 - strength) + np.array(colour) * strength for colour in colours]
    fits = [np.abs(covered[part] - there).max(axis=2) < 8 for there in mixed]
    assert np.any(fits, axis=0).mean() > 0.9, "one of the colours of the legend everywhere"
    shares = [there.mean() for there in wanted]
    assert np.abs(np.subtract([fit.mean() for fit in fits], shares)).max() < 0.1


def test_tiles_without_changes_are_looked_at_too(
    chromium: Browser, site_desk: DeskThread, repository: Path
) -> None:
    with watched_page(chromium, site_desk, start_link(site_desk, "Ana", "reviewer")) as watched:
        page = watched.page
        page.goto(f"{site_desk.address}/?what=unseen")
        page.wait_for_selector("body[data-ready]")
        expect(page.locator("a.change")).to_have_count(2)
        expect(page.locator("a.change").first).to_contain_text("0% of the tile can be seen on both dates")
        page.keyboard.press("Enter")
        opened(page)
        expect(page.locator("#given")).to_have_text("Nothing can be said of this tile")
        page.keyboard.press("v")
        expect(page.locator(".legend")).to_contain_text("not observed on both dates")
        for side in ("#left", "#right"):
            hatched = np.abs(view(page, side)[60:300, 40:-40] - UNSEEN).max(axis=2) < 30
            assert 0.15 < hatched.mean() < 0.6, "lines over all of it"
        page.keyboard.press("c")
        page.wait_for_timeout(200)
        assert events(site_desk) == [], "no verdict on what nobody can see"

        page.keyboard.press("q")
        page.get_by_role("link", name="Blank tiles").press("Enter")
        page.wait_for_url(re.compile("what=blank"))
        page.wait_for_selector("body[data-ready]")
        expect(page.locator("a.change")).to_have_count(7)
        page.keyboard.press("Enter")
        opened(page)
        assert_accessible(page, repository)
        first = page.evaluate("() => history.state.subject")
        page.keyboard.press("c")
        expect(page.locator("#left-count")).to_have_text("6 waiting")
        settled(page)
        second = page.evaluate("() => history.state.subject")
        assert second != first
        page.keyboard.press("a")
        page.keyboard.press("Enter")
        page.keyboard.press("1")
        page.keyboard.press("1")
        expect(page.locator("#left-count")).to_have_text("5 waiting")
        saved(page)
        said = [(event.act, event.subject, event.body.get("verdict")) for event in events(site_desk)]
        assert said[0] == ("verdict", first, "nothing_missed")
        assert said[1][0] == "missed"
        assert said[2] == ("verdict", second, "missed")


def test_a_second_reviewer_disagrees_and_a_lead_settles(chromium: Browser, site_desk: DeskThread) -> None:
    people = [start_link(site_desk, name, "reviewer") for name in ("Ana", "Omar")]
    with watched_page(chromium, site_desk, people[0]) as ana:
        page = ana.page
        begin(page, "appeared")
        subject = page.evaluate("() => history.state.subject")
        page.keyboard.press("t")
        page.keyboard.type("the yellow crane")
        page.keyboard.press("Control+Enter")
        page.keyboard.press("c")
        saved(page)
    with watched_page(chromium, site_desk, people[1]) as omar:
        page = omar.page
        expect(page.locator(f"a[href*='{subject}'].change")).to_contain_text("second review")
        begin(page, "appeared")
        expect(page.locator("#given")).to_contain_text("Blind second review")
        assert "crane" not in page.locator(".panel").inner_text()
        assert "Ana" not in page.locator(".panel").inner_text()
        page.keyboard.press("g")  # stay
        page.keyboard.press("r")
        page.keyboard.press("5")
        expect(page.locator("#given")).to_contain_text("Ana: confirmed")
        expect(page.locator("#given")).to_contain_text("You: rejected, seasonal")
        expect(page.locator("#given")).to_contain_text("disputed")
        expect(page.locator(".facts")).to_contain_text("the yellow crane")
    with watched_page(chromium, site_desk) as lena:
        page = lena.page
        page.goto(f"{site_desk.address}/disagreements")
        page.wait_for_selector("body[data-ready]")
        expect(page.locator("tbody")).to_contain_text("Ana: confirmed; Omar: rejected (seasonal)")
        page.keyboard.press("Enter")
        opened(page)
        page.keyboard.press("c")
        saved(page)
        assert events(site_desk)[-1].body == {"verdict": "confirmed", "settles": True}
        page.goto(f"{site_desk.address}/disagreements")
        expect(page.locator(".empty")).to_be_visible()
        page.goto(f"{site_desk.address}/figures")
        expect(page.locator("main")).to_contain_text("1 of 1 decided changes are real")
        expect(page.locator("main")).to_contain_text("0 of 1 alike")
