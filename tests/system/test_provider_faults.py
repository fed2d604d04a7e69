"""What goes wrong at a provider, through ``sitewatch run``: what is said, the exit code, what is left, and healing."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.testing.utilities import prefect_test_harness

from flows.cli import call
from flows.status import status_document
from imagery import connect, remote, transfer
from tests.flows.flow_archive import NEWCOMER, SHIP, write_archive, write_sites
from tests.services.fault_proxy import Delay, Drip, FaultProxy, Status, Truncated

pytestmark = pytest.mark.system

SPOILT = "/scene-2025-01-11-green.tif"
HTML = b"<html><head><title>Sign in</title></head></html>" * 50

Run = Callable[[], tuple[int, dict[str, Any], str]]


@pytest.fixture(scope="module", autouse=True)
def _prefect_server() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=180):
        yield


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[FaultProxy]:
    write_archive(tmp_path / "archive", {"2025-01-01": [SHIP], "2025-01-11": [SHIP, NEWCOMER]})
    with FaultProxy(folder=tmp_path / "archive") as running:
        yield running


@pytest.fixture
def run(
    proxy: FaultProxy, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    monkeypatch.setattr(transfer, "PAUSE_S", 0.05)
    monkeypatch.setattr(connect, "RATE_WINDOW_S", 1.0)
    monkeypatch.setitem(transfer.TIMEOUTS, "read", 2.0)
    sites = write_sites(tmp_path / "sites.geojson")
    place = ["--source", f"{proxy.url}/items.json", "--sites", str(sites), "--out", str(tmp_path / "out")]

    def once() -> tuple[int, dict[str, Any], str]:
        # Each run stands for a process of its own.
        remote.forget()
        transfer.forget()
        capsys.readouterr()
        code = call(["run", "field", *place, "--from", "2025-01-01", "--to", "2025-01-11", "--json"])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, json.loads(said.out), said.out + said.err

    return once


def last_attempt(out: Path) -> dict[str, Any]:
    """What ``sitewatch status`` says of the last run."""
    (source,) = status_document(out, ["field"])["sites"][0]["sources"]
    found: dict[str, Any] = source["last"]
    return found


def nothing_left(out: Path) -> bool:
    half = [*out.glob(".partial/*"), *out.glob(".work/scratch/*"), *out.rglob("*.part")]
    return not half and not list(out.glob("field/*/item.json"))


def test_every_fault_is_named_and_the_next_run_heals(proxy: FaultProxy, run: Run, tmp_path: Path) -> None:
    expired = Status(code=403, body=b"<Message>Request has expired</Message>")
    out = tmp_path / "out"
    for fault, code, says, after in (
        (Status(code=500), 4, "answers 500 again and again", 0),
        (Delay(seconds=3), 4, "no answer in time", 0),
        (Drip(bytes_per_s=20), 4, "too slow", 0),
        (expired, 4, "signature of the link expired", 0),
        (Status(code=403), 4, "no permission", 0),
        (Status(code=404), 3, "has no such file", 0),
        (Status(code=200, body=HTML, content_type="text/html"), 3, "sent a page (text/html)", 0),
        # By now the head of the file is kept; its blocks break off.
        (Truncated(), 4, "broke off", 1),
    ):
        proxy.heal()
        proxy.fail(SPOILT, fault, after=after)
        ended, document, _ = run()
        (site,) = document["sites"]
        assert ended == code, says
        assert document["runs"] == []
        assert says in site["reason"]
        assert f"{proxy.url}{SPOILT}" in site["reason"]
        assert nothing_left(out)
        told = last_attempt(out)
        assert told["result"] == ("source_down" if code == 4 else "no_pair")
        assert says in told["reason"]
        assert (told["runs"], sum(told["tiles"].values())) == (0, 0)
        asked = len(proxy.seen(SPOILT)) - after
        assert asked <= transfer.ATTEMPTS if code == 4 else asked == 1
        if isinstance(fault, Delay):
            time.sleep(
                fault.seconds
            )  # its answers come when nobody waits for them, and would be counted below
    proxy.heal()
    ended, document, _ = run()
    assert ended == 0
    (done,) = document["runs"]
    assert (last_attempt(out)["result"], last_attempt(out)["runs"]) == ("done", 1)
    assert done["counts"] == {"appeared": 1, "vanished": 0, "moved": 0}
    assert call(["verify", str(Path(done["item"]).parent)]) == 0
    first = Path(done["item"]).parent
    report = json.loads((first / "report.json").read_text())
    assert {entry["etag"] for entry in report["inputs"]} - {None}
    # Another output folder: only whether anything has changed is asked.
    proxy.requests.clear()
    out.rename(tmp_path / "moved away")
    assert run()[0] == 0
    assert {request.status for request in proxy.seen("*.tif")} == {304}


def test_a_provider_that_is_down_ends_the_run_soon_and_is_back_later(
    proxy: FaultProxy, run: Run, tmp_path: Path
) -> None:
    begun = time.monotonic()
    with proxy.down():
        code, _, said = run()
    assert code == 4
    assert proxy.url in said
    assert time.monotonic() - begun < 60
    # Asked too often, it says when to come back; that is no failure.
    proxy.fail("*.tif", Status(code=429, retry_after=1), times=4)
    code, document, _ = run()
    assert code == 0
    assert len(document["runs"]) == 1
    assert len([r for r in proxy.seen("*.tif") if r.status == 429]) == 4
