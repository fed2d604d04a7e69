"""A run with two planted changes, a desk on it, and a browser that looks at it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from catalog.second_review import SecondRule
from tests.review.conftest import write_runs
from tests.services.desk import DeskProcess, DeskThread, Watched, running_desk, threaded_desk
from tests.system.desk.pages import watched_page
from tests.system.desk_runs import planted_pair, sitewatch, watched_site


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def opened_desk(outputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskProcess]:
    """One desk, started as users start it, for the tests that look and do not answer."""
    root = tmp_path_factory.mktemp("look") / "out"
    shutil.copytree(outputs, root)
    with running_desk(root) as running:
        yield running


@pytest.fixture
def desk(outputs: Path, tmp_path: Path) -> Iterator[DeskThread]:
    """A desk of the test's own."""
    shutil.copytree(outputs, tmp_path / "out")
    with threaded_desk(tmp_path / "out") as running:
        yield running


@pytest.fixture(scope="session")
def five(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five changes: three of a site with a zone and dates, two of images that have neither."""
    folder = tmp_path_factory.mktemp("five")
    write_runs(folder / "out", folder / "work")
    return folder / "out"


@pytest.fixture
def five_desk(five: Path, tmp_path: Path) -> Iterator[DeskThread]:
    """A desk of the test's own on five changes."""
    shutil.copytree(five, tmp_path / "five")
    with threaded_desk(tmp_path / "five") as running:
        yield running


@pytest.fixture(scope="session")
def site_outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of a watched site, made by `sitewatch run`."""
    return watched_site(tmp_path_factory.mktemp("site"))


@pytest.fixture
def site_desk(site_outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeskThread]:
    """A desk of the test's own on them: every blank tile is audited, every change goes to a second reviewer."""
    monkeypatch.setenv("SITEWATCH_AUDIT_SHARE", "1")
    shutil.copytree(site_outputs, tmp_path / "site")
    with threaded_desk(tmp_path / "site", second=SecondRule(share=1.0)) as running:
        yield running


@pytest.fixture
def look(chromium: Browser, opened_desk: DeskProcess) -> Iterator[Watched]:
    """The queue of the desk that all share."""
    with watched_page(chromium, opened_desk) as watched:
        yield watched


@pytest.fixture
def seen(chromium: Browser, desk: DeskThread) -> Iterator[Watched]:
    """The queue of the test's own desk."""
    with watched_page(chromium, desk) as watched:
        yield watched
