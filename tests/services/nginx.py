"""nginx over a folder of images: a server that answers range requests as object stores do."""

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.services.processes import await_ready, free_port, stop

_CONFIG = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  log_format bytes '$request_method $status $body_bytes_sent $request_uri';
  access_log {folder}/access.log bytes;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port}; location / {{ root {root}; }} }}
}}
"""


@dataclass(frozen=True, kw_only=True)
class Nginx:
    """A running server: its URL, the folder it serves and its access log (method, status, bytes, path)."""

    url: str
    root: Path
    log: Path


@contextlib.contextmanager
def running_nginx(program: Path, root: Path, folder: Path) -> Iterator[Nginx]:
    """Serve `root` for as long as the block lasts; `folder` takes its configuration and logs."""
    port = free_port()
    # As root it would become another user, who cannot read pytest's private folders.
    user = "user root;\n" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(user + _CONFIG.format(folder=folder, root=root.resolve(), port=port))
    server = subprocess.Popen([program, "-c", config, "-e", folder / "error.log"], stdin=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        await_ready(server, lambda: _answers(url), folder / "error.log")
        yield Nginx(url=url, root=root, log=folder / "access.log")
    finally:
        stop(server)


def _answers(url: str) -> bool:
    try:
        httpx.get(url, timeout=5)
    except httpx.TransportError:
        return False
    return True


@pytest.fixture(scope="session")
def earth_search_files(
    requires: Callable[..., Path], shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Nginx]:
    """The real Earth Search scenes over HTTP."""
    program = requires("nginx", package="nginx-light")
    with running_nginx(program, shared_data / "earth-search", tmp_path_factory.mktemp("nginx")) as server:
        yield server
