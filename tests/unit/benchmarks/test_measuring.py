"""The instruments of the benchmarks: what they count is what happened."""

import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest

from benchmarks.measure import Stages, run_process
from benchmarks.pair import generated_pair
from benchmarks.range_server import serve

BODY = bytes(range(256)) * 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "image.tif").write_bytes(BODY)
    (tmp_path / "secret.txt").write_text("not served")
    return tmp_path / "served"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-9", BODY[:10]),
        ("bytes=100-", BODY[100:]),
        (f"bytes=10000-{len(BODY) + 500}", BODY[10000:]),
    ],
)
def test_ranges_are_answered_and_counted(folder: Path, asked: str, expected: bytes) -> None:
    with serve(folder) as (url, traffic):
        answer = httpx.get(f"{url}/image.tif", headers={"Range": asked})
        assert answer.status_code == 206
        assert answer.content == expected
        assert (traffic.requests, traffic.bytes) == (1, len(expected))


def test_a_range_beyond_the_end_is_refused_and_a_head_costs_nothing(folder: Path) -> None:
    with serve(folder) as (url, traffic):
        assert httpx.get(f"{url}/image.tif", headers={"Range": "bytes=999999-"}).status_code == 416
        assert int(httpx.head(f"{url}/image.tif").headers["content-length"]) == len(BODY)
        assert traffic.bytes == 0


def test_nothing_outside_the_folder_is_served(folder: Path) -> None:
    with serve(folder) as (url, traffic):
        request = httpx.Request("GET", url)
        request.url = request.url.copy_with(raw_path=b"/../secret.txt")
        with httpx.Client() as client:
            assert client.send(request).status_code == 404
        assert traffic.requests == 0


def test_peak_memory_of_a_process_is_its_own(tmp_path: Path) -> None:
    ours = np.ones(40_000_000)
    wait = "import time; time.sleep(0.3)"
    large = run_process(
        [sys.executable, "-c", f"x = bytearray(200_000_000); print(len(x)); {wait}"], folder=tmp_path
    )
    small = run_process([sys.executable, "-c", wait], folder=tmp_path)
    assert large.output.strip() == "200000000"
    assert large.peak_mb > 200
    assert 0 < small.peak_mb < 100 < ours.nbytes / 1e6
    assert small.seconds > 0.3


def test_peak_memory_counts_what_a_wrapper_starts(tmp_path: Path) -> None:
    inner = "import time; x = bytearray(200_000_000); time.sleep(0.5)"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    assert run_process([sys.executable, "-c", outer], folder=tmp_path).peak_mb > 200


def test_a_failing_process_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"ended with 3:\n(?s:.*)no such image"):
        run_process(
            [sys.executable, "-c", "import sys; print('no such image', file=sys.stderr); sys.exit(3)"],
            folder=tmp_path,
        )


def test_stages_add_time_and_keep_the_peak() -> None:
    stages = Stages()
    with stages.stage("work"):
        block = np.ones(25_000_000)
        time.sleep(0.05)
    with stages.stage("rest"):
        time.sleep(0.02)
    with stages.stage("work"):
        del block
        time.sleep(0.02)
    assert stages.seconds["work"] >= 0.07
    assert stages.seconds.keys() == stages.peak_mb.keys() == {"work", "rest"}
    assert stages.peak_mb["work"] > 200


def test_the_generated_pair_is_the_same_every_time(tmp_path: Path) -> None:
    pairs = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        pairs.append(generated_pair(tmp_path / name, side_px=256))
    assert pairs[0].before.read_bytes() == pairs[1].before.read_bytes()
    assert pairs[0].after.read_bytes() == pairs[1].after.read_bytes() != pairs[0].before.read_bytes()
    assert pairs[0].pixels == 256 * 256
