"""A real Prefect server, and what a test asks of a server; everything on loopback."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from tests.services.processes import free_port

STARTUP_S = 300


def until(condition: Callable[[], Any], seconds: float, what: str, *, poll_s: float = 0.5) -> Any:
    """The first true value of `condition`."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"after {seconds:.0f} s still not: {what}"
        time.sleep(poll_s)


def clean_env(**more: str) -> dict[str, str]:
    """This environment without the Prefect that other tests use."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    root = str(Path(__file__).resolve().parents[2])
    return {
        **kept,
        "PYTHONPATH": root,
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLI_COLORS": "false",
        **more,
    }


@contextmanager
def program(command: Sequence[str | Path], env: Mapping[str, str], log: Path, **how: Any) -> Iterator[int]:
    """Run a program while the block runs; gone with everything it started when it ends."""
    with log.open("ab") as file:
        child = subprocess.Popen(
            [str(part) for part in command], env=dict(env), stdin=subprocess.DEVNULL, stdout=file,
            stderr=subprocess.STDOUT, start_new_session=True, **how,
        )  # fmt: skip
    try:
        yield child.pid
    finally:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(30)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


@contextmanager
def prefect_server(folder: Path, database: str) -> Iterator[dict[str, str]]:
    """A Prefect server with all its services; the environment that its clients need."""
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    folder.mkdir(parents=True, exist_ok=True)
    env = clean_env(
        PREFECT_HOME=str(folder),
        PREFECT_SERVER_DATABASE_CONNECTION_URL=database,
        PREFECT_SERVER_API_PORT=str(port),
        PREFECT_API_URL=api,
    )
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    command.append("--no-ui")
    with program(command, env, folder / "server.log"):
        until(lambda: healthy(api), STARTUP_S, f"the server answers, see {folder / 'server.log'}")
        yield env


def healthy(api: str) -> bool:
    try:
        return httpx.get(f"{api}/health", timeout=10).status_code == 200
    except httpx.HTTPError:
        return False


def cli(env: Mapping[str, str], *args: str, cwd: Path | None = None) -> str:
    """``prefect ARGS``."""
    done = subprocess.run(
        [sys.executable, "-m", "prefect", *args], env=dict(env), cwd=cwd, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def post(api: str, path: str, body: Mapping[str, Any]) -> Any:
    """The answer of the API, asked again where a busy server did not answer in time."""
    for attempt in range(5):
        try:
            return httpx.post(f"{api}/{path}", json=dict(body), timeout=30).raise_for_status().json()
        except (httpx.TransportError, json.JSONDecodeError):
            if attempt == 4:
                raise
            time.sleep(2)
    return None


def flow_runs(api: str, deployment: str, *states: str) -> list[dict[str, Any]]:
    """Runs of a deployment, by its name, in one of these states; any where none is named."""
    wanted: dict[str, Any] = {"deployments": {"name": {"any_": [deployment]}}, "sort": "START_TIME_ASC"}
    if states:
        wanted["flow_runs"] = {"state": {"type": {"any_": list(states)}}}
    runs: list[dict[str, Any]] = post(api, "flow_runs/filter", wanted)
    return runs


def events(api: str, name: str) -> list[dict[str, Any]]:
    """Events of this name, oldest first."""
    body = {"filter": {"event": {"name": [name]}, "order": "ASC"}, "limit": 50}
    found: list[dict[str, Any]] = post(api, "events/filter", body)["events"]
    return found
