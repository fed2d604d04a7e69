"""What ``sitewatch run`` is told of the scorer and of false alarms: kept with the run, and forgotten afterwards."""

import json
import os
from pathlib import Path

import pytest

from flows.cli import call
from flows.rerun import rerun
from models import budget, score

pytestmark = pytest.mark.usefixtures("prefect_server")


def test_another_scorer_and_a_rate_are_used_kept_and_repeated(
    archive: Path, sites_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = [
        "run", "field", "--source", str(archive), "--sites", str(sites_file), "--out", str(tmp_path / "out"),
        "--from", "2025-01-01", "--to", "2025-01-11", "--json",
    ]  # fmt: skip
    assert call([*run, "--scorer", "statistical", "--false-alarms-per-km2", "5"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["runs"]
    folder = Path(row["item"]).parent
    parameters = json.loads((folder / "report.json").read_text())["parameters"]
    assert parameters["scorer"] == score.STATISTICAL
    assert parameters["false_alarms"]["asked_per_km2"] == 5
    assert parameters["min_score"] == parameters["false_alarms"]["min_score"] >= budget.UNMEASURED
    again = rerun(folder)
    assert again is not None
    assert again.differences == ()
    assert again.changes == sum(row["counts"].values())

    # The next command knows nothing of it: another job, and another version of the same run.
    assert score.VARIABLE not in os.environ
    assert budget.VARIABLE not in os.environ
    assert call(run) == 0
    (row,) = json.loads(capsys.readouterr().out)["runs"]
    parameters = json.loads((folder / "report.json").read_text())["parameters"]
    assert (parameters["scorer"], parameters["false_alarms"]) == ("optical-4", None)
    assert row["counts"] == {"appeared": 1, "vanished": 0, "moved": 0}


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (
            ("--scorer", "nonesuch"),
            "called 'nonesuch'; there are optical-1, optical-4, optical-free-1, sar-1, statistical",
        ),
        (("--scorer", "gone.json"), "gone.json"),
        (("--false-alarms-per-km2", "0"), "0.0 is not in the range x>0"),
        (("--false-alarms-per-km2", "inf"), "is not a finite number"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    option: tuple[str, str], said: str, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["run", "field", "--source", str(archive), *option]) == 2
    stderr = " ".join(capsys.readouterr().err.split())
    assert said in stderr
    assert "Traceback" not in stderr
