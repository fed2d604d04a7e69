"""The STAC documents: core against the official schemas, extensions against rules written from their specifications."""

import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pystac
import pytest
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from catalog.run import RunPaths, write_run
from imagery.copies import sha256_of
from tests.unit.catalog.catalog_runs import AFTER_TIME, alignment, grid_of, record, scene

TYPES = {
    "Feature": pystac.STACObjectType.ITEM,
    "Collection": pystac.STACObjectType.COLLECTION,
    "Catalog": pystac.STACObjectType.CATALOG,
}
ANGLES = {
    "view:off_nadir": (0, 90), "view:incidence_angle": (0, 90), "view:azimuth": (0, 360),
    "view:sun_azimuth": (0, 360), "view:sun_elevation": (-90, 90),
}  # fmt: skip


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    return write_run(record(tmp_path / "work"), root=tmp_path / "out")


@pytest.fixture
def item(paths: RunPaths) -> dict[str, Any]:
    return json.loads(paths.item.read_bytes())


def validate_core(path: Path) -> None:
    """Raises where the document breaks the core schema that comes with pystac."""
    document = json.loads(path.read_bytes())
    assert document["stac_version"] == "1.1.0"
    assert JsonSchemaSTACValidator().validate_core(document, TYPES[document["type"]], "1.1.0")


def extension_faults(item: dict[str, Any]) -> list[str]:
    """What breaks the extensions an Item declares; written from their specifications."""
    stated = {re.search(r"io/(\w+)/v", address)[1] for address in item["stac_extensions"]}
    properties, assets = item["properties"], item["assets"]
    faults = []
    for name, found in (("properties", properties), *assets.items()):
        prefixes = {"view", "proj", "file", "processing", "raster"} & {key.split(":")[0] for key in found}
        for band in found.get("bands", []):
            prefixes |= {"raster"} & {key.split(":")[0] for key in band}
        names = {"proj": "projection"}
        faults += [f"{name}: {p} not declared" for p in prefixes if names.get(p, p) not in stated]
        faults += [
            f"{name}: {key}={found[key]}"
            for key, (low, high) in ANGLES.items()
            if key in found and not low <= found[key] <= high
        ]
        if "file:checksum" in found and not re.fullmatch(r"1220[0-9a-f]{64}", found["file:checksum"]):
            faults.append(f"{name}: checksum {found['file:checksum']}")
        if "file:size" in found and not (isinstance(found["file:size"], int) and found["file:size"] >= 0):
            faults.append(f"{name}: size")
    if "view" in stated and not ANGLES.keys() & properties.keys():
        faults.append("view needs one angle among the properties")
    code = properties.get("proj:code")
    if code is not None and not re.fullmatch(r"[A-Z]+:[0-9A-Za-z]+", code):
        faults.append(f"proj:code {code}")
    if len(properties["proj:shape"]) != 2 or not all(isinstance(n, int) for n in properties["proj:shape"]):
        faults.append("proj:shape")
    if len(properties["proj:transform"]) not in {6, 9} or len(properties.get("proj:bbox", [0] * 4)) != 4:
        faults.append("proj:transform or proj:bbox")
    if not all(isinstance(v, str) and v for v in properties["processing:software"].values()):
        faults.append("processing:software")
    if not isinstance(properties["version"], str) or not isinstance(properties["deprecated"], bool):
        faults.append("version")
    return faults


def test_documents_validate(paths: RunPaths) -> None:
    root = paths.folder.parent.parent
    for path in (paths.item, root / "catalog.json", root / "testbase" / "collection.json"):
        validate_core(path)


def test_extensions_are_kept(item: dict[str, Any]) -> None:
    assert extension_faults(item) == []
    assert len(item["stac_extensions"]) == 5


def test_extension_rules_find_faults(item: dict[str, Any]) -> None:
    item["properties"]["proj:code"] = "32636"
    item["assets"]["before"]["view:off_nadir"] = 120
    item["assets"]["after"]["file:checksum"] = "deadbeef"
    assert len(extension_faults(item)) == 3


def test_item_spans_both_acquisitions(item: dict[str, Any]) -> None:
    assert item["id"] == "testbase_optical_20241204T082107Z_20241220T082341Z"
    assert not set(":/") & set(item["id"])
    properties = item["properties"]
    assert properties["datetime"] is None
    assert properties["start_datetime"] == "2024-12-04T08:21:07Z"
    assert properties["end_datetime"] == "2024-12-20T08:23:41Z"
    assert properties["proj:code"] == "EPSG:32636"
    assert properties["proj:shape"] == [600, 700]
    assert properties["proj:transform"] == [0.5, 0.0, 765000.0, 0.0, -0.5, 3923000.0]
    assert properties["proj:bbox"] == [765000.0, 3922700.0, 765350.0, 3923000.0]


def test_item_says_what_was_found_and_how(item: dict[str, Any]) -> None:
    properties = item["properties"]
    assert properties["sitewatch:simulated"] is True
    assert properties["sitewatch:outcomes"] == {
        "changed": 1,
        "unchanged": 3,
        "not_assessable": 0,
        "failed": 0,
    }
    assert properties["sitewatch:changes"] == {"appeared": 1, "vanished": 1, "moved": 1}
    assert properties["sitewatch:alignment"]["residual_px"] == 0.12
    assert properties["sitewatch:parameters"]["min_score"] == 0.5
    assert "SIMULATED" in properties["processing:lineage"]
    derived = [link["href"] for link in item["links"] if link["rel"] == "derived_from"]
    assert derived == ["https://archive.test/before-scene.tif", "https://archive.test/after-scene.tif"]


def test_every_file_is_an_asset_with_its_checksum(paths: RunPaths, item: dict[str, Any]) -> None:
    listed = {asset["href"].removeprefix("./"): asset for asset in item["assets"].values()}
    there = {p.relative_to(paths.folder).as_posix() for p in paths.folder.rglob("*") if p.is_file()}
    assert set(listed) == there - {"item.json"}
    for name, asset in listed.items():
        assert asset["file:checksum"] == "1220" + sha256_of(paths.folder / name)
        assert asset["file:size"] == (paths.folder / name).stat().st_size
    assert (
        listed["source/before/before-scene.tif"]["sitewatch:href"] == "https://archive.test/before-scene.tif"
    )
    assert listed["source/before/before-scene.tif"]["roles"] == ["source"]
    cloud_optimised = "image/tiff; application=geotiff; profile=cloud-optimized"
    assert {listed[f"{n}.tif"]["type"] for n in ("before", "after", "evidence")} == {cloud_optimised}
    assert listed["changes.geojson"]["type"] == "application/geo+json"


def test_angles_stand_on_the_asset_of_their_date(tmp_path: Path) -> None:
    after = scene("after-scene", AFTER_TIME, sun_elevation_deg=29.0, view_off_nadir_deg=None)
    paths = write_run(record(tmp_path / "work", after=after), root=tmp_path / "out")
    item = json.loads(paths.item.read_bytes())
    assert item["assets"]["before"]["view:sun_elevation"] == 31.0
    assert item["assets"]["after"]["view:sun_elevation"] == 29.0
    assert "view:off_nadir" not in item["assets"]["after"]
    assert extension_faults(item) == []


def test_scenes_without_angles_do_not_declare_the_view_extension(tmp_path: Path) -> None:
    bare = {
        f"{name}_deg": None for name in ("view_off_nadir", "view_azimuth", "sun_azimuth", "sun_elevation")
    }
    made = record(tmp_path / "work")
    made = replace(made, before=replace(made.before, **bare), after=replace(made.after, **bare, licence=None))
    paths = write_run(made, root=tmp_path / "out")
    item = json.loads(paths.item.read_bytes())
    validate_core(paths.item)
    assert extension_faults(item) == []
    assert not any("view" in address for address in item["stac_extensions"])
    assert "license" not in item["properties"]


def test_reflectance_declares_its_scale(tmp_path: Path) -> None:
    paths = write_run(record(tmp_path / "work", quantity="reflectance"), root=tmp_path / "out")
    item = json.loads(paths.item.read_bytes())
    band = item["assets"]["before"]["bands"][0]
    assert (band["data_type"], band["raster:scale"], band["nodata"]) == ("int16", 1e-4, -32768)
    assert extension_faults(item) == []


def test_dated_images_without_georeference_have_an_item_without_place(tmp_path: Path) -> None:
    made = record(tmp_path / "work", grid=grid_of(crs=None), site=None, name="a_b_0123")
    paths = write_run(made, root=tmp_path / "out")
    validate_core(paths.item)
    item = json.loads(paths.item.read_bytes())
    assert item["geometry"] is None
    assert "bbox" not in item
    assert item["properties"]["proj:code"] is None
    assert extension_faults(item) == []
    catalog = pystac.Catalog.from_file(str(tmp_path / "out" / "catalog.json"))
    assert [found.id for found in catalog.get_items()] == ["a_b_0123"]


def test_collection_and_catalog_grow_with_the_runs(tmp_path: Path) -> None:
    root = tmp_path / "out"
    made = record(tmp_path / "work")
    write_run(made, root=root)
    later = datetime.fromisoformat("2025-01-10T08:20:00+00:00")
    write_run(
        replace(made, name="testbase/optical_2_3", before=made.after, after=scene("third", later)), root=root
    )
    catalog = pystac.Catalog.from_file(str(root / "catalog.json"))
    (site,) = catalog.get_children()
    assert site.id == "testbase"
    assert len(list(site.get_items())) == 2
    assert site.extent.temporal.intervals[0][1] == later
    validate_core(root / "testbase" / "collection.json")
    (box,) = site.extent.spatial.bboxes
    assert box == list(next(site.get_items()).bbox)


def test_refused_alignment_is_told(tmp_path: Path) -> None:
    made = record(tmp_path / "work")
    refused = replace(
        made.model, alignment=alignment(verdict="refused", reason="no structure", residual_px=None)
    )
    made = replace(made, model=refused, status="not_assessable", reason="no structure")
    item = json.loads(write_run(made, root=tmp_path / "out").item.read_bytes())
    assert item["properties"]["sitewatch:status"] == "not_assessable"
    assert item["properties"]["sitewatch:alignment"]["verdict"] == "refused"
