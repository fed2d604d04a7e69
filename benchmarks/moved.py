"""How often *moved* is right when it is claimed, on simulated scenes: nothing real says which of two alike is which.

    python -m benchmarks.moved [--pairs 3] [--out FOLDER]

Each pair draws one of the archive's 0.5 m crops twice, under another sun and from another direction. Of what stands
there first, some leaves, some drives to a free place of its kind, and other things come. A claim is right where both
its ends lie on the same individual. Pairs in which nothing moves and as much is exchanged are counted apart: every
claim is wrong there.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image
from scipy.stats import binomtest
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from flows.diff import compare_images
from imagery.simulate.acquisition import CROP_GSD_M, CROPS, Acquisition
from imagery.simulate.archive import PLANS
from imagery.simulate.exposure import expose, grid_of, ground_of, view_of
from imagery.simulate.noise import generator
from imagery.simulate.placement import Placement
from imagery.simulate.site_plan import SitePlan
from imagery.simulate.sun import sun_position
from imagery.simulate.truth import footprint
from imagery.site import Site
from imagery.site_file import load_sites
from models.change import Change
from models.detect import Detection

LEAVING, MOVING, COMING = 0.15, 0.25, 0.15
LEAST_SHARED = 0.25
"""Intersection over union from which a box shows an individual."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Claims of *moved* of one sort of pairs.

    Parameters
    ----------
    moved : int
        Individuals that did, and whose both ends were found.
    claimed, right : int
    """

    moved: int = 0
    claimed: int = 0
    right: int = 0

    def plus(self, other: "Tally") -> "Tally":
        """Of both."""
        return Tally(
            moved=self.moved + other.moved, claimed=self.claimed + other.claimed, right=self.right + other.right
        )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """With the share that is right and its 95 % interval (Clopper and Pearson)."""
        if not self.claimed:
            return {**self.__dict__, "precision": None, "interval": None}
        interval = binomtest(self.right, self.claimed).proportion_ci()
        return {
            **self.__dict__, "precision": round(self.right / self.claimed, 3),
            "interval": [round(float(interval.low), 3), round(float(interval.high), 3)],
        }  # fmt: skip


def shot_of(plan: SitePlan, crop: str, number: int, date: str) -> Acquisition:
    """One image under a sun and from a direction of its own."""
    rng = generator(plan.site_id, crop, number, date, "moved")
    moment = datetime(2024, 11, 1, tzinfo=UTC) + timedelta(
        days=int(rng.integers(0, 90)), minutes=int(rng.integers(7 * 60, 13 * 60))
    )
    return Acquisition(
        site_id=plan.site_id, crop=crop, acquired=moment, platform=f"simulated-{number}-{date}",
        off_nadir_deg=float(rng.uniform(2, 20)), view_azimuth_deg=float(rng.uniform(0, 360)),
        haze=float(rng.uniform(0.03, 0.2)), gain=float(rng.uniform(0.9, 1.1)), wet=float(rng.uniform(0, 0.6)),
        shift_px=(float(rng.uniform(-1, 1)), float(rng.uniform(-1, 1))), warp_px=float(rng.uniform(0.1, 0.4)),
    )  # fmt: skip


def both_dates(
    plan: SitePlan, number: int, *, exchanged: bool
) -> tuple[dict[str, Placement], dict[str, Placement]]:
    """What stands there on either date, by individual; `exchanged`: only comings and goings, no moves."""
    rng = generator(plan.site_id, number, "exchanged" if exchanged else "moved")
    places: list[Placement] = []
    for event in plan.events:
        shape = footprint(event)
        if not any(shape.intersects(footprint(other)) for other in places):
            places.append(replace(event, since=None, until=None))
    places = [places[i] for i in rng.permutation(len(places))]
    half = len(places) // 2
    before = {f"u{i}": place for i, place in enumerate(places[:half])}
    free = places[half:]
    after: dict[str, Placement] = {}
    for unit, place in before.items():
        fate = rng.random()
        if fate < LEAVING:
            continue
        target = next((f for f in free if f.thing.category == place.thing.category), None)
        if fate < LEAVING + MOVING and target is not None:
            free.remove(target)
            if exchanged:
                after[f"new {unit}"] = target
            else:
                after[unit] = replace(place, x=target.x, y=target.y, heading_deg=target.heading_deg)
            continue
        after[unit] = place
    for i, place in enumerate(free):
        if rng.random() < COMING:
            after[f"n{i}"] = place
    return before, after


def drawn(
    folder: Path, site: Site, plan: SitePlan, crop: str, number: int, dates: Sequence[dict[str, Placement]]
) -> tuple[Path, Path]:
    """Both pictures."""
    ground, centre, paths = ground_of(site, plan, crop), site.aoi.centroid, []
    for date, there in zip(("before", "after"), dates, strict=True):
        shot = shot_of(plan, crop, number, date)
        events = tuple(replace(place, unit=unit) for unit, place in there.items())
        seen = expose(
            site, replace(plan, events=events), ground, shot, sun_position(centre.x, centre.y, shot.acquired)
        )
        paths.append(folder / f"{date}.png")
        Image.fromarray(seen.numbers).save(paths[-1], compress_level=1)
    return paths[0], paths[1]


def judged(changes: Sequence[Change], dates: Sequence[dict[str, Placement]], view: Any) -> Tally:
    """Compare every *moved* with where the individuals stood."""
    outlines = [{unit: _in_picture(place, view) for unit, place in there.items()} for there in dates]

    def shown(end: Detection | None, date: int) -> str | None:
        if end is None:
            return None
        area = box(*end.bbox_px)
        shares = {unit: _iou(area, outline) for unit, outline in outlines[date].items()}
        best = max(shares, key=lambda unit: shares[unit], default=None)
        return best if best is not None and shares[best] >= LEAST_SHARED else None

    found = [{shown(end, date) for c in changes for end in ((c.before, c.after)[date],)} for date in (0, 1)]
    moved = [
        unit for unit in dates[0].keys() & dates[1].keys()
        if dates[0][unit].x != dates[1][unit].x and unit in found[0] and unit in found[1]
    ]  # fmt: skip
    claims = [c for c in changes if c.kind == "moved"]
    right = [c for c in claims if (unit := shown(c.before, 0)) is not None and unit == shown(c.after, 1)]
    return Tally(moved=len(moved), claimed=len(claims), right=len(right))


def _in_picture(place: Placement, view: Any) -> BaseGeometry:
    west, south, east, north = footprint(place).bounds
    return box(
        (west - view.west_m) / CROP_GSD_M, (view.north_m - north) / CROP_GSD_M,
        (east - view.west_m) / CROP_GSD_M, (view.north_m - south) / CROP_GSD_M,
    )  # fmt: skip


def _iou(one: BaseGeometry, other: BaseGeometry) -> float:
    shared = one.intersection(other).area
    return float(shared / (one.area + other.area - shared)) if shared else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=3, help="of every crop and sort")
    parser.add_argument("--scorer", help="in place of the default")
    parser.add_argument("--out", type=Path, help="keep the pictures here")
    args = parser.parse_args()
    sites = load_sites()
    totals = {False: Tally(), True: Tally()}
    for site_id, crops in CROPS.items():
        plan = PLANS[site_id](sites[site_id])
        for crop in crops:
            view = view_of(grid_of(sites[site_id], plan, crop), plan, crop)
            for number in range(args.pairs):
                for exchanged in (False, True):
                    dates = both_dates(plan, number, exchanged=exchanged)
                    with tempfile.TemporaryDirectory() as name:
                        folder = Path(name)
                        if args.out:
                            folder = (
                                args.out
                                / f"{site_id}-{crop}-{number}-{'exchanged' if exchanged else 'moved'}"
                            )
                            folder.mkdir(parents=True, exist_ok=True)
                        before, after = drawn(folder, sites[site_id], plan, crop, number, dates)
                        found = compare_images(before, after, gsd_m=CROP_GSD_M, scorer=args.scorer)
                    tally = judged(found.comparison.conclusion.changes, dates, view)
                    totals[exchanged] = totals[exchanged].plus(tally)
                    print(
                        f"{site_id} {crop} {number} {'exchanged' if exchanged else 'moved'}: {tally}",
                        flush=True,
                    )
    for exchanged, total in totals.items():
        print(json.dumps({"pairs": "nothing moves" if exchanged else "some move", **total.as_dict()}))


if __name__ == "__main__":
    main()
