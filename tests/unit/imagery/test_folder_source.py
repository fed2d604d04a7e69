"""A folder of images as bought, given or made."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from affine import Affine
from pyproj import CRS

from imagery.errors import BadSource, MissingMetadata
from imagery.listing import Listing
from imagery.select import choose
from imagery.site import Site
from imagery.source import open_source
from tests.unit.imagery import rasters

UTM36 = CRS.from_epsg(32636)
SITE = Site(id="s", name="s", aoi=shapely.box(33.0001, 35.2405, 33.004, 35.2430), crs=UTM36, zones={})
START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 12, 31, tzinfo=UTC)
FINE = Affine(0.5, 0.0, 500_020.0, 0.0, -0.5, 3_899_990.0)


@pytest.fixture
def image(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, *, bands: int = 1, **options: Any) -> Path:
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        options.setdefault("dtype", "uint8")
        pixels = rasters.texture(64, 64, bands=bands).astype(options.pop("dtype"))
        return rasters.write(path, pixels, **options)

    return write


@pytest.fixture
def find(tmp_path: Path) -> Callable[[], Listing]:
    return lambda: open_source(str(tmp_path / "images")).find(SITE, START, END)


FLAT = {"acquired": "2024-12-10T10:20:11+02:00", "sensor": "optical", "quantity": "dn", "platform": "drone",
        "sun_elevation_deg": 31.0, "bands": ["red", "green", "blue"], "licence": "own",
        "note": "free text"}  # fmt: skip
TOML = 'acquired = 2024-12-10T08:20:11Z\nsensor = "optical"\nquantity = "dn"\nplatform = "drone"\n'
STAC = {
    "type": "Feature", "stac_version": "1.1.0", "id": "stac-name", "links": [], "geometry": None,
    "properties": {"datetime": "2024-12-10T08:20:11Z", "platform": "drone", "eo:cloud_cover": 3,
                   "sitewatch:quantity": "dn"},
    "assets": {"img": {"href": "https://elsewhere.test/own.tif", "raster:bands": [{"scale": 0.01, "offset": 1}]}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("sidecar", "content"),
    [("own.json", json.dumps(FLAT)), ("own.toml", TOML), ("own.json", json.dumps(STAC))],
)
def test_a_sidecar_says_what_the_image_does_not(
    image: Callable[..., Path], find: Callable[[], Listing], sidecar: str, content: str
) -> None:
    image("own.tif", bands=3, transform=FINE).with_name(sidecar).write_text(content)
    (scene,) = find().usable
    assert scene.acquired == datetime(2024, 12, 10, 8, 20, 11, tzinfo=UTC)
    assert (scene.sensor, scene.quantity, scene.platform, scene.gsd_m) == ("optical", "dn", "drone", 0.5)
    assert scene.assets["data"].bands == ("red", "green", "blue")
    if content == json.dumps(STAC):
        assert (scene.id, scene.cloud_cover_pct) == ("stac-name", 3.0)
        assert (scene.assets["data"].scale, scene.assets["data"].offset) == (0.01, 1.0)


@pytest.mark.parametrize("name", ["scenes.json", "scenes.toml"])
def test_one_list_for_the_folder(image: Callable[..., Path], find: Callable[[], Listing], name: str) -> None:
    folder = image("a.tif").parent
    image("deeper/b.tif")
    entries: list[dict[str, Any]] = [
        {"file": "a.tif", "acquired": "2024-12-05T15:33:00Z"},
        {"file": "deeper/b.tif", "acquired": "2024-12-17T15:33:00Z", "gsd_m": 12},
        {"file": "c.tif", "acquired": "2024-12-29T15:33:00Z"},
    ]
    shared = {"quantity": "gamma0_db", "relative_orbit": 14, "orbit_state": "ascending", "polarization": "VV"}
    if name.endswith("json"):
        text = json.dumps({**shared, "scenes": entries})
    else:
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in shared.items())
        for entry in entries:
            text += "[[scenes]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in entry.items())
    (folder / name).write_text(text)
    listing = find()
    assert [(s.id, s.gsd_m) for s in listing.usable] == [("a", 10.0), ("b", 12.0)]
    for scene in listing.usable:
        assert (scene.sensor, scene.quantity, scene.in_db, scene.relative_orbit) == (
            "sar",
            "gamma0",
            True,
            14,
        )
        assert scene.assets["data"].bands == ("vv",)
    assert [(entry.scene_id, "no such image" in entry.reason) for entry in listing.left_out] == [
        ("c.tif", True)
    ]
    assert len(choose(SITE, listing).pairs) == 1


def test_a_sidecar_beats_the_list_the_tags_and_the_name(
    image: Callable[..., Path], find: Callable[[], Listing]
) -> None:
    name = "20241210_081245_12_24a7_3B_AnalyticMS_SR"
    tags = {"ACQUIRED": "2024-12-12T00:00:00Z", "PLATFORM": "tag", "TIFFTAG_DATETIME": "2025:01:01 00:00:00"}
    path = image(f"{name}.tif", bands=4, dtype="uint16", transform=FINE, tags=tags)
    (scene,) = find().usable
    assert (scene.acquired.day, scene.platform, scene.quantity) == (12, "tag", "reflectance")
    assert scene.assets["data"].bands == ("blue", "green", "red", "nir")
    (path.parent / "scenes.json").write_text(
        json.dumps([{"file": path.name, "acquired": "2024-12-13T00:00:00Z"}])
    )
    assert find().usable[0].acquired.day == 13
    path.with_suffix(".json").write_text(json.dumps({"acquired": "2024-12-14"}))
    scene = find().usable[0]
    assert (scene.acquired.day, scene.time_known, scene.platform) == (14, False, "tag")


def test_tags_alone(image: Callable[..., Path], find: Callable[[], Listing]) -> None:
    image("tagged.tif", tags={"TIFFTAG_DATETIME": "2024:12:10 08:20:11", "sensor": "optical", "quantity": "dn",
                              "bands": "pan", "scale": "not ours"})  # fmt: skip
    (scene,) = find().usable
    assert scene.acquired == datetime(2024, 12, 10, 8, 20, 11, tzinfo=UTC)
    assert scene.assets["data"].bands == ("pan",)


def test_what_is_missing_is_asked_for(image: Callable[..., Path], find: Callable[[], Listing]) -> None:
    path = image("tartus.tif")
    with pytest.raises(MissingMetadata) as asked:
        find()
    message = str(asked.value)
    assert f"{path}: not known: acquired, sensor, quantity" in message
    assert "tartus.json with " in message
    offered = json.JSONDecoder().raw_decode(message[message.index("{") :])[0]
    path.with_name("tartus.json").write_text(json.dumps(offered))
    assert len(find().usable) == 1


def test_radar_is_asked_for_its_quantity(image: Callable[..., Path], find: Callable[[], Listing]) -> None:
    image("S1A_IW_GRDH_1SDV_20241205T033512_20241205T033537_056829_06FA6B_0E3C.tif", dtype="float32")
    with pytest.raises(MissingMetadata, match="not known: quantity") as asked:
        find()
    assert "gamma0_db" in str(asked.value)


def test_many_missing_are_counted(image: Callable[..., Path], find: Callable[[], Listing]) -> None:
    for number in range(8):
        image(f"x{number}.tif")
    with pytest.raises(MissingMetadata, match="and 3 more images"):
        find()


@pytest.mark.parametrize(
    ("sidecar", "content", "says"),
    [
        ("own.json", "{", "not JSON"), ("own.toml", "a = ", "not TOML"), ("own.json", "[]", "one object"),
        ("own.json", '{"acquired": "2024-12-10T08:20:11"}', "time zone"),
        ("own.json", '{"quantity": "linear"}', "quantity 'linear'"),
        ("own.json", '{"acquired": "10.12.2024"}', "is not a time"),
        ("scenes.json", '{"a.tif": {}}', "list of entries"), ("scenes.json", '[{"acquired": "2024-12-10"}]', "'file'"),
        ("scenes.json", '[{"file": "own.tif", "gsd_m": "fine"}]', "entry own.tif: gsd_m 'fine'"),
        ("own.json", '{"type": "Feature", "stac_version": "1.0.0", "id": "x", "properties": {}}', "cannot be"),
    ],
)  # fmt: skip
def test_a_sidecar_that_is_wrong_is_named(
    image: Callable[..., Path], find: Callable[[], Listing], sidecar: str, content: str, says: str
) -> None:
    image("own.tif").with_name(sidecar).write_text(content)
    with pytest.raises(MissingMetadata, match=says) as error:
        find()
    assert sidecar in str(error.value)


def test_what_is_no_usable_image_is_left_out_with_the_reason(
    image: Callable[..., Path], find: Callable[[], Listing], tmp_path: Path
) -> None:
    good = {"sensor": "optical", "quantity": "dn", "acquired": "2024-12-10T08:20:11Z"}
    image("good.tif", tags=good)
    image("away.tif", tags=good, transform=Affine(10, 0, 300_000, 0, -10, 3_000_000))
    image("old.tif", tags={**good, "acquired": "2020-12-10T08:20:11Z"})
    image("plain.png", transform=None, crs=None)
    folder = tmp_path / "images"
    (folder / "text.tif").write_text("this is not an image")
    (folder / "cut.tif").write_bytes((folder / "good.tif").read_bytes()[:300])
    (folder / "links.vrt").write_text("<VRTDataset/>")
    for name in ("notes.txt", "order.xml", ".hidden.tif", "README.md", "outline.geojson"):
        (folder / name).write_text("x")
    listing = find()
    assert [scene.id for scene in listing.usable] == ["good"]
    why = {entry.scene_id: entry.reason for entry in listing.left_out}
    assert set(why) == {"away", "old", "plain.png", "text.tif", "cut.tif", "links.vrt"}
    assert "does not touch" in why["away"]
    assert "outside the period" in why["old"]
    assert "no georeference" in why["plain.png"]
    assert "text, not an image" in why["text.tif"]
    assert "not opened" in why["links.vrt"]


def test_radar_in_its_own_geometry_is_left_out(
    image: Callable[..., Path], find: Callable[[], Listing]
) -> None:
    image("s1a-iw-grd-vv-20241205t033512-20241205t033537-056829-06fa6b-001.tif", transform=None, crs=None,
          dtype="uint16")  # fmt: skip
    (left,) = find().left_out
    assert "without terrain correction" in left.reason


SAFE = "S2A_MSIL2A_20241205T082311_N0511_R121_T36SVD_20241205T105500.SAFE"
GRANULE = f"{SAFE}/GRANULE/L2A_T36SVD_A049_20241205T082311"
MTD = """<x><Mean_Sun_Angle>\n<ZENITH_ANGLE unit="deg">60.0</ZENITH_ANGLE>
<AZIMUTH_ANGLE unit="deg">160.0</AZIMUTH_ANGLE>
</Mean_Sun_Angle><Mean_Viewing_Incidence_Angle bandId="1"><ZENITH_ANGLE unit="deg">9.0</ZENITH_ANGLE>
<AZIMUTH_ANGLE unit="deg">104.0</AZIMUTH_ANGLE></Mean_Viewing_Incidence_Angle></x>"""


def test_a_safe_product_is_one_scene(
    image: Callable[..., Path], find: Callable[[], Listing], tmp_path: Path
) -> None:
    half = Affine(20.0, 0.0, 500_000.0, 0.0, -20.0, 3_900_000.0)
    for band in ("B02", "B03", "B04", "B08", "TCI"):
        image(f"{GRANULE}/IMG_DATA/R10m/T36SVD_20241205T082311_{band}_10m.jp2", dtype="uint16")
    for band in ("B02", "SCL"):
        image(f"{GRANULE}/IMG_DATA/R20m/T36SVD_20241205T082311_{band}_20m.jp2", transform=half)
    (tmp_path / "images" / GRANULE / "MTD_TL.xml").write_text(MTD)
    listing = find()
    (scene,) = listing.usable
    assert listing.left_out == ()
    assert scene.id == SAFE.removesuffix(".SAFE")
    assert set(scene.assets) == {"blue", "green", "red", "nir", "scl"}
    assert scene.assets["scl"].quality == "scl"
    assert (scene.relative_orbit, scene.processing_baseline, scene.gsd_m) == (121, "05.11", 10.0)
    assert scene.assets["red"].offset == -0.1
    assert scene.view_off_nadir_deg == pytest.approx(8.0, abs=0.05)
    assert scene.view_azimuth_deg == pytest.approx(104.0)
    assert (scene.sun_elevation_deg, scene.sun_azimuth_deg) == (30.0, 160.0)


def test_a_planet_order_is_one_scene_with_its_mask_and_metadata(
    image: Callable[..., Path], find: Callable[[], Listing]
) -> None:
    key = "20241210_081245_12_24a7"
    three = Affine(3.0, 0.0, 500_000.0, 0.0, -3.0, 3_900_000.0)
    path = image(f"{key}_3B_AnalyticMS_SR.tif", bands=4, dtype="uint16", transform=three)
    image(f"{key}_3B_Visual.tif", bands=3, transform=three)
    image(f"{key}_3B_udm2.tif", bands=8, transform=three)
    path.with_name(f"{key}_metadata.json").write_text(json.dumps({
        "type": "Feature", "id": key, "geometry": None,
        "properties": {"acquired": "2024-12-10T08:12:45.123Z", "satellite_id": "24a7", "view_angle": 4.1,
                       "sun_elevation": 31.5, "cloud_percent": 2},
    }))  # fmt: skip
    listing = find()
    (scene,) = listing.usable
    assert scene.id == key
    assert {name: asset.role for name, asset in scene.assets.items()} == {"data": "data", "udm2": "quality"}
    assert (scene.quantity, scene.gsd_m, scene.view_off_nadir_deg) == ("reflectance", 3.0, 4.1)
    assert (scene.cloud_cover_pct, scene.sun_elevation_deg) == (2.0, 31.5)
    (left,) = listing.left_out
    assert "AnalyticMS_SR" in left.reason


def test_tiles_of_one_maxar_strip_are_one_pass(image: Callable[..., Path], tmp_path: Path) -> None:
    for col, east in ((1, 500_000.0), (2, 500_096.0)):
        image(f"24DEC10082011-P2AS_R1C{col}-015821234010_01_P001.TIF".replace(".TIF", ".tif"),
              transform=Affine(1.5, 0, east, 0, -1.5, 3_900_000))  # fmt: skip
    site = Site(id="s", name="s", aoi=shapely.box(33.0, 35.2424, 33.0021, 35.2430), crs=UTM36, zones={})
    (scene,) = choose(site, open_source(str(tmp_path / "images")).find(site, START, END)).usable
    assert len(scene.siblings) == 1


def test_the_same_name_in_two_folders_stays_two_scenes(
    image: Callable[..., Path], find: Callable[[], Listing]
) -> None:
    for folder, day in (("before", "2024-12-01"), ("after", "2024-12-10")):
        image(
            f"{folder}/crop.tif", tags={"acquired": f"{day}T08:00:00Z", "sensor": "optical", "quantity": "dn"}
        )
    listing = find()
    assert {scene.id for scene in listing.usable} == {"before-crop", "after-crop"}
    assert len(choose(SITE, listing).pairs) == 1


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(BadSource, match="holds no image"):
        open_source(str(tmp_path / "images")).find(SITE, START, END)


def test_footprints_are_lon_lat(image: Callable[..., Path], find: Callable[[], Listing]) -> None:
    image("a.tif", tags={"acquired": "2024-12-01T08:00:00Z", "sensor": "optical", "quantity": "dn"})
    outline = shapely.geometry.shape(dict(find().usable[0].footprint or {}))
    assert np.allclose(outline.bounds, (33.0, 35.23731, 33.00703, 35.24308), atol=2e-5)


@pytest.mark.system
def test_the_real_radar_passes_over_latakia(shared_data: Path) -> None:
    site = Site(id="latakia", name="s", aoi=shapely.box(35.74, 35.5, 35.79, 35.54), crs=UTM36, zones={})
    period = datetime(2025, 4, 1, tzinfo=UTC), datetime(2026, 8, 31, tzinfo=UTC)
    listing = open_source(str(shared_data / "sentinel1-latakia")).find(site, *period)
    assert len(listing.usable) == 9
    assert listing.left_out == ()
    for scene in listing.usable:
        assert (scene.sensor, scene.quantity, scene.in_db) == ("sar", "gamma0", True)
        assert (scene.relative_orbit, scene.orbit_state, scene.gsd_m) == (14, "ascending", 10.0)
        assert scene.assets["vv"].bands == ("vv",)
    plan = choose(site, listing)
    assert len(plan.pairs) == 8
    assert all(before.acquired < after.acquired for before, after in plan.pairs)


@pytest.mark.system
def test_the_real_sentinel_2_items_as_a_folder(shared_data: Path) -> None:
    site = Site(
        id="slovenia", name="s", aoi=shapely.box(15.2, 45.7, 15.5, 46.1), crs=CRS.from_epsg(32633), zones={}
    )
    folder = shared_data / "earth-search" / "sentinel-2-l2a" / "S2A_33TWM_20230815_0_L2A"
    (scene,) = open_source(str(folder)).find(site, datetime(2023, 8, 1, tzinfo=UTC), END).usable
    assert set(scene.assets) == {"red", "green", "blue", "nir", "scl"}
    assert scene.acquired == datetime(2023, 8, 15, 9, 57, 57, 246000, tzinfo=UTC)
    assert (scene.offset_applied, scene.processing_baseline) == (True, "05.09")
    assert scene.view_off_nadir_deg == pytest.approx(7.1, abs=0.1)
