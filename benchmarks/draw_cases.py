"""Labelled cases of airports that do not exist, to fit a scorer that has seen no licensed image.

    python -m benchmarks.draw_cases FOLDER [--airports 24]
    sitewatch train FOLDER --simulated-only --out optical-free-1.json

Every airport is laid out, lit, looked at and developed anew (`benchmarks.airport_plan`, `airport_traffic`,
`airport_lights`), from general knowledge of such places and of nothing in the labelled real cases. Each pair becomes a
case of aircraft, every third one of vehicles too. Airports count as places in groups, since a scorer is fitted without
each place.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from PIL import Image

from benchmarks.airport_lights import developed, of_the_day, shot_of
from benchmarks.airport_plan import SIDE_M, airport
from benchmarks.airport_traffic import dates_of
from imagery.simulate.exposure import PICTURE_BANDS
from imagery.simulate.placement import Placement
from imagery.simulate.render import View, lay_ground, render
from imagery.simulate.truth import footprint

GSD_M = 0.5
GROUPS = 4
LEAST_M = {"aircraft": 12.0, "vehicle": 4.0}
VEHICLES_EVERY = 3
"""A picture holds many more cars than aircraft: from every one, they would teach that pieces of aircraft are cars."""

LARGE_VEHICLE_M = 11.0
"""Vehicles from this length on are large enough to be taken for aircraft: cases of aircraft do not judge them."""


def pictures(number: int) -> tuple[list[Any], dict[str, dict[str, list[Placement]]]]:
    """Both pictures of an airport, and for each class what appeared, vanished, stayed and cannot be judged."""
    port = airport(number)
    dates = dates_of(port, number)
    side = round(SIDE_M / GSD_M)
    view = View(west_m=0.0, north_m=SIDE_M, pixel_m=GSD_M, shape=(side, side), bands=PICTURE_BANDS)
    ground = lay_ground(port.plan, view)
    drawn = []
    for index, (date, things) in enumerate((("before", dates.before), ("after", dates.after))):
        shot = shot_of(port.plan.site_id, date, port.latitude_deg)
        plan = replace(
            port.plan,
            events=(*things, *dates.passing[index]),
            stripes=(*port.plan.stripes, *dates.marks[index]),
        )
        drawn.append(
            developed(
                render(plan, of_the_day(ground, view, shot), view, shot.acquisition, shot.sun), view, shot
            )
        )
    return drawn, {klass: _truth(klass, dates.before, dates.after) for klass in LEAST_M}


def _truth(klass: str, before: Sequence[Placement], after: Sequence[Placement]) -> dict[str, list[Placement]]:
    of_class = [[p for p in things if p.thing.category == klass] for things in (before, after)]
    held = [{id(p) for p in things} for things in of_class]
    gone = [p for p in of_class[0] if id(p) not in held[1]]
    come = [p for p in of_class[1] if id(p) not in held[0]]
    same = [p for p in of_class[0] if id(p) in held[1]]
    replaced = [*_overlapping(gone, come), *_overlapping(come, gone)]
    swapped = {id(p) for p in replaced}
    small = [p for p in (*gone, *come) if p.thing.length_m < LEAST_M[klass]]
    out = swapped | {id(p) for p in small}
    others = [
        p for p in (*before, *after)
        if p.thing.category != klass
        and (klass == "vehicle" or p.thing.category != "vehicle" or p.thing.length_m >= LARGE_VEHICLE_M)
    ]  # fmt: skip
    return {
        "appeared": [p for p in come if id(p) not in out], "vanished": [p for p in gone if id(p) not in out],
        "occupied_both": [*same, *replaced], "ambiguous": [*small, *others],
    }  # fmt: skip


def _overlapping(things: Sequence[Placement], others: Sequence[Placement]) -> list[Placement]:
    """Things that stand where one of the others stood."""
    if not things or not others:
        return []
    tree = shapely.STRtree([footprint(p) for p in others])
    return [p for p in things if len(tree.query(footprint(p), "intersects"))]


def boxes(placements: Iterable[Placement]) -> list[list[float]]:
    """Pixel boxes of what lies in the picture, cut at its edges."""
    found = []
    for placement in placements:
        west, south, east, north = footprint(placement).bounds
        edges = np.clip([west, SIDE_M - north, east, SIDE_M - south], 0, SIDE_M) / GSD_M
        if edges[2] - edges[0] > 2 and edges[3] - edges[1] > 2:
            found.append([round(float(edge), 1) for edge in edges])
    return found


def draw(folder: Path, number: int) -> None:
    """The case of an airport's aircraft, and of every third one's vehicles."""
    drawn, truths = pictures(number)
    for klass, things in truths.items():
        if klass == "vehicle" and number % VEHICLES_EVERY:
            continue
        case = folder / f"sim_{klass}_airport_{number:03d}"
        case.mkdir(parents=True)
        for date, picture in zip(("before", "after"), drawn, strict=True):
            Image.fromarray(picture).save(case / f"{date}.png", compress_level=1)
        truth = {"klass": klass, "null": False, "ignore": [], **{key: boxes(p) for key, p in things.items()}}
        rows, cols = drawn[0].shape[:2]
        meta = {
            "width": cols, "height": rows, "gsd": GSD_M, "component": f"airports {number % GROUPS}",
            "origin": "simulated",
        }  # fmt: skip
        (case / "truth.json").write_text(json.dumps(truth))
        (case / "meta.json").write_text(json.dumps(meta))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--airports", type=int, default=24)
    args = parser.parse_args()
    for number in range(args.airports):
        draw(args.folder, number)
        print(number, flush=True)


if __name__ == "__main__":
    main()
