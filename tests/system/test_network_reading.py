"""Images over HTTP and S3, from real servers on loopback: what is fetched, what is kept, what is refused."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.transform import from_origin

from flows.scene_store import fetch, fetched
from imagery import connect, remote, transfer
from imagery.access import Access, S3Options, register_access
from imagery.drivers import open_raster, read_pixels
from imagery.errors import (
    AccessDenied,
    ChangedContent,
    MissingCredentials,
    MissingFile,
    RefusedAddress,
    SourceUnreachable,
    UnreadableRaster,
)
from imagery.quality import cloud_on_grid
from imagery.raster import Window
from imagery.read import block_figures, copy_source
from imagery.scene import Asset, Scene
from imagery.site_file import load_sites
from imagery.source import with_angles
from imagery.sources.names_sentinel import off_nadir_deg
from imagery.sources.static_stac import StaticStac
from tests.flows.flow_archive import NEWCOMER, write_archive, write_sites
from tests.services.fault_proxy import Delay, Drip, Drop, FaultProxy, Short, Status, Tagged, Truncated
from tests.services.s3 import s3_server, upload
from tests.unit.imagery.rasters import scene

pytestmark = pytest.mark.system

SIDE, BLOCK = 2048, 256
WEST, NORTH = 500_000.0, 3_900_000.0
BANDS = ("red", "green", "blue", "nir")
NEAR = GeoBox((300, 280), from_origin(WEST + 6_300, NORTH - 6_200, 10, 10), "EPSG:32636")
"""Of one site in the files, and of another one that shares blocks with it."""
BESIDE = GeoBox((200, 200), from_origin(WEST + 7_000, NORTH - 7_000, 10, 10), "EPSG:32636")
INSIDE = Window(row0=700, col0=700, row1=900, col1=900)


def numbers(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 9000, (SIDE, SIDE)).astype(np.uint16)


def cog(path: Path, pixels: np.ndarray, *, jp2: bool = False) -> Path:
    options: dict[str, Any] = {"driver": "COG", "blocksize": BLOCK, "compress": "deflate"}
    if jp2:
        options = {
            "driver": "JP2OpenJPEG",
            "QUALITY": 100,
            "REVERSIBLE": "YES",
            "blockxsize": 256,
            "blockysize": 256,
        }
    with rasterio.open(
        path, "w", width=pixels.shape[1], height=pixels.shape[0], count=1, dtype=pixels.dtype, crs="EPSG:32636",
        transform=from_origin(WEST, NORTH, 10, 10), **options,
    ) as out:  # fmt: skip
        out.write(pixels, 1)
    return path


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for seed, band in enumerate(BANDS):
        cog(folder / f"{band}.tif", numbers(seed))
    cog(folder / "scl.tif", (numbers(9)[::2, ::2] % 2 * 5 + 4).astype(np.uint8))
    return folder


@pytest.fixture
def proxy(images: Path) -> Iterator[FaultProxy]:
    with FaultProxy(folder=images) as running:
        yield running


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "PAUSE_S", 0.05)
    remote.forget()
    transfer.forget()


def acquisition(base: str, source: str | None = None, *, quality: bool = True) -> Scene:
    files = {band: Asset(href=f"{base}/{band}.tif", bands=(band,)) for band in BANDS}
    if quality:
        files["scl"] = Asset(href=f"{base}/scl.tif", bands=("scl",), role="quality", quality="scl")
    return scene(files, source=source or base, quantity="dn")


def same_pixels(path: str, band: str) -> bool:
    return np.array_equal(read_pixels(path, (1,), INSIDE)[0], numbers(BANDS.index(band))[700:900, 700:900])


def test_only_the_blocks_are_fetched_once_for_all_runs_and_sites(
    proxy: FaultProxy, images: Path, tmp_path: Path
) -> None:
    local, there = acquisition(str(images)), acquisition(proxy.url)
    needed = block_figures(local, NEAR).bytes_needed
    cloud_on_grid(there, NEAR)
    copies = copy_source(there, NEAR, tmp_path / "a")
    truth = copy_source(local, NEAR, tmp_path / "truth")
    assert [copy.sha256 for copy in copies] == [copy.sha256 for copy in truth]
    heads = len(copies) * remote.HEAD_BYTES
    # These files are small beside their headers; blocks alone stay well within the bound.
    assert proxy.bytes_sent - heads < 1.2 * needed
    assert len({request.path for request in proxy.seen()}) == len(copies)

    proxy.requests.clear()
    remote.forget()  # as another process
    again = copy_source(there, NEAR, tmp_path / "b")
    assert [copy.sha256 for copy in again] == [copy.sha256 for copy in copies]
    assert {request.status for request in proxy.seen()} == {304}
    assert proxy.bytes_sent == 0

    copy_source(there, BESIDE, tmp_path / "c")
    own = block_figures(local, BESIDE).bytes_needed
    both = [NEAR, BESIDE]
    shared = own + needed - _needed_by_any(local, both)
    assert shared > 0
    assert proxy.bytes_sent < 1.2 * (own - shared) + 4 * remote.PAGE_BYTES


def _needed_by_any(local: Scene, grids: list[GeoBox]) -> int:
    """Bytes of the blocks that one of the grids needs, by counting each block once."""
    found: dict[tuple[str, int, int], int] = {}
    for asset in local.assets.values():
        with rasterio.open(asset.href) as data:
            for grid in grids:
                box = grid.boundingbox
                inside = data.window(*box.bbox)
                for (row, col), block in data.block_windows(1):
                    if rasterio.windows.intersect([inside, block]):
                        size = data.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=1)
                        found[asset.href, row, col] = int(size)
    return sum(found.values())


_COPY = """
import sys
from pathlib import Path
from tests.system.test_network_reading import NEAR, acquisition
from imagery.read import copy_source
copy_source(acquisition(sys.argv[1]), NEAR, Path(sys.argv[2]))
"""


def test_two_processes_fetch_it_once(proxy: FaultProxy, tmp_path: Path, repository: Path) -> None:
    children = [
        subprocess.Popen([sys.executable, "-c", _COPY, proxy.url, str(tmp_path / name)], cwd=repository)
        for name in ("a", "b")
    ]
    assert [child.wait(240) for child in children] == [0, 0]
    blocks = [
        r.headers["range"]
        for r in proxy.seen("/red.tif")
        if r.sent > 1 and r.headers["range"] != "bytes=0-32767"
    ]
    assert blocks
    assert len(blocks) == len(set(blocks))


def test_a_damaged_piece_is_fetched_again(proxy: FaultProxy) -> None:
    assert same_pixels(f"{proxy.url}/red.tif", "red")
    pieces = [
        p for p in Path(os.environ["SITEWATCH_CACHE"]).glob("pieces/*/*/*-*-*") if not p.name.startswith("0-")
    ]
    assert pieces
    for piece in pieces:
        piece.write_bytes(bytes(piece.stat().st_size))
    remote.forget()
    with ThreadPoolExecutor(1) as fresh:  # a thread of its own has no open datasets
        assert fresh.submit(same_pixels, f"{proxy.url}/red.tif", "red").result()


def test_the_cache_stays_within_its_bound(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    from imagery import cache  # noqa: PLC0415

    monkeypatch.setenv(cache.LIMIT_GB, "0.0005")
    monkeypatch.setattr(cache, "BUSY_S", 0.0)
    monkeypatch.setattr(cache, "_TRIM_EVERY_BYTES", 1)
    for band in BANDS:
        assert same_pixels(f"{proxy.url}/{band}.tif", band)
    size = sum(p.stat().st_size for p in Path(os.environ["SITEWATCH_CACHE"]).glob("pieces/*/*/*"))
    assert 0 < size <= 500_000


def test_a_server_without_ranges_is_read_whole(proxy: FaultProxy, images: Path) -> None:
    body = (images / "red.tif").read_bytes()
    proxy.fail("/red.tif", Status(code=200, body=body, content_type="image/tiff"))
    assert same_pixels(f"{proxy.url}/red.tif", "red")


# ---- faults ---------------------------------------------------------------------------------------------------

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


def test_a_server_that_is_silent_is_asked_once_for_its_other_files(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = proxy.url
    with proxy.down():
        for _ in range(2):
            with pytest.raises(SourceUnreachable, match="cannot be fetched"):
                open_raster(f"{url}/red.tif")
    assert same_pixels(f"{url}/red.tif", "red")


def test_a_server_that_takes_too_long_is_named(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "ATTEMPTS", 2)
    monkeypatch.setitem(transfer.TIMEOUTS, "read", 0.3)
    proxy.fail("/red.tif", Delay(seconds=3))
    with pytest.raises(SourceUnreachable, match="no answer in time"):
        open_raster(f"{proxy.url}/red.tif")
    assert len(proxy.seen("/red.tif")) <= 2


_ELSEWHERE = """
import contextvars, gc, sys, threading
from imagery.drivers import open_raster, read_pixels
from imagery.raster import Window
opened = []
def work():
    contextvars.copy_context().run(lambda: opened.append(open_raster(sys.argv[1])))
    contextvars.copy_context().run(lambda: read_pixels(sys.argv[1], (1,), Window(row0=0, col0=0, row1=9, col1=9)))
    contextvars.copy_context().run(lambda: read_pixels(sys.argv[1], (1,), Window(row0=900, col0=0, row1=909, col1=9)))
thread = threading.Thread(target=work)
thread.start(); thread.join(); del thread; gc.collect()
print(opened[0].read(1).mean())
opened.pop().close()
"""


def test_a_dataset_outlives_the_thread_and_the_context_that_opened_it(
    proxy: FaultProxy, repository: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, f"{proxy.url}/red.tif"],
        check=False, cwd=repository, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(numbers(0).mean())
    assert done.stderr == ""


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


# ---- what may be reached --------------------------------------------------------------------------------------


def test_a_catalogue_at_a_public_address_cannot_name_private_ones(proxy: FaultProxy, tmp_path: Path) -> None:
    stranger = acquisition(proxy.url, source="https://catalogue.example/items.json")
    with pytest.raises(RefusedAddress, match=r"127\.0\.0\.1.*SITEWATCH_ALLOW_PRIVATE"):
        copy_source(stranger, NEAR, tmp_path)
    assert proxy.requests == []


def test_the_user_can_list_private_addresses(
    proxy: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITEWATCH_ALLOW_PRIVATE", "10.0.0.0/8, 127.0.0.0/8")
    assert copy_source(acquisition(proxy.url, source="elsewhere"), NEAR, tmp_path)


def test_redirects_are_followed_only_where_the_source_may_read(proxy: FaultProxy, images: Path) -> None:
    with FaultProxy(folder=images) as other:
        for target in (
            f"{other.url}/red.tif",
            "http://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
        ):
            proxy.heal()
            proxy.fail("/red.tif", Status(code=302, headers={"Location": target}))
            with pytest.raises(RefusedAddress, match=r"redirected.* and not followed"):
                open_raster(f"{proxy.url}/red.tif")
        assert other.requests == []
        proxy.heal()
        proxy.fail("/moved.tif", Status(code=307, headers={"Location": "/red.tif"}))
        assert same_pixels(f"{proxy.url}/moved.tif", "red")
        proxy.fail("/round.tif", Status(code=302, headers={"Location": "/round.tif"}))
        with pytest.raises(SourceUnreachable, match="redirected more than"):
            open_raster(f"{proxy.url}/round.tif")


def test_a_public_name_that_leads_to_a_private_address_is_refused(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "resolve", lambda host, port: ["127.0.0.1"])
    url = f"http://tiles.example:{proxy.port}/red.tif"
    with pytest.raises(RefusedAddress, match=r"private address 127\.0\.0\.1"):
        open_raster(url, Access(source="public", hosts=("*.example",)))
    assert proxy.requests == []
    assert open_raster(
        url, Access(source="listed", hosts=("*.example",), private=("127.0.0.0/8",))
    ).shape == (SIDE, SIDE)


# ---- signatures -----------------------------------------------------------------------------------------------


@pytest.fixture
def planetary(
    proxy: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[FaultProxy, Scene]]:
    """A token service, and a blob server that wants its tokens; built from the public documentation."""
    from planetary_computer.sas import TOKEN_CACHE  # noqa: PLC0415

    TOKEN_CACHE.clear()
    account = "sentinel2.blob.core.windows.net"
    monkeypatch.setattr(connect, "resolve", lambda host, port: ["127.0.0.1"])
    register_access(
        "pc-test",
        Access(
            source="pc-test", hosts=("*.blob.core.windows.net",), private=True, signing="planetary-computer"
        ),
    )
    (proxy.folder / "store").mkdir(exist_ok=True)  # type: ignore[operator]
    for band in BANDS:
        target = proxy.folder / "store" / f"{band}.tif"  # type: ignore[operator]
        if not target.exists():
            target.hardlink_to(proxy.folder / f"{band}.tif")  # type: ignore[operator]
    with FaultProxy(folder=tmp_path) as tokens:
        monkeypatch.setenv("PC_SDK_SAS_URL", f"{tokens.url}/token")
        yield tokens, acquisition(f"http://{account}:{proxy.port}/store", source="pc-test", quality=False)
    TOKEN_CACHE.clear()


EXPIRED = Status(code=403, body=b"Signature not valid in the specified time frame")


def token(signature: str, seconds: float) -> Status:
    expiry = datetime.now(UTC) + timedelta(seconds=seconds)
    document = {
        "msft:expiry": expiry.isoformat(),
        "token": f"se={expiry:%Y-%m-%dT%H:%M:%SZ}&sp=r&sig={signature}",
    }
    return Status(code=200, body=json.dumps(document).encode(), content_type="application/json")


def test_planetary_computer_links_are_signed_and_signed_again(
    planetary: tuple[FaultProxy, Scene], proxy: FaultProxy, tmp_path: Path
) -> None:
    tokens, there = planetary
    tokens.fail("/token/sentinel2/store", token("geheim1", 3600), times=1)
    tokens.fail("/token/sentinel2/store", token("geheim2", 3600))
    # After five requests the first signature is not good any more, whatever it says itself.
    proxy.fail(
        "/store/*",
        Status(code=403, body=b"Signature not valid in the specified time frame"),
        after=5,
        query="geheim1",
    )
    copies = copy_source(there, NEAR, tmp_path / "copies")
    assert len(copies) == 4
    assert len(tokens.seen()) == 2
    assert {"geheim1", "geheim2"} == {r.query.rpartition("sig=")[2] for r in proxy.seen("/store/*")}
    for path in (*(tmp_path / "copies").glob("*.json"), *Path(os.environ["SITEWATCH_CACHE"]).rglob("*.json")):
        assert "geheim" not in path.read_text()
        assert "sentinel2.blob.core.windows.net" in path.read_text()
    assert all("?" not in copy.href for copy in copies)


def test_a_token_that_is_about_to_expire_is_not_used(
    planetary: tuple[FaultProxy, Scene], proxy: FaultProxy, tmp_path: Path
) -> None:
    tokens, there = planetary
    tokens.fail("/token/sentinel2/store", token("old", 61), times=1)
    tokens.fail("/token/sentinel2/store", token("new", 3600))
    open_raster(there.assets["red"].href, _pc()).close()
    time.sleep(1.5)
    open_raster(there.assets["green"].href, _pc()).close()
    assert {r.query.rpartition("sig=")[2] for r in proxy.seen("/store/green.tif")} == {"new"}


def test_view_angles_are_fetched_by_a_signed_address(
    planetary: tuple[FaultProxy, Scene], proxy: FaultProxy
) -> None:
    tokens, there = planetary
    tokens.fail("/token/sentinel2/store", token("geheim", 3600))
    angles = '<ZENITH_ANGLE unit="deg">4.5</ZENITH_ANGLE><AZIMUTH_ANGLE unit="deg">100</AZIMUTH_ANGLE>'
    granule = "".join(
        f'<Mean_Viewing_Incidence_Angle bandId="{band}">{angles}</Mean_Viewing_Incidence_Angle>'
        for band in (1, 2, 3, 7)
    )
    address = there.assets["red"].href.replace("red.tif", "granule.xml")
    (proxy.folder / "store" / "granule.xml").write_text(granule)  # type: ignore[operator]
    described = replace(there, platform="sentinel-2a", granule=address)
    found = with_angles(described)
    assert found.view_off_nadir_deg == pytest.approx(off_nadir_deg(4.5))
    assert found.view_azimuth_deg == pytest.approx(100)
    assert [r.query.rpartition("sig=")[2] for r in proxy.seen("/store/granule.xml")] == ["geheim"]
    proxy.fail("/store/none.xml", Status(code=404))
    missing = replace(described, granule=address.replace("granule.xml", "none.xml"))
    assert with_angles(missing).view_off_nadir_deg is None


def _pc() -> Access:
    from imagery.access import access_of  # noqa: PLC0415

    return access_of(scene({"red": Asset(href="x", bands=("red",))}, source="pc-test"))


def test_a_signature_that_stays_refused_is_named_without_it(
    planetary: tuple[FaultProxy, Scene], proxy: FaultProxy, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tokens, there = planetary
    tokens.fail("/token/*", token("geheim", 3600))
    proxy.fail("/store/*", EXPIRED)
    with caplog.at_level("DEBUG"), pytest.raises(AccessDenied, match="expired") as caught:
        copy_source(there, NEAR, tmp_path)
    assert "geheim" not in str(caught.value)
    assert "geheim" not in caplog.text
    assert "geheim" not in repr(caught.value.__context__)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Status(code=401), "PC_SDK_SUBSCRIPTION_KEY"),
        (Status(code=200, body=b"<html>"), "sent no token"),
        (Status(code=500), "answers 500"),
    ],
)
def test_a_token_service_that_gives_none_is_named(
    fault: Status, says: str, planetary: tuple[FaultProxy, Scene], tmp_path: Path
) -> None:
    tokens, there = planetary
    tokens.fail("/token/*", fault)
    with pytest.raises(SourceUnreachable, match=says):
        copy_source(there, NEAR, tmp_path)


# ---- S3 -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bucket(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    jp2 = cog(tmp_path_factory.mktemp("jp2") / "red.jp2", numbers(0), jp2=True)
    with s3_server() as endpoint:
        files = {f"tile/{band}.tif": images / f"{band}.tif" for band in BANDS}
        upload(
            endpoint,
            "eodata",
            {**files, "tile/red.jp2": jp2, "tile/odd name+é.tif": images / "red.tif"},
            public=["tile/red.jp2"],
        )
        yield endpoint


def cdse(endpoint: str, **options: Any) -> Access:
    s3 = S3Options(
        endpoint=endpoint, access_key="CDSE_S3_ACCESS_KEY", secret_key="CDSE_S3_SECRET_KEY",
        account="https://dataspace.copernicus.eu", **options,
    )  # fmt: skip
    return Access(source="cdse-test", schemes=("s3",), hosts=("eodata",), s3=s3)


def test_s3_with_keys_from_the_environment(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_access("cdse-test", cdse(bucket))
    there = acquisition("s3://eodata/tile", source="cdse-test", quality=False)
    with pytest.raises(
        MissingCredentials, match=r"CDSE_S3_ACCESS_KEY.*CDSE_S3_SECRET_KEY.*dataspace\.copernicus"
    ) as none:
        copy_source(there, NEAR, tmp_path)
    assert none.value.exit_code == 4
    monkeypatch.setenv("CDSE_S3_ACCESS_KEY", "test")
    monkeypatch.setenv("CDSE_S3_SECRET_KEY", "geheim")
    copies = copy_source(there, NEAR, tmp_path)
    assert {copy.href for copy in copies} == {f"s3://eodata/tile/{band}.tif" for band in BANDS}
    assert all(copy.etag for copy in copies)
    with pytest.raises(MissingFile, match=r"s3://eodata/tile/none\.tif"):
        open_raster("s3://eodata/tile/none.tif", cdse(bucket))
    assert same_s3("s3://eodata/tile/odd name+é.tif", cdse(bucket))


def same_s3(href: str, access: Access) -> bool:
    return np.array_equal(read_pixels(href, (1,), INSIDE, access)[0], numbers(0)[700:900, 700:900])


def test_jpeg_2000_over_s3_without_a_signature(bucket: str) -> None:
    assert same_s3("s3://eodata/tile/red.jp2", cdse(bucket, unsigned=True))


def test_s3_is_refused_where_the_source_does_not_list_it() -> None:
    with pytest.raises(RefusedAddress, match="not s3"):
        open_raster("s3://eodata/tile/red.jp2", Access(source="earth-search"))
    with pytest.raises(RefusedAddress, match="buckets eodata, and not secrets"):
        open_raster("s3://secrets/a.tif", cdse("http://127.0.0.1:9"))


def test_nginx_serves_the_same(images: Path, tmp_path: Path, requires: Any) -> None:
    program = requires("nginx", package="nginx-light")
    port = _free_port()
    config = tmp_path / "nginx.conf"
    user = "user root;" if os.getuid() == 0 else ""
    config.write_text(
        f"{user} daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}\n"
        f"http {{ access_log {tmp_path}/access.log; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p;"
        f" fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;"
        f" server {{ listen 127.0.0.1:{port}; root {images}; }} }}\n"
    )
    server = subprocess.Popen([program, "-c", str(config), "-p", str(tmp_path)], stderr=subprocess.DEVNULL)
    try:
        assert same_pixels(f"http://127.0.0.1:{port}/red.tif", "red")
        remote.forget()
        with ThreadPoolExecutor(1) as fresh:
            assert fresh.submit(same_pixels, f"http://127.0.0.1:{port}/red.tif", "red").result()
        assert '" 304 ' in (tmp_path / "access.log").read_text()
    finally:
        server.terminate()
        server.wait(20)


def _free_port() -> int:
    import socket  # noqa: PLC0415

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
