"""A source that takes connections and says nothing ends a run of two sites within a minute, as it is shipped."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import get_current_settings
from prefect.testing.utilities import prefect_test_harness

from flows.status import status_document
from tests.flows.flow_archive import NEWCOMER, SHIP, write_archive, write_sites
from tests.services.pgstac import provider_toml
from tests.services.prefect_server import clean_env
from tests.services.silent import Silent, silent_server

pytestmark = pytest.mark.system

MOST_S = 40.0
"""From the first connection to the end of the process, which leaves 20 s of the minute for its start."""


@pytest.fixture(scope="module")
def prefect_api() -> Iterator[str]:
    with prefect_test_harness(server_startup_timeout=180):
        yield str(get_current_settings().api.url)


@pytest.fixture
def silent() -> Iterator[Silent]:
    with silent_server() as server:
        yield server


def two_sites(path: Path) -> Path:
    """The same place under two names."""
    features = []
    for name in ("field", "acre"):
        features += json.loads(write_sites(path, name).read_text())["features"]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def ended(silent: Silent, api: str, folder: Path, source: str, providers: Path) -> tuple[int, dict[str, str]]:
    """Exit code and the reason by site of ``sitewatch run`` in a process of its own, in good time."""
    command = [
        sys.executable, "-m", "flows.cli", "run", "field", "acre", "--source", source, "--providers", str(providers),
        "--sites", str(two_sites(folder / "sites.geojson")), "--out", str(folder / "out"),
        "--from", "2025-01-01", "--to", "2025-01-31", "--json",
    ]  # fmt: skip
    env = clean_env(PREFECT_API_URL=api, SITEWATCH_ALLOW_PRIVATE="127.0.0.1")
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    took_s = time.monotonic() - silent.connected[0]
    assert "Traceback" not in done.stderr
    assert took_s < MOST_S, done.stderr
    return done.returncode, {site["site"]: site["reason"] or "" for site in json.loads(done.stdout)["sites"]}


def assert_told(out: Path, says: str) -> None:
    for site in status_document(out)["sites"]:
        assert site["health"] == "source_down"
        assert says in site["sources"][0]["last"]["reason"]


def test_a_silent_api(silent: Silent, prefect_api: str, tmp_path: Path) -> None:
    providers = tmp_path / "providers.toml"
    providers.write_text(provider_toml("mute", f"{silent.url}/v1"))
    code, reasons = ended(silent, prefect_api, tmp_path, "mute", providers)
    assert code == 4
    assert set(reasons) == {"field", "acre"}
    for reason in reasons.values():
        assert f"mute ({silent.url}/v1): no answer in time" in reason
        assert "try again later, or use another source" in reason
    assert_told(tmp_path / "out", "mute")


def test_a_silent_host_of_images(silent: Silent, prefect_api: str, tmp_path: Path) -> None:
    catalogue = write_archive(
        tmp_path / "archive", {f"2025-01-{day:02}": [SHIP, NEWCOMER] for day in (1, 6, 11, 16)}
    )
    document = json.loads(catalogue.read_text())
    for item in document["features"]:
        for asset in item["assets"].values():
            asset["href"] = f"{silent.url}/{asset['href']}"
    catalogue.write_text(json.dumps(document))
    providers = tmp_path / "providers.toml"
    providers.write_text("")
    code, reasons = ended(silent, prefect_api, tmp_path, str(catalogue), providers)
    assert code == 4
    for reason in reasons.values():
        assert reason.startswith(f"items.json: {silent.url}/scene-2025-01-")
        assert "no answer in time" in reason
    assert_told(tmp_path / "out", silent.url)
