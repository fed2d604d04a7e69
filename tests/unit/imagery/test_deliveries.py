"""What vendors deliver in several files: read from their metadata, one scene per acquisition."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
from odc.geo.geobox import GeoBox

from imagery.errors import MissingMetadata
from imagery.listing import Listing
from imagery.raster import Window
from imagery.read import scene_reader
from imagery.select import Plan, choose
from imagery.site import Site
from imagery.site_file import load_sites
from imagery.source import open_source
from imagery.sources.facts import NameFacts
from imagery.sources.filenames import read_name
from imagery.sources.folder_images import read_image
from imagery.sources.maxar_metadata import maxar_metadata
from imagery.sources.planet_metadata import planet_xml
from imagery.tile import tiles
from tests.unit.imagery import deliveries as made

FIRST, SECOND = datetime(2024, 12, 5, 8, 20, 11, tzinfo=UTC), datetime(2024, 12, 10, 8, 25, 40, tzinfo=UTC)
START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 12, 31, tzinfo=UTC)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return load_sites(made.write_site(tmp_path / "sites.geojson"))["quay"]


def find(folder: Path, site: Site) -> Listing:
    return open_source(str(folder)).find(site, START, END)


def reasons(found: Listing | Plan) -> dict[str, str]:
    return {entry.scene_id.rsplit("/", maxsplit=1)[-1]: entry.reason for entry in found.left_out}


# --- Maxar


def test_an_imd_file_says_when_how_and_by_what(tmp_path: Path) -> None:
    path = tmp_path / "24DEC10082011-P2AS-015821234010_01_P001.IMD"
    path.write_text(made.imd(FIRST, groups=("C", "B", "G", "Y", "R", "RE", "N", "N2"), gsd_m=1.6))
    told = maxar_metadata(path)
    assert told is not None
    assert told.projected
    assert told.level == "LV2A"
    facts = told.facts
    assert (facts.platform, facts.sensor, facts.quantity, facts.gsd_m) == (
        "WorldView-3",
        "optical",
        "dn",
        1.6,
    )
    assert facts.acquired == FIRST + timedelta(seconds=1.5)  # of the product, not the first line of the strip
    assert facts.bands == ("coastal", "blue", "green", "yellow", "red", "rededge", "nir", "nir2")
    assert facts.cloud_cover_pct == pytest.approx(1.8)
    assert (facts.view_off_nadir_deg, facts.view_azimuth_deg) == (24.1, 281.7)
    assert (facts.sun_elevation_deg, facts.sun_azimuth_deg) == (30.6, 163.4)
    assert facts.datatake == "104001009AB12300"
    assert "not orthorectified" in told.notes[0]


def test_the_xml_says_the_same_as_the_imd(tmp_path: Path) -> None:
    text = made.imd(FIRST, groups=("B", "G", "R", "N"))
    (tmp_path / "a.IMD").write_text(text)
    (tmp_path / "a.XML").write_text(made.as_xml(text, ["a_R1C1.TIF"]))
    one, other = maxar_metadata(tmp_path / "a.IMD"), maxar_metadata(tmp_path / "a.XML")
    assert one is not None
    assert other is not None
    assert other.facts == one.facts
    assert (other.projected, other.notes, other.files) == (True, one.notes, ("a_R1C1.TIF",))


def test_what_the_vendor_does_not_know_is_not_known_here(tmp_path: Path) -> None:
    path = tmp_path / "a.IMD"
    path.write_text(made.imd(FIRST, cloud=-999.0).replace("meanOffNadirViewAngle =  24.1;", ""))
    told = maxar_metadata(path)
    assert told is not None
    assert (told.facts.cloud_cover_pct, told.facts.view_off_nadir_deg) == (None, None)


def test_other_xml_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "a.XML").write_text("<README><AREADESC>x</AREADESC></README>")
    assert maxar_metadata(tmp_path / "a.XML") is None


def test_tiles_of_an_acquisition_are_one_scene_that_reads_across_the_seam(tmp_path: Path, site: Site) -> None:
    made.maxar(tmp_path / "order", FIRST, [made.COMES])
    listing = find(tmp_path / "order", site)
    (scene,) = choose(site, listing).usable
    assert [s.tile for s in (scene, *scene.siblings)] == ["P001-R1C1", "P001-R1C2"]
    assert (scene.platform, scene.view_off_nadir_deg, scene.gsd_m) == ("WorldView-3", 24.1, 0.5)
    with rasterio.open(scene.assets["data"].href) as left:
        grid = made.Extent().transform(0.5)
        assert left.transform == grid
    whole = GeoBox((960, 1280), grid, f"EPSG:{made.EPSG}")
    read = scene_reader(scene, whole).read(Window(row0=454, col0=560, row1=514, col1=720))
    assert read.valid.all()
    assert read.data[0, 15:40, 35:125].min() > 900  # the object, whole
    assert read.data[0, 50:, :].max() < 900


def test_pan_and_colour_of_one_moment_are_one_scene_and_it_is_said_which(tmp_path: Path, site: Site) -> None:
    for when, catid, seed in ((FIRST, "1040010090000100", 1), (SECOND, "1040010090000200", 9)):
        order = f"0158{seed:08d}_01"
        made.maxar(tmp_path / "order", when, letter="P", catid=catid, order=order, seed=seed)
        # The colour camera starts a second later.
        made.maxar(
            tmp_path / "order", when + timedelta(seconds=1), letter="M", catid=catid, order=order, seed=seed
        )
    listing = find(tmp_path / "order", site)
    plan = choose(site, listing)
    assert [scene.assets["data"].bands for scene in plan.usable] == [("pan",)] * 2
    assert len(plan.pairs) == 1
    said = [reason for name, reason in reasons(listing).items() if "-M2AS" in name]
    assert len(said) == 4
    assert all("panchromatic, 0.5 m" in reason and "multispectral, 2 m" in reason for reason in said)


def test_the_sharper_one_gives_way_where_only_the_other_has_a_partner(tmp_path: Path, site: Site) -> None:
    made.maxar(tmp_path / "order", FIRST, letter="P", catid="1040010090000100")
    made.maxar(tmp_path / "order", FIRST, letter="M", catid="1040010090000100")
    made.maxar(tmp_path / "order", SECOND, letter="M", catid="1040010090000200", order="015899999999_01")
    plan = choose(site, find(tmp_path / "order", site))
    assert [scene.gsd_m for scene in plan.usable] == [2.0, 2.0]
    assert len(plan.pairs) == 1


def test_a_tile_that_is_missing_is_named(tmp_path: Path, site: Site) -> None:
    made.maxar(tmp_path / "order", FIRST)[1].unlink()
    (missing,) = [
        reason for name, reason in reasons(find(tmp_path / "order", site)).items() if "R1C2" in name
    ]
    assert "no such image" in missing
    assert ".TIL" in missing


def test_level_1b_is_left_out_with_what_to_do(tmp_path: Path, site: Site) -> None:
    image = made.maxar(tmp_path / "order", FIRST, tiles=1, level="LV1B")[0]
    image.unlink()  # GDAL would take the metadata beside it along when it overwrites an image
    made.geotiff(
        image, [made.pixels(0.5, [], seed=1)], gsd_m=0.5, extent=made.Extent(), crs=None, transform=None
    )
    (left,) = find(tmp_path / "order", site).left_out
    assert "LV1B" in left.reason
    assert "gdalwarp -rpc" in left.reason
    assert "Orfeo ToolBox" in left.reason


def test_level_1b_that_was_orthorectified_since_is_used(tmp_path: Path, site: Site) -> None:
    image = made.maxar(tmp_path / "order", FIRST, tiles=1, level="LV1B")[0]
    assert len(find(tmp_path / "order", site).usable) == 1
    assert any("orthorectified since" in note for note in read_image(image, read_name(image)).notes)


def test_an_image_with_a_sensor_model_alone_is_told_apart(tmp_path: Path, site: Site) -> None:
    band = made.pixels(3.0, [], seed=1)
    image = tmp_path / "order" / "20241210_081245_12_24a7_1B_AnalyticMS.tif"
    made.geotiff(image, [band] * 4, gsd_m=3.0, extent=made.Extent(), crs=None, transform=None)
    assert "has no georeference" in find(image.parent, site).left_out[0].reason
    image.with_name(f"{image.stem}_RPC.TXT").write_text("LINE_OFF: 1\n")
    assert "sensor model (RPC)" in find(image.parent, site).left_out[0].reason


# --- Planet


def test_a_planet_order_is_read_from_its_item(tmp_path: Path, site: Site) -> None:
    made.planetscope(tmp_path / "order", FIRST, visual=True)
    listing = find(tmp_path / "order", site)
    (scene,) = listing.usable
    assert {name: a.role for name, a in scene.assets.items()} == {"data": "data", "udm2": "quality"}
    assert scene.assets["data"].bands[:4] == ("coastal", "blue", "green_i", "green")
    assert (scene.platform, scene.quantity, scene.assets["data"].scale) == (
        "PlanetScope 24a7",
        "reflectance",
        1e-4,
    )
    assert scene.gsd_m == 3.0  # pixels; the item's gsd is that of the optics
    assert (scene.view_off_nadir_deg, scene.view_azimuth_deg, scene.cloud_cover_pct) == (4.1, 97.9, 1.0)
    (visual,) = [reason for name, reason in reasons(listing).items() if "Visual" in name]
    assert "surface reflectance, 3 m" in visual


def test_frames_of_one_pass_are_one_scene_and_other_satellites_another(tmp_path: Path, site: Site) -> None:
    upper, lower = made.Extent(south=270), made.Extent(north=210)
    made.planetscope(tmp_path / "order", FIRST, extent=upper)
    made.planetscope(tmp_path / "order", FIRST + timedelta(seconds=3), extent=lower)
    made.planetscope(tmp_path / "order", FIRST + timedelta(minutes=4), satellite="2451")
    merged, other = choose(site, find(tmp_path / "order", site)).usable
    assert len(merged.siblings) == 1
    assert other.platform == "PlanetScope 2451"
    assert other.siblings == ()


def test_usable_data_masks_hide_cloud(tmp_path: Path, site: Site) -> None:
    cloud = (100.0, 100.0, 500.0, 400.0)
    made.planetscope(tmp_path / "order", FIRST, cloud=cloud)
    (scene,) = find(tmp_path / "order", site).usable
    grid = GeoBox((160, 213), made.Extent().transform(3.0), f"EPSG:{made.EPSG}")
    (whole,) = tiles((160, 213), size_px=400, halo_px=0)
    valid = scene_reader(scene, grid).read(whole.core).valid
    assert not valid[40:130, 40:160].any()
    assert valid[150:, :].all()
    assert np.count_nonzero(~valid) == pytest.approx(400 * 300 / 9, rel=0.1)


def test_the_mask_of_the_rendering_in_use_is_taken(tmp_path: Path, site: Site) -> None:
    made.skysat(tmp_path / "order", FIRST)
    made.skysat(tmp_path / "order", SECOND)
    listing = find(tmp_path / "order", site)
    assert len(listing.usable) == 2
    for scene in listing.usable:
        assert scene.assets["data"].href.endswith("_pansharpened.tif")
        assert scene.assets["udm2"].href.endswith("_pansharpened_udm2.tif")
        assert (scene.platform, scene.collection, scene.gsd_m) == ("SkySat ssc6", "skysat", 0.5)
        assert scene.assets["data"].bands == ("blue", "green", "red", "nir")
        assert scene.view_off_nadir_deg == 18.3
    assert sorted(r.split(" (")[1][:12] for r in reasons(listing).values()) == ["pan-sharpene"] * 6


def test_the_xml_of_older_planet_products(tmp_path: Path, site: Site) -> None:
    item = "20191210_081245_1044"
    band = made.pixels(3.0, [], seed=1)
    made.geotiff(tmp_path / "o" / f"{item}_3B_AnalyticMS.tif", [band] * 4, gsd_m=3.0, extent=made.Extent())
    (tmp_path / "o" / f"{item}_3B_AnalyticMS_metadata.xml").write_text(made.PLANET_XML)
    told = planet_xml(tmp_path / "o" / f"{item}_3B_AnalyticMS_metadata.xml")
    assert told is not None
    period = datetime(2019, 1, 1, tzinfo=UTC), END
    (scene,) = open_source(str(tmp_path / "o")).find(site, *period).usable
    assert (scene.platform, scene.quantity) == ("PlanetScope 1044", "dn")
    assert (scene.view_off_nadir_deg, scene.sun_elevation_deg, scene.cloud_cover_pct) == (3.9, 29.5, 3.0)


def test_an_item_without_ground_control_says_so(tmp_path: Path) -> None:
    image = made.planetscope(tmp_path / "order", FIRST)
    path = next(image.parent.glob("*_metadata.json"))
    document = json.loads(path.read_text())
    document["properties"] |= {"ground_control": False, "publishing_stage": "preview"}
    path.write_text(json.dumps(document))
    notes = read_image(image, read_name(image)).notes
    assert any("ground control" in note for note in notes)
    assert any("preview" in note for note in notes)


# --- where facts come from


def test_every_fact_knows_its_origin(tmp_path: Path) -> None:
    image = made.maxar(tmp_path, FIRST)[0]
    image.with_suffix(".toml").write_text('licence = "internal use"\n')
    known = read_image(image, read_name(image))
    metadata = "24DEC05082011-P2AS-015821234010_01_P001.IMD"
    assert known.origins["acquired"] == known.origins["view_off_nadir_deg"] == metadata
    assert known.origins["licence"] == f"{image.stem}.toml"
    assert known.origins["tile"] == "its file name"
    assert known.sidecars[0].path == image.with_suffix(".toml")


def test_a_sidecar_completes_the_vendor_s_and_does_not_hide_it(tmp_path: Path, site: Site) -> None:
    image = made.planetscope(tmp_path / "order", FIRST)
    image.with_suffix(".json").write_text(json.dumps({"licence": "internal use", "quantity": "dn"}))
    (scene,) = find(tmp_path / "order", site).usable
    assert (scene.licence, scene.quantity) == ("internal use", "dn")
    assert (scene.view_off_nadir_deg, scene.platform) == (4.1, "PlanetScope 24a7")


def test_an_image_that_changed_since_it_was_added_is_left_out(tmp_path: Path, site: Site) -> None:
    image = made.planetscope(tmp_path / "order", FIRST)
    entry = {"sha256": "0" * 64, "bytes": image.stat().st_size}
    image.with_suffix(".json").write_text(json.dumps({"files": {image.name: entry}}))
    (scene,) = find(tmp_path / "order", site).usable
    assert scene.assets["data"].sha256 == "0" * 64
    image.with_suffix(".json").write_text(json.dumps({"files": {image.name: {**entry, "bytes": 7}}}))
    (left,) = [r for name, r in reasons(find(tmp_path / "order", site)).items() if name == image.name]
    assert "has changed since" in left
    assert "--replace" in left


def test_metadata_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.IMD"
    with path.open("wb") as file:
        file.truncate(21_000_000)
    with pytest.raises(MissingMetadata, match="larger than 20 MB"):
        maxar_metadata(path)


@pytest.mark.parametrize(
    ("name", "acquisition", "rendering", "tile"),
    [
        ("24DEC10082011-P2AS_R1C2-015821234010_01_P001.TIF", "015821234010_01_P001_20241210", "panchromatic",
         "P001-R1C2"),
        ("24DEC10082012-M2AS_R1C2-015821234010_01_P001.TIF", "015821234010_01_P001_20241210", "multispectral",
         "P001-R1C2"),
        ("16AUG31104614-S3DS-056956784010_01_P001.TIF", "056956784010_01_P001_20160831", "pan-sharpened", "P001"),
        ("WV03_20241210082011_104001009AB12300_24DEC10082011-M1BS-1_u16ns.tif", "104001009AB12300", "multispectral",
         None),
        ("20241210_081245_12_24a7_3B_AnalyticMS_SR_8b_clip.tif", None, "surface reflectance", None),
    ],
)  # fmt: skip
def test_names_tell_acquisition_and_rendering(
    name: str, acquisition: str | None, rendering: str, tile: str | None
) -> None:
    found: NameFacts = read_name(Path(name))
    assert (found.acquisition, found.rendering, found.facts.tile) == (acquisition, rendering, tile)
