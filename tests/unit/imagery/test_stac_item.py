"""From a STAC Item to a scene, as the public archives write them."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from imagery.sources.facts import BadFact, Facts, facts_from_mapping, moment, quantity
from imagery.sources.granule import granule_angles
from imagery.sources.stac_assets import resolve
from imagery.sources.stac_item import UnusableItem, scene_from_item

BASE = "https://archive.test/c/item/item.json"
PLACE = {"type": "Polygon", "coordinates": [[[35, 34], [36, 34], [36, 35], [35, 35], [35, 34]]]}


def item(**properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": "S2A_36SYD_20241205_0_L2A", "collection": "sentinel-2-l2a",
        "geometry": PLACE, "links": [],
        "properties": {"datetime": "2024-12-05T08:27:02Z", "platform": "sentinel-2a", **properties},
        "assets": {
            "red": {"href": "B04.tif", "type": "image/tiff", "roles": ["data"], "gsd": 10,
                    "bands": [{"name": "B04", "eo:common_name": "red"}], "nodata": 0, "raster:scale": 0.0001,
                    "raster:offset": -0.1, "file:checksum": "1220" + "ab" * 32},
            "nir": {"href": "s3://bucket/B08.tif", "type": "image/tiff", "roles": ["data"], "gsd": 10,
                    "eo:bands": [{"name": "B08", "common_name": "nir"}],
                    "alternate": {"https": {"href": "https://mirror.test/B08.tif"}}},
            "scl": {"href": "./SCL.tif", "type": "image/tiff", "roles": ["data"]},
            "visual": {"href": "TCI.tif", "type": "image/tiff", "roles": ["visual"],
                       "eo:bands": [{"common_name": "red"}, {"common_name": "green"}, {"common_name": "blue"}]},
            "thumbnail": {"href": "t.jpg", "type": "image/jpeg", "roles": ["thumbnail"]},
        },
    }  # fmt: skip


def radar_item(**properties: Any) -> dict[str, Any]:
    found = item(
        **{"platform": "SENTINEL-1A", "sar:product_type": "GRD", "sat:relative_orbit": 14, **properties}
    )
    found |= {"id": "S1A_IW_GRDH_1SDV_x", "collection": "sentinel-1-grd"}
    found["assets"] = {
        pol: {"href": f"{pol}.tif", "type": "image/tiff", "roles": ["data"], "gsd": 10}
        for pol in ("vh", "vv")
    }
    return found


def made(document: dict[str, Any]) -> Any:
    return scene_from_item(document, BASE, source="t")


def test_a_sentinel_2_item_of_stac_1_1() -> None:
    scene = made(item(**{
        "s2:product_uri": "S2A_MSIL2A_20241205T082311_N0511_R121_T36SYD_20241205T105500.SAFE",
        "s2:datatake_id": "GS2A_20241205T082311_049349_N05.11", "s2:processing_baseline": "05.11",
        "earthsearch:boa_offset_applied": True, "proj:code": "EPSG:32636", "eo:cloud_cover": 12.5,
        "view:sun_elevation": 30.0, "view:sun_azimuth": 160.0, "grid:code": "MGRS-36SYD",
    }))  # fmt: skip
    assert list(scene.assets) == ["red", "nir", "scl"]
    red = scene.assets["red"]
    assert (red.href, red.scale, red.offset, red.nodata) == (
        "https://archive.test/c/item/B04.tif",
        1e-4,
        -0.1,
        0.0,
    )
    assert red.sha256 == "ab" * 32
    assert scene.assets["nir"].href == "https://mirror.test/B08.tif"
    assert scene.assets["scl"].quality == "scl"
    assert (scene.relative_orbit, scene.datatake, scene.tile) == (121, "S2A_20241205T082311", "36SYD")
    assert (scene.offset_applied, scene.processing_baseline, scene.cloud_cover_pct) == (True, "05.11", 12.5)
    assert (scene.sun_elevation_deg, scene.sun_azimuth_deg) == (30.0, 160.0)
    assert "Copernicus Sentinel data 2024" in scene.attribution


def test_the_offset_of_the_product_definition_counts_where_the_item_is_silent() -> None:
    for baseline, offset in (("05.11", -0.1), ("04.00", -0.1), ("03.01", 0.0), (None, None)):
        document = item(**{"s2:processing_baseline": baseline})
        for name in ("raster:scale", "raster:offset"):
            del document["assets"]["red"][name]
        red = made(document).assets["red"]
        assert (red.scale, red.offset) == (1e-4, offset)


def test_radar_without_terrain_correction_is_refused() -> None:
    with pytest.raises(UnusableItem, match="terrain correction"):
        made(radar_item())


def test_projected_radar_that_says_what_it_measures_is_used() -> None:
    scene = made(radar_item(**{"sitewatch:quantity": "sigma0_db", "sat:orbit_state": "ascending"}))
    assert (scene.sensor, scene.quantity, scene.in_db, list(scene.assets)) == (
        "sar",
        "sigma0",
        True,
        ["vv", "vh"],
    )


def test_terrain_corrected_radar_is_gamma_nought() -> None:
    document = radar_item()
    document |= {"collection": "sentinel-1-rtc", "id": "S1A_IW_GRDH_1SDV_x_rtc"}
    scene = made(document)
    assert (scene.quantity, scene.in_db, scene.relative_orbit) == ("gamma0", False, 14)


def test_a_plain_image_uses_the_sharpest_rendering() -> None:
    document = item(platform="worldview-3", **{"eo:cloud_cover": 1, "gsd": 0.5})
    document |= {"collection": "bought", "id": "crop"}
    document["assets"] = {
        "ms_analytic": {"href": "ms.tif", "type": "image/tiff", "roles": ["data"], "gsd": 1.2},
        "visual": {"href": "v.tif", "type": "image/tiff", "roles": ["data"], "gsd": 0.3,
                   "eo:bands": [{"name": "R", "common_name": "red"}]},
        "browse": {"href": "b.png", "type": "image/png", "roles": ["overview"]},
    }  # fmt: skip
    scene = made(document)
    assert [asset.href for asset in scene.assets.values()] == ["https://archive.test/c/item/v.tif"]
    assert (scene.quantity, scene.gsd_m) == ("dn", 0.3)


def change(**parts: Any) -> dict[str, Any]:
    return {**item(), **parts}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, "not a STAC Item"),
        (change(properties=None), "not a STAC Item"),
        (change(id=None), "no id"),
        (change(properties={"platform": "x"}), "cannot be understood"),
        (change(properties={"datetime": None, "platform": "x"}), "cannot be understood"),
        (change(properties={"datetime": "yesterday"}), "is not a time"),
        (change(properties={"datetime": "2024-12-05T08:27:02"}), "no time zone"),
        (item(**{"eo:cloud_cover": "many"}), "not a number"),
        (change(assets={}), "no assets"),
        (change(assets=None), "no assets"),
        (change(assets={"meta": {"href": "m.xml", "type": "application/xml"}}), "none of its assets"),
        (change(assets={"data": {"href": "s3://b/x.tif", "roles": ["data"]}}), "only files and http"),
        (change(assets={"data": {"href": "/vsicurl/x.tif", "roles": ["data"]}}), "only files and http"),
        (change(geometry=None), "no usable geometry"),
        (change(geometry={"type": "Polygon"}), "no usable geometry"),
        (change(geometry={"type": "Polygon", "coordinates": []}), "no usable geometry"),
        (change(geometry={"type": "Point", "coordinates": [35, 34]}), "no usable geometry"),
        (change(collection="c", id="i", properties={"datetime": "2024-12-05T08:27:02Z"}), "optical or radar"),
    ],
)
def test_a_malformed_item_is_refused_with_the_reason(document: dict[str, Any], says: str) -> None:
    with pytest.raises(UnusableItem, match=says):
        made(copy.deepcopy(document))


def test_an_item_without_gsd_is_refused() -> None:
    document = item()
    document |= {"collection": "bought", "id": "crop"}
    document["properties"]["platform"] = "worldview-3"
    document["assets"] = {"data": {"href": "x.tif", "roles": ["data"], "type": "image/tiff"}}
    with pytest.raises(UnusableItem, match="ground sample distance"):
        made(document)


def test_hrefs_resolve_against_the_document(tmp_path: Path) -> None:
    assert resolve("../x.tif", "http://a.test/b/c/item.json") == "http://a.test/b/x.tif"
    assert resolve("/etc/passwd", "http://a.test/b/item.json") == "http://a.test/etc/passwd"
    assert resolve("x.tif", str(tmp_path / "item.json")) == str(tmp_path.resolve() / "x.tif")
    assert resolve(f"file://{tmp_path}/a%20b.tif", str(tmp_path / "item.json")) == f"{tmp_path}/a b.tif"
    with pytest.raises(BadFact, match="only files and http"):
        resolve("file:///etc/passwd", "http://a.test/b/item.json")
    with pytest.raises(BadFact, match="only files and http"):
        resolve("ftp://a.test/x.tif", str(tmp_path / "item.json"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gamma0_db_approximate", ("gamma0", True)), ("gamma0", ("gamma0", False)), ("Sigma0 dB", ("sigma0", True)),
        ("beta0 linear", ("beta0", False)), ("reflectance", ("reflectance", False)), ("DN", ("dn", False)),
    ],
)  # fmt: skip
def test_quantities(text: str, expected: tuple[str, bool]) -> None:
    assert quantity(text) == expected


@pytest.mark.parametrize(
    "text", ["db", "linear", "reflectance_db", "gamma0 sigma0", "amplitude", "", "gamma0_amplitude"]
)
def test_a_quantity_is_never_guessed(text: str) -> None:
    with pytest.raises(BadFact, match="quantity"):
        quantity(text)


def test_times() -> None:
    assert moment("2024-12-10T10:20:11+02:00")[0].isoformat() == "2024-12-10T08:20:11+00:00"
    day, known = moment("2024-12-10")
    assert (day.isoformat(), known) == ("2024-12-10T00:00:00+00:00", False)
    with pytest.raises(BadFact, match="time zone"):
        moment("2024-12-10 08:20:11")


def test_facts_that_belong_together_come_from_one_place() -> None:
    named = Facts(quantity="dn", in_db=False, scale=1e-4, offset=-0.1)
    said = Facts(quantity="gamma0", in_db=True)
    both = said.over(named)
    assert (both.quantity, both.in_db, both.scale, both.offset) == ("gamma0", True, 1e-4, -0.1)
    assert Facts(scale=0.01).over(named).offset is None


@pytest.mark.parametrize(
    "fields",
    [{"gsd_m": -1}, {"gsd_m": "fine"}, {"gsd_m": True}, {"sensor": "lidar"}, {"bands": 3}, {"offset_applied": "maybe"},
     {"cloud_cover_pct": float("inf")}],
)  # fmt: skip
def test_a_value_that_is_not_understood(fields: dict[str, Any]) -> None:
    with pytest.raises(BadFact):
        facts_from_mapping(fields)


def test_granule_metadata_without_angles_says_nothing() -> None:
    assert granule_angles(b"<a>&xxe;</a>") == Facts()


@pytest.mark.system
def test_real_items_of_the_public_archives(shared_data: Path) -> None:
    read, refused = {}, []
    for path in sorted((shared_data / "stac-json").rglob("*json")):
        document = json.loads(path.read_text())
        features = document.get("features", [document]) if isinstance(document, dict) else []
        for feature in features:
            try:
                scene = scene_from_item(feature, BASE, source="t")
            except UnusableItem as error:
                refused.append((feature.get("id"), str(error)))
            else:
                read[scene.id] = scene
    assert len(read) > 40
    assert all("terrain correction" in why or "not a STAC Item" in why for _, why in refused), refused
    for scene in read.values():
        assert {"red", "green", "blue", "nir"} <= set(scene.assets)
        assert scene.gsd_m == 10.0
        # Items made from a granule alone do not know the product's name.
        whole = "_OPER_" not in scene.id
        assert (scene.relative_orbit is not None) == whole
        assert (scene.datatake is not None) == whole
        assert scene.tile is not None
        assert scene.processing_baseline is not None
    applied = read["S2A_29RKH_20200219_0_L2A"]
    assert (applied.offset_applied, applied.assets["red"].offset) == (False, 0.0)
    c1 = read["S2A_T13TDE_20240422T174753_L2A"]
    assert c1.view_off_nadir_deg == pytest.approx(9.4, abs=0.05)
    assert c1.assets["red"].offset == -0.1
    assert len(c1.assets["red"].sha256 or "") == 64
    planetary = read["S2A_MSIL2A_20230216T235751_R087_T52CEB_20230217T134604"]
    assert planetary.sun_elevation_deg == pytest.approx(20.66, abs=0.01)
