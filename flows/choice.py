"""Which scenes of a site are compared: the rules of `imagery.select`, with cloud measured over the AOI."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from flows.site_grids import pair_grid
from imagery.errors import SitewatchError, SourceUnreachable
from imagery.grid import aoi_area, shares, zone_area
from imagery.listing import LeftOut, Listing, leave_out
from imagery.quality import pass_quality
from imagery.scene import Scene
from imagery.select import Plan, choose
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
