"""The command line as a user meets it: help, exit codes, messages."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from flows import cli
from flows.cli import COMMANDS, call
from imagery.errors import SourceUnreachable

HEAVY = {
    "prefect", "rasterio", "cv2", "numpy", "scipy", "shapely", "pyproj", "odc", "httpx", "pydantic", "fastapi", "PIL",
}  # fmt: skip
LOADED = f"import sys; print(sorted({{m.split('.')[0] for m in sys.modules}} & {HEAVY!r}))"


def sitewatch(*args: str, code: str = "") -> subprocess.CompletedProcess[str]:
    program = f"import sys; sys.argv = ['sitewatch', *{list(args)!r}]\nimport atexit\n{code}\n" + (
        "from flows.cli import main; main()"
    )
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    listing = f"atexit.register(lambda: exec({LOADED!r}))"
    answer = sitewatch("--help", code=listing)
    assert answer.returncode == 0
    assert all(name in answer.stdout for name in COMMANDS)
    assert answer.stdout.strip().endswith("[]")


def test_comparing_two_files_loads_no_library_that_it_has_no_use_for() -> None:
    unused = ("prefect", "scipy.stats", "scipy.signal", "scipy.optimize", "pystac", "matplotlib")
    program = f"import sys, flows.diff; print([name for name in {unused!r} if name in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_help_of_a_comparison_loads_no_arrays() -> None:
    loaded = (
        "import sys; print([m for m in ('numpy', 'scipy', 'rich.console', 'prefect') if m in sys.modules])"
    )
    answer = sitewatch("diff", "--help", code=f"atexit.register(lambda: exec({loaded!r}))")
    assert answer.returncode == 0
    assert answer.stdout.strip().endswith("[]")


@pytest.mark.parametrize("command", ["add", "diff", "evaluate", "verify", "scenes", "run", "demo", "status"])
def test_help_of_commands_never_loads_prefect(command: str) -> None:
    answer = sitewatch(command, "--help", code=f"atexit.register(lambda: exec({LOADED!r}))")
    assert answer.returncode == 0, answer.stderr
    assert "--json" in answer.stdout
    assert "--debug" in answer.stdout
    assert "prefect" not in answer.stdout.splitlines()[-1]


def test_diff_never_loads_prefect(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), rng.integers(0, 255, (64, 64, 3), dtype=np.uint8))
    answer = sitewatch(
        "diff", str(path), str(path), "--gsd", "1", "--out", str(tmp_path / "out"), "--json",
        code=f"atexit.register(lambda: exec({LOADED!r}))",
    )  # fmt: skip
    assert '"changes"' in answer.stdout
    assert "prefect" not in answer.stdout.splitlines()[-1]


def test_unknown_command_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["dif"]) == 2
    assert "No such command" in capsys.readouterr().err


def test_missing_file_is_named_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["diff", str(tmp_path / "a.tif"), str(tmp_path / "b.tif"), "--out", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert "a.tif" in captured.err.replace("\n", "")
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_json_holds_one_document_also_in_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["diff", str(tmp_path / "a.tif"), "b.tif", "--json", "--out", str(tmp_path)]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["status"] == "error"
    assert document["exit_code"] == 2
    assert "a.tif" in document["reason"]


@pytest.mark.parametrize(
    ("problem", "code", "said"),
    [
        (SourceUnreachable("archive.example: does not answer"), 4, "does not answer"),
        (ZeroDivisionError("planted"), 1, "report it"),
        (KeyboardInterrupt(), 130, "Interrupted"),
        (OSError(28, "No space left on device", "outputs/x"), 2, "outputs/x: No space left"),
        (PermissionError(13, "Permission denied", "outputs/x"), 2, "--out"),
    ],
    ids=["unreachable", "internal", "interrupt", "full disk", "read-only"],
)
def test_exit_codes(
    problem: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise problem

    monkeypatch.setattr(cli.cli, "main", fail)
    assert call(["diff"]) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert call(["diff", "--debug"]) == code
    if code in (1, 4):
        assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--gsd", "0"], "0"),
        (["--quantity", "db", "--sensor", "optical"], "radar"),
        (["--min-score", "1.5"], "1.5"),
        (["--before-time", "yesterday"], "yesterday"),
    ],
)
def test_bad_options_are_bad_usage(args: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["diff", "a.tif", "b.tif", *args]) == 2
    assert said in capsys.readouterr().err


BOW_TIE = [[35.1, 35.1], [35.2, 35.2], [35.2, 35.1], [35.1, 35.2], [35.1, 35.1]]
SQUARE = [[35.1, 35.1], [35.2, 35.1], [35.2, 35.2], [35.1, 35.2], [35.1, 35.1]]


def sites_text(ring: list[list[float]], **properties: object) -> str:
    known = {
        "site": "field", "zone": "aoi", "name": "Field", "kind": "aoi", "source": "test", "confidence": "high",
        "position_error_m": 5, "parent": None, "watch": False,
    }  # fmt: skip
    geometry = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "id": "a", "properties": known | properties, "geometry": geometry}
    return json.dumps({"type": "FeatureCollection", "features": [feature]})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("not json", "sites.geojson"),
        (sites_text(BOW_TIE), "cross"),
        (sites_text(SQUARE, kind="wharf"), "unknown kind 'wharf'"),
        (sites_text(SQUARE, crs="EPSG:4326"), "not in metres"),
        (json.dumps({"type": "FeatureCollection", "features": []}), "no features"),
        (sites_text(SQUARE, site="other"), "field"),
        (None, "sites.geojson"),
    ],
    ids=["text", "self-crossing", "unknown kind", "degrees", "empty", "no such site", "no such file"],
)
@pytest.mark.parametrize("command", ["scenes", "run"])
def test_a_bad_site_file_is_refused_by_name_before_anything_starts(
    command: str, content: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "sites.geojson", tmp_path / "out"
    if content is not None:
        path.write_text(content)
    period = ["--from", "2025-01-01", "--to", "2025-01-11"]
    args = [command, "field", "--source", str(tmp_path), "--sites", str(path), *period, "--json"]
    assert call([*args, *(["--out", str(out)] if command == "run" else [])]) == 2
    answer = capsys.readouterr()
    assert said in json.loads(answer.out)["reason"]
    assert path.name in json.loads(answer.out)["reason"]
    assert "Traceback" not in answer.err
    assert not out.exists()


def test_period_that_ends_before_it_begins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["scenes", "khmeimim", "--source", str(tmp_path), "--from", "2025-01-02", "--to", "2025-01-01"]
    assert call(args) == 2
    assert "lies after" in capsys.readouterr().err


def test_full_disk_is_said_and_leaves_no_run(tmp_path: Path, rng: np.random.Generator) -> None:
    """A limit on file size is what the system offers to a test in place of a full disk."""
    path, out = tmp_path / "a.png", tmp_path / "out"
    cv2.imwrite(str(path), rng.integers(0, 255, (256, 256, 3), dtype=np.uint8))
    answer = sitewatch(
        "diff", str(path), str(path), "--gsd", "1", "--out", str(out),
        code="import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))",
    )  # fmt: skip
    assert answer.returncode == 2, answer.stderr
    assert "Traceback" not in answer.stderr
    assert "--out" in answer.stderr.replace("\n", " ")
    assert not list(out.glob("a_a_*"))
    assert not list(out.glob(".partial/*"))
    assert not list((out / ".work" / "scratch").iterdir())


def test_interrupted_diff_leaves_nothing(tmp_path: Path, rng: np.random.Generator) -> None:
    path, out = tmp_path / "a.png", tmp_path / "out"
    cv2.imwrite(str(path), rng.integers(0, 255, (1500, 1500, 3), dtype=np.uint8))
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "diff", str(path), str(path), "--gsd", "0.5", "--out", str(out)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(out.glob(".work/scratch/*")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "Interrupted" in stderr
    assert "Traceback" not in stderr
    assert not list(out.glob("a_a_*"))
    assert not list(out.glob(".work/scratch/*"))


def test_closed_pipe_is_quiet(tmp_path: Path) -> None:
    program = f"{sys.executable} -m flows.cli diff --help | head -c 1; exit ${{PIPESTATUS[0]}}"
    answer = subprocess.run(
        ["/bin/bash", "-c", program], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert "Traceback" not in answer.stderr


def test_verify_says_which_byte_changed(
    tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), rng.integers(0, 255, (64, 64, 3), dtype=np.uint8))
    call(["diff", str(path), str(path), "--gsd", "1", "--out", str(tmp_path / "out"), "--json"])
    (run,) = (tmp_path / "out").glob("a_a_*")
    capsys.readouterr()
    assert call(["verify", run.name, "--out", str(tmp_path / "out")]) == 0
    assert "Intact" in capsys.readouterr().out
    assert call(["verify", run.name, "--out", str(tmp_path / "out"), "--rerun"]) == 0
    assert "Computed again: the same" in capsys.readouterr().out
    with (run / "evidence.tif").open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    assert call(["verify", str(run), "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert [problem["path"] for problem in document["problems"]] == ["evidence.tif"]
    assert call(["verify", "nothing", "--out", str(tmp_path / "out")]) == 2
    assert run.name in capsys.readouterr().err.replace("\n", "")
