"""Searching the Copernicus Data Space Ecosystem, over real HTTP against a server of ours.

No answer here was recorded: the items are built from its public documentation (its STAC catalogue's asset names, S3
addresses with https alternates, authentication and processing extensions).
"""

import copy
from dataclasses import replace
from typing import Any

import pytest

from imagery.listing import Listing
from imagery.select import choose
from imagery.sources.providers import provider_named
from imagery.sources.stac_api import StacApi
from tests.services.replay import page, replaying
from tests.unit.imagery.stac_request import END, PLACE, SITE, START


def cdse_item(*, day: int = 5, made: str = "20241205T112233", baseline: str = "0511") -> dict[str, Any]:
    identity = f"S2A_MSIL2A_202412{day:02d}T082331_N{baseline}_R121_T36SYD_{made}"
    root = f"Sentinel-2/MSI/L2A/2024/12/{day:02d}/{identity}.SAFE/GRANULE/L2A_T36SYD_A049349/IMG_DATA"
    download = "https://download.dataspace.copernicus.eu/odata/v1/Products(0f0f)/Nodes"

    def asset(band: str, size: int, colour: str | None = None) -> dict[str, Any]:
        file = f"R{size}m/T36SYD_202412{day:02d}T082331_{band}_{size}m.jp2"
        found: dict[str, Any] = {
            "href": f"s3://eodata/{root}/{file}", "type": "image/jp2", "roles": ["data", "reflectance"], "gsd": size,
            "nodata": 0, "auth:refs": ["s3"], "storage:refs": ["cdse-s3"],
            "alternate": {"https": {"href": f"{download}({file})/$value", "auth:refs": ["oidc"]}},
        }  # fmt: skip
        if colour:
            found |= {
                "bands": [{"name": band, "eo:common_name": colour}],
                "raster:scale": 1e-4,
                "raster:offset": -0.1,
            }
        return found

    colours = {"B02": "blue", "B03": "green", "B04": "red", "B08": "nir"}
    assets = {f"{band}_10m": asset(band, 10, colour) for band, colour in colours.items()}
    assets |= {"B04_20m": asset("B04", 20, "red"), "SCL_20m": asset("SCL", 20), "SCL_60m": asset("SCL", 60)}
    assets["granule_metadata"] = {"href": f"s3://eodata/{root}/MTD_TL.xml", "type": "application/xml"}
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": identity, "collection": "sentinel-2-l2a", "geometry": PLACE,
        "links": [],
        "properties": {
            "datetime": f"2024-12-{day:02d}T08:23:31.024Z", "platform": "sentinel-2a", "constellation": "sentinel-2",
            "eo:cloud_cover": 12.5, "grid:code": "MGRS-36SYD", "sat:relative_orbit": 121,
            "sat:orbit_state": "descending",
            "processing:version": f"{baseline[:2]}.{baseline[2:]}", "product:type": "S2MSI2A", "gsd": 10,
            "eopf:datatake_id": f"GS2A_202412{day:02d}T082331_049349_N{baseline[:2]}.{baseline[2:]}",
            "view:sun_azimuth": 163.0, "view:sun_elevation": 31.0, "view:incidence_angle": 5.0, "view:azimuth": 100.0,
        },
        "assets": assets,
    }  # fmt: skip


def cdse(pages: list[dict[str, Any]], **rules: Any) -> Listing:
    found = provider_named("cdse")
    assert found is not None
    with replaying(pages) as replay:
        return StacApi(provider=replace(found, url=replay.url, requests_per_second=100.0, **rules)).find(
            SITE, START, END
        )


def test_cdse_is_searched_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CDSE_S3_ACCESS_KEY", "CDSE_S3_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    listing = cdse([page([cdse_item()])])
    (scene,) = listing.usable
    assert set(scene.assets) == {"red", "green", "blue", "nir", "scl"}
    assert all(
        asset.href.startswith("s3://eodata/Sentinel-2/MSI/L2A/2024/12/05/") for asset in scene.assets.values()
    )
    assert scene.assets["red"].href.endswith("_B04_10m.jp2")
    assert scene.assets["scl"].href.endswith("_SCL_20m.jp2")
    assert (scene.gsd_m, scene.relative_orbit, scene.tile) == (10.0, 121, "36SYD")
    assert (scene.datatake, scene.processing_baseline) == ("S2A_20241205T082331", "05.11")
    assert (scene.assets["red"].scale, scene.assets["red"].offset, scene.assets["red"].nodata) == (
        1e-4,
        -0.1,
        0.0,
    )
    assert scene.view_off_nadir_deg == pytest.approx(4.45, abs=0.05)


def test_cdse_tells_pass_and_baseline_by_the_products_name_too() -> None:
    bare = cdse_item()
    for name in ("eopf:datatake_id", "processing:version", "sat:relative_orbit"):
        del bare["properties"][name]
    (scene,) = cdse([page([bare])]).usable
    assert (scene.datatake, scene.processing_baseline, scene.relative_orbit) == (
        "S2A_20241205T082331",
        "05.11",
        121,
    )


def test_a_product_that_cdse_reprocessed_is_used_once() -> None:
    old = cdse_item(made="20241205T104500", baseline="0510")
    listing = cdse([page([old, cdse_item(), cdse_item(day=10, made="20241210T112233")])])
    plan = choose(SITE, listing)
    assert [(a.processing_baseline, b.processing_baseline) for a, b in plan.pairs] == [("05.11", "05.11")]
    assert [entry.scene_id for entry in plan.left_out] == [old["id"]]


def test_the_other_address_of_an_asset_where_the_provider_prefers_it() -> None:
    rules = {"schemes": ("https",), "hosts": ("download.dataspace.copernicus.eu",)}
    (scene,) = cdse([page([cdse_item()])], **rules).usable
    assert scene.assets["red"].href.startswith(
        "https://download.dataspace.copernicus.eu/odata/v1/Products(0f0f)"
    )


def test_another_bucket_than_the_providers() -> None:
    strange = copy.deepcopy(cdse_item())
    strange["assets"]["B08_10m"] |= {"href": "s3://elsewhere/B08.jp2", "alternate": {}}
    listing = cdse([page([strange])])
    assert listing.usable == ()
    assert "keeps no images on elsewhere; its hosts are eodata" in listing.left_out[0].reason
