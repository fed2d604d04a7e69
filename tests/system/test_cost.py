"""What the main jobs may cost: memory of a full-size comparison, bytes fetched from a real server."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.measure import run_process
from benchmarks.reads import BANDS, SITE, scene, write_tile
from imagery.grid import site_grid
from imagery.read import block_figures, copy_source
from imagery.site_file import load_sites
from tests.services.nginx import running_nginx

pytestmark = pytest.mark.system

DIFF_MB = 2000


def test_a_full_size_pair_stays_within_memory(shared_data: Path, tmp_path: Path) -> None:
    case = shared_data / "cases" / "public" / "air_c00_014de911_b3c7c22d"
    command = [sys.executable, "-m", "flows.cli", "diff", case / "before.jpg", case / "after.jpg"]
    cost = run_process([*command, "--gsd", "0.5", "--out", tmp_path / "out", "--json"], folder=tmp_path)
    assert json.loads(cost.output)["status"] == "changed"
    assert cost.peak_mb < DIFF_MB


def test_only_the_blocks_of_the_site_are_fetched(requires: Callable[..., Path], tmp_path: Path) -> None:
    served = tmp_path / "served"
    served.mkdir()
    write_tile(served / f"{BANDS[0]}.tif")
    for band in BANDS[1:]:
        (served / f"{band}.tif").hardlink_to(served / f"{BANDS[0]}.tif")
    grid = site_grid(load_sites()[SITE], 10.0)
    needed = block_figures(scene(str(served)), grid).bytes_needed
    with running_nginx(requires("nginx", package="nginx-light"), served, tmp_path) as server:
        server.log.write_text("")
        copies = copy_source(scene(server.url), grid, tmp_path / "copies")
        answers = [line.split() for line in server.log.read_text().splitlines()]
    assert {copy.asset for copy in copies} == set(BANDS)
    fetched = sum(int(size) for method, _, size, _ in answers if method == "GET")
    assert {status for method, status, *_ in answers if method == "GET"} == {"206"}
    assert needed <= fetched < 1.15 * needed
