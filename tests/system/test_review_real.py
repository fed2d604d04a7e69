"""The desk on a real pair of images: what the screen shows is what the files hold."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser

from tests.services.desk import looking_at, running_desk, settled, shot
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
