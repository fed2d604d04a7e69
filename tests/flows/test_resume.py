"""A run that is interrupted, killed and started again, each time in a new process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.cli import call
from tests.services.prefect_server import until

HERE = Path(__file__).parent
TIMEOUT_S = 240


ALONE = ("PREFECT_API_URL", "PREFECT_HOME")
"""What tests before this one, in the same process, may have left set: another server than the run's own."""


def start(archive: Path, sites_file: Path, out: Path, *, sleep_s: float) -> subprocess.Popen[str]:
    own = {name: value for name, value in os.environ.items() if name not in ALONE}
    return subprocess.Popen(
        [
            sys.executable, str(HERE / "resumed_run.py"), "run", "field", "--source", str(archive), "--sites",
            str(sites_file), "--from", "2025-01-01", "--to", "2025-01-11", "--out", str(out), "--json",
        ],
        env={**own, "TILE_NOTES": str(out.with_name("notes")), "TILE_SLEEP_S": str(sleep_s)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def finished(out: Path) -> set[str]:
    return {path.stem for path in out.glob(".work/pairs/*/tiles/r*.json")}


def wait_for_tiles(process: subprocess.Popen[str], out: Path, count: int) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while len(finished(out)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def computed(out: Path, process: subprocess.Popen[str]) -> list[str]:
    notes = out.with_name("notes")
    lines = notes.read_text().split("\n") if notes.exists() else []
    return [line.split()[1] for line in lines if line.startswith(f"{process.pid} ")]


def servers_of(out: Path) -> list[str]:
    """Command lines of Prefect servers that work for this folder."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            mine = f"PREFECT_HOME={out}".encode() in environ.read_bytes()
            command = environ.with_name("cmdline").read_bytes().decode().replace("\0", " ")
        except OSError:
            continue
        if mine and "uvicorn" in command:
            found.append(command)
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for leftover servers in /proc")
def test_interrupted_and_killed_run_goes_on(archive: Path, sites_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "outputs"

    first = start(archive, sites_file, out, sleep_s=2)
    wait_for_tiles(first, out, 1)
    os.killpg(first.pid, signal.SIGINT)  # as a terminal's Ctrl-C does, to the whole group
    begun = time.monotonic()
    _, stderr = first.communicate(timeout=TIMEOUT_S)
    assert first.returncode == 130, stderr
    assert time.monotonic() - begun < 60
    assert "Interrupted" in stderr
    assert "Traceback" not in stderr
    assert not list(out.glob("field/*/item.json"))
    done_first = finished(out)

    second = start(archive, sites_file, out, sleep_s=2)
    wait_for_tiles(second, out, len(done_first) + 1)
    second.kill()
    second.communicate(timeout=TIMEOUT_S)
    assert not set(computed(out, second)) & done_first
    assert not list(out.glob("field/*/item.json"))
    done_second = finished(out)

    third = start(archive, sites_file, out, sleep_s=0)
    stdout, stderr = third.communicate(timeout=TIMEOUT_S)
    assert third.returncode == 0, stderr
    assert not set(computed(out, third)) & done_second
    assert set(computed(out, third)) | done_second == finished(out)
    (run,) = json.loads(stdout)["runs"]
    ledger = json.loads((Path(run["item"]).parent / "tiles.json").read_text())
    assert len(finished(out)) == len(ledger["tiles"]) > 12
    assert run["status"] == "changed"
    assert Path(run["item"]).is_file()

    until(lambda: not servers_of(out), 20, "no server is left")


MOMENTS: dict[str, tuple[signal.Signals, Callable[[Path], object], float]] = {
    "starting the server": (signal.SIGINT, servers_of, 0),
    "fetching": (signal.SIGINT, lambda out: list(out.glob(".work/scenes/*/*")), 1),
    "between tiles": (signal.SIGTERM, lambda out: len(finished(out)) >= 2, 1),
    "writing": (signal.SIGTERM, lambda out: list(out.glob(".partial/*/new/*")), 0),
}
"""The signal, what is there at that moment, and how long a tile takes."""


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for servers in /proc")
def test_interrupted_at_one_moment_after_the_other_it_still_finishes(
    archive: Path, sites_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "outputs"
    done: set[str] = set()
    for moment, (sent, reached, sleep_s) in MOMENTS.items():
        process = start(archive, sites_file, out, sleep_s=sleep_s)
        deadline = time.monotonic() + TIMEOUT_S
        while not reached(out):
            assert process.poll() is None, (moment, process.communicate())
            assert time.monotonic() < deadline, moment
            time.sleep(0.005)
        if sent is signal.SIGINT:
            os.killpg(process.pid, sent)  # a terminal sends it to the whole group
        else:
            process.send_signal(sent)
        _, stderr = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 130, (moment, stderr)
        assert "Interrupted" in stderr, moment
        assert "Traceback" not in stderr, (moment, stderr)
        assert not list(out.glob(".partial/*/*")), moment
        for item in out.glob("field/*/item.json"):
            assert moment == "writing"  # it may have been done a moment before
            assert call(["verify", str(item.parent)]) == 0
        assert not set(computed(out, process)) & done, moment
        done = finished(out)
        until(lambda: not servers_of(out), 20, f"no server is left after {moment}")
    last = start(archive, sites_file, out, sleep_s=0)
    stdout, stderr = last.communicate(timeout=TIMEOUT_S)
    assert last.returncode == 0, stderr
    assert computed(out, last) == []
    (run,) = json.loads(stdout)["runs"]
    assert run["counts"] == {"appeared": 1, "vanished": 0, "moved": 0}
    assert call(["verify", str(Path(run["item"]).parent)]) == 0


def test_two_runs_at_once_both_finish(archive: Path, sites_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "outputs"
    both = [start(archive, sites_file, out, sleep_s=0) for _ in range(2)]
    answers = [process.communicate(timeout=TIMEOUT_S) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    runs = [json.loads(stdout)["runs"][0] for stdout, _ in answers]
    assert runs[0] == runs[1]
    assert len(list(out.glob("field/*/item.json"))) == 1
