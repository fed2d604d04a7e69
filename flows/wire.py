"""Scenes and grids as JSON, so that tasks hand each other file names and hashes and a later process can go on."""

import dataclasses
import hashlib
import json
from typing import Any

from affine import Affine
from odc.geo.geobox import GeoBox
from pydantic import TypeAdapter

from imagery.copies import SourceCopy
from imagery.listing import LeftOut
from imagery.scene import Scene

_SCENE: TypeAdapter[Scene] = TypeAdapter(Scene)
_COPY: TypeAdapter[SourceCopy] = TypeAdapter(SourceCopy)
_LEFT_OUT: TypeAdapter[LeftOut] = TypeAdapter(LeftOut)


def scene_to_dict(scene: Scene) -> dict[str, Any]:
    """JSON-ready."""
    plain = {field.name: getattr(scene, field.name) for field in dataclasses.fields(scene)}
    return {
        **plain,
        "acquired": scene.acquired.isoformat(),
        "footprint": None if scene.footprint is None else dict(scene.footprint),
        "assets": {name: dataclasses.asdict(asset) for name, asset in scene.assets.items()},
        "siblings": [scene_to_dict(sibling) for sibling in scene.siblings],
    }


def scene_from_dict(document: dict[str, Any]) -> Scene:
    """Inverse of `scene_to_dict`, also after a round trip through JSON."""
    return _SCENE.validate_python(document)


def copy_to_dict(copy: SourceCopy) -> dict[str, Any]:
    """JSON-ready."""
    return dict(_COPY.dump_python(copy, mode="json"))


def copy_from_dict(document: dict[str, Any]) -> SourceCopy:
    """Inverse of `copy_to_dict`."""
    return _COPY.validate_python(document)


def left_out_to_dict(entry: LeftOut) -> dict[str, Any]:
    """JSON-ready."""
    return dict(_LEFT_OUT.dump_python(entry, mode="json"))


def left_out_from_dict(document: dict[str, Any]) -> LeftOut:
    """Inverse of `left_out_to_dict`."""
    return _LEFT_OUT.validate_python(document)


def grid_to_dict(grid: GeoBox) -> dict[str, Any]:
    """JSON-ready."""
    epsg = None if grid.crs is None else grid.crs.to_epsg()
    crs = None if grid.crs is None else (epsg if epsg is not None else grid.crs.to_wkt())
    return {"crs": crs, "transform": list(grid.affine)[:6], "shape": [int(n) for n in grid.shape]}


def grid_from_dict(document: dict[str, Any]) -> GeoBox:
    """Inverse of `grid_to_dict`."""
    rows, cols = document["shape"]
    return GeoBox((rows, cols), Affine(*document["transform"]), document["crs"])


def fingerprint(document: Any) -> str:
    """Short hash of a JSON-ready document, independent of key order."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:20]
