"""Which scenes of a site are compared: the rules of `imagery.select`, with cloud measured over the AOI."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from flows.scene_store import aoi_mask
from flows.site_grids import pair_grid
from imagery.errors import SitewatchError, SourceUnreachable
from imagery.listing import LeftOut, Listing, leave_out
from imagery.quality import cloud_on_grid
from imagery.scene import Scene
from imagery.select import Plan, choose
from imagery.site import Site

ANY_CLOUD_PCT = 100.0


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is compared and what was measured to decide it.

    Parameters
    ----------
    plan : Plan
    aoi_cloud : mapping of scene id to float
        Share of the AOI under cloud, 0-1, where a scene says it.
    """

    plan: Plan
    aoi_cloud: Mapping[str, float]


def to_measure(site: Site, listing: Listing) -> tuple[Scene, ...]:
    """Scenes, tiles of one pass merged, whose quality band is worth reading."""
    return tuple(
        scene
        for scene in choose(site, listing, max_cloud_pct=ANY_CLOUD_PCT).usable
        if any(asset.role == "quality" for part in (scene, *scene.siblings) for asset in part.assets.values())
    )


def measure_cloud(scene: Scene, site: Site) -> float | None:
    """Share of the AOI under cloud, 0-1, where the scene reaches it; only the quality band is read."""
    grid = pair_grid(site, scene, scene)
    aoi = aoi_mask(site, grid)
    clouds = cloud_on_grid(scene, grid)
    if clouds is None or not aoi.any():
        return None
    return float((clouds[0] & aoi).sum() / aoi.sum())


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
    clouds: dict[str, float] = {}
    spoiled: dict[str, str] = {}
    for scene in to_measure(site, listing):
        try:
            share = measure_cloud(scene, site)
        except SourceUnreachable:
            raise
        except SitewatchError as problem:
            spoiled[scene.id] = str(problem)
        else:
            if share is not None:
                clouds[scene.id] = share
    return Choice(plan=choose(site, without(listing, spoiled), aoi_cloud=clouds), aoi_cloud=clouds)


def no_pair_reason(left_out: Iterable[LeftOut]) -> str:
    """One sentence for a period without a usable pair."""
    reasons = dict.fromkeys(f"{entry.scene_id}: {entry.reason}" for entry in left_out)
    if not reasons:
        return "no usable pair of scenes: the source has nothing of this site in this period"
    return "no usable pair of scenes: " + "; ".join(reasons)
