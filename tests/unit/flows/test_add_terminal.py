"""``sitewatch add`` at a real terminal: what a person is asked, and what giving up leaves."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.unit.imagery import deliveries as made

WHEN = datetime(2024, 12, 10, 8, 20, 11, tzinfo=UTC)
COMPLETE = ["--acquired", "2024-12-10T08:20:11Z", "--sensor", "optical", "--quantity", "dn"]
EXTENT = made.Extent()


Run = Callable[..., dict[str, Any]]


class Terminal:
    """A real terminal with the command in it."""

    def __init__(self, *args: str | Path) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            env = {
                **os.environ,
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                "COLUMNS": "110",
                "LINES": "50",
            }
            command = [sys.executable, "-m", "flows.cli", "add", *map(str, args)]
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored where the tests run in the background
            os.execve(sys.executable, command, env)  # pragma: no cover - another process
        self.text = ""

    def until(self, words: str, *, seconds: float = 120.0) -> None:
        end = time.monotonic() + seconds
        while words not in self.text:
            assert time.monotonic() < end, self.text
            ready, _, _ = select.select([self.fd], [], [], 1.0)
            if ready:
                try:
                    more = os.read(self.fd, 65536).decode("utf-8", "replace")
                except OSError:
                    more = ""
                assert more, f"ended before {words!r}: {self.text}"
                self.text += more

    def say(self, line: str) -> None:
        self.text = ""
        os.write(self.fd, line.encode() + b"\n")

    def ended(self) -> int:
        """Exit code, once all that is printed was read."""
        while True:
            try:
                more = os.read(self.fd, 65536)
            except OSError:
                break
            if not more:
                break
            self.text += more.decode("utf-8", "replace")
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_a_person_is_asked_for_what_is_missing(bought: Path, sites: Path) -> None:
    terminal = Terminal(bought, "--sites", sites)
    terminal.until("Taken when")
    assert "\u2580" in terminal.text  # the image itself, in half blocks
    assert (bought.parent / "preview" / "quay.png").is_file()
    terminal.say("yesterday")
    terminal.until("is not a time")
    terminal.until("Taken when")
    terminal.say("2031-05-01")
    terminal.until("in the future")
    terminal.until("Taken when")
    terminal.say("2024-12-10T10:20:11+02:00")
    terminal.until("[optical]")
    terminal.say("")
    terminal.until("[dn]")
    terminal.say("")
    terminal.until("Added 1 image")
    assert terminal.ended() == 0
    written = json.loads(bought.with_suffix(".json").read_text())
    assert (written["acquired"], written["sensor"], written["quantity"]) == (
        "2024-12-10T08:20:11Z",
        "optical",
        "dn",
    )


def test_a_person_who_gives_up_leaves_nothing_behind(bought: Path, sites: Path) -> None:
    before = made.everything(bought.parent)
    terminal = Terminal(bought, "--sites", sites)
    terminal.until("Taken when")
    os.write(terminal.fd, b"\x03")
    assert terminal.ended() == 130
    assert "Interrupted" in terminal.text
    assert made.everything(bought.parent) == before
    assert not (bought.parent / "preview").exists()


def test_a_person_is_asked_before_something_is_replaced(add: Run, bought: Path, sites: Path) -> None:
    add(bought, *COMPLETE)
    before = made.everything(bought.parent)
    terminal = Terminal(bought, "--sites", sites, "--licence", "new terms")
    terminal.until("Replace it?")
    assert "new terms" in terminal.text
    terminal.say("n")
    assert terminal.ended() == 130
    assert made.everything(bought.parent).keys() == before.keys()
    assert bought.with_suffix(".json").read_bytes() == before["quay.json"]


def test_an_interrupted_copy_leaves_nothing_half_written(tmp_path: Path, sites: Path) -> None:
    """TERM while a large file is copied: no image, no temporary file."""
    source = tmp_path / "in" / "large.tif"
    made.geotiff(source, [made.pixels(2.0, [], seed=1)], gsd_m=2.0, extent=EXTENT)
    with source.open("ab") as file:  # what follows the image is part of the file, and takes time to copy
        file.truncate(400_000_000)
    target = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "flows.cli",
        "add",
        source,
        "--to",
        target,
        "--sites",
        sites,
        "--no-preview",
    ]
    process = subprocess.Popen(
        [*map(str, command), *COMPLETE], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    end = time.monotonic() + 120
    while not list(target.glob(".large.tif.*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.001)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert not list(target.glob("*.tif"))
    assert not list(target.glob(".*"))
