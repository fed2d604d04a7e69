"""What the main jobs may cost: memory of a full-size comparison, bytes fetched from a real server."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.measure import run_process
from benchmarks.reads import BANDS, SITE, scene, write_tile
from imagery.grid import site_grid
from imagery.read import block_figures, copy_source
from imagery.site_file import load_sites

pytestmark = pytest.mark.system

DIFF_MB = 2000


def test_a_full_size_pair_stays_within_memory(shared_data: Path, tmp_path: Path) -> None:
    case = shared_data / "cases" / "public" / "air_c00_014de911_b3c7c22d"
    command = [sys.executable, "-m", "flows.cli", "diff", case / "before.jpg", case / "after.jpg"]
    cost = run_process([*command, "--gsd", "0.5", "--out", tmp_path / "out", "--json"], folder=tmp_path)
    assert json.loads(cost.output)["status"] == "changed"
    assert cost.peak_mb < DIFF_MB


NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  log_format bytes '$request_method $status $body_bytes_sent';
  access_log {folder}/access.log bytes;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port}; location / {{ root {folder}/served; }} }}
}}
"""


@pytest.fixture
def nginx(requires: Callable[..., Path], tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server over ``tmp_path/served``: its URL and its access log."""
    program = requires("nginx", package="nginx-light")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "served").mkdir()
    config = tmp_path / "nginx.conf"
    # As root it would become another user, who cannot read pytest's private folders.
    user = "user root;\n" if os.geteuid() == 0 else ""
    config.write_text(user + NGINX.format(folder=tmp_path, port=port))
    server = subprocess.Popen([program, "-c", config, "-e", tmp_path / "error.log"], stdin=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(100):
            try:
                httpx.get(url)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        else:
            pytest.fail(f"nginx did not start: {(tmp_path / 'error.log').read_text()}")
        yield url, tmp_path / "access.log"
    finally:
        server.terminate()
        server.wait(10)


def test_only_the_blocks_of_the_site_are_fetched(nginx: tuple[str, Path], tmp_path: Path) -> None:
    url, log = nginx
    served = tmp_path / "served"
    write_tile(served / f"{BANDS[0]}.tif")
    for band in BANDS[1:]:
        (served / f"{band}.tif").hardlink_to(served / f"{BANDS[0]}.tif")
    grid = site_grid(load_sites()[SITE], 10.0)
    needed = block_figures(scene(str(served)), grid).bytes_needed
    log.write_text("")
    copies = copy_source(scene(url), grid, tmp_path / "copies")
    assert {copy.asset for copy in copies} == set(BANDS)
    answers = [line.split() for line in log.read_text().splitlines()]
    fetched = sum(int(size) for method, _, size in answers if method == "GET")
    assert {status for method, status, _ in answers if method == "GET"} == {"206"}
    assert needed <= fetched < 1.15 * needed
