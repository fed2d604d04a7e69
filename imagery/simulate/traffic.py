"""Cars that drive by: somewhere else on every date."""

import math

from imagery.simulate.acquisition import Acquisition
from imagery.simulate.noise import generator
from imagery.simulate.placement import Placement
from imagery.simulate.site_plan import SitePlan
from imagery.simulate.vehicle import CARS, TRUCK_LONG

_SPACING_M = 170.0


def traffic(plan: SitePlan, acquisition: Acquisition) -> list[Placement]:
    """Cars and a few lorries on the roads of a plan at one moment."""
    rng = generator(acquisition.id, "traffic")
    placed = []
    for number, road in enumerate(plan.roads):
        at = float(rng.exponential(_SPACING_M))
        while at < road.length - 3:
            draw = rng.random(3)
            here, ahead = road.interpolate(at), road.interpolate(at + 3)
            heading = math.degrees(math.atan2(ahead.x - here.x, ahead.y - here.y))
            side = 2.2 if draw[0] < 0.5 else -2.2
            turn = math.radians(heading)
            placed.append(
                Placement(
                    unit=f"traffic-{number}-{at:.0f}",
                    thing=TRUCK_LONG if draw[1] < 0.12 else CARS[int(draw[2] * len(CARS))],
                    x=here.x + side * math.cos(turn),
                    y=here.y - side * math.sin(turn),
                    heading_deg=heading + (0 if side > 0 else 180),
                    watched=False,
                )
            )
            at += float(rng.exponential(_SPACING_M)) + 10
    return placed
