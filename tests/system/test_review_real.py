"""The desk on real pairs of images: the screen shows what the files hold, and all is decided by keyboard."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from tests.services.desk import looking_at, running_desk, settled, shot, threaded_desk
from tests.system.desk.pages import COLOURS, events, on_screen, opened, saved, watched_page
from tests.system.desk_runs import sitewatch

pytestmark = pytest.mark.system

CASE = "air_c03_2314c1b5_4e9164aa"


def as_shown(image: NDArray[np.uint8], focus: list[float], size: tuple[int, int]) -> NDArray[np.float32]:
    """The part of an image around the middle of `focus` that a map of `size` (rows, columns) shows."""
    rows, cols = size
    resolution = max((focus[2] - focus[0]) / (cols - 16), (focus[3] - focus[1]) / (rows - 16))
    middle = (focus[0] + focus[2]) / 2, (focus[1] + focus[3]) / 2
    x = middle[0] + (np.arange(cols) - cols / 2 + 0.5) * resolution - 0.5
    y = middle[1] + (np.arange(rows) - rows / 2 + 0.5) * resolution - 0.5
    xs, ys = np.meshgrid(x, y)
    shown: NDArray[np.float32] = cv2.remap(
        image, xs.astype(np.float32), ys.astype(np.float32), cv2.INTER_LINEAR
    ).mean(axis=2)
    return shown


def alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Correlation in the middle, away from what lies over the map."""
    middle = (slice(80, -80), slice(60, -60))
    return float(np.corrcoef(one[middle].ravel(), other[middle].ravel())[0, 1])


def test_an_airport_as_delivered(chromium: Browser, shared_data: Path, tmp_path: Path) -> None:
    case = shared_data / "cases" / "public" / CASE
    images = {date: next(case.glob(f"{date}.*")) for date in ("before", "after")}
    sitewatch("diff", images["before"], images["after"], "--gsd", "0.5", "--out", tmp_path / "out")
    with running_desk(tmp_path / "out") as desk, looking_at(chromium, desk.link) as watched:
        page = watched.page
        page.goto(f"{desk.address}/?label=aircraft+(medium)")
        page.wait_for_selector("body[data-ready]")
        page.keyboard.press("Enter")
        page.wait_for_selector("body.compare[data-ready]")
        page.keyboard.press("h")
        settled(page)
        focus = json.loads(page.locator("#first").inner_text())["item"]["focus"]
        screens = {
            date: shot(page, side).mean(axis=2) for side, date in (("#left", "before"), ("#right", "after"))
        }
        files = {d: as_shown(cv2.imread(str(path)), focus, screens[d].shape) for d, path in images.items()}
        assert alike(screens["before"], files["before"]) > 0.95
        # What is shown as after was laid on before; the file was not.
        assert alike(screens["after"], files["after"]) > max(
            0.6, alike(screens["after"], files["before"]) + 0.1
        )
        assert watched.faults == []


THREE = {
    "veh_c03_1": ("png", "--gsd", "0.5", "--min-score", "0.96"),
    "ship_longbeach": ("png", "--gsd", "3"),
    "sar_latakia_20250803_20251002": ("tif", "--gsd", "10", "--sensor", "sar", "--quantity", "db"),
}
"""Vehicles, ships and a port by radar: few enough changes each to go through all of them."""


def test_three_real_cases_are_reviewed_by_keyboard(
    chromium: Browser, shared_data: Path, tmp_path: Path
) -> None:
    out, found = tmp_path / "out", {}
    for case, (suffix, *options) in THREE.items():
        images = [
            shared_data / "cases" / "public" / case / f"{date}.{suffix}" for date in ("before", "after")
        ]
        document = sitewatch("diff", *images, *options, "--out", out)
        assert document["changes"], case
        found |= {change["id"]: change["kind"] for change in document["changes"]}
    keys = {"confirmed": "c", "rejected": "r", "unsure": "u"}
    given = {}
    with threaded_desk(out) as desk, watched_page(chromium, desk) as watched:
        page = watched.page
        page.wait_for_selector("body[data-ready]")
        page.keyboard.press("Enter")
        opened(page)
        for number in range(len(found)):
            subject = on_screen(page)
            assert subject not in given
            check_view(page, found[subject])
            given[subject] = list(keys)[number % 3]
            page.keyboard.press(keys[given[subject]])
            if given[subject] == "rejected":
                page.keyboard.press(str(1 + number % 8))
            if len(given) < len(found):
                page.wait_for_function("(subject) => history.state.subject !== subject", arg=subject)
        page.wait_for_selector("text=That was the last one here")
        saved(page)
        said = {event.subject: event.body for event in events(desk)}
        assert {subject: body["verdict"] for subject, body in said.items()} == given
        assert all(body.get("reason") for body in said.values() if body["verdict"] == "rejected")
        page.keyboard.press("q")
        page.wait_for_selector("text=Nothing waits here")
    assert given.keys() == found.keys()


def check_view(page: Page, kind: str) -> None:
    """Images on both sides, and the outline of what is asked about."""
    settled(page)
    sides = [shot(page, side).astype(int) for side in ("#left", "#right")]
    assert all(side[60:-90, 20:-20].std() > 4 for side in sides), "an image, not an empty map"
    colour = COLOURS[kind]
    assert sum((np.abs(side - colour) < 30).all(axis=2).sum() for side in sides) > 40
