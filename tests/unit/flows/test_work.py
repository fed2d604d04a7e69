"""What is kept between processes: tiles, scenes and grids as files."""

import json
import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from flows import wire
from flows.tile_store import TileStore
from flows.work import read_json, scratch, write_json
from imagery.listing import LeftOut
from imagery.scene import Asset, Scene
from imagery.tile import tiles
from models.compare import TileResult


def tile_result(tile: str, evidence: np.ndarray | None) -> TileResult:  # type: ignore[type-arg]
    return TileResult(
        tile=tile, valid_fraction=0.75, reason=None if evidence is not None else "cloud", evidence=evidence,
        detections=(),
    )  # fmt: skip


def test_tile_comes_back(tmp_path: Path, rng: np.random.Generator) -> None:
    store = TileStore(folder=tmp_path)
    evidence = rng.normal(size=(8, 9)).astype(np.float32)
    checksum = store.save(tile_result("r00c00", evidence))
    assert store.checksum("r00c00") == checksum
    assert store.load("r00c00").valid_fraction == 0.75
    (tile,) = tiles((8, 9), size_px=16, halo_px=0)
    found = store.evidence(tile)
    assert found is not None
    np.testing.assert_array_equal(found, evidence)


def test_tile_without_evidence_is_finished(tmp_path: Path) -> None:
    store = TileStore(folder=tmp_path)
    assert store.save(tile_result("r00c00", None)) == ""
    assert store.checksum("r00c00") == ""
    assert store.load("r00c00").reason == "cloud"


def test_map_of_a_tile_comes_back(tmp_path: Path, rng: np.random.Generator) -> None:
    store, cells = TileStore(folder=tmp_path), rng.normal(size=(5, 2, 3)).astype(np.float32)
    store.save(replace(tile_result("r00c00", np.zeros((8, 9), np.float32)), detectability=cells))
    (tile,) = tiles((8, 9), size_px=16, halo_px=0)
    np.testing.assert_array_equal(store.detectability(tile), cells)
    assert store.load("r00c00").detectability is None
    store.save(tile_result("r00c00", None))
    assert store.checksum("r00c00") == ""


@pytest.mark.parametrize("damaged", ["r00c00.npy", "r00c00.cells.npy"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "record"])
def test_damaged_tile_is_not_finished(damage: str, damaged: str, tmp_path: Path) -> None:
    store, zeros = TileStore(folder=tmp_path), np.zeros((4, 4), np.float32)
    store.save(replace(tile_result("r00c00", zeros), detectability=zeros[None]))
    assert store.checksum("r00c00") is not None
    array, record = tmp_path / damaged, tmp_path / "r00c00.json"
    if damage == "flip":
        array.write_bytes(array.read_bytes()[:-1] + b"\1")
    elif damage == "cut":
        array.write_bytes(array.read_bytes()[:-1])
    elif damage == "remove":
        array.unlink()
    else:
        record.write_text(record.read_text()[:-5])
    assert store.checksum("r00c00") is None


def test_unfinished_tile_is_a_key_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        TileStore(folder=tmp_path).load("r00c00")


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert read_json(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_scratch_is_gone_after_an_error_and_sweeps_what_a_killed_process_left(tmp_path: Path) -> None:
    left = tmp_path / ".work" / "scratch" / "left"
    left.mkdir(parents=True)
    os.utime(left, (time.time() - 2 * 86400,) * 2)
    fresh = left.with_name("fresh")
    fresh.mkdir()

    def fail_inside() -> None:
        with scratch(tmp_path) as folder:
            (folder / "x").write_text("x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert list(left.parent.iterdir()) == [fresh]


def scene(name: str, *siblings: Scene) -> Scene:
    return Scene(
        id=name, source="test", collection="c", platform="p", sensor="optical", quantity="reflectance",
        acquired=datetime(2025, 1, 1, 8, 20, tzinfo=UTC), gsd_m=10.0, siblings=siblings,
        footprint={"type": "Point", "coordinates": [1.0, 2.0]}, cloud_cover_pct=12.5, offset_applied=True,
        assets={"red": Asset(href="/x.tif", bands=("red",), scale=1e-4, offset=-0.1, nodata=0)},
    )  # fmt: skip


def test_scene_survives_json() -> None:
    original = scene("a", scene("b"))
    found = wire.scene_from_dict(json.loads(json.dumps(wire.scene_to_dict(original))))
    assert found == original
    assert found.siblings[0].assets["red"].bands == ("red",)


def test_left_out_survives_json() -> None:
    entry = LeftOut(scene_id="a", acquired=None, reason="cloud")
    assert wire.left_out_from_dict(json.loads(json.dumps(wire.left_out_to_dict(entry)))) == entry


@pytest.mark.parametrize("crs", ["EPSG:32636", None, "+proj=tmerc +lon_0=36 +ellps=WGS84"])
def test_grid_survives_json(crs: str | None) -> None:
    grid = GeoBox((30, 40), Affine(10.0, 0, 500_000.0, 0, -10.0, 4_000_000.0), crs)
    found = wire.grid_from_dict(json.loads(json.dumps(wire.grid_to_dict(grid))))
    assert found == grid


def test_fingerprint_ignores_key_order_only() -> None:
    assert wire.fingerprint({"a": 1, "b": 2}) == wire.fingerprint({"b": 2, "a": 1})
    assert wire.fingerprint({"a": 1}) != wire.fingerprint({"a": 2})
