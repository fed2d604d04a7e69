"""Starting and stopping of servers."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

START_S = 120.0
"""Generous: machines that run tests are busy."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def unprivileged_folder(prefix: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A temporary folder, and what `subprocess` needs to run as its owner: never root, which PostgreSQL refuses.

    It lies outside pytest's folders, which nobody else may enter.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    owner: dict[str, Any] = {}
    if os.geteuid() == 0:
        names = [entry.pw_name for entry in pwd.getpwall()]
        user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
        os.chown(folder, user.pw_uid, user.pw_gid)
        owner = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    try:
        yield folder, {"cwd": folder, "stdin": subprocess.DEVNULL, **owner}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def await_ready(server: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if server.poll() is not None:
            break
        if ready():
            return
        time.sleep(0.1)
    text = log.read_text(errors="replace")[-4000:] if log.exists() else ""
    raise AssertionError(f"{server.args!r} did not start (exit code {server.poll()}):\n{text}")


def stop(server: subprocess.Popen[bytes], *, signal: int | None = None) -> None:
    """End a server politely, and for certain."""
    if server.poll() is None:
        server.terminate() if signal is None else server.send_signal(signal)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(20)
