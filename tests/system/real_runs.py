"""Commands on real images as a person types them, sites drawn for them, and the checks that every record passes."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pystac
from pystac.validation.stac_validator import JsonSchemaSTACValidator
from rio_cogeo.cogeo import cog_validate

Ring = list[tuple[float, float]]


def sitewatch(*args: str | Path, code: int = 0) -> Any:
    """Run a command in a process of its own; the document it prints with ``--json``."""
    # The flows bring a Prefect of their own, whatever other tests have set up.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    command = [sys.executable, "-m", "flows.cli", *map(str, args), "--json"]
    done = subprocess.run(command, check=False, env=env, capture_output=True, text=True, timeout=800)
    assert done.returncode == code, done.stderr or done.stdout
    return json.loads(done.stdout)


def feature(site: str, zone: str, kind: str, ring: Ring) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {
            "site": site, "zone": zone, "kind": kind, "name": f"{site} {zone}", "source": "drawn for a test",
            "confidence": "medium", "position_error_m": 50, "parent": None if kind == "aoi" else f"{site}.aoi",
            "watch": kind != "aoi",
        },
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
    }  # fmt: skip


def box(west: float, south: float, east: float, north: float) -> Ring:
    return [(west, south), (east, south), (east, north), (west, north)]


def write_sites(path: Path, features: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def report_of(row: Mapping[str, Any]) -> dict[str, Any]:
    return json.loads((Path(row["item"]).parent / "report.json").read_text())


def check_record(row: Mapping[str, Any]) -> None:
    """The STAC Item validates, the rasters are COGs, every byte is as written."""
    folder = Path(row["item"]).parent
    item = json.loads((folder / "item.json").read_text())
    assert item["stac_version"] == "1.1.0"
    assert JsonSchemaSTACValidator().validate_core(item, pystac.STACObjectType.ITEM, "1.1.0")
    for name in ("before.tif", "after.tif", "evidence.tif"):
        assert cog_validate(folder / name) == (True, [], []), name
    found = sitewatch("verify", folder)
    assert found["intact"]
    assert found["problems"] == []
