"""Signed links and S3, against servers built from the public documentation and moto."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagery import connect, remote
from imagery.access import Access, S3Options
from imagery.drivers import open_raster, read_pixels
from imagery.errors import (
    AccessDenied,
    MissingCredentials,
    MissingFile,
    RefusedAddress,
    SourceUnreachable,
)
from imagery.read import copy_source
from imagery.scene import Asset, Scene
from imagery.source import with_angles
from imagery.sources.names_sentinel import off_nadir_deg
from imagery.sources.providers import VARIABLE
from tests.services.fault_proxy import FaultProxy, Status
from tests.services.remote_images import (
    BANDS,
    INSIDE,
    NEAR,
    acquisition,
    cog,
    numbers,
)
from tests.services.s3 import s3_server, upload
from tests.unit.imagery.rasters import scene

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("hasty")]


@pytest.fixture
def planetary(
    proxy: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[FaultProxy, Scene]]:
    """A token service, and a blob server that wants its tokens; built from the public documentation."""
    from planetary_computer.sas import TOKEN_CACHE  # noqa: PLC0415

    TOKEN_CACHE.clear()
    account = "sentinel2.blob.core.windows.net"
    monkeypatch.setattr(connect, "resolve", lambda host, port: ["127.0.0.1"])
    providers = tmp_path / "providers.toml"
    providers.write_text(
        '[pc-test]\nurl = "https://stac.example/v1"\nhosts = ["*.blob.core.windows.net"]\nprivate = true\n'
        'signing = "planetary-computer"\n'
    )
    monkeypatch.setenv(VARIABLE, str(providers))
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
    address = there.assets["red"].href.replace("red.tif", "granule.xml")
    (proxy.folder / "store" / "granule.xml").write_text(GRANULE)  # type: ignore[operator]
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
    providers = tmp_path / "providers.toml"
    providers.write_text(
        '[cdse-test]\nurl = "https://stac.example/v1"\nschemes = ["s3"]\nhosts = ["eodata"]\n[cdse-test.s3]\n'
        f'endpoint = "{bucket}"\naccess_key = "CDSE_S3_ACCESS_KEY"\nsecret_key = "CDSE_S3_SECRET_KEY"\n'
        'account = "https://dataspace.copernicus.eu"\n'
    )
    monkeypatch.setenv(VARIABLE, str(providers))
    there = acquisition("s3://eodata/tile", source="cdse-test", quality=False)
    with pytest.raises(
        MissingCredentials,
        match=r"^cdse-test: s3://eodata/tile/.*CDSE_S3_ACCESS_KEY.*CDSE_S3_SECRET_KEY.*dataspace\.copernicus",
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


def test_jpeg_2000_over_s3_without_a_signature_and_with_keys(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert same_s3("s3://eodata/tile/red.jp2", cdse(bucket, unsigned=True))
    remote.forget()
    monkeypatch.setenv("SITEWATCH_CACHE", f"{os.environ['SITEWATCH_CACHE']}-2")
    monkeypatch.setenv("CDSE_S3_ACCESS_KEY", "test")
    monkeypatch.setenv("CDSE_S3_SECRET_KEY", "geheim")
    assert same_s3("s3://eodata/tile/red.jp2", cdse(bucket))


GRANULE = "".join(
    f'<Mean_Viewing_Incidence_Angle bandId="{band}"><ZENITH_ANGLE unit="deg">4.5</ZENITH_ANGLE>'
    '<AZIMUTH_ANGLE unit="deg">100</AZIMUTH_ANGLE></Mean_Viewing_Incidence_Angle>'
    for band in (1, 2, 3, 7)
)


def test_view_angles_are_fetched_from_an_object_store(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "MTD_TL.xml").write_text(GRANULE)
    upload(bucket, "granules", {"tile/MTD_TL.xml": tmp_path / "MTD_TL.xml"})
    providers = tmp_path / "providers.toml"
    providers.write_text(
        '[cdse-test]\nurl = "https://stac.example/v1"\nschemes = ["s3"]\nhosts = ["eodata", "granules"]\n'
        f'[cdse-test.s3]\nendpoint = "{bucket}"\naccess_key = "CDSE_S3_ACCESS_KEY"\n'
        'secret_key = "CDSE_S3_SECRET_KEY"\n'
    )
    monkeypatch.setenv(VARIABLE, str(providers))
    monkeypatch.setenv("CDSE_S3_ACCESS_KEY", "test")
    monkeypatch.setenv("CDSE_S3_SECRET_KEY", "geheim")
    there = acquisition("s3://eodata/tile", source="cdse-test", quality=False)
    found = with_angles(replace(there, platform="sentinel-2a", granule="s3://granules/tile/MTD_TL.xml"))
    assert found.view_off_nadir_deg == pytest.approx(off_nadir_deg(4.5))
    elsewhere = replace(there, platform="sentinel-2a", granule="s3://others/tile/MTD_TL.xml")
    assert with_angles(elsewhere).view_off_nadir_deg is None


def test_s3_is_refused_where_the_source_does_not_list_it() -> None:
    with pytest.raises(RefusedAddress, match="not s3"):
        open_raster("s3://eodata/tile/red.jp2", Access(source="earth-search"))
    with pytest.raises(RefusedAddress, match="buckets eodata, and not secrets"):
        open_raster("s3://secrets/a.tif", cdse("http://127.0.0.1:9"))
