"""Files of a run from the desk: asked for on the page, made by the command's code, downloaded by the browser."""

import json
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Download, Page, expect

from catalog.exports.export import export
from catalog.exports.wish import Wish
from tests.review.conftest import PLAIN_RUN, SITE_RUN
from tests.services.desk import DeskThread
from tests.system.desk.pages import opened, say, start_link, subjects, watched_page

pytestmark = pytest.mark.system

NAME = SITE_RUN.replace("/", "_")


def choose(page: Page, *formats: str) -> None:
    """Only these formats."""
    expect(page.locator("dialog input[name=format]")).to_have_count(7)
    for box in page.locator("dialog input[name=format]").all():
        box.set_checked(box.get_attribute("value") in formats)


def made(page: Page) -> Download:
    with page.expect_download() as caught:
        page.get_by_role("button", name="Make files").click()
    return caught.value


def test_a_brief_of_what_is_on_the_screen_by_keyboard(
    chromium: Browser, five_desk: DeskThread, tmp_path: Path
) -> None:
    with watched_page(chromium, five_desk) as watched:
        page = watched.page
        page.goto(f"{five_desk.address}/review?subject={subjects(five_desk)[0]}")
        opened(page)
        page.keyboard.press("f")
        expect(page.locator("dialog")).to_contain_text("Test base, 2024-12-04 to 2024-12-20")
        with page.expect_download() as caught:
            page.keyboard.press("Enter")
        file = caught.value
        assert file.suggested_filename == f"{NAME}-brief.pdf"
        file.save_as(tmp_path / "brief.pdf")
        assert (tmp_path / "brief.pdf").read_bytes().startswith(b"%PDF")
        expect(page.locator("dialog [role=status]")).to_contain_text(f"{NAME}-brief.pdf")
        page.keyboard.press("Escape")
        expect(page.locator("dialog")).to_have_count(0)
        page.keyboard.press("u")
        page.wait_for_selector("text=all saved")


def test_what_a_filter_shows_or_one_run_of_it(
    chromium: Browser, five_desk: DeskThread, tmp_path: Path
) -> None:
    subject = subjects(five_desk)[0]
    say(five_desk, "Omar", "verdict", subject, verdict="confirmed")
    with watched_page(chromium, five_desk, start_link(five_desk, "Rea", "read-only")) as watched:
        page = watched.page
        page.wait_for_selector("body[data-ready]")
        page.get_by_role("button", name="Hand over").click()
        choose(page, "geojson", "csv")
        page.get_by_label("Confirmed only").check()
        page.get_by_label("Anonymous").check()
        file = made(page)
        assert file.suggested_filename == "sitewatch-2-comparisons.zip"
        file.save_as(tmp_path / "both.zip")
        with zipfile.ZipFile(tmp_path / "both.zip") as archive:
            names = {f"{run}.{form}" for run in (NAME, PLAIN_RUN) for form in ("geojson", "csv")}
            assert set(archive.namelist()) == names
            found = json.loads(archive.read(f"{NAME}.geojson"))
            assert [feature["id"] for feature in found["features"]] == [subject]
            assert "Omar" not in json.dumps(found)

        page.locator("dialog select").select_option(label=f"{PLAIN_RUN}, no date to no date")
        choose(page, "csv")
        page.get_by_label("Confirmed only").uncheck()
        page.locator("dialog input[name=score]").fill("0.5")
        made(page).save_as(tmp_path / "one.csv")
        wish = Wish(formats=("csv",), to=tmp_path / "to", min_score=0.5, anonymous=True)
        (written,) = export(five_desk.root / PLAIN_RUN, wish).written
        assert (tmp_path / "one.csv").read_bytes() == written.path.read_bytes()

        page.keyboard.press("Escape")
        page.locator("select[name=site]").select_option("testbase")
        page.wait_for_url(re.compile("site=testbase"))
        page.wait_for_selector("body[data-ready]")
        page.keyboard.press("f")
        expect(page.locator("dialog")).to_contain_text("Test base, 2024-12-04 to 2024-12-20")
        expect(page.locator("dialog select")).to_have_count(0)


def test_what_cannot_be_made_is_said_on_the_page(chromium: Browser, five_desk: DeskThread) -> None:
    with watched_page(chromium, five_desk) as watched:
        page = watched.page
        page.wait_for_selector("body[data-ready]")
        page.keyboard.press("f")
        alert, make = page.locator("dialog [role=alert]"), page.get_by_role("button", name="Make files")
        choose(page)
        make.click()
        expect(alert).to_have_text("No files were made: choose at least one format.")
        choose(page, "stac")
        page.get_by_label("Confirmed only").check()
        make.click()
        expect(alert).to_contain_text("a STAC copy is the whole comparison and leaves nothing out")
        page.get_by_label("Confirmed only").uncheck()
        choose(page, "kml")
        make.click()
        expect(alert).to_contain_text(f"{PLAIN_RUN} has no georeference, and KML holds positions")
        expect(make).to_be_enabled()
        choose(page, "csv")
        assert made(page).suggested_filename == "sitewatch-2-comparisons.zip"
        expect(alert).to_be_hidden()
