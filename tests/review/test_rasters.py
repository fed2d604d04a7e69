"""Rasters that stay open: found again, closed when there are too many, never one from another file of that name."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.errors import RasterioError

from review.pixels import RASTERS
from review.rasters import OpenRasters
from tests.review.conftest import SITE_RUN, opened


def write(path: Path, value: int) -> Path:
    profile = {"driver": "GTiff", "width": 32, "height": 32, "count": 1, "dtype": "uint8"}
    with rasterio.open(path, "w", **profile, transform=Affine.scale(0.5, -0.5)) as target:
        target.write(np.full((1, 32, 32), value, np.uint8))
    return path


@pytest.fixture
def rasters() -> Iterator[OpenRasters]:
    found = OpenRasters(most=2)
    yield found
    found.close()


def test_a_raster_stays_open_for_the_next_picture(tmp_path: Path, rasters: OpenRasters) -> None:
    path = write(tmp_path / "a.tif", 1)
    with rasters.reading(path) as first:
        assert first.read(1).mean() == 1
    assert not first.closed
    with rasters.reading(path) as second:
        assert second is first


def test_the_one_that_was_read_longest_ago_is_closed(tmp_path: Path, rasters: OpenRasters) -> None:
    paths = [write(tmp_path / f"{name}.tif", 1) for name in "abc"]
    kept = []
    for path in (paths[0], paths[1], paths[0], paths[2]):
        with rasters.reading(path) as dataset:
            kept.append(dataset)
    assert kept[2] is kept[0]
    assert [dataset.closed for dataset in (kept[0], kept[1], kept[3])] == [False, True, False]
    with rasters.reading(paths[1]) as again:
        assert again is not kept[1]
        assert again.read(1).mean() == 1


def test_another_file_under_the_same_name_is_opened_anew(tmp_path: Path, rasters: OpenRasters) -> None:
    path = write(tmp_path / "a.tif", 1)
    with rasters.reading(path) as before:
        pass
    write(tmp_path / "new.tif", 2).rename(path)
    with rasters.reading(path) as after:
        assert after is not before
        assert after.read(1).mean() == 2


def test_each_of_two_threads_has_its_own(tmp_path: Path, rasters: OpenRasters) -> None:
    path = write(tmp_path / "a.tif", 7)
    both, seen = threading.Barrier(2, timeout=10), []

    def read() -> None:
        with rasters.reading(path) as dataset:
            both.wait()  # both are reading at this moment
            seen.append((dataset, int(dataset.read(1).max())))

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [value for _, value in seen] == [7, 7]
    assert seen[0][0] is not seen[1][0]


def test_many_threads_on_few_files(tmp_path: Path, rasters: OpenRasters) -> None:
    paths = [write(tmp_path / f"{value}.tif", value) for value in range(4)]
    wrong: list[object] = []

    def read(turn: int) -> None:
        for step in range(40):
            value = (turn + step) % len(paths)
            try:
                with rasters.reading(paths[value]) as dataset:
                    found = dataset.read(1)
            except Exception as problem:
                wrong.append(problem)
                return
            if (found != value).any():
                wrong.append((value, found.max()))

    threads = [threading.Thread(target=read, args=(turn,)) for turn in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_what_went_wrong_is_not_met_again(tmp_path: Path, rasters: OpenRasters) -> None:
    path = write(tmp_path / "a.tif", 1)
    held = []

    def fail() -> None:
        with rasters.reading(path) as dataset:
            held.append(dataset)
            raise RuntimeError("a fault")

    with pytest.raises(RuntimeError, match="a fault"):
        fail()
    assert held[0].closed
    with rasters.reading(path) as second:
        assert second is not held[0]
    with pytest.raises(FileNotFoundError), rasters.reading(tmp_path / "none.tif"):
        pass
    (tmp_path / "text.tif").write_text("not an image")
    with pytest.raises(RasterioError), rasters.reading(tmp_path / "text.tif"):
        pass


def test_closing_spares_what_is_being_read(tmp_path: Path, rasters: OpenRasters) -> None:
    idle, busy = write(tmp_path / "idle.tif", 1), write(tmp_path / "busy.tif", 2)
    with rasters.reading(idle) as closed:
        pass
    with rasters.reading(busy) as dataset:
        rasters.close()
        assert closed.closed
        assert dataset.read(1).mean() == 2
    rasters.close()
    assert dataset.closed


def test_a_desk_that_stops_closes_them(root: Path) -> None:
    RASTERS.close()
    with opened(root) as desk:
        ana = desk.person("Ana")
        key = SITE_RUN.replace("/", "_")
        assert ana.get(f"/runs/{key}/tiles/before/0/0/0.png").status_code == 200
        assert ana.get(f"/runs/{key}/tiles/after/0/0/0.png").status_code == 200
        held = [dataset for _, dataset in RASTERS._idle.values()]
        assert held
    assert all(dataset.closed for dataset in held)
    assert not RASTERS._idle
