"""Limits of a provider, kept by two processes together against a server that counts."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from imagery import limits
from imagery.errors import ImageryError
from imagery.sources.pace import shared_pace
from tests.services.prefect_server import clean_env

pytestmark = pytest.mark.system

RATE, CONNECTIONS = 5, 4


class Counting(ThreadingHTTPServer):
    """Answers after `takes_s`, and knows how many it was asked at a time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.takes_s = 0.1
        self.moments: list[float] = []
        self.under_way = self.most = self.connections = 0
        self.lock = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is what this is about."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Ten bytes, whatever is asked for."""

    protocol_version = "HTTP/1.1"
    server: Counting

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.moments.append(time.monotonic())
            self.server.under_way += 1
            self.server.most = max(self.server.most, self.server.under_way)
        time.sleep(self.server.takes_s)
        # Before the answer: with it the client may ask again.
        with self.server.lock:
            self.server.under_way -= 1
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Content-Range", "bytes 0-9/100")
        self.send_header("Content-Length", "10")
        self.end_headers()
        self.wfile.write(b'"ten byte"')

    def log_message(self, *_args: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Counting]:
    with Counting() as running:
        threading.Thread(target=running.serve_forever, args=(0.05,), daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def env(server: Counting, tmp_path: Path) -> dict[str, str]:
    providers = tmp_path / "providers.toml"
    providers.write_text(
        f'[counted]\nurl = "{server.url}"\nprivate = true\nrequests_per_second = {RATE}\n'
        f"connections = {CONNECTIONS}\n"
    )
    return clean_env(SITEWATCH_PROVIDERS=str(providers), SITEWATCH_CACHE=str(tmp_path / "cache"))


@contextmanager
def asker(env: dict[str, str], kind: str, url: str, count: int) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.services.asker", kind, url, str(count)]
    process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()


def begin(*processes: "subprocess.Popen[str]") -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()


def answered(process: "subprocess.Popen[str]") -> int:
    """Lines until its end, which must be a good one."""
    assert process.stdout is not None
    lines = process.stdout.readlines()
    assert process.wait(60) == 0
    return lines.count("answered\n")


def test_two_processes_ask_an_api_no_oftener_than_one(server: Counting, env: dict[str, str]) -> None:
    server.takes_s = 0.0
    with asker(env, "api", server.url, 12) as one, asker(env, "api", server.url, 12) as other:
        begin(one, other)
        assert (answered(one), answered(other)) == (12, 12)
    took_s = server.moments[-1] - server.moments[0]
    # 4.4 s after a burst of two; each by itself would need 2.2 s. The rest is for an answer that was held up.
    assert took_s > 3.6
    assert len(server.moments) == 24


def test_two_processes_share_the_connections(server: Counting, env: dict[str, str]) -> None:
    server.takes_s = 0.25
    with asker(env, "files", server.url, 30) as one, asker(env, "files", server.url, 30) as other:
        begin(one, other)
        assert (answered(one), answered(other)) == (30, 30)
    assert server.most == CONNECTIONS
    # They are used again, and neither process holds them until it is done.
    assert CONNECTIONS < server.connections < 30


def test_neither_has_to_wait_for_the_other_to_be_done(server: Counting, env: dict[str, str]) -> None:
    server.takes_s = 0.25
    with asker(env, "files", server.url, 200) as busy, asker(env, "files", server.url, 4) as other:
        begin(busy)
        assert busy.stdout is not None
        assert busy.stdout.readline() == "answered\n"
        begin(other)
        assert answered(other) == 4
        assert busy.poll() is None
    assert server.most == CONNECTIONS


def test_a_killed_process_takes_nothing_with_it(server: Counting, env: dict[str, str]) -> None:
    server.takes_s = 120.0
    with asker(env, "files", server.url, 8) as killed, asker(env, "files", server.url, 8) as other:
        begin(killed)
        until = time.monotonic() + 30
        while server.under_way < CONNECTIONS and time.monotonic() < until:
            time.sleep(0.05)
        assert server.under_way == CONNECTIONS
        killed.kill()
        killed.wait()
        server.takes_s = 0.0
        begun = time.monotonic()
        begin(other)
        assert answered(other) == 8
        assert time.monotonic() - begun < 15
    with asker(env, "api", server.url, 100) as killed, asker(env, "api", server.url, 2) as other:
        begin(killed)
        assert killed.stdout is not None
        assert killed.stdout.readline() == "answered\n"
        killed.kill()
        begin(other)
        assert answered(other) == 2


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    monkeypatch.setenv("SITEWATCH_CACHE", str(tmp_path / "cache"))
    with pytest.raises(
        ImageryError, match=r"cache/limits/counted-.*keep the limits of counted.*SITEWATCH_CACHE"
    ):
        shared_pace("counted", 1.0).wait()
    monkeypatch.setenv("SITEWATCH_CACHE", str(tmp_path / "closed"))
    (tmp_path / "closed").mkdir(mode=0o500)
    if os.geteuid() != 0:  # who may write everywhere
        with pytest.raises(ImageryError, match="Permission denied"):
            limits.opened("counted", "pace")


@pytest.mark.parametrize("left", [b"", b"not a number", b"nan", b"99999999999999", b"\x00" * 32])
def test_whatever_is_in_the_file_of_a_pace_requests_go_on(left: bytes) -> None:
    pace = shared_pace("counted", 100.0)
    pace.wait()
    (limits.limits_folder("counted") / "pace").write_bytes(left)
    assert pace.wait() < 1
    assert pace.wait() < 1
