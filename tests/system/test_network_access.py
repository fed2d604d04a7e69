"""What a source may reach over the network, with real connections and redirects."""

from dataclasses import replace
from pathlib import Path

import pytest

from imagery import connect
from imagery.access import Access
from imagery.drivers import open_raster
from imagery.errors import (
    RefusedAddress,
    SourceUnreachable,
)
from imagery.read import copy_source
from imagery.source import with_angles
from tests.services.fault_proxy import FaultProxy, Status
from tests.services.remote_images import NEAR, SIDE, acquisition, same_pixels

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("hasty")]


def test_a_catalogue_at_a_public_address_cannot_name_private_ones(proxy: FaultProxy, tmp_path: Path) -> None:
    stranger = acquisition(proxy.url, source="https://catalogue.example/items.json")
    with pytest.raises(RefusedAddress, match=r"127\.0\.0\.1.*SITEWATCH_ALLOW_PRIVATE"):
        copy_source(stranger, NEAR, tmp_path)
    assert proxy.requests == []


def test_metadata_of_a_granule_is_read_by_the_same_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "granule.xml").write_text("<xml/>")
    with FaultProxy(folder=tmp_path) as inside:
        stranger = acquisition("https://catalogue.example", source="https://catalogue.example/items.json")
        stranger = replace(stranger, platform="sentinel-2a")
        monkeypatch.setattr(connect, "resolve", lambda host, port: ["127.0.0.1"])
        for address in (f"{inside.url}/granule.xml", f"http://tiles.example:{inside.port}/granule.xml"):
            assert with_angles(replace(stranger, granule=address)).view_off_nadir_deg is None
            assert "does not list the private address 127.0.0.1" in caplog.records[-1].getMessage()
        assert inside.requests == []
        monkeypatch.setenv("SITEWATCH_ALLOW_PRIVATE", "127.0.0.0/8")
        with_angles(replace(stranger, granule=f"{inside.url}/granule.xml"))
        assert [request.path for request in inside.requests] == ["/granule.xml"]


def test_the_user_can_list_private_addresses(
    proxy: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITEWATCH_ALLOW_PRIVATE", "10.0.0.0/8, 127.0.0.0/8")
    assert copy_source(acquisition(proxy.url, source="elsewhere"), NEAR, tmp_path)


def test_redirects_are_followed_only_where_the_source_may_read(proxy: FaultProxy, images: Path) -> None:
    with FaultProxy(folder=images) as other:
        for target in (
            f"{other.url}/red.tif",
            "http://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
        ):
            proxy.heal()
            proxy.fail("/red.tif", Status(code=302, headers={"Location": target}))
            with pytest.raises(RefusedAddress, match=r"redirected.* and not followed"):
                open_raster(f"{proxy.url}/red.tif")
        assert other.requests == []
        proxy.heal()
        proxy.fail("/moved.tif", Status(code=307, headers={"Location": "/red.tif"}))
        assert same_pixels(f"{proxy.url}/moved.tif", "red")
        proxy.fail("/round.tif", Status(code=302, headers={"Location": "/round.tif"}))
        with pytest.raises(SourceUnreachable, match="redirected more than"):
            open_raster(f"{proxy.url}/round.tif")


def test_a_public_name_that_leads_to_a_private_address_is_refused(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "resolve", lambda host, port: ["127.0.0.1"])
    url = f"http://tiles.example:{proxy.port}/red.tif"
    with pytest.raises(RefusedAddress, match=r"private address 127\.0\.0\.1"):
        open_raster(url, Access(source="public", hosts=("*.example",)))
    assert proxy.requests == []
    assert open_raster(
        url, Access(source="listed", hosts=("*.example",), private=("127.0.0.0/8",))
    ).shape == (SIDE, SIDE)
