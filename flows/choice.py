"""Which scenes of a site are compared: the rules of `imagery.select`, with cloud measured over the AOI."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from flows.site_grids import pair_grid
from imagery.errors import SitewatchError, SourceUnreachable
from imagery.grid import aoi_area, shares, zone_area
from imagery.listing import LeftOut, Listing, leave_out
from imagery.quality import pass_quality
from imagery.scene import Scene
from imagery.select import GSD_RATIO, Plan, choose
from imagery.site import Site

ANY_CLOUD_PCT = 100.0
_AOI = ""
"""Beside the ids of zones, none of which is empty."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is compared and what was measured to decide it.

    Parameters
    ----------
    plan : Plan
    clouds : mapping of scene id to Clouds
        Where a scene has a quality band.
    """

    plan: Plan
    clouds: Mapping[str, "Clouds"]


@dataclass(frozen=True, kw_only=True)
class Clouds:
    """What a scene's quality band calls cloud.

    Parameters
    ----------
    aoi : float
        Share of the AOI, where the scene reaches it, 0 to 1.
    zones : dict of zone id to float
        The same of every zone that lies on the site's grid.
    """

    aoi: float
    zones: dict[str, float]


def to_measure(site: Site, listing: Listing) -> tuple[Scene, ...]:
    """Scenes, tiles of one pass merged, whose quality band is worth reading."""
    return tuple(
        scene
        for scene in choose(site, listing, max_cloud_pct=ANY_CLOUD_PCT).usable
        if any(asset.role == "quality" for part in (scene, *scene.siblings) for asset in part.assets.values())
    )


def measure_cloud(scene: Scene, site: Site) -> Clouds | None:
    """Shares of the AOI and of each zone under cloud, where the scene reaches them; only the quality band is read."""
    grid = pair_grid(site, scene, scene)
    quality = pass_quality(scene, grid)
    if quality is None:
        return None
    zones = {zone.id: zone_area(zone, grid) for zone in site.zones.values() if zone.kind != "reference_point"}
    found = shares({**zones, _AOI: aoi_area(site, grid)}, lambda window: quality.at(window)[0])
    return Clouds(aoi=found.pop(_AOI), zones=found) if _AOI in found else None


def over_aoi(clouds: Mapping[str, Clouds]) -> dict[str, float]:
    """Cloud over the AOI alone, by scene id, as `imagery.select.choose` takes it."""
    return {scene_id: found.aoi for scene_id, found in clouds.items()}


def without(listing: Listing, spoiled: Mapping[str, str]) -> Listing:
    """A listing less the scenes that turned out useless, which join the others left out with the reason."""
    gone = [leave_out(scene, spoiled[scene.id]) for scene in listing.usable if scene.id in spoiled]
    return replace(
        listing,
        usable=tuple(scene for scene in listing.usable if scene.id not in spoiled),
        left_out=(*listing.left_out, *gone),
    )


def mistaken_sizes(plan: Plan, sizes: Mapping[str, float]) -> dict[str, float]:
    """Pixel sizes (m), by scene id, that forbid a pair of the plan although its metadata allowed it.

    Parameters
    ----------
    plan : Plan
    sizes : mapping of scene id to float
        Of every scene in a pair, by its files.

    Returns
    -------
    dict of scene id to float
        Of all scenes whose files contradict the metadata; empty where every pair is of one class by its files too.
    """
    scenes = {scene.id: scene for pair in plan.pairs for scene in pair}
    if all(_one_class(*(sizes[scene.id] for scene in pair)) for pair in plan.pairs):
        return {}
    return {id_: sizes[id_] for id_, scene in scenes.items() if not _one_class(sizes[id_], scene.gsd_m)}


def _one_class(size: float, other: float) -> bool:
    return max(size, other) <= GSD_RATIO * min(size, other)


def with_sizes(listing: Listing, sizes: Mapping[str, float]) -> Listing:
    """A listing in which these scenes have another pixel size (m)."""
    scenes = (
        # As metadata states it; a map's scale makes 12 m of a file 11.994 m on the ground.
        replace(scene, gsd_m=float(f"{sizes[scene.id]:.3g}")) if scene.id in sizes else scene
        for scene in listing.usable
    )
    return replace(listing, usable=tuple(scenes))


def explained_sizes(plan: Plan, offered: Iterable[Scene], sizes: Mapping[str, float]) -> Plan:
    """The plan; of scenes left out, those whose files have another pixel size (m) than `offered` say so."""
    said = {scene.id: scene.gsd_m for scene in offered}
    left_out = (
        replace(entry, reason=f"{entry.reason}; its files have {sizes[entry.scene_id]:.3g} m pixels although its "
                f"metadata says {said[entry.scene_id]:g} m")
        if entry.scene_id in sizes else entry
        for entry in plan.left_out
    )  # fmt: skip
    return replace(plan, left_out=tuple(left_out))


def survey(site: Site, listing: Listing) -> Choice:
    """Measure the cloud of every scene and choose; nothing is copied.

    Scenes whose quality band cannot be read are left out with the reason.

    Raises
    ------
    SourceUnreachable
        A server does not answer.
    """
    clouds: dict[str, Clouds] = {}
    spoiled: dict[str, str] = {}
    for scene in to_measure(site, listing):
        try:
            found = measure_cloud(scene, site)
        except SourceUnreachable:
            raise
        except SitewatchError as problem:
            spoiled[scene.id] = str(problem)
        else:
            if found is not None:
                clouds[scene.id] = found
    plan = choose(site, without(listing, spoiled), aoi_cloud=over_aoi(clouds))
    return Choice(plan=plan, clouds=clouds)


def no_pair_reason(left_out: Iterable[LeftOut]) -> str:
    """One sentence for a period without a usable pair."""
    reasons = dict.fromkeys(f"{entry.scene_id}: {entry.reason}" for entry in left_out)
    if not reasons:
        return "no usable pair of scenes: the source has nothing of this site in this period"
    return "no usable pair of scenes: " + "; ".join(reasons)
