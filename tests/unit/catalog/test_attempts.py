"""Attempts: what is recorded of those that end, and what shows of those that do not."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from catalog.attempts import AttemptEnd, attempting, conclude, history, is_running
from catalog.database import reading
from tests.unit.catalog.catalog_runs import scene

START, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)
ASKED: dict[str, Any] = {"site": "field", "source": "archive", "start": START, "end": END}

HOLDER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from catalog.attempts import attempting
moment = datetime(2025, 1, 1, tzinfo=UTC)
with attempting(Path(sys.argv[1]), site="field", source="archive", start=moment, end=moment) as attempt:
    print(attempt["id"], flush=True)
    time.sleep(600)
"""


def rows(root: Path) -> list[dict[str, Any]]:
    with reading(root) as connection:
        assert connection is not None
        return history(connection)


def test_an_attempt_runs_until_it_ends(tmp_path: Path) -> None:
    with attempting(tmp_path, **ASKED) as attempt:
        (row,) = rows(tmp_path)
        assert (row["site"], row["source"], row["result"]) == ("field", "archive", None)
        assert is_running(tmp_path, attempt["id"])
        conclude(tmp_path, attempt, AttemptEnd(result="source_down", reason="does not answer"))
    (row,) = rows(tmp_path)
    assert (row["result"], row["reason"]) == ("source_down", "does not answer")
    assert row["ended"] >= row["began"]
    assert not is_running(tmp_path, attempt["id"])
    assert not list((tmp_path / ".locks").glob("*attempt*"))


def test_a_killed_attempt_is_not_taken_for_a_running_one(tmp_path: Path, repository: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=repository,
        env={**os.environ, "PYTHONPATH": str(repository)},
    )  # fmt: skip
    assert process.stdout is not None
    name = process.stdout.readline().strip()
    assert is_running(tmp_path, name)
    with attempting(tmp_path, **ASKED) as other:  # sweeps up after the dead, never after the living
        assert is_running(tmp_path, name)
        assert is_running(tmp_path, other["id"])
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    process.stdout.close()
    assert not is_running(tmp_path, name)
    assert [row["result"] for row in rows(tmp_path)] == [None, None]
    with attempting(tmp_path, **ASKED):
        assert len(list((tmp_path / ".locks").glob("attempt-*"))) == 1


@pytest.mark.parametrize("again", [0, 1])
def test_only_scenes_never_offered_before_are_new(tmp_path: Path, again: int) -> None:
    offered = (scene("one", START), scene("two", END))
    with attempting(tmp_path, **ASKED) as attempt:
        assert conclude(tmp_path, attempt, AttemptEnd(result="no_pair", scenes=offered)) == 2
    more = (*offered[: 1 + again], scene("three", END))
    with attempting(tmp_path, **ASKED) as attempt:
        assert conclude(tmp_path, attempt, AttemptEnd(result="done", scenes=more)) == 1
    with attempting(tmp_path, **{**ASKED, "source": "elsewhere"}) as attempt:
        assert conclude(tmp_path, attempt, AttemptEnd(result="done", scenes=offered)) == 2
    assert [row["new_scenes"] for row in rows(tmp_path)] == [2, 1, 2]


def test_an_end_is_kept_even_if_the_database_was_made_anew_meanwhile(tmp_path: Path) -> None:
    with attempting(tmp_path, **ASKED) as attempt:
        (tmp_path / "sitewatch.db").unlink()
        conclude(tmp_path, attempt, replace(AttemptEnd(result="done"), runs=3))
    (row,) = rows(tmp_path)
    assert (row["id"], row["runs"], row["result"]) == (attempt["id"], 3, "done")
