"""What goes wrong while images are read over the network: forced at a server, named for what it is."""

import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.scene_store import fetch, fetched
from imagery import connect, remote, transfer
from imagery.drivers import open_raster, read_pixels
from imagery.errors import (
    AccessDenied,
    ChangedContent,
    MissingFile,
    SourceUnreachable,
    UnreadableRaster,
)
from imagery.raster import Window
from imagery.read import copy_source
from imagery.site_file import load_sites
from imagery.sources.static_stac import StaticStac
from tests.flows.flow_archive import NEWCOMER, write_archive, write_sites
from tests.services.fault_proxy import Delay, Drip, Drop, FaultProxy, Short, Status, Tagged, Truncated
from tests.services.remote_images import BANDS, INSIDE, NEAR, SIDE, acquisition, cog, numbers, same_pixels

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("hasty")]


HTML = b"<!DOCTYPE html><html><body>Please log in</body></html>" * 20


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        (Status(code=404), MissingFile, "no such file"),
        (Status(code=401), AccessDenied, "login"),
        (Status(code=403, body=b"<Code>AccessDenied</Code>"), AccessDenied, "no permission"),
        (Status(code=403, body=b"<Message>Request has expired</Message>"), AccessDenied, "expired"),
        (Status(code=403, body=b"SignatureDoesNotMatch"), AccessDenied, "does not accept the signature"),
        (Status(code=400), SourceUnreachable, "answers 400"),
        (Status(code=200, body=HTML, content_type="text/html"), UnreadableRaster, "sent a page"),
        (Status(code=200, body=HTML, content_type="image/tiff"), UnreadableRaster, "sent text"),
        (
            Status(code=200, body=b'{"code": 7}', content_type="application/json"),
            UnreadableRaster,
            "sent a page",
        ),
        (Status(code=200, body=bytes(5000)), UnreadableRaster, "not an image"),
        (Status(code=200, body=b""), UnreadableRaster, "empty"),
        (Status(code=429, retry_after=3600), SourceUnreachable, "asks to wait 3600 s"),
    ],
)
def test_an_answer_that_no_retry_changes_is_named_at_once(
    fault: Status, error: type[Exception], says: str, proxy: FaultProxy
) -> None:
    proxy.fail("/red.tif", fault)
    with pytest.raises(error, match=says) as caught:
        open_raster(f"{proxy.url}/red.tif?sig=geheim")
    assert "red.tif" in str(caught.value)
    assert "geheim" not in str(caught.value)
    assert len(proxy.seen("/red.tif")) == 1
    proxy.heal()
    assert same_pixels(f"{proxy.url}/red.tif", "red")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Status(code=500), "answers 500 again and again"),
        (Status(code=503), "answers 503"),
        (Truncated(), "broke off"),
        (Short(), "sent .* of .* bytes"),
        (Drop(), "broke off"),
        (Tagged(headers={"Content-Range": "bytes 5-9/100"}), "sends bytes 5 to 9"),
    ],
)
def test_a_failure_is_retried_and_then_named(fault: Any, says: str, proxy: FaultProxy) -> None:
    url = f"{proxy.url}/red.tif"
    proxy.fail("/red.tif", fault)
    with pytest.raises(SourceUnreachable, match=says) as caught:
        open_raster(url)
    assert url in str(caught.value)
    assert len(proxy.seen("/red.tif")) == transfer.ATTEMPTS
    proxy.heal()
    proxy.fail("/red.tif", fault, times=2)
    assert same_pixels(url, "red")


def test_a_body_that_breaks_off_leaves_nothing_that_counts(proxy: FaultProxy, tmp_path: Path) -> None:
    proxy.fail("/green.tif", Truncated(), after=1)
    with pytest.raises(SourceUnreachable, match=r"green\.tif"):
        copy_source(acquisition(proxy.url), NEAR, tmp_path)
    assert not [path.name for path in tmp_path.iterdir() if "green" in path.name]
    assert not list(tmp_path.glob("*.part"))
    assert not list(Path(os.environ["SITEWATCH_CACHE"]).rglob(".part-*"))
    proxy.heal()
    copies = copy_source(acquisition(proxy.url), NEAR, tmp_path)
    assert {copy.asset for copy in copies} == {*BANDS, "scl"}


def test_a_server_that_says_when_to_come_back_is_obeyed(proxy: FaultProxy) -> None:
    proxy.fail("/red.tif", Status(code=429, retry_after=1), times=6)
    assert same_pixels(f"{proxy.url}/red.tif", "red")
    assert len(proxy.seen("/red.tif")) > 6


def test_a_server_that_drips_is_given_up(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "RATE_WINDOW_S", 0.5)
    monkeypatch.setattr(transfer, "ATTEMPTS", 2)
    for fault in (Drip(bytes_per_s=20), Drip(bytes_per_s=20, headers=True)):
        proxy.heal()
        proxy.fail("/red.tif", fault)
        with pytest.raises(SourceUnreachable, match="too slow"):
            open_raster(f"{proxy.url}/red.tif")
        transfer.forget()
    assert len(proxy.seen("/red.tif")) == 2


def test_a_server_that_is_down_is_not_asked_for_its_other_files(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = proxy.url
    with proxy.down(), pytest.raises(SourceUnreachable, match=r"red\.tif: cannot be fetched"):
        open_raster(f"{url}/red.tif")
    with pytest.raises(SourceUnreachable, match=r"green\.tif: cannot be fetched.*a moment ago"):
        open_raster(f"{url}/green.tif")
    assert proxy.seen() == []
    monkeypatch.setattr(transfer, "_DOWN_S", 0.0)  # later
    assert same_pixels(f"{url}/red.tif", "red")


def test_attempts_end_when_patience_does(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "PATIENCE_S", 2.0)
    begun = time.monotonic()
    proxy.fail("/red.tif", Delay(seconds=10))
    with pytest.raises(SourceUnreachable, match="no answer in time"):
        open_raster(f"{proxy.url}/red.tif")
    assert time.monotonic() - begun < 6


def test_a_name_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "RESOLVE_S", 0.3)
    monkeypatch.setattr(transfer, "ATTEMPTS", 2)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(20))
    begun = time.monotonic()
    with pytest.raises(SourceUnreachable, match=r"archive\.example cannot be resolved \(no name server"):
        open_raster("http://archive.example/a.tif")
    assert time.monotonic() - begun < 10


def test_a_server_that_takes_too_long_is_named(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "ATTEMPTS", 2)
    monkeypatch.setitem(transfer.TIMEOUTS, "read", 0.3)
    proxy.fail("/red.tif", Delay(seconds=3))
    with pytest.raises(SourceUnreachable, match="no answer in time"):
        open_raster(f"{proxy.url}/red.tif")
    assert len(proxy.seen("/red.tif")) <= 2


def test_a_password_in_an_address_is_used_and_not_shown(proxy: FaultProxy) -> None:
    url = f"http://me:geheim@127.0.0.1:{proxy.port}/red.tif"
    assert open_raster(url).shape == (SIDE, SIDE)
    assert proxy.seen()[0].headers["authorization"] == "Basic bWU6Z2VoZWlt"
    proxy.fail("*", Status(code=403))
    with pytest.raises(AccessDenied) as caught:
        open_raster(url.replace("red", "green"))
    assert "geheim" not in str(caught.value)


def test_a_name_that_nobody_knows() -> None:
    with pytest.raises(SourceUnreachable, match=r"nowhere\.invalid cannot be resolved"):
        open_raster("http://nowhere.invalid/a.tif")


def test_content_that_changes_is_named_and_not_mixed(tmp_path: Path) -> None:
    folder = tmp_path / "served"
    folder.mkdir()
    first, second = numbers(1), numbers(2)
    cog(folder / "a.tif", first)
    with FaultProxy(folder=folder) as proxy:
        url = f"{proxy.url}/a.tif"
        assert np.array_equal(read_pixels(url, (1,), INSIDE)[0], first[700:900, 700:900])
        cog(tmp_path / "b.tif", second).replace(folder / "a.tif")
        elsewhere = Window(row0=0, col0=0, row1=100, col1=100)
        with pytest.raises(ChangedContent, match="another file"):
            read_pixels(url, (1,), elsewhere)
        remote.forget()  # the next run
        assert np.array_equal(read_pixels(url, (1,), elsewhere)[0], second[:100, :100])
        assert np.array_equal(read_pixels(url, (1,), INSIDE)[0], second[700:900, 700:900])


def test_a_file_replaced_between_two_runs_is_read_anew_and_said(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive", {"2025-01-01": []})
    site = load_sites(write_sites(tmp_path / "sites.geojson"))["field"]
    with FaultProxy(folder=archive.parent) as proxy:
        source = StaticStac(address=f"{proxy.url}/items.json", name=f"{proxy.url}/items.json")
        (there,) = source.find(
            site, datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC)
        ).usable
        before = fetched(fetch(there, site, tmp_path / "out"))
        write_archive(archive.parent, {"2025-01-01": [NEWCOMER]})
        remote.forget()
        after = fetched(fetch(there, site, tmp_path / "out"))
    assert before.notes == ()
    # Its quality band says what it said before; a file is another one all the same.
    assert {note.split(": ")[0].rpartition("-")[2] for note in after.notes if "pixels differ" in note} == {
        "red.tif", "green.tif", "blue.tif",
    }  # fmt: skip
    assert [copy.sha256 for copy in after.copies if copy.asset == "red"] != [
        copy.sha256 for copy in before.copies if copy.asset == "red"
    ]


def test_a_file_cut_short_on_its_server_is_noticed_at_its_head(images: Path, tmp_path: Path) -> None:
    whole = (images / "red.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(whole[: len(whole) // 2])
    with FaultProxy(folder=tmp_path) as proxy, pytest.raises(UnreadableRaster, match="cut short"):
        open_raster(f"{proxy.url}/cut.tif")
