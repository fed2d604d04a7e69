"""The same results from threads and from processes of their own."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.errors import BadRequest
from flows.runners import WORKERS_VARIABLE, task_runner, workers_wanted
from flows.watch import SiteResult, watching
from tests.conftest import needed

START, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 12, tzinfo=UTC)
TIMED = {"item.json", "report.json", "overlay.png"}
"""They say when they were written and how long it took; what was found is compared beside them."""


def sums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a run but for those that hold the time."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in TIMED
    }


@pytest.mark.usefixtures("prefect_server")
def test_two_processes_leave_the_same_bytes_as_threads(
    archive: Path, sites_file: Path, tmp_path: Path
) -> None:
    needed("prefect_dask", package="prefect-dask")
    found: list[SiteResult] = []
    for workers in (0, 2):
        out = tmp_path / f"out-{workers}"
        found.append(watching(workers)("field", str(archive), START, END, out, sites_file))
    (one,), (other,) = (result.runs for result in found)
    files = sums(one.paths.folder)
    assert {"evidence.tif", "detectability.tif"} <= set(files)
    assert files == sums(other.paths.folder)
    assert one.changes == other.changes
    assert len(one.changes) == 1
    assert one.outcomes == other.outcomes


def test_number_of_workers_comes_from_the_parameter_or_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(WORKERS_VARIABLE, raising=False)
    assert workers_wanted() == 0
    monkeypatch.setenv(WORKERS_VARIABLE, "2")
    assert workers_wanted() == 2
    assert workers_wanted(0) == 0
    assert type(task_runner()).__name__ == "DaskTaskRunner"
    assert type(task_runner(0)).__name__ == "ThreadPoolTaskRunner"
    monkeypatch.setenv(WORKERS_VARIABLE, "many")
    with pytest.raises(BadRequest, match="SITEWATCH_WORKERS='many' is not a number"):
        workers_wanted()


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "prefect_dask.task_runners", None)
    with pytest.raises(BadRequest, match=r"install sitewatch\[dask\]"):
        task_runner(2)
