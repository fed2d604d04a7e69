"""One pass delivered several times: in several tiles, slices or processings. Merged into one scene, pure rules."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from imagery.listing import LeftOut, leave_out
from imagery.scene import Scene
from imagery.site import Site

_SAME_SATELLITE = timedelta(minutes=20)
"""An orbit takes about 95 minutes: less is one pass."""

_ANY_SATELLITE = timedelta(seconds=60)
_ADDS = 0.001
_OVERLAP = 0.5
_GSD_RATIO = 1.3
_NOT_A_SATELLITE = frozenset({"unknown", "sentinel-1", "sentinel-2", "maxar", "planetscope", "skysat"})


def footprint_of(scene: Scene) -> BaseGeometry | None:
    """Outline of a scene in lon/lat; None where none is known."""
    if scene.footprint is None:
        return None
    try:
        outline = shape(dict(scene.footprint))
    except (ShapelyError, TypeError, ValueError, KeyError, AttributeError):
        return None
    return outline if outline.is_valid else outline.buffer(0)


def merge_passes(site: Site, scenes: Iterable[Scene]) -> tuple[list[Scene], list[LeftOut]]:
    """Merge what belongs to one pass.

    Of several processings of the same ground the newest baseline is kept. Other tiles become `Scene.siblings`
    of the one that covers most of the AOI where they add to it; the rest is left out with the reason.

    Returns
    -------
    merged : list of Scene
        Sorted by time.
    left_out : list of LeftOut
    """
    merged: list[Scene] = []
    left_out: list[LeftOut] = []
    for members in _passes(scenes):
        newest, older = _newest(members)
        scene, spare = _joined(site, newest)
        merged.append(scene)
        left_out += older + spare
    return sorted(merged, key=lambda scene: (scene.acquired, scene.id)), left_out


def _passes(scenes: Iterable[Scene]) -> list[list[Scene]]:
    found: list[list[Scene]] = []
    for scene in sorted(scenes, key=lambda scene: (scene.acquired, scene.id)):
        same = next((members for members in found if _same_pass(members[0], scene)), None)
        if same is None:
            found.append([scene])
        else:
            same.append(scene)
    return found


def _same_pass(one: Scene, other: Scene) -> bool:
    alike = (
        one.sensor == other.sensor
        and one.quantity == other.quantity
        and max(one.gsd_m, other.gsd_m) <= _GSD_RATIO * min(one.gsd_m, other.gsd_m)
        and _same_bands(one, other)
    )
    if not alike:
        return False
    if one.datatake and other.datatake:
        return one.datatake == other.datatake
    satellites = {one.platform.lower(), other.platform.lower()}
    same_satellite = not satellites & _NOT_A_SATELLITE
    if same_satellite and len(satellites) > 1:
        return False
    if not (one.time_known and other.time_known):
        return same_satellite and one.acquired.date() == other.acquired.date()
    return abs(one.acquired - other.acquired) <= (_SAME_SATELLITE if same_satellite else _ANY_SATELLITE)


def _same_bands(one: Scene, other: Scene) -> bool:
    names = [{b for asset in s.assets.values() for b in asset.bands} for s in (one, other)]
    return bool(names[0] & names[1]) or not all(names)


def _newest(members: Sequence[Scene]) -> tuple[list[Scene], list[LeftOut]]:
    kept: list[Scene] = []
    older: list[LeftOut] = []
    for scene in sorted(sorted(members, key=lambda s: s.id), key=_baseline, reverse=True):
        twin = next((other for other in kept if _same_ground(other, scene)), None)
        if twin is None:
            kept.append(scene)
        elif _baseline(twin) > _baseline(scene):
            older.append(leave_out(scene, f"older processing {scene.processing_baseline or 'of unknown baseline'} of "
                                          f"the pass in {twin.id} (baseline {twin.processing_baseline})"))  # fmt: skip
        else:
            older.append(leave_out(scene, f"duplicate of {twin.id}: same pass, same ground, same processing"))
    return kept, older


def _baseline(scene: Scene) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", scene.processing_baseline or ""))


def _same_ground(one: Scene, other: Scene) -> bool:
    if one.tile and other.tile and one.tile != other.tile:
        return False
    first, second = footprint_of(one), footprint_of(other)
    if first is None or second is None:
        return one.tile == other.tile
    union = shapely.union(first, second).area
    return bool(union) and shapely.intersection(first, second).area / union > _OVERLAP


def _joined(site: Site, tiles: Sequence[Scene]) -> tuple[Scene, list[LeftOut]]:
    ordered = sorted(
        tiles, key=lambda scene: (-round(_covers(site, scene), 2), not _in_zone(site, scene), scene.id)
    )
    primary, siblings, spare = ordered[0], [], []
    seen = _ground(site, primary)
    for scene in ordered[1:]:
        added = _ground(site, scene).difference(seen)
        if added.area > _ADDS * site.aoi.area:
            siblings.append(scene)
            seen = seen.union(_ground(site, scene))
        else:
            spare.append(leave_out(scene, f"same pass as {primary.id}, and adds no ground of the AOI to it"))
    return (replace(primary, siblings=tuple(siblings)) if siblings else primary), spare


def _ground(site: Site, scene: Scene) -> BaseGeometry:
    outline = footprint_of(scene)
    return site.aoi if outline is None else outline.intersection(site.aoi)


def _covers(site: Site, scene: Scene) -> float:
    return float(_ground(site, scene).area / site.aoi.area)


def _in_zone(site: Site, scene: Scene) -> bool:
    """Whether a tile lies in the UTM zone of the site's CRS, so that its pixels need no reprojection."""
    zone = site.crs.utm_zone
    return bool(zone and scene.tile and scene.tile.startswith(f"{int(re.sub(r'[^0-9]', '', zone)):02d}"))
