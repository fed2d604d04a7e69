"""A comparison that is stopped, starved or started twice: nothing is half-written, and it says why."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from benchmarks.measure import run_process
from flows.cli import call
from tests.system.plain_images import (
    RGB,
    TIMEOUT_S,
    assert_nothing_left,
    runs,
    without_privileges,
    write_plain,
)
from tests.unit.imagery.rasters import NORTH_UP, texture, write

MAX_MB = 2000
FULL_SIDE_PX = 10_980
ROWS = FULL_SIDE_PX if os.environ.get("SITEWATCH_FULL_SIZE") else 1100
"""The whole size takes five minutes: SITEWATCH_FULL_SIZE=1. Memory depends on the length of a row, not on rows."""


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return write_plain(tmp_path)


@pytest.mark.parametrize("limit", [100, 5_000, 30_000, 70_000, 200_000])
def test_full_disk_at_any_point_leaves_no_run(limit: int, tmp_path: Path, plain: Path) -> None:
    """A limit on file size is what the system offers to a test in place of a full disk."""
    out = tmp_path / "out"
    command = [sys.executable, "-m", "flows.cli", "diff", plain, plain, "--out", out]
    answer = subprocess.run(
        command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert answer.returncode == 2, answer.stderr
    assert "Traceback" not in answer.stderr
    assert "Internal error" not in answer.stderr
    assert "--out" in answer.stderr
    assert str(out) in answer.stderr
    assert_nothing_left(out)


@pytest.mark.parametrize("command", ["diff", "run"])
def test_read_only_output_is_found_before_the_work(command: str, tmp_path: Path, plain: Path) -> None:
    out = tmp_path / "out"
    out.mkdir(mode=0o555)
    args: list[str | Path] = ["diff", plain, plain]
    if command == "run":
        (tmp_path / "images").mkdir()
        period = ["--from", "2025-01-01", "--to", "2025-01-02"]
        args = ["run", "tartus", "--source", tmp_path / "images", *period]
    answer = without_privileges(*args, "--out", out)
    assert answer.returncode == 2, answer.stderr
    assert f"{out}: cannot be written (Permission denied)" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("out", ["file", "file/below"])
def test_output_that_is_a_file(out: str, tmp_path: Path, plain: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert call(["diff", str(plain), str(plain), "--out", str(tmp_path / out)]) == 2
    assert (tmp_path / "file").read_text() == "mine"


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Path]:
    """Large enough that a comparison can be stopped in the middle."""
    path = write(tmp_path / "large.tif", texture(900, 900, bands=3), colours=RGB)
    yield path
    path.unlink()


MOMENTS = {
    "starting": "*",
    "comparing": ".work/scratch/*",
    "writing": ".partial/*/new",
    "writing evidence": ".partial/*/new/evidence*.tif",
    "drawing": ".partial/*/new/tiles.json",
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["int", "term", "kill"])
def test_interrupted_at_any_moment(moment: str, sent: signal.Signals, large: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["-m", "flows.cli", "diff", str(large), str(large), "--out", str(out), "--json"]
    process = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + TIMEOUT_S
    while not list(out.glob(MOMENTS[moment])) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(sent)
    _, err = process.communicate(timeout=TIMEOUT_S)
    assert "Traceback" not in err
    if sent is not signal.SIGKILL and process.returncode != 0:
        assert process.returncode == 130, err
        assert "Interrupted" in err
        assert_nothing_left(out)
    for run in runs(out):  # it may have been done a moment before
        assert call(["verify", str(run)]) == 0
    assert call(command[2:]) == 0
    (run,) = runs(out)
    assert call(["verify", str(run)]) == 0
    assert not list(out.glob(".partial/*"))


def test_the_same_pair_twice_at_once(plain: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "flows.cli", "diff", plain, plain, "--out", out, "--json"]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    answers = [process.communicate(timeout=TIMEOUT_S) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    documents = [json.loads(stdout) | {"seconds": 0} for stdout, _ in answers]
    assert documents[0] == documents[1]
    (run,) = runs(out)
    assert call(["verify", str(run)]) == 0


def test_full_size_image_stays_below_2_gb(tmp_path: Path) -> None:
    """Rows as long as a Sentinel-2 tile's, end to end."""
    ground = texture(512, 512, bands=3)
    paths = [tmp_path / name for name in ("before.tif", "after.tif")]
    for seed, path in enumerate(paths):
        noise = np.random.default_rng(seed)
        with rasterio.open(
            path, "w", driver="GTiff", width=FULL_SIDE_PX, height=ROWS, count=3, dtype="uint8", crs="EPSG:32636",
            transform=NORTH_UP, tiled=True, blockxsize=512, blockysize=512, compress="deflate", photometric="RGB",
        ) as out:  # fmt: skip
            for row in range(0, ROWS, 512):
                height = min(512, ROWS - row)
                block = np.tile(ground, (1, 1, 22))[:, :height, :FULL_SIDE_PX].astype(np.int16)
                block += noise.integers(-2, 3, block.shape, dtype=np.int16)
                if seed:
                    block[:, 200:208, 100::300] = 250
                window = Window(0, row, FULL_SIDE_PX, height)
                out.write(block.clip(1, 255).astype(np.uint8), window=window)
    command = [sys.executable, "-m", "flows.cli", "diff", *paths, "--out", tmp_path / "out", "--json"]
    cost = run_process(command, folder=tmp_path)
    assert json.loads(cost.output)["status"] in {"changed", "unchanged"}
    assert cost.peak_mb < MAX_MB * (1 if ROWS == FULL_SIDE_PX else 0.5)
