"""One pass delivered several times: in several tiles, slices or processings. Merged into one scene, pure rules."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, kw_only=True)
class Merged:
    """Passes, each as one scene.

    Parameters
    ----------
    scenes : tuple of Scene
        Sorted by time.
    left_out : tuple of LeftOut
        What is in none of them.
    alternatives : mapping of scene id to tuple of Scene
        The same pass as other collections deliver it, merged likewise, where they show as much of the AOI.
    """

    scenes: tuple[Scene, ...]
    left_out: tuple[LeftOut, ...]
    alternatives: Mapping[str, tuple[Scene, ...]]


def merge_passes(site: Site, scenes: Iterable[Scene], preference: Sequence[str] = ()) -> Merged:
    """Merge what belongs to one pass.

    Of several deliveries of the same ground the most preferred collection's is kept, and of that the newest
    baseline. Other tiles become `Scene.siblings` of the one that covers most of the AOI where they add to it; the
    rest is left out with the reason.

    Parameters
    ----------
    site : Site
    scenes : iterable of Scene
    preference : sequence of str
        Collections, most preferred first.
    """
    merged: list[Scene] = []
    left_out: list[LeftOut] = []
    alternatives: dict[str, tuple[Scene, ...]] = {}
    for members in _passes(scenes):
        newest, older = _newest(members, preference)
        scene, spare = _joined(site, newest)
        merged.append(scene)
        left_out += older + spare
        if others := _delivered_otherwise(site, scene, members):
            alternatives[scene.id] = others
    return Merged(
        scenes=tuple(sorted(merged, key=lambda scene: (scene.acquired, scene.id))),
        left_out=tuple(left_out),
        alternatives=alternatives,
    )


def _delivered_otherwise(site: Site, chosen: Scene, members: Sequence[Scene]) -> tuple[Scene, ...]:
    parts = (chosen, *chosen.siblings)
    only = {part.collection for part in parts}
    least = _seen_of(site, parts) - _ADDS
    found = []
    for collection in sorted({scene.collection for scene in members}):
        if only == {collection}:
            continue
        newest, _ = _newest([scene for scene in members if scene.collection == collection], ())
        scene, _ = _joined(site, newest)
        if scene.id != chosen.id and _seen_of(site, (scene, *scene.siblings)) >= least:
            found.append(scene)
    return tuple(found)


def _seen_of(site: Site, parts: Sequence[Scene]) -> float:
    """Share of the AOI that tiles cover together."""
    return float(shapely.union_all([_ground(site, part) for part in parts]).area / site.aoi.area)


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


def _newest(members: Sequence[Scene], preference: Sequence[str]) -> tuple[list[Scene], list[LeftOut]]:
    rank = {collection: place for place, collection in enumerate(preference)}
    kept: list[Scene] = []
    older: list[LeftOut] = []
    newest_first = sorted(sorted(members, key=lambda s: s.id), key=_baseline, reverse=True)
    for scene in sorted(newest_first, key=lambda s: rank.get(s.collection, len(rank))):
        twin = next((other for other in kept if _same_ground(other, scene)), None)
        if twin is None:
            kept.append(scene)
        elif rank and twin.collection != scene.collection:
            order = f"{twin.collection} has: it goes before {scene.collection}"
            older.append(leave_out(scene, f"the same pass as {twin.id}, which {order}"))
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
