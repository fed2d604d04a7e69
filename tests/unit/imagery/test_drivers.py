import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio

from imagery.drivers import open_raster, read_pixels, shared_dataset
from imagery.errors import MissingFile, RefusedAddress, SourceUnreachable, UnreadableRaster
from imagery.raster import Window
from tests.unit.imagery.rasters import NORTH_UP, texture, write

FULL = Window(row0=0, col0=0, row1=64, col1=64)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None: ...

    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()
        thread.join()


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jp2"])
def test_lossless_formats_come_back_as_written(tmp_path: Path, suffix: str) -> None:
    pixels = texture(64, 64)
    options = {"QUALITY": 100, "REVERSIBLE": "YES"} if suffix == ".jp2" else {}
    path = write(tmp_path / f"a{suffix}", pixels, **options)
    assert np.array_equal(read_pixels(str(path), (1,), FULL), pixels)


def test_a_file_url_is_a_file(tmp_path: Path) -> None:
    path = write(tmp_path / "with space.tif", texture(64, 64))
    with open_raster(path.as_uri()) as dataset:
        assert dataset.shape == (64, 64)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("notes.tif", b"these are my notes about the harbour\n", "text"),
        ("page.jpg", b"<html><body>404</body></html>", "text"),
        ("empty.tif", b"", "empty"),
        ("other.tif", b"\x00\x01\x02\x03" * 50, "supported format"),
        ("cut.png", b"\x89PNG\r\n\x1a\n\0\0", "cut short"),
        ("half.tif", b"II*\0\x08\0\0\0", "cut short"),
    ],
)
def test_what_is_not_an_image_is_named(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableRaster, match=says) as caught:
        open_raster(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["a.vrt", "a.tif"])
def test_a_vrt_is_not_followed_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    target = write(tmp_path / "target.tif", texture(64, 64))
    vrt = tmp_path / name
    vrt.write_text(
        '<VRTDataset rasterXSize="64" rasterYSize="64"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        f"<SourceFilename>{target}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
        "</VRTDataset>"
    )
    with pytest.raises(UnreadableRaster, match="VRT"):
        open_raster(vrt)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRaster, match="no such file"):
        open_raster(tmp_path / "none.tif")
    with pytest.raises(UnreadableRaster, match="not a file"):
        open_raster(tmp_path)


@pytest.mark.parametrize(
    "href",
    ["s3://bucket/a.tif", "ftp://host/a.tif", "zip://x.zip!a.tif", "/vsizip/x.zip/a.tif", "/vsimem/a.tif"],
)
def test_other_addresses_are_refused(href: str) -> None:
    with pytest.raises((UnreadableRaster, RefusedAddress)):
        open_raster(href)


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg", ".jp2"])
def test_truncated_images_are_refused_when_opened_or_read(tmp_path: Path, suffix: str) -> None:
    whole = write(tmp_path / f"whole{suffix}", texture(64, 64))
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    with pytest.raises(UnreadableRaster, match="cut short"):
        read_pixels(str(cut), (1,), FULL)


def test_a_damaged_block_is_noticed(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.tif", texture(64, 64), compress="lzw", tiled=True, blockxsize=64, blockysize=64
    )
    content = bytearray(path.read_bytes())
    content[-400:-200] = bytes(200)
    path.write_bytes(content)
    with pytest.raises(UnreadableRaster, match="damaged"):
        read_pixels(str(path), (1,), FULL)


def test_sidecars_are_not_looked_at(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", texture(64, 64), crs=None, transform=None)
    (tmp_path / "a.tif.aux.xml").write_text(
        "<PAMDataset><SRS>EPSG:32636</SRS><GeoTransform>5e5,10,0,4e6,0,-10</GeoTransform>"
        '<Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">/etc/passwd</MDI></Metadata></PAMDataset>'
    )
    (tmp_path / "a.tif.ovr").write_text('<VRTDataset rasterXSize="32" rasterYSize="32"/>')
    (tmp_path / "a.tfw").write_text("10\n0\n0\n-10\n500000\n4000000\n")
    with open_raster(path) as dataset:
        assert dataset.crs is None
        assert dataset.transform.is_identity
        assert dataset.overviews(1) == []
        assert dataset.files == [str(path)]


def test_metadata_that_names_another_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", texture(64, 64))
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE="/etc/passwd")
    with pytest.raises(UnreadableRaster, match="another file"):
        open_raster(path)


def test_a_changed_file_is_opened_anew(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", texture(64, 64, seed=1))
    first = read_pixels(str(path), (1,), FULL)
    other = write(tmp_path / "b.tif", texture(64, 64, seed=2))
    other.replace(path)
    assert not np.array_equal(read_pixels(str(path), (1,), FULL), first)


def test_each_thread_has_its_own_dataset(tmp_path: Path) -> None:
    path = str(write(tmp_path / "a.tif", texture(64, 64)))
    seen = [shared_dataset(path)]
    thread = threading.Thread(target=lambda: seen.append(shared_dataset(path)))
    thread.start()
    thread.join()
    assert seen[0] is shared_dataset(path)
    assert seen[0] is not seen[1]


def test_an_image_over_http(tmp_path: Path, server: str) -> None:
    pixels = texture(64, 64)
    write(tmp_path / "a.tif", pixels, transform=NORTH_UP)
    assert np.array_equal(read_pixels(f"{server}/a.tif", (1,), FULL), pixels)
    write(tmp_path / "b.png", pixels)
    assert np.array_equal(read_pixels(f"{server}/b.png", (1,), FULL), pixels)


def test_text_over_http_is_not_an_image(tmp_path: Path, server: str) -> None:
    (tmp_path / "a.tif").write_text("not an image at all " * 100)
    with pytest.raises(UnreadableRaster, match="server sent"):
        open_raster(f"{server}/a.tif")


def test_a_file_that_appears_later_is_found_on_retry(tmp_path: Path, server: str) -> None:
    with pytest.raises(MissingFile, match=r"late\.tif"):
        open_raster(f"{server}/late.tif")
    write(tmp_path / "late.tif", texture(64, 64))
    with open_raster(f"{server}/late.tif") as dataset:
        assert dataset.shape == (64, 64)


def test_no_server() -> None:
    with pytest.raises(SourceUnreachable, match="cannot be fetched"):
        open_raster("http://127.0.0.1:9/a.tif")
