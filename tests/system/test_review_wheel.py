"""The desk from the built wheel, away from the checkout: its pages, its map and nothing from anywhere else."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.review.conftest import write_runs
from tests.services.desk import looking_at, running_desk, settled, shot

pytestmark = pytest.mark.system

START = "import sys; sys.argv[0] = 'sitewatch'; from flows.cli import main; main()"


@pytest.fixture(scope="module")
def unpacked(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, as it is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder / "dist", repository],
        check=True, capture_output=True, timeout=600,
    )  # fmt: skip
    (wheel,) = (folder / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_holds_what_the_pages_need(unpacked: Path) -> None:
    static = unpacked / "review" / "static"
    for name in (
        "vendor/ol.js",
        "vendor/ol.css",
        "vendor/LICENSES.txt",
        "compare.js",
        "desk.css",
        "icon.svg",
    ):
        assert (static / name).stat().st_size > 100, name
    assert list((unpacked / "review" / "templates").glob("*.html"))
    assert not list(unpacked.rglob("node_modules"))


def test_the_desk_of_the_wheel_shows_a_map(chromium: Browser, unpacked: Path, tmp_path: Path) -> None:
    write_runs(tmp_path / "out", tmp_path / "work")
    alone = {"PYTHONPATH": str(unpacked), "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    where = subprocess.run(
        [sys.executable, "-c", "import review; print(review.__file__)"], env=alone, cwd=tmp_path, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    assert Path(where.stdout.strip()).is_relative_to(unpacked)
    with (
        running_desk(
            tmp_path / "out", program=(sys.executable, "-c", START), env=alone, cwd=tmp_path
        ) as desk,
        looking_at(chromium, desk.link) as watched,
    ):
        page = watched.page
        assert "Test base" in page.content()
        page.wait_for_selector("body[data-ready]")
        page.keyboard.press("Enter")
        page.wait_for_selector("body.compare[data-ready]")
        settled(page)
        for side in ("#left", "#right"):
            assert shot(page, side).std() > 15, "an image, not an empty map"
        assert watched.faults == []
        assert {address.split("/")[2] for address in watched.asked} == {desk.address.split("/")[2]}
