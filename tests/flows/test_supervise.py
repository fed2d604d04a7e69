"""Children that are kept running, and are gone with their parent."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.supervise import LONGEST_PAUSE_S, Child, Stopper, wait_for
from tests.services.prefect_server import clean_env, until

PATIENCE_S = 60
# A program with a child of its own, as a runner has flow runs; both note their numbers.
FAMILY = 'sleep 600 & echo "$! $$" > "$0"; wait'


def family(folder: Path, script: str = FAMILY) -> Child:
    return Child(
        name="family", command=["/bin/sh", "-c", script, str(folder / "pids")], env={"PATH": os.environ["PATH"]},
        log=folder / "family.log", grace_s=2,
    )  # fmt: skip


def members(folder: Path) -> list[int]:
    path = folder / "pids"
    until(lambda: path.is_file() and path.read_text().strip(), PATIENCE_S, "the family is up", poll_s=0.05)
    return [int(number) for number in path.read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def all_gone(pids: list[int]) -> bool:
    return not any(alive(pid) for pid in pids)


def test_stop_ends_the_whole_family(tmp_path: Path) -> None:
    child = family(tmp_path)
    child.start()
    pids = members(tmp_path)
    child.stop()
    until(lambda: all_gone(pids), PATIENCE_S, "all are gone")
    assert not child.running


def test_one_that_will_not_stop_is_killed(tmp_path: Path) -> None:
    child = family(tmp_path, "trap '' TERM; " + FAMILY + "; wait")
    child.start()
    pids = members(tmp_path)
    child.stop()
    until(lambda: all_gone(pids), PATIENCE_S, "all are gone")


def test_what_a_killed_child_had_started_is_ended_before_it_is_started_again(tmp_path: Path) -> None:
    child = family(tmp_path)
    child.start()
    first = members(tmp_path)
    os.kill(first[1], signal.SIGKILL)
    until(lambda: not child.running, PATIENCE_S, "the child ended")
    assert child.ended() == -signal.SIGKILL
    until(lambda: all_gone(first), PATIENCE_S, "its own child is gone")
    (tmp_path / "pids").unlink()
    child.start()
    assert not set(members(tmp_path)) & set(first)
    assert child.starts == 2
    child.stop()


def test_pauses_grow_and_have_an_end(tmp_path: Path) -> None:
    child = family(tmp_path, "exit 3")
    pauses = []
    for _ in range(9):
        child.start()
        assert child.ended() == 3
        pauses.append(child.pause_s)
    assert pauses[:4] == [1.0, 2.0, 4.0, 8.0]
    assert pauses[-1] == LONGEST_PAUSE_S


PARENT = """
import sys, time
from pathlib import Path
from tests.flows.test_supervise import family
family(Path(sys.argv[1])).start()
time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_a_killed_parent_leaves_nobody_behind(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], env=clean_env())
    try:
        pids = members(tmp_path)
        time.sleep(0.5)  # the watching shell follows at once
    finally:
        parent.kill()
        parent.wait()
    until(lambda: all_gone(pids), PATIENCE_S, "all are gone")


def test_a_wish_to_stop_ends_a_sleep() -> None:
    stop = Stopper()
    before = (
        signal.getsignal(signal.SIGTERM),
        signal.getsignal(signal.SIGINT),
        signal.getsignal(signal.SIGHUP),
    )
    try:
        stop.install()
        signal.raise_signal(signal.SIGTERM)
        assert stop.sleep(PATIENCE_S) is True
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT, signal.SIGHUP), before, strict=True):
            signal.signal(number, handler)
    assert wait_for(lambda: False, 0.01) is False


def test_a_long_log_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.supervise.LOG_BYTES", 10)
    child = family(tmp_path, "echo a line that is longer")
    for _ in range(2):
        child.start()
        child.ended()
    assert "longer" in (tmp_path / "family.1.log").read_text()
    assert child.tail() == "a line that is longer"
