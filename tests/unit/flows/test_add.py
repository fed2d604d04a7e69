"""``sitewatch add``: from images as they were bought to a folder that can be watched."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from affine import Affine
from PIL import Image

from flows import add_files
from flows.add_files import fact_fields
from flows.cli import call, cli
from imagery import copies
from imagery.sources.facts import Facts, facts_from_mapping
from tests.unit.imagery import deliveries as made
from tests.unit.imagery import rasters

WHEN = datetime(2024, 12, 10, 8, 20, 11, tzinfo=UTC)
COMPLETE = ["--acquired", "2024-12-10T08:20:11Z", "--sensor", "optical", "--quantity", "dn"]
EXTENT = made.Extent()

Run = Callable[..., dict[str, Any]]


def test_what_is_told_is_written_and_no_more_is_asked(
    add: Run, bought: Path, sites: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = bought.read_bytes()
    (scene,) = add(bought, *COMPLETE, "--off-nadir", "21.5", "--licence", "internal use")["scenes"]
    assert scene["status"] == "added"
    assert scene["facts"] == {
        "acquired": "2024-12-10T08:20:11Z", "sensor": "optical", "quantity": "dn", "view_off_nadir_deg": 21.5,
        "licence": "internal use",
    }  # fmt: skip
    (place,) = scene["sites"]
    assert (place["id"], place["covers"], place["distance_km"]) == ("quay", 1.0, 0.0)
    written = json.loads(bought.with_suffix(".json").read_text())
    assert written["origins"]["acquired"] == "told by the user"
    assert written["origins"]["bands"] == "the file"
    sha256 = hashlib.sha256(before).hexdigest()
    assert written["files"] == {"quay.tif": {"sha256": sha256, "bytes": len(before)}}
    assert bought.read_bytes() == before

    args = [
        "--source",
        str(bought.parent),
        "--sites",
        str(sites),
        "--from",
        "2024-12-01",
        "--to",
        "2024-12-31",
    ]
    assert call(["scenes", "quay", *args, "--json"]) == 3  # one date alone has no pair
    (listed,) = json.loads(capsys.readouterr().out)["scenes"]
    assert (listed["id"], listed["acquired"]) == ("quay", "2024-12-10T08:20:11Z")


def test_what_is_missing_is_listed_with_the_options_that_give_it(add: Run, bought: Path) -> None:
    before = made.everything(bought.parent)
    answer = add(bought, code=2)
    (missing,) = answer["missing"]
    assert missing["fields"] == ["acquired", "sensor", "quantity"]
    assert missing["options"] == ["--acquired", "--sensor", "--quantity"]
    assert add(bought, "--sensor", "optical", code=2)["missing"][0]["fields"] == ["acquired", "quantity"]
    assert made.everything(bought.parent) == before


def test_radar_and_reflectance_need_more(add: Run, tmp_path: Path) -> None:
    for name in "ro":
        (tmp_path / name).mkdir()
    radar = rasters.write(tmp_path / "r" / "pass.tif", rasters.texture(64, 64).astype(np.float32))
    given = ["--acquired", "2024-12-10"]
    assert add(radar, *given, "--quantity", "gamma0_db", code=2)["missing"][0]["fields"] == ["relative_orbit"]
    answer = add(radar, *given, "--quantity", "gamma0_db", "--relative-orbit", "14")
    assert answer["scenes"][0]["facts"]["sensor"] == "sar"
    optical = rasters.write(tmp_path / "o" / "sr.tif", rasters.texture(64, 64).astype(np.uint16))
    assert add(optical, *given, "--quantity", "reflectance", code=2)["missing"][0]["fields"] == ["scale"]
    add(optical, *given, "--quantity", "reflectance", "--scale", "0.0001")


def test_a_second_time_there_is_nothing_to_do(add: Run, bought: Path) -> None:
    add(bought, *COMPLETE)
    before = made.everything(bought.parent)
    assert add(bought)["scenes"][0]["status"] == "unchanged"
    assert made.everything(bought.parent) == before


def test_what_is_there_is_not_overwritten_unasked(add: Run, bought: Path) -> None:
    add(bought, *COMPLETE)
    before = made.everything(bought.parent)
    answer = add(bought, "--quantity", "reflectance", "--scale", "0.01", code=2)
    assert 'quantity: "dn" -> "reflectance"' in answer["reason"]
    assert "--replace" in answer["reason"]
    assert made.everything(bought.parent) == before
    (scene,) = add(bought, "--quantity", "reflectance", "--scale", "0.01", "--replace")["scenes"]
    assert scene["facts"]["quantity"] == "reflectance"
    assert scene["facts"]["acquired"] == "2024-12-10T08:20:11Z"  # told before, and remembered


def test_another_image_under_an_added_name_is_noticed(add: Run, bought: Path) -> None:
    add(bought, *COMPLETE)
    other = made.pixels(2.0, [made.COMES], seed=2)
    made.geotiff(bought, [other / 5] * 3, gsd_m=2.0, extent=EXTENT, dtype="uint8", photometric="RGB")
    assert "files: " in add(bought, code=2)["reason"]
    add(bought, "--replace")
    recorded = json.loads(bought.with_suffix(".json").read_text())["files"]["quay.tif"]
    assert recorded["sha256"] == hashlib.sha256(bought.read_bytes()).hexdigest()


def test_a_hand_written_sidecar_is_kept_where_it_says_more(add: Run, bought: Path) -> None:
    bought.with_suffix(".toml").write_text('acquired = 2024-12-09\nsensor = "optical"\nquantity = "dn"\n')
    (scene,) = add(bought)["scenes"]
    assert scene["facts"]["acquired"] == "2024-12-09"
    assert scene["origins"]["acquired"] == "quay.toml"
    assert any("only the day" in note for note in scene["notes"])


def test_a_stac_item_beside_the_image_is_not_touched(add: Run, bought: Path) -> None:
    item = {
        "type": "Feature", "stac_version": "1.0.0", "id": "own-id", "geometry": None, "links": [], "assets": {},
        "properties": {"datetime": "2024-12-10T08:20:11Z", "platform": "drone"},
    }  # fmt: skip
    bought.with_suffix(".json").write_text(json.dumps(item))
    (scene,) = add(bought, "--sensor", "optical", "--quantity", "dn")["scenes"]
    assert json.loads(bought.with_suffix(".json").read_text()) == item
    assert scene["sidecars"] == [str(bought.with_name("quay.sitewatch.json"))]
    assert (scene["facts"]["id"], scene["origins"]["platform"]) == ("own-id", "quay.json")
    assert add(bought)["scenes"][0]["status"] == "unchanged"


# --- copies


def test_a_delivery_is_copied_whole_and_checked(
    add: Run, tmp_path: Path, sites: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order = tmp_path / "incoming" / "order"
    made.planetscope(order, WHEN)
    made.planetscope(order, WHEN.replace(day=15))
    made.maxar(order, WHEN)
    before = made.everything(order)
    answer = add(order, "--to", tmp_path / "archive")
    assert len(answer["scenes"]) == 3
    assert made.everything(order) == before
    found = made.everything(tmp_path / "archive")
    copied = {name.removeprefix("order/"): content for name, content in found.items()}
    kinds = {".tif", ".imd", ".til"}
    assert {name: copied[name] for name in before if Path(name).suffix.lower() in kinds} == {
        name: content for name, content in before.items() if Path(name).suffix.lower() in kinds
    }
    assert all(f"{Path(name).with_suffix('.json')}" in copied for name in copied if "8b_clip" in name)
    assert not [name for name in copied if Path(name).name.startswith(".")]
    (command,) = answer["next"]
    args = command.split()[1:]
    assert call([*args, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [len(scene["merged_with"]) for scene in listed["scenes"]] == [0, 1, 0]
    assert add(order, "--to", tmp_path / "archive")["scenes"][0]["status"] == "unchanged"


def test_a_copy_that_is_not_what_was_read_is_not_kept(
    add: Run, bought: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = copies.sha256_of

    def faulty(path: Path) -> str:  # a disk that gives back something else
        return "0" * 64 if path.name.startswith(".quay.tif") else real(path)

    monkeypatch.setattr(add_files, "sha256_of", faulty)
    answer = add(bought, *COMPLETE, "--to", tmp_path / "archive", code=2)
    assert "the copy is not what was read" in answer["reason"]
    assert not list((tmp_path / "archive").rglob("*.tif"))
    assert not list((tmp_path / "archive").rglob(".*"))


def test_another_file_of_the_same_name_is_not_overwritten(add: Run, bought: Path, tmp_path: Path) -> None:
    other = tmp_path / "archive" / "quay.tif"
    other.parent.mkdir()
    other.write_bytes(b"something else")
    assert "another file of that name" in add(bought, *COMPLETE, "--to", other.parent, code=2)["reason"]
    assert other.read_bytes() == b"something else"


def test_a_folder_that_cannot_be_written_is_named(add: Run, bought: Path, tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("not a folder")
    answer = add(bought, *COMPLETE, "--no-preview", "--to", target / "inside", code=2)
    assert "cannot be written" in answer["reason"]


# --- refusals


def _write(name: str, tmp_path: Path, **options: Any) -> Path:
    path = tmp_path / "refused" / name
    path.parent.mkdir(exist_ok=True)
    return rasters.write(path, rasters.texture(64, 64, bands=3), **options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"transform": None, "crs": None}, "has no georeference"),
        ({"crs": None}, "no CRS"),
        ({"transform": Affine(1, 0, 0, 0, -1, 0)}, "placed at 0, 0"),
        ({"transform": Affine(1e-5, 0, -1e-4, 0, -1e-5, 1e-4), "crs": "EPSG:4326"}, "placed at 0, 0"),
        ({"transform": Affine(1e-5, 0, 35.242, 0, -1e-5, 33.005), "crs": "EPSG:4326"}, "look swapped"),
        ({"transform": Affine(900, 0, 500_000, 0, -900, 3_900_000)}, "pixels would be 900.4 m"),
        ({"transform": Affine(0.02, 0, 500_000, 0, -0.02, 3_900_000)}, "pixels would be 0.02001 m"),
        ({"transform": Affine(10, 0, 500_000, 0, -10, 3_900_000), "crs": "EPSG:4326"}, "do not belong to its CRS"),
        ({"transform": None, "crs": None, "rpcs": True}, "orthorectify it first"),
    ],
)  # fmt: skip
def test_what_cannot_be_placed_is_refused(
    add: Run, tmp_path: Path, options: dict[str, Any], says: str
) -> None:
    if options.pop("rpcs", False):
        from rasterio.rpc import RPC  # noqa: PLC0415 - needed by one case

        options["rpcs"] = RPC(
            height_off=0, height_scale=500, lat_off=35.24, lat_scale=0.1, line_den_coeff=[1.0] + [0.0] * 19,
            line_num_coeff=[0.0, 0, -1.0] + [0.0] * 17, line_off=32, line_scale=32, long_off=33.0, long_scale=0.1,
            samp_den_coeff=[1.0] + [0.0] * 19, samp_num_coeff=[0.0, 1.0] + [0.0] * 18, samp_off=32, samp_scale=32,
            err_bias=None, err_rand=None,
        )  # fmt: skip
    path = _write("image.tif", tmp_path, **options)
    before = made.everything(path.parent)
    assert says in add(path, *COMPLETE, code=2)["reason"]
    assert made.everything(path.parent) == before


def test_what_is_no_image_is_refused(add: Run, bought: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.tif"
    text.write_text("not an image")
    archive = tmp_path / "order.zip"
    archive.write_bytes(b"PK\x03\x04")
    for path, says in (
        (text, "text, not an image"),
        (archive, "unpack it"),
        (tmp_path / "a.exe", "no such file"),
    ):
        assert says in add(path, code=2)["reason"]
    # One that cannot be used among those that were named: nothing at all is written.
    before = made.everything(bought.parent)
    assert "text.tif" in add(bought, text, *COMPLETE, code=2)["reason"]
    assert made.everything(bought.parent) == before


def test_a_delivery_s_unusable_files_are_listed_and_the_others_added(add: Run, bought: Path) -> None:
    (bought.parent / "text.tif").write_text("not an image")
    (bought.parent / "quicklook.jpg").write_bytes(b"ignored by its name")
    answer = add(bought.parent, *COMPLETE, code=3)
    assert [scene["name"] for scene in answer["scenes"]] == ["quay"]
    assert [entry["name"] for entry in answer["refused"]] == ["text.tif"]


def test_a_wildcard_may_name_what_comes_with_images(add: Run, tmp_path: Path) -> None:
    images = made.maxar(tmp_path / "order", WHEN, tiles=1)
    (scene,) = add(*sorted(images[0].parent.iterdir()))["scenes"]
    assert [Path(file["path"]) for file in scene["files"]] == images


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--acquired", "2031-01-01"], "lies in the future"),
        (["--acquired", "1931-01-01"], "before there were satellite"),
        (["--acquired", "10.12.2024"], "is not a time"),
        (["--gsd", "30"], "the pixels of the file are 2 m"),
        (["--bands", "red,green"], "names 2 bands, quay.tif has 3"),
        (["--quantity", "linear"], "quantity 'linear'"),
        (["--offset", "1"], "--offset needs --scale"),
        (["--off-nadir", "steep"], "is not a number"),
    ],
)
def test_what_cannot_be_true_is_refused(add: Run, bought: Path, given: list[str], says: str) -> None:
    before = made.everything(bought.parent)
    assert says in add(bought, *COMPLETE, *given, code=2)["reason"]
    assert made.everything(bought.parent) == before


def test_one_time_is_not_given_to_two_acquisitions(add: Run, tmp_path: Path) -> None:
    for name in ("a.tif", "b.tif"):
        made.geotiff(tmp_path / "two" / name, [made.pixels(2.0, [], seed=1)], gsd_m=2.0, extent=EXTENT)
    answer = add(tmp_path / "two", *COMPLETE, code=2)
    assert "--acquired is of one acquisition, and 2 were given" in answer["reason"]


def test_an_image_without_a_valid_pixel_is_refused(add: Run, tmp_path: Path) -> None:
    path = made.geotiff(
        tmp_path / "e" / "empty.tif", [np.ones((64, 64))] * 3, gsd_m=2.0, extent=EXTENT, nodata=1
    )
    assert "no valid pixel" in add(path, *COMPLETE, code=2)["reason"]


# --- what it shows


def test_the_picture_shows_the_image_and_its_place(add: Run, bought: Path) -> None:
    (scene,) = add(bought, *COMPLETE, "--attribution", "© somebody")["scenes"]
    picture = np.asarray(Image.open(scene["preview"]).convert("RGB")).astype(int)
    assert picture.shape[1] > 1500
    orange = (np.abs(picture - (240, 140, 0)).sum(axis=2) < 30).sum()
    blue = (np.abs(picture - (86, 180, 233)).sum(axis=2) < 30).sum()
    assert orange > 1000  # the image's outline
    assert blue > 1000  # the AOI's


def test_pictures_do_not_become_images_of_the_source(add: Run, bought: Path) -> None:
    add(bought, *COMPLETE)
    assert (bought.parent / "preview" / "quay.png").is_file()
    assert [s["name"] for s in add(bought.parent)["scenes"]] == ["quay"]


def test_an_image_elsewhere_is_told_how_far_it_is(add: Run, tmp_path: Path) -> None:
    path = rasters.write(
        tmp_path / "north.tif", rasters.texture(64, 64, bands=3),
        transform=Affine(2, 0, 500_000, 0, -2, 3_950_000),
    )  # fmt: skip
    (scene,) = add(path, *COMPLETE)["scenes"]
    (place,) = scene["sites"]
    assert place["direction"] == "north"
    assert place["distance_km"] == pytest.approx(49.8, abs=0.3)
    assert place["covers"] == 0


def test_a_dry_run_writes_nothing(add: Run, bought: Path) -> None:
    before = made.everything(bought.parent)
    assert add(bought, *COMPLETE, "--dry-run")["scenes"][0]["status"] == "not_written"
    assert made.everything(bought.parent) == before


def test_facts_survive_the_sidecar() -> None:
    facts = Facts(
        id="x", collection="maxar", platform="WorldView-3", sensor="sar", quantity="gamma0", in_db=True, acquired=WHEN,
        time_known=True, gsd_m=0.5, bands=("vv", "vh"), scale=0.5, offset=-1.0, nodata=0.0, cloud_cover_pct=3.0,
        view_off_nadir_deg=1.0, view_azimuth_deg=2.0, sun_azimuth_deg=3.0, sun_elevation_deg=4.0, relative_orbit=14,
        orbit_state="ascending", processing_baseline="05.11", datatake="d", tile="t", offset_applied=False,
        licence="l", attribution="a",
    )  # fmt: skip
    assert all(getattr(facts, f.name) is not None for f in fields(Facts))
    assert facts_from_mapping(json.loads(json.dumps(fact_fields(facts)))) == facts


def test_the_manual_shows_only_what_exists(repository: Path) -> None:
    text = (repository / "docs" / "purchased-images.md").read_text(encoding="utf-8")
    shown = re.findall(r"(?m)^    sitewatch ([a-z]+)(.*)$", text)
    assert {name for name, _ in shown} == {"add", "scenes", "run"}
    for name, rest in shown:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known, name
        if name == "add":
            listed = set(re.findall(r"`(--[a-z-]+)`", text))
            assert known - {"--help", "--debug", "--yes", "files"} <= listed | {"files"}
