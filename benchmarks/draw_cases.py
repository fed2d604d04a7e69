"""Labelled cases from the simulator, to fit a scorer that has seen no licensed image.

    python -m benchmarks.draw_cases FOLDER [--pairs 4]
    sitewatch train FOLDER --simulated-only --out optical-free-1.json

Every pair draws one of the archive's 0.5 m crops twice, under another sun, from another direction and with another
chance half of what the plan lets come and go. Each becomes two cases: aircraft and vehicles.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from shapely.geometry.base import BaseGeometry

from imagery.simulate.acquisition import CROP_GSD_M, CROPS, Acquisition
from imagery.simulate.archive import PLANS
from imagery.simulate.exposure import expose, grid_of, ground_of, view_of
from imagery.simulate.noise import generator
from imagery.simulate.placement import Placement
from imagery.simulate.site_plan import SitePlan
from imagery.simulate.sun import sun_position
from imagery.simulate.traffic import traffic
from imagery.simulate.truth import footprint
from imagery.site import Site
from imagery.site_file import load_sites

LABELLED = {"aircraft": ("aircraft",), "vehicle": ("vehicle",)}
LEAST_M = 4.0


def acquisition(site_id: str, crop: str, number: int, date: str) -> Acquisition:
    """One image under a sun, a sky and a direction of its own."""
    rng = generator(site_id, crop, number, date, "case")
    moment = datetime(2024, 11, 1, tzinfo=UTC) + timedelta(
        days=int(rng.integers(0, 90)), minutes=int(rng.integers(7 * 60, 13 * 60))
    )
    turn = rng.uniform(0, 2 * np.pi)
    length = rng.uniform(0.1, 1.2)
    return Acquisition(
        site_id=site_id, crop=crop, acquired=moment, platform=f"simulated-case-{number}-{date}",
        off_nadir_deg=float(rng.uniform(2, 25)), view_azimuth_deg=float(rng.uniform(0, 360)),
        haze=float(rng.uniform(0.03, 0.25)), gain=float(rng.uniform(0.85, 1.15)), wet=float(rng.uniform(0, 0.9)),
        shift_px=(float(length * np.cos(turn)), float(length * np.sin(turn))), warp_px=float(rng.uniform(0.1, 0.5)),
    )  # fmt: skip


def standing(plan: SitePlan, number: int, date: str) -> list[Placement]:
    """A chance half of everything that may stand there, first come first served where two would overlap."""
    rng = generator(plan.site_id, number, date, "standing")
    chosen: list[Placement] = []
    taken: list[BaseGeometry] = []
    for event in plan.events:
        shape = footprint(event)
        if rng.random() < 0.5 and not any(shape.intersects(other) for other in taken):
            chosen.append(replace(event, since=None, until=None))
            taken.append(shape)
    return chosen


def boxes(placements: Iterable[Placement], view: Any) -> list[list[float]]:
    """Pixel boxes of things that lie wholly in the picture."""
    rows, cols = view.shape
    found = []
    for placement in placements:
        west, south, east, north = footprint(placement).bounds
        box = [(west - view.west_m) / CROP_GSD_M, (view.north_m - north) / CROP_GSD_M,
               (east - view.west_m) / CROP_GSD_M, (view.north_m - south) / CROP_GSD_M]  # fmt: skip
        if box[0] >= 0 and box[1] >= 0 and box[2] <= cols and box[3] <= rows:
            found.append([round(edge, 1) for edge in box])
    return found


def identity(placement: Placement) -> tuple[str, float, float]:
    return placement.thing.name, placement.x, placement.y


def draw(folder: Path, site: Site, plan: SitePlan, crop: str, number: int) -> None:
    """Both cases of one pair."""
    then, now = (standing(plan, number, date) for date in ("before", "after"))
    shots = [acquisition(plan.site_id, crop, number, date) for date in ("before", "after")]
    ground = ground_of(site, plan, crop)
    grid = grid_of(site, plan, crop)
    view = view_of(grid, plan, crop)
    centre = site.aoi.centroid
    pictures = []
    for shot, there in zip(shots, (then, now), strict=True):
        sun = sun_position(centre.x, centre.y, shot.acquired)
        pictures.append(expose(site, replace(plan, events=tuple(there)), ground, shot, sun).numbers)
    before, after = ({identity(p): p for p in there} for there in (then, now))
    gone = [p for key, p in before.items() if key not in after]
    come = [p for key, p in after.items() if key not in before]
    stayed = [p for key, p in before.items() if key in after]
    passing = [p for shot in shots for p in traffic(plan, shot)]
    for klass, categories in LABELLED.items():

        def of_class(things: Sequence[Placement], wanted: tuple[str, ...] = categories) -> list[Placement]:
            return [p for p in things if p.thing.category in wanted and p.thing.length_m >= LEAST_M]

        others = [p for p in (*gone, *come) if p not in of_class([*gone, *come])]
        case = folder / f"sim_{klass}_{plan.site_id}_{crop}_{number}"
        case.mkdir(parents=True)
        for date, picture in zip(("before", "after"), pictures, strict=True):
            Image.fromarray(picture).save(case / f"{date}.png", compress_level=1)
        truth = {
            "klass": klass, "null": False, "appeared": boxes(of_class(come), view),
            "vanished": boxes(of_class(gone), view), "occupied_both": boxes(of_class(stayed), view),
            "ambiguous": boxes([*others, *passing], view), "ignore": [],
        }  # fmt: skip
        rows, cols = view.shape
        meta = {
            "width": cols, "height": rows, "gsd": CROP_GSD_M, "component": f"{plan.site_id} {crop}",
            "origin": "simulated",
        }  # fmt: skip
        (case / "truth.json").write_text(json.dumps(truth))
        (case / "meta.json").write_text(json.dumps(meta))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", type=int, default=4, help="of every crop")
    args = parser.parse_args()
    sites = load_sites()
    for site_id, crops in CROPS.items():
        plan = PLANS[site_id](sites[site_id])
        for crop in crops:
            for number in range(args.pairs):
                draw(args.folder, sites[site_id], plan, crop, number)
                print(f"{site_id} {crop} {number}", flush=True)


if __name__ == "__main__":
    main()
