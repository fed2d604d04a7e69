"""What the tests of ``sitewatch add`` share: a site, an image that says nothing, and the command."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.cli import call
from tests.unit.imagery import deliveries as made

EXTENT = made.Extent()

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def sites(tmp_path: Path) -> Path:
    return made.write_site(tmp_path / "sites.geojson")


@pytest.fixture
def bought(tmp_path: Path) -> Path:
    """An image that says nothing but where it lies."""
    path = tmp_path / "bought" / "quay.tif"
    band = made.pixels(2.0, [], seed=1)
    return made.geotiff(path, [band / 5] * 3, gsd_m=2.0, extent=EXTENT, dtype="uint8", photometric="RGB")


@pytest.fixture
def add(sites: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*args: str | Path, code: int = 0) -> dict[str, Any]:
        found = call(["add", *map(str, args), "--sites", str(sites), "--json"])
        captured = capsys.readouterr()
        assert found == code, captured.err or captured.out
        assert "Traceback" not in captured.err
        document: dict[str, Any] = json.loads(captured.out)
        return document

    return run
