"""Reading over the network: what is fetched, kept and shared, from real servers on loopback."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import rasterio
from odc.geo.geobox import GeoBox

from imagery import remote
from imagery.quality import pass_quality
from imagery.read import block_figures, copy_source
from imagery.scene import Scene
from tests.services.fault_proxy import FaultProxy, Status
from tests.services.remote_images import (
    BANDS,
    BESIDE,
    NEAR,
    acquisition,
    numbers,
    same_pixels,
)

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("hasty")]


def test_only_the_blocks_are_fetched_once_for_all_runs_and_sites(
    proxy: FaultProxy, images: Path, tmp_path: Path
) -> None:
    local, there = acquisition(str(images)), acquisition(proxy.url)
    needed = block_figures(local, NEAR).bytes_needed
    pass_quality(there, NEAR)
    copies = copy_source(there, NEAR, tmp_path / "a")
    truth = copy_source(local, NEAR, tmp_path / "truth")
    assert [copy.sha256 for copy in copies] == [copy.sha256 for copy in truth]
    heads = len(copies) * remote.HEAD_BYTES
    # These files are small beside their headers; blocks alone stay well within the bound.
    assert proxy.bytes_sent - heads < 1.2 * needed
    assert len({request.path for request in proxy.seen()}) == len(copies)

    proxy.requests.clear()
    remote.forget()  # as another process
    again = copy_source(there, NEAR, tmp_path / "b")
    assert [copy.sha256 for copy in again] == [copy.sha256 for copy in copies]
    assert {request.status for request in proxy.seen()} == {304}
    assert proxy.bytes_sent == 0

    copy_source(there, BESIDE, tmp_path / "c")
    own = block_figures(local, BESIDE).bytes_needed
    both = [NEAR, BESIDE]
    shared = own + needed - _needed_by_any(local, both)
    assert shared > 0
    assert proxy.bytes_sent < 1.2 * (own - shared) + 4 * remote.PAGE_BYTES


def _needed_by_any(local: Scene, grids: list[GeoBox]) -> int:
    """Bytes of the blocks that one of the grids needs, by counting each block once."""
    found: dict[tuple[str, int, int], int] = {}
    for asset in local.assets.values():
        with rasterio.open(asset.href) as data:
            for grid in grids:
                box = grid.boundingbox
                inside = data.window(*box.bbox)
                for (row, col), block in data.block_windows(1):
                    if rasterio.windows.intersect([inside, block]):
                        size = data.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=1)
                        found[asset.href, row, col] = int(size)
    return sum(found.values())


_COPY = """
import sys
from pathlib import Path
from tests.system.test_network_reading import NEAR, acquisition
from imagery.read import copy_source
copy_source(acquisition(sys.argv[1]), NEAR, Path(sys.argv[2]))
"""


def test_two_processes_fetch_it_once(proxy: FaultProxy, tmp_path: Path, repository: Path) -> None:
    children = [
        subprocess.Popen([sys.executable, "-c", _COPY, proxy.url, str(tmp_path / name)], cwd=repository)
        for name in ("a", "b")
    ]
    assert [child.wait(240) for child in children] == [0, 0]
    blocks = [
        r.headers["range"]
        for r in proxy.seen("/red.tif")
        if r.sent > 1 and r.headers["range"] != "bytes=0-32767"
    ]
    assert blocks
    assert len(blocks) == len(set(blocks))


def test_a_damaged_piece_is_fetched_again(proxy: FaultProxy) -> None:
    assert same_pixels(f"{proxy.url}/red.tif", "red")
    pieces = [
        p for p in Path(os.environ["SITEWATCH_CACHE"]).glob("pieces/*/*/*-*-*") if not p.name.startswith("0-")
    ]
    assert pieces
    for piece in pieces:
        piece.write_bytes(bytes(piece.stat().st_size))
    remote.forget()
    with ThreadPoolExecutor(1) as fresh:  # a thread of its own has no open datasets
        assert fresh.submit(same_pixels, f"{proxy.url}/red.tif", "red").result()


def test_the_cache_stays_within_its_bound(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    from imagery import cache  # noqa: PLC0415

    monkeypatch.setenv(cache.LIMIT_GB, "0.0005")
    monkeypatch.setattr(cache, "BUSY_S", 0.0)
    monkeypatch.setattr(cache, "_TRIM_EVERY_BYTES", 1)
    for band in BANDS:
        assert same_pixels(f"{proxy.url}/{band}.tif", band)
    size = sum(p.stat().st_size for p in Path(os.environ["SITEWATCH_CACHE"]).glob("pieces/*/*/*"))
    assert 0 < size <= 500_000


def test_a_server_without_ranges_is_read_whole(proxy: FaultProxy, images: Path) -> None:
    body = (images / "red.tif").read_bytes()
    proxy.fail("/red.tif", Status(code=200, body=body, content_type="image/tiff"))
    assert same_pixels(f"{proxy.url}/red.tif", "red")


_ELSEWHERE = """
import contextvars, gc, sys, threading
from imagery.drivers import open_raster, read_pixels
from imagery.raster import Window
opened = []
def work():
    contextvars.copy_context().run(lambda: opened.append(open_raster(sys.argv[1])))
    contextvars.copy_context().run(lambda: read_pixels(sys.argv[1], (1,), Window(row0=0, col0=0, row1=9, col1=9)))
    contextvars.copy_context().run(lambda: read_pixels(sys.argv[1], (1,), Window(row0=900, col0=0, row1=909, col1=9)))
thread = threading.Thread(target=work)
thread.start(); thread.join(); del thread; gc.collect()
print(opened[0].read(1).mean())
opened.pop().close()
"""


def test_a_dataset_outlives_the_thread_and_the_context_that_opened_it(
    proxy: FaultProxy, repository: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, f"{proxy.url}/red.tif"],
        check=False, cwd=repository, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(numbers(0).mean())
    assert done.stderr == ""


def test_nginx_serves_the_same(images: Path, tmp_path: Path, requires: Any) -> None:
    program = requires("nginx", package="nginx-light")
    port = _free_port()
    config = tmp_path / "nginx.conf"
    user = "user root;" if os.getuid() == 0 else ""
    config.write_text(
        f"{user} daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}\n"
        f"http {{ access_log {tmp_path}/access.log; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p;"
        f" fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;"
        f" server {{ listen 127.0.0.1:{port}; root {images}; }} }}\n"
    )
    server = subprocess.Popen([program, "-c", str(config), "-p", str(tmp_path)], stderr=subprocess.DEVNULL)
    try:
        assert same_pixels(f"http://127.0.0.1:{port}/red.tif", "red")
        remote.forget()
        with ThreadPoolExecutor(1) as fresh:
            assert fresh.submit(same_pixels, f"http://127.0.0.1:{port}/red.tif", "red").result()
        assert '" 304 ' in (tmp_path / "access.log").read_text()
    finally:
        server.terminate()
        server.wait(20)


def _free_port() -> int:
    import socket  # noqa: PLC0415

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
