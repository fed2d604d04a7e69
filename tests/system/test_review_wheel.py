"""The desk from the built wheel, away from the checkout: its pages, its map and nothing from anywhere else."""

import contextlib
import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.review.conftest import write_runs
from tests.services import barred
from tests.services.desk import DeskProcess, looking_at, running_desk, settled, shot

pytestmark = pytest.mark.system

START = "from flows.cli import main; main()"


@pytest.fixture(scope="module")
def may_be_alone() -> bool:
    """Whether a program may be given a network of its own here, which takes a right that not everybody has."""
    attempt = f"import sys; sys.path.insert(0, {str(Path(barred.__file__).parent)!r}); import barred; "
    done = subprocess.run(
        [sys.executable, "-c", attempt + "sys.exit(not barred.alone())"], check=False, timeout=60
    )
    return done.returncode == 0


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


def test_the_desk_of_the_wheel_shows_a_map(
    chromium: Browser, unpacked: Path, tmp_path: Path, may_be_alone: bool
) -> None:
    write_runs(tmp_path / "out", tmp_path / "work")
    alone = {"PYTHONPATH": str(unpacked), "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    where = subprocess.run(
        [sys.executable, "-c", "import review; print(review.__file__)"], env=alone, cwd=tmp_path, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    assert Path(where.stdout.strip()).is_relative_to(unpacked)
    log, way_in = tmp_path / "tried", tmp_path / "way-in"
    program = (sys.executable, barred.__file__, log, way_in, START)
    with (
        running_desk(tmp_path / "out", program=program, env=alone, cwd=tmp_path) as desk,
        reached(desk, way_in),
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
    first, *tried = log.read_text().splitlines()
    assert (first == barred.ALONE) is may_be_alone
    assert tried == [], "the desk wanted something from elsewhere"


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        ("import urllib.request as r; r.urlopen('http://example.org/x')", "socket.getaddrinfo 'example.org'"),
        ("import socket; socket.create_connection(('192.0.2.1', 80), 5)", "socket.getaddrinfo '192.0.2.1'"),
        ("import socket; socket.socket().connect(('192.0.2.1', 80))", "socket.connect '192.0.2.1'"),
        (
            "import socket as s; s.socket(s.AF_INET, s.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
            "socket.sendto '192.0.2.1'",
        ),
    ],
)
def test_a_program_that_wants_out_would_be_seen(tmp_path: Path, attempt: str, said: str) -> None:
    done = run_barred(tmp_path, attempt)
    assert done.returncode != 0
    assert "barred: " in done.stderr
    assert (tmp_path / "tried").read_text().splitlines()[1:] == [said]


def test_what_is_no_python_has_no_way_out_either(tmp_path: Path, may_be_alone: bool) -> None:
    """GDAL connects by itself, past every hook of Python."""
    if not may_be_alone:
        pytest.skip("this user may give no program a network of its own (unshare -n)")
    code = "import socket; print([name for _, name in socket.if_nameindex()])"
    assert run_barred(tmp_path, code).stdout.strip() == "['lo']"


def run_barred(folder: Path, code: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, barred.__file__, folder / "tried", folder / "way-in", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@contextlib.contextmanager
def reached(desk: DeskProcess, way_in: Path) -> Iterator[None]:
    """The port of a desk that has a network of its own, on this side of it."""
    if not way_in.exists():
        yield
        return
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", int(desk.address.rsplit(":", 1)[1])))
        listening.listen(64)
        barred.relay(listening, socket.AF_UNIX, str(way_in))
        yield
