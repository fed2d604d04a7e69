"""What every test may use: the labelled data, system programs, seeded numbers; and no way to the outside.

Something a test needs and the machine lacks skips the test, with the reason; where ``CI`` is set it fails
instead, so that a run that checks nothing cannot look green.
"""

import importlib
import os
import shutil
import signal
import socket
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import hypothesis
import numpy as np
import pytest

pytest_plugins = (
    "tests.services.desk",
    "tests.services.postgres",
    "tests.services.records",
    "tests.services.nginx",
    "tests.services.pgstac",
    "tests.services.remote_images",
)

REPOSITORY = Path(__file__).resolve().parent.parent
STRICT = os.environ.get("CI", "").lower() not in ("", "0", "false")

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.load_profile("ci" if STRICT else "here")


def pytest_configure(config: pytest.Config) -> None:
    """Before anything imports Prefect: no analytics, and time to start on a busy machine.

    A suite started in the background inherits an ignored SIGINT and so would the programs that tests interrupt.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")


def missing(reason: str) -> NoReturn:
    """Skip the test for what this machine lacks; fail it where ``CI`` is set."""
    if STRICT:
        pytest.fail(f"needed here because CI is set: {reason}", pytrace=False)
    pytest.skip(reason)


def needed(module: str, *, package: str) -> Any:
    """A Python module that only some tests use, or skip (in CI: fail)."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing(f"{package}: {error}")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder of pyproject.toml."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real labelled data that lies beside the checkout; see docs/results.md.

    ``SITEWATCH_SHARED`` names another folder. ``SITEWATCH_SHARED=none`` says that this machine has none:
    then the test is skipped even where ``CI`` is set.
    """
    named = os.environ.get("SITEWATCH_SHARED", "")
    if named == "none":
        pytest.skip("SITEWATCH_SHARED=none: this machine has no labelled data")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not (folder / "README.md").is_file():
        missing(f"no labelled data in {folder}; set SITEWATCH_SHARED to its folder")
    return folder


@pytest.fixture(scope="session")
def requires() -> Callable[..., Path]:
    """``requires("nginx", package="nginx-light")``: the path of a system program, or skip (in CI: fail)."""

    def find(program: str, *, package: str | None = None) -> Path:
        # Servers live in sbin, which is not on everybody's PATH, and PostgreSQL's in folders by version.
        postgres = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
        folders = [os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin", *postgres]
        path = shutil.which(program, path=os.pathsep.join(folders))
        if path is None:
            missing(f"{program} is not installed (Debian: apt-get install {package or program})")
        return Path(path)

    return find


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Random numbers that are the same in every run of one test and differ between tests."""
    return np.random.default_rng(zlib.crc32(request.node.nodeid.encode()))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing fetched by one test is there for another, and nothing is left in the home folder."""
    monkeypatch.setenv("SITEWATCH_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections that leave this machine: a test that needs a server starts one."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
            host = str(address[0])
            if host not in ("localhost", "::1", "0.0.0.0") and not host.startswith("127."):
                raise OSError(f"tests may not leave this machine: connection to {host} refused")
        return connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)
