"""Which scenes of a listing are compared with which: pure rules, and a reason for every scene that is not used.

The rules, in order: the newest processing of a pass; tiles of one pass merged; enough of the AOI covered; not
all cloud; then consecutive dates of one kind (sensor, quantity, pixel size, and orbit: required for radar, whose
geometry changes with it, preferred for optical); last, of dates that several collections have, the deliveries
that fit together.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from types import MappingProxyType

import shapely
from shapely.geometry.base import BaseGeometry

from imagery.bands import is_anonymous
from imagery.geometry import swapped
from imagery.listing import LeftOut, Listing, leave_out
from imagery.passes import Merged, footprint_of, merge_passes
from imagery.scene import Scene
from imagery.site import Site
from imagery.versions import unified

MAX_CLOUD_PCT = 80.0
MIN_COVERAGE = 0.1
FINE_GSD_M = 5.0
"""Below this, images are bought as crops of a site, so that little coverage is no fault."""

MIN_FINE_COVERAGE = 0.002
MIN_COMMON = 0.5
"""Two scenes are compared where they share at least this part of what the smaller one covers."""

GSD_RATIO = 1.3
"""Pixel sizes within this factor are of one class."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is compared.

    Parameters
    ----------
    pairs : tuple of (Scene, Scene)
        Before and after, sorted by the date of *after*.
    left_out : tuple of LeftOut
        Every scene in no pair: those the source left out, and those left out here.
    usable : tuple of Scene
        The scenes that passed every rule (tiles merged), whether or not they found a partner. A pair may hold another
        collection's delivery of the same pass.
    coverage : mapping of scene id to float
        Share of the AOI each usable scene covers, 0 to 1; less than 1 is a swath edge or a crop.
    """

    pairs: tuple[tuple[Scene, Scene], ...]
    left_out: tuple[LeftOut, ...]
    usable: tuple[Scene, ...]
    coverage: Mapping[str, float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "coverage", MappingProxyType(dict(self.coverage)))


def sift(site: Site, scenes: Iterable[Scene], start: datetime, end: datetime) -> Listing:
    """The scenes that lie in a period (both ends included) and touch the AOI; the others with the reason."""
    usable: list[Scene] = []
    left_out: list[LeftOut] = []
    for scene in sorted(scenes, key=lambda scene: (scene.acquired, scene.id)):
        reason = _elsewhere(site, scene, start, end)
        if reason is None:
            usable.append(scene)
        else:
            left_out.append(leave_out(scene, reason))
    return Listing(usable=tuple(usable), left_out=tuple(left_out))


def _elsewhere(site: Site, scene: Scene, start: datetime, end: datetime) -> str | None:
    # Where only the day is known, any moment of it may be meant.
    inside = start <= scene.acquired <= end
    if not inside and not (not scene.time_known and start.date() <= scene.acquired.date() <= end.date()):
        return f"outside the period {start:%Y-%m-%d} to {end:%Y-%m-%d}"
    outline = footprint_of(scene)
    if outline is None or outline.intersects(site.aoi):
        return None
    if outline.intersects(swapped(site.aoi)):
        return f"does not touch the AOI of {site.id}, but would if its longitude and latitude were exchanged"
    return f"does not touch the AOI of {site.id}"


def coverage_of(site: Site, scene: Scene) -> float:
    """Share of the AOI that a scene and its siblings cover, from their footprints; 1 where none is known."""
    return _share(site.aoi, _outline(scene))


def _outline(scene: Scene) -> BaseGeometry | None:
    outlines = [footprint_of(part) for part in (scene, *scene.siblings)]
    return None if None in outlines else shapely.union_all(outlines)


def _share(aoi: BaseGeometry, outline: BaseGeometry | None) -> float:
    return 1.0 if outline is None else min(1.0, float(outline.intersection(aoi).area / aoi.area))


def choose(
    site: Site,
    listing: Listing,
    *,
    max_cloud_pct: float = MAX_CLOUD_PCT,
    min_coverage: float | None = None,
    aoi_cloud: Mapping[str, float] | None = None,
) -> Plan:
    """Decide what is compared.

    Parameters
    ----------
    site : Site
    listing : Listing
        What a source found.
    max_cloud_pct : float
        Cloudier scenes are left out: over the AOI where measured, else over the whole scene as its metadata says.
    min_coverage : float, optional
        Least share of the AOI, 0 to 1. By default `MIN_COVERAGE`, or `MIN_FINE_COVERAGE` below `FINE_GSD_M`.
    aoi_cloud : mapping of scene id to float, optional
        Cloud share over the AOI, 0 to 1, measured on pixels.

    Returns
    -------
    Plan
    """
    merged = merge_passes(site, listing.usable, listing.preference)
    scenes, left_out = merged.scenes, list(merged.left_out)
    coverage = {scene.id: coverage_of(site, scene) for scene in scenes}
    rules: tuple[Callable[[Scene], str | None], ...] = (
        lambda scene: _too_little(scene, coverage[scene.id], min_coverage),
        lambda scene: _too_cloudy(scene, max_cloud_pct, aoi_cloud or {}),
        _no_orbit,
    )
    usable = []
    for scene in scenes:
        reason = next((found for rule in rules if (found := rule(scene)) is not None), None)
        if reason is None:
            usable.append(scene)
        else:
            left_out += _with_tiles(scene, reason)
    pairs = _pairs(site, usable)
    used = {scene.id for pair in pairs for scene in pair}
    for scene in usable:
        if scene.id not in used:
            left_out += _with_tiles(scene, _alone(scene, usable))
    pairs, left_out = _delivered(pairs, left_out, merged, listing.preference)
    return Plan(
        pairs=tuple(sorted(pairs, key=lambda pair: (pair[1].acquired, pair[0].acquired, pair[1].id))),
        left_out=(*listing.left_out, *sorted(left_out, key=_by_time)),
        usable=tuple(usable),
        coverage={scene.id: coverage[scene.id] for scene in usable},
    )


def _delivered(
    pairs: list[tuple[Scene, Scene]], left_out: list[LeftOut], merged: Merged, preference: Sequence[str]
) -> tuple[list[tuple[Scene, Scene]], list[LeftOut]]:
    """The pairs in the deliveries that fit together, and what that leaves out."""
    unified_pairs = unified(pairs, merged.alternatives, preference)
    parts = {part.id: scene for pair in unified_pairs for scene in pair for part in (scene, *scene.siblings)}
    kept = list(left_out)
    for scene in {scene.id: scene for pair in pairs for scene in pair}.values():
        if scene.id not in parts:
            instead = next(other for other in merged.alternatives[scene.id] if other.id in parts)
            used = f"{instead.id} of {instead.collection}"
            kept += _with_tiles(scene, f"its pass is compared in {used}, as the date it is compared with is")
    return unified_pairs, [entry for entry in kept if entry.scene_id not in parts]


def _with_tiles(scene: Scene, reason: str) -> list[LeftOut]:
    """A scene and the tiles merged into it, which share its fate."""
    return [
        leave_out(scene, reason),
        *(leave_out(tile, f"tile of the same pass as {scene.id}: {reason}") for tile in scene.siblings),
    ]


def _by_time(entry: LeftOut) -> tuple[str, str]:
    return entry.acquired.isoformat() if entry.acquired else "", entry.scene_id


def _too_little(scene: Scene, share: float, least: float | None) -> str | None:
    if least is None:
        least = MIN_FINE_COVERAGE if scene.gsd_m < FINE_GSD_M else MIN_COVERAGE
    if share >= least:
        return None
    return f"covers {share:.1%} of the AOI (swath edge or crop); at least {least:.1%} is needed"


def _too_cloudy(scene: Scene, limit_pct: float, aoi_cloud: Mapping[str, float]) -> str | None:
    measured = aoi_cloud.get(scene.id)
    if measured is not None:
        cloudy, where = 100.0 * measured, "the AOI"
    elif scene.cloud_cover_pct is not None:
        cloudy, where = scene.cloud_cover_pct, "the scene, by its metadata"
    else:
        return None
    return (
        f"{cloudy:.0f} % cloud over {where}; the limit is {limit_pct:.0f} %" if cloudy > limit_pct else None
    )


def _no_orbit(scene: Scene) -> str | None:
    if scene.sensor != "sar" or scene.relative_orbit is not None:
        return None
    return (
        "radar dates are compared within one orbit only and its relative orbit is not known; add relative_orbit "
        "to its metadata"
    )


def _pairs(site: Site, scenes: Sequence[Scene]) -> list[tuple[Scene, Scene]]:
    pairs: list[tuple[Scene, Scene]] = []
    for kind in _kinds(scenes):
        orbit = _orbits(kind)
        in_order = sorted(kind, key=lambda scene: (orbit(scene), scene.acquired, scene.id))
        for _, members in groupby(in_order, key=orbit):
            pairs += _consecutive(site, list(members))
        paired = {scene.id for pair in pairs for scene in pair}
        if kind[0].sensor == "optical":
            # An orbit of its own is no reason to lose a date; another orbit only adds parallax.
            for scene in kind:
                if scene.id not in paired:
                    pairs += _nearest(site, scene, kind)
                    paired = {scene.id for pair in pairs for scene in pair}
    return pairs


def _kinds(scenes: Sequence[Scene]) -> list[list[Scene]]:
    """Scenes that may be compared at all, in order of time."""
    kinds: list[list[Scene]] = []
    for scene in sorted(scenes, key=lambda scene: (scene.gsd_m, scene.acquired, scene.id)):
        same = next((kind for kind in kinds if _same_kind(kind[0], scene)), None)
        if same is None:
            kinds.append([scene])
        else:
            same.append(scene)
    return [sorted(kind, key=lambda scene: (scene.acquired, scene.id)) for kind in kinds]


def _same_kind(first: Scene, scene: Scene) -> bool:
    return (
        first.sensor == scene.sensor
        and first.quantity == scene.quantity
        and scene.gsd_m <= first.gsd_m * GSD_RATIO
        and _share_bands(first, scene)
    )


def _share_bands(first: Scene, scene: Scene) -> bool:
    one, other = _band_names(first), _band_names(scene)
    return bool(one & other) or not one or not other or any(map(is_anonymous, one | other))


def _band_names(scene: Scene) -> set[str]:
    return {band for asset in scene.assets.values() if asset.role == "data" for band in asset.bands}


Orbit = tuple[int, str]


def _orbits(scenes: Sequence[Scene]) -> Callable[[Scene], Orbit]:
    """What tells the orbits of scenes apart: the relative orbit and, for radar, the direction.

    Over one place a relative orbit has one direction, except near the poles, so that a scene which states none
    takes that of the others.
    """
    stated: dict[int | None, set[str]] = {}
    for scene in scenes:
        if scene.orbit_state:
            stated.setdefault(scene.relative_orbit, set()).add(scene.orbit_state)

    def orbit(scene: Scene) -> Orbit:
        number = -1 if scene.relative_orbit is None else scene.relative_orbit
        if scene.sensor != "sar":
            return number, ""
        return number, scene.orbit_state or min(stated.get(scene.relative_orbit, {""}))

    return orbit


def _consecutive(site: Site, scenes: Sequence[Scene]) -> list[tuple[Scene, Scene]]:
    """Each scene with the latest earlier one that shows enough of the same ground."""
    found = []
    for position, after in enumerate(scenes):
        before = next((s for s in reversed(scenes[:position]) if _common(site, s, after) >= MIN_COMMON), None)
        if before is not None:
            found.append((before, after))
    return found


def _nearest(site: Site, scene: Scene, kind: Sequence[Scene]) -> list[tuple[Scene, Scene]]:
    others = [other for other in kind if other.id != scene.id and _common(site, other, scene) >= MIN_COMMON]
    if not others:
        return []
    other = min(
        others, key=lambda other: (other.acquired > scene.acquired, abs(other.acquired - scene.acquired))
    )
    return [(other, scene) if other.acquired <= scene.acquired else (scene, other)]


def _common(site: Site, first: Scene, second: Scene) -> float:
    """Share of the AOI both cover, relative to the smaller of the two."""
    one, other = _outline(first), _outline(second)
    smaller = min(_share(site.aoi, one), _share(site.aoi, other))
    if one is None or other is None or smaller == 0:
        return 1.0 if smaller else 0.0
    return _share(site.aoi, one.intersection(other)) / smaller


def _alone(scene: Scene, usable: Sequence[Scene]) -> str:
    kind = f"{scene.sensor}, {scene.gsd_m:g} m"
    others = [other for other in usable if other.id != scene.id and other.sensor == scene.sensor]
    if not others:
        return f"the only usable {scene.sensor} scene: there is nothing to compare it with"
    same = [other for other in others if _same_kind(*sorted((other, scene), key=lambda s: s.gsd_m))]
    if not same and not any(_share_bands(scene, other) for other in others):
        return f"no other scene has its bands ({', '.join(sorted(_band_names(scene)))})"
    if not same:
        sizes = ", ".join(f"{size:g} m" for size in sorted({other.gsd_m for other in others}))
        return f"no other scene of its kind ({kind}, {scene.quantity}); the others have {sizes}"
    orbit = _orbits(usable)
    if scene.sensor == "sar" and all(orbit(other) != orbit(scene) for other in same):
        return (
            f"the only usable scene of relative orbit {', '.join(str(part) for part in orbit(scene) if part)}"
        )
    return f"shows too little of the same ground as any other scene of its kind ({kind})"
