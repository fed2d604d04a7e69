"""What goes wrong at a provider, through ``sitewatch run``: what is said, the exit code, what is left, and healing."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.testing.utilities import prefect_test_harness

from flows.cli import call
from flows.status import status_document
from imagery import connect, remote, transfer
from imagery.sources import api_io, providers, web
from imagery.sources.web import Patience
from tests.flows.flow_archive import NEWCOMER, SHIP, write_archive, write_sites
from tests.services.fault_proxy import Delay, Drip, Fault, FaultProxy, Status, Truncated
from tests.services.pgstac import provider_toml
from tests.services.replay import landing_page, page, replaying

pytestmark = pytest.mark.system

SPOILT = "/scene-2025-01-11-green.tif"
HTML = b"<html><head><title>Sign in</title></head></html>" * 50

Ended = tuple[int, dict[str, Any], str]
"""Exit code, document, everything that was written."""


@pytest.fixture(scope="module", autouse=True)
def _prefect_server() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=180):
        yield


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[FaultProxy]:
    write_archive(tmp_path / "archive", {"2025-01-01": [SHIP], "2025-01-11": [SHIP, NEWCOMER]})
    with FaultProxy(folder=tmp_path / "archive") as running:
        yield running


class Watch:
    """``sitewatch run`` of one source into one folder, again and again."""

    def __init__(self, folder: Path, source: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.out, self.source = folder / "out", source
        self._capsys = capsys
        self._sites = write_sites(folder / "sites.geojson")

    def run(self) -> Ended:
        """Once; it stands for a process of its own."""
        remote.forget()
        transfer.forget()
        web._down.clear()
        self._capsys.readouterr()
        place = ["--source", self.source, "--sites", str(self._sites), "--out", str(self.out)]
        code = call(["run", "field", *place, "--from", "2025-01-01", "--to", "2025-01-11", "--json"])
        said = self._capsys.readouterr()
        assert "Traceback" not in said.err
        return code, json.loads(said.out), said.out + said.err

    def fails(self, code: int, says: str, result: str) -> str:
        """Run, and check what is told and left: nothing half, and of earlier results all. Gives the reason."""
        before = self.results()
        ended, document, _ = self.run()
        (site,) = document["sites"]
        told = self.last()
        assert (ended, document["runs"], told["result"]) == (code, [], result)
        assert says in site["reason"]
        assert says in told["reason"]
        assert (told["runs"], sum(told["tiles"].values())) == (0, 0)
        assert not [
            *self.out.glob(".partial/*"),
            *self.out.glob(".work/scratch/*"),
            *self.out.rglob("*.part"),
        ]
        assert self.results() == before
        return str(site["reason"])

    def heals(self) -> None:
        """Run, and see that all is well."""
        code, document, _ = self.run()
        assert code == 0
        (done,) = document["runs"]
        assert done["counts"] == {"appeared": 1, "vanished": 0, "moved": 0}
        assert (self.last()["result"], self.last()["runs"]) == ("done", 1)
        assert status_document(self.out)["sites"][0]["health"] == "done"

    def last(self) -> dict[str, Any]:
        """What ``sitewatch status`` says of the last run."""
        (source,) = status_document(self.out, ["field"])["sites"][0]["sources"]
        found: dict[str, Any] = source["last"]
        return found

    def results(self) -> dict[Path, str]:
        """Checksum of every file of every run."""
        files = (path for path in self.out.glob("field/*/**/*") if path.is_file())
        return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    def forget_pixels(self) -> None:
        """What was fetched has to be fetched again."""
        shutil.rmtree(self.out / ".work" / "scenes", ignore_errors=True)
        shutil.rmtree(os.environ["SITEWATCH_CACHE"], ignore_errors=True)


@pytest.fixture
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "PAUSE_S", 0.05)
    monkeypatch.setattr(transfer, "PATIENCE_S", 8.0)
    monkeypatch.setattr(connect, "RATE_WINDOW_S", 1.0)
    monkeypatch.setitem(transfer.TIMEOUTS, "read", 1.0)
    quick = Patience(attempts=2, connect_s=2.0, read_s=1.0, pause_s=0.05, total_s=5.0)
    monkeypatch.setattr(api_io, "PATIENCE", quick)


@pytest.fixture
def watch(_hasty: None, proxy: FaultProxy, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Watch:
    """Of a static catalogue with its images on one server."""
    return Watch(tmp_path, f"{proxy.url}/items.json", capsys)


def test_every_fault_of_files_is_named_and_the_next_run_heals(proxy: FaultProxy, watch: Watch) -> None:
    expired = Status(code=403, body=b"<Message>Request has expired</Message>")
    for fault, code, says, result in (
        (Status(code=500), 4, "answers 500 again and again", "source_down"),
        (Delay(seconds=2), 4, "no answer in time", "source_down"),
        (Drip(bytes_per_s=20), 4, "too slow", "source_down"),
        (Status(code=429, retry_after=3), 4, "answers 429 (too many requests)", "source_down"),
        (Status(code=429, retry_after=3600), 4, "asks to wait 3600 s", "source_down"),
        (expired, 4, "signature of the link expired", "refused"),
        (Status(code=403), 4, "no permission", "refused"),
        (Status(code=404), 3, "has no such file", "no_pair"),
        (Status(code=200, body=HTML, content_type="text/html"), 3, "sent a page (text/html)", "no_pair"),
        (Truncated(), 4, "broke off", "source_down"),
    ):
        # Half a file: its head comes, its blocks break off.
        after = 1 if isinstance(fault, Truncated) else 0
        proxy.heal()
        proxy.fail(SPOILT, fault, after=after)
        reason = watch.fails(code, says, result)
        # The source, which is the catalogue here, and the file.
        # Where its server is what fails, the next file that is wanted from it may be the one that is told.
        named = f"{watch.source}: {proxy.url}/scene-" if code == 4 else f"{proxy.url}{SPOILT}: "
        assert named in reason
        asked = len(proxy.seen(SPOILT)) - after
        passing = isinstance(fault, Truncated | Delay | Drip) or fault.code in (429, 500)
        assert asked <= transfer.ATTEMPTS if passing else asked == 1
        if isinstance(fault, Delay):
            time.sleep(
                fault.seconds
            )  # its answers come when nobody waits for them, and would be counted below
        proxy.heal()
        watch.heals()
        watch.forget_pixels()
    (folder,) = (item.parent for item in watch.out.glob("field/*/item.json"))
    assert not (folder / "versions").exists()
    assert call(["verify", str(folder)]) == 0
    report = json.loads((folder / "report.json").read_text())
    assert {entry["etag"] for entry in report["inputs"]} - {None}
    # Another output folder: only whether anything has changed is asked.
    watch.heals()
    proxy.requests.clear()
    watch.out.rename(watch.out.with_name("moved away"))
    watch.heals()
    assert {request.status for request in proxy.seen("*.tif")} == {304}


@pytest.fixture
def api(
    _hasty: None,
    proxy: FaultProxy,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[FaultProxy, Watch]]:
    """An API that is reached through a proxy, and images on another server."""
    features = json.loads((tmp_path / "archive" / "items.json").read_text())["features"]
    for item in features:
        for asset in item["assets"].values():
            asset["href"] = f"{proxy.url}/{asset['href']}"
    with FaultProxy() as front, replaying([page(features)], landing=landing_page(front.url)) as replay:
        front.upstream = replay.url
        describe(tmp_path, front.url)
        monkeypatch.setenv(providers.VARIABLE, str(tmp_path / "providers.toml"))
        yield front, Watch(tmp_path, "here", capsys)


def describe(folder: Path, url: str) -> None:
    """The provider ``here`` at an address."""
    offered = '[{ id = "made-for-a-test", sensor = "optical" }]'
    (folder / "providers.toml").write_text(provider_toml("here", url, collections=offered))


def test_every_fault_of_a_search_is_named_and_the_next_run_heals(api: tuple[FaultProxy, Watch]) -> None:
    front, watch = api
    faults: tuple[tuple[Fault, str, str, int], ...] = (
        (
            Status(code=403, body=b'{"message": "not from there"}'),
            "refuses (403: not from there)",
            "refused",
            1,
        ),
        (Status(code=429, retry_after=3600), "(too many requests) and asks to wait 3600 s", "source_down", 1),
        (Status(code=429), "the server answers 429 (too many requests) (2 times)", "source_down", 2),
        (Truncated(), "cannot be reached", "source_down", 2),
        (Delay(seconds=2), "no answer in time", "source_down", 2),
    )
    for fault, says, result, asked in faults:
        front.heal()
        front.fail("/search", fault)
        reason = watch.fails(4, says, result)
        assert reason.startswith(f"here ({front.url})")
        assert "use another source (earth-search" in reason
        if isinstance(fault, Delay):
            time.sleep(fault.seconds)
        assert len(front.seen("/search")) == asked
        front.heal()
        watch.heals()


def test_names_that_nobody_knows_and_that_are_known_again(
    api: tuple[FaultProxy, Watch], tmp_path: Path
) -> None:
    front, watch = api
    describe(tmp_path, "http://archive.invalid/v1")
    reason = watch.fails(4, "here (http://archive.invalid/v1): ", "source_down")
    assert "cannot be reached" in reason or "no answer in time" in reason
    describe(tmp_path, front.url)
    watch.heals()


def test_an_image_host_that_nobody_knows(watch: Watch, tmp_path: Path) -> None:
    catalogue = tmp_path / "archive" / "items.json"
    good = catalogue.read_text()
    document = json.loads(good)
    for item in document["features"]:
        for asset in item["assets"].values():
            asset["href"] = f"http://images.invalid/{asset['href']}"
    catalogue.write_text(json.dumps(document))
    assert "http://images.invalid/scene-2025-01-" in watch.fails(
        4, "the name images.invalid cannot be resolved", "source_down"
    )
    catalogue.write_text(good)
    watch.heals()


def test_a_provider_that_is_down_ends_the_run_soon_and_is_back_later(proxy: FaultProxy, watch: Watch) -> None:
    begun = time.monotonic()
    with proxy.down():
        assert proxy.url in watch.fails(4, "cannot be reached", "source_down")
    assert time.monotonic() - begun < 60
    # Asked too often, it says when to come back; that is no failure.
    proxy.fail("*.tif", Status(code=429, retry_after=1), times=4)
    watch.heals()
    assert len([r for r in proxy.seen("*.tif") if r.status == 429]) == 4
