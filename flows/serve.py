"""``sitewatch serve``: a Prefect server and the serving process, kept running below one folder. No Prefect here.

The temporary server that Prefect starts inside a process schedules nothing, so this starts a whole one, on loopback
and with its database in ``<out>/.work/prefect``. Whoever has a server says so with ``PREFECT_API_URL``.
"""

import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from flows.errors import FlowError
from flows.poll_record import PollRecord, all_records
from flows.serve_state import STATE, serve_folder
from flows.supervise import Child, Stopper, wait_for
from flows.work import read_json, write_json

STARTUP_S = 300.0
DEAF_S = 120.0
"""A server that is there but has not answered for this long is started again."""

HEALTH_EVERY_S = 5.0
FIRST_PORT = 4200
_PORTS = 100


class CannotServe(FlowError):
    """The server or the serving process could not be started."""


@dataclass(kw_only=True)
class Serving:
    """One supervised server and serving process.

    Parameters
    ----------
    folder : Path
        ``<out>/.work/prefect``.
    api : str
        Address of the Prefect API.
    server : Child or None
        None where somebody else's is used.
    runner : Child
    say : callable
        Takes a line for people.
    stop : Stopper
    """

    folder: Path
    api: str
    server: Child | None
    runner: Child
    say: Callable[[str], None]
    stop: Stopper
    _answered: float = field(default_factory=time.monotonic)

    def start(self) -> None:
        """Start both, and wait until the deployments are there.

        Raises
        ------
        CannotServe
            One of them ended, or did not come up in time.
        """
        (self.folder / "serving.json").unlink(missing_ok=True)
        if self.server is not None:
            self.server.start()
        self._wait(self._healthy, self.server, "Prefect's server")
        if self.stop.wanted:
            return
        self.runner.start()
        self._wait((self.folder / "serving.json").is_file, self.runner, "the serving process")
        self._answered = time.monotonic()

    def _wait(self, ready: Callable[[], bool], child: Child | None, name: str) -> None:
        def decided() -> bool:
            return self.stop.wanted or ready() or (child is not None and not child.running)

        wait_for(decided, STARTUP_S, poll_s=0.3)
        if self.stop.wanted or ready():
            return
        if child is None:
            raise CannotServe(
                f"{self.api}: no Prefect server answers there; start it, or unset PREFECT_API_URL"
            )
        why = "did not come up in time" if child.running else "ended at once"
        raise CannotServe(f"{name} {why}: {child.tail()}. Its log is {child.log}")

    def check(self) -> None:
        """Start again what has ended, and a server that no longer answers."""
        if self.server is not None:
            if self._healthy():
                self._answered = time.monotonic()
            elif self.server.running and time.monotonic() - self._answered > DEAF_S:
                self.say(f"{self.server.name} has not answered for {DEAF_S:.0f} s")
                self.server.stop()
            if not self.server.running:
                self._server_again(self.server)
        if not self.stop.wanted and not self.runner.running:
            self._again(self.runner)

    def _server_again(self, server: Child) -> None:
        """Runs that were under way cannot be trusted to have been told of: they are ended, and begun anew."""
        self.runner.stop()
        self._again(server)
        wait_for(lambda: self.stop.wanted or self._healthy() or not server.running, STARTUP_S, poll_s=0.3)
        self._answered = time.monotonic()
        if not self.stop.wanted and self._healthy():
            self.runner.start()

    def _again(self, child: Child) -> None:
        code = child.ended()
        self.say(f"{child.name} ended ({_why(code)}) and is started again; {child.log} says why")
        if not self.stop.sleep(child.pause_s):
            child.start()

    def end(self) -> None:
        """Stop the serving process first, while its server can still be told what became of its runs."""
        self.runner.stop()
        if self.server is not None:
            self.server.stop()

    def _healthy(self) -> bool:
        return healthy(self.api)


def healthy(api: str) -> bool:
    """Whether a Prefect server answers."""
    try:
        return httpx.get(f"{api}/health", timeout=5).status_code == httpx.codes.OK
    except (httpx.HTTPError, OSError):
        return False


def _why(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


@contextmanager
def sole_server(out: Path) -> Iterator[None]:
    """Refuse a second ``serve`` of one folder.

    Raises
    ------
    CannotServe
        There is one already.
    """
    path = serve_folder(out) / "serve.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            state = read_json(serve_folder(out) / STATE) or {}
            raise CannotServe(
                f"{out}: sitewatch serve is running for this folder already (process {state.get('pid')}, "
                f"{state.get('ui')}); stop it first, or choose another folder with --out"
            ) from None
        yield


def free_port(wanted: int | None) -> int:
    """The port that is wanted, or the first free one from 4200 on.

    Raises
    ------
    CannotServe
        It is taken.
    """
    for port in [wanted] if wanted else range(FIRST_PORT, FIRST_PORT + _PORTS):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise CannotServe(f"port {wanted or FIRST_PORT} of 127.0.0.1 is taken; choose another with --port")


def server_env(base: Mapping[str, str], folder: Path, port: int, database: str | None) -> dict[str, str]:
    """Environment of the server and of everything below it; what the user has set is kept."""
    env = {
        "PREFECT_HOME": str(folder),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # A busy disk locks SQLite for longer than the 10 s that Prefect gives it.
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
        # Kept in memory, the places that running flows take would be lost with a killed server, and never given back.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(folder / "ui"),
        **base,
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PYTHONUNBUFFERED": "1",
    }
    if database is not None:
        env["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = database
    return env


def new_serving(
    out: Path, plan: Mapping[str, Any], *, port: int | None, database: str | None, say: Callable[[str], None]
) -> Serving:
    """Everything ready to be started."""
    folder, given = serve_folder(out), os.environ.get("PREFECT_API_URL")
    stop = Stopper()
    write_json(
        folder / "plan.json", {"plan": dict(plan), "embedded": given is None}
    )  # readable by its owner only
    server = None
    if given is None:
        number = free_port(port)
        env = server_env(os.environ, folder, number, database)
        api = env["PREFECT_API_URL"]
        server = Child(
            name="Prefect's server",
            command=[sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(number)],
            env=env,
            log=folder / "server.log",
        )  # fmt: skip
    else:
        api, env = given.rstrip("/"), {"PYTHONUNBUFFERED": "1", **os.environ}
    runner = Child(
        name="the serving process",
        command=[sys.executable, "-m", "flows.serve_runner", str(folder / "plan.json")],
        env=env,
        log=folder / "runner.log",
        grace_s=30,
    )
    return Serving(folder=folder, api=api, server=server, runner=runner, say=say, stop=stop)


def next_runs(api: str, folder: Path) -> dict[str, str]:
    """When each deployment runs next, by its name; those that wait for a person or an event are absent."""
    state = read_json(folder / "serving.json") or {}
    found: dict[str, str] = {}
    try:
        for name, id_ in state.get("deployments", {}).items():
            body = {
                "deployments": {"id": {"any_": [id_]}},
                "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
                "sort": "EXPECTED_START_TIME_ASC",
                "limit": 2,
            }
            answer = httpx.post(f"{api}/flow_runs/filter", json=body, timeout=10).raise_for_status().json()
            times = [run["expected_start_time"] for run in answer if run.get("auto_scheduled")]
            if times:
                found[name] = times[0]
    except (httpx.HTTPError, json.JSONDecodeError, KeyError):
        return found
    return found


class Watcher:
    """Tells of every poll when it is over, from the records that the flows leave."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._seen = {(record.site, record.source): record for record in all_records(out)}

    def news(self) -> Iterator[PollRecord]:
        """Records that changed since the last call."""
        for record in all_records(self._out):
            key = (record.site, record.source)
            if self._seen.get(key) != record:
                self._seen[key] = record
                yield record


def supervise(serving: Serving, out: Path, say: Callable[[str], None]) -> None:
    """Keep it running until a stop is wanted, and tell of every poll."""
    watcher = Watcher(out)
    while not serving.stop.sleep(HEALTH_EVERY_S):
        serving.check()
        for record in watcher.news():
            say(f"{record.site}: {record.message}")


def local_time(text: str) -> str:
    """An ISO time in the machine's own zone, for people."""
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M %Z}"
