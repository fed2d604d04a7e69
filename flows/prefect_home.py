"""Prefect without a server to install: settings made before it is imported, and its temporary server tamed.

Whoever has a Prefect server of their own says so with ``PREFECT_API_URL`` and nothing here interferes.
"""

import atexit
import fcntl
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.errors import FlowError, UnusableOutput
from flows.serve_state import running_api, serve_folder
from flows.work import work_folder

STARTUP_TIMEOUT_S = 180
MIN_FREE_BYTES = 20_000_000
"""Prefect's database and little more."""


def configure(out: Path, *, quiet: bool) -> None:
    """Set what the user has not set; works only before Prefect is imported.

    Parameters
    ----------
    out : Path
        Prefect keeps its database of runs in ``<out>/.work/prefect``.
    quiet : bool
        Keep Prefect's own log off the screen; it still goes to the database.
    """
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", str(STARTUP_TIMEOUT_S))
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    if quiet:
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    if "PREFECT_API_URL" not in os.environ:
        refuse_full(out)
        os.environ.setdefault("PREFECT_HOME", str(serve_folder(out)))
        serving = running_api(out)
        if serving is not None:
            # Two servers on one database would both write it; and the run shows on the pages of the one that serves.
            os.environ["PREFECT_API_URL"] = serving


def refuse_full(out: Path) -> None:
    """On a full disk Prefect's server would fail only when its time to start is up.

    Raises
    ------
    UnusableOutput
        It is full, or cannot be written.
    """
    free = shutil.disk_usage(serve_folder(out)).free
    if free < MIN_FREE_BYTES:
        raise UnusableOutput(
            f"{out}: the disk has {free / 1e6:.0f} MB free, at least {MIN_FREE_BYTES / 1e6:.0f} MB are needed; "
            "make room, or choose another folder with --out"
        )


class NoServer(FlowError):
    """A Prefect server is needed, and none answers."""

    exit_code = 4


def configure_client() -> None:
    """Settings for a command that only talks to a server; works only before Prefect is imported.

    Raises
    ------
    NoServer
        None is named: a temporary one would forget what it is told.
    """
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    from prefect.settings import get_current_settings  # noqa: PLC0415 - only after the settings above

    if get_current_settings().api.url is None:
        raise NoServer("no Prefect server is named: set PREFECT_API_URL, such as http://127.0.0.1:4200/api")


@contextmanager
def server(out: Path) -> Iterator[None]:
    """Have Prefect's temporary server running while the block runs, unless there is another one.

    Prefect would start it by itself, but then Ctrl-C would stop the server before the flow (which then waits
    minutes for it), a killed run would leave it behind, and two first runs at once would both create its
    database.
    """
    from prefect.settings import get_current_settings  # noqa: PLC0415 - only after `configure`

    if get_current_settings().api.url is None:
        with (work_folder(out, "prefect") / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _start()
    yield


def _start() -> None:
    from prefect.server.api.server import SubprocessASGIServer  # noqa: PLC0415 - only after `configure`

    temporary = SubprocessASGIServer()
    failures: list[Exception] = []

    def start_deaf() -> None:
        # A child inherits the mask of the thread that starts it: Ctrl-C then reaches the flow alone.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            temporary.start(STARTUP_TIMEOUT_S)
        except Exception as problem:  # handed to the thread that waits
            failures.append(problem)

    starter = threading.Thread(target=start_deaf, daemon=True)
    starter.start()
    starter.join()
    if failures:
        raise FlowError(
            f"Prefect's temporary server did not start: {str(failures[0]).rstrip('.')}. Try again, or give a "
            "server of your own with PREFECT_API_URL"
        ) from failures[0]
    if temporary.server_process is not None:
        _end_with_us(temporary.server_process.pid)


def _end_with_us(pid: int) -> None:
    """Stop process `pid` when this one is gone, even if it is killed: a shell waits for the pipe to close."""
    watcher = subprocess.Popen(  # noqa: S603 - a number of our own is all that goes in
        ["/bin/sh", "-c", f"read _; kill {pid}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # After an ordinary end Prefect has stopped it already, and its number may belong to another process.
    atexit.register(watcher.kill)
