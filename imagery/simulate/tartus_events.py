"""What comes and goes at Tartus: a story after public reports of December 2024 and January 2025."""

from datetime import date

import numpy as np
from shapely.geometry.base import BaseGeometry

from imagery.simulate import ship, vehicle
from imagery.simulate.khmeimim_events import Zones
from imagery.simulate.noise import generator
from imagery.simulate.placement import Placement
from imagery.simulate.site_plan import short_sides
from imagery.simulate.thing import Thing

_FLEET_LEAVES = date(2024, 12, 6)
_MOLE_HEADING_DEG = 71.0
"""Of the moles' long sides, from their heads to the shore."""

_ALONG = np.array((0.946, 0.325))
_ACROSS = np.array((-0.325, 0.946))

_QUAYS: dict[str, tuple[tuple[float, float], int]] = {
    "north mole south": ((2171.0, 2712.0), 1),
    "middle pier north": ((2264.0, 2568.0), -1),
    "middle pier south": ((2192.0, 2333.0), 1),
    "south pier north": ((2354.0, 2219.0), -1),
    "south pier south": ((2374.0, 2041.0), 1),
}
"""Western end of each quay, and whether ships lie south (1) or north (-1) of it."""


def events(zone: Zones) -> tuple[Placement, ...]:
    """Everything that comes and goes."""
    return (*_fleet(zone), *_freighters(), *_traders(), *_rows(), *_boxes(), *_boats())


def _beside(
    pier: BaseGeometry, thing: Thing, side: int, *, slide_m: float = 0.0, gap_m: float = 2.0
) -> tuple[float, float, float]:
    """Where a ship lies along a finger pier; side 1 is east, -1 west."""
    foot, head = short_sides(pier)
    along = (head - foot) / np.hypot(*(head - foot))
    right = np.array((along[1], -along[0]))
    half_width = pier.area / float(np.hypot(*(head - foot))) / 2
    spot = (foot + head) / 2 + right * side * (half_width + gap_m + thing.width_m / 2) - along * slide_m
    return float(spot[0]), float(spot[1]), float(np.degrees(np.arctan2(-along[0], -along[1])))


def _fleet(zone: Zones) -> list[Placement]:
    """Five surface ships and a submarine at the piers, gone between the sixth and the ninth of December."""
    berths: list[tuple[str, Thing, str, int, float]] = [
        ("frigate-a", ship.FRIGATE_LARGE, "floating_pier_west", -1, -2.0),
        ("frigate-b", ship.FRIGATE, "floating_pier_west", 1, 2.0),
        ("submarine", ship.KILO, "floating_pier_east", -1, 14.0),
        ("tanker-a", ship.TANKER, "floating_pier_east", 1, 4.0),
        ("workshop", ship.WORKSHOP, "concrete_pier", -1, -18.0),
        ("tanker-b", ship.TANKER_LARGE, "concrete_pier", 1, -14.0),
    ]
    placed = []
    for unit, thing, pier, side, slide in berths:
        x, y, heading = _beside(zone(pier), thing, side, slide_m=slide)
        placed.append(Placement(unit=unit, thing=thing, x=x, y=y, heading_deg=heading, until=_FLEET_LEAVES))
    return placed


def _quay(start: tuple[float, float], along_m: float, out_m: float) -> tuple[float, float]:
    """A place along a mole's southern side, `out_m` off the quay's edge."""
    spot = np.array(start) + _ALONG * along_m - _ACROSS * out_m
    return float(spot[0]), float(spot[1])


def _freighters() -> list[Placement]:
    """The two ro-ro freighters that dock on 21 and 22 January; one has left on the 27th."""
    stays: list[tuple[str, Thing, float, str, str]] = [
        ("sparta-ii", ship.SPARTA_II, 150.0, "2025-01-21", "2025-01-26"),
        ("sparta", ship.SPARTA, 300.0, "2025-01-22", "2025-01-28"),
    ]
    placed = []
    for unit, thing, along, since, until in stays:
        x, y = _quay(_QUAYS["north mole south"][0], along, thing.width_m / 2 + 2)
        placed.append(
            Placement(
                unit=unit,
                thing=thing,
                x=x,
                y=y,
                heading_deg=_MOLE_HEADING_DEG + 180,
                since=date.fromisoformat(since),
                until=date.fromisoformat(until),
            )
        )
    return placed


def _traders() -> list[Placement]:
    """Civil ships at the southern piers and at anchor."""
    quays: list[tuple[str, Thing, str, float, str | None, str | None]] = [
        ("bulker-a", ship.BULKER, "south pier north", 130, None, "2024-12-07"),
        ("bulker-b", ship.BULKER, "south pier south", 180, "2024-12-09", "2024-12-18"),
        ("coaster-a", ship.COASTER, "south pier north", 420, "2024-12-03", "2024-12-12"),
        ("coaster-b", ship.COASTER, "middle pier north", 260, "2024-12-14", "2024-12-28"),
        ("bulker-c", ship.BULKER, "south pier south", 420, "2025-01-20", None),
        ("coaster-c", ship.COASTER, "middle pier south", 300, "2025-01-22", None),
    ]
    placed = []
    for unit, thing, quay, along, since, until in quays:
        start, side = _QUAYS[quay]
        x, y = _quay(start, along, side * (thing.width_m / 2 + 2.5))
        placed.append(_stay(unit, thing, x, y, _MOLE_HEADING_DEG, since, until))
    return [
        *placed,
        _stay("anchored-a", ship.BULKER, 820, 3820, 215, "2024-12-08", "2024-12-16"),
        _stay("anchored-b", ship.COASTER, 1010, 4480, 240, "2024-12-22", "2025-01-25"),
    ]


def _stay(
    unit: str, thing: Thing, x: float, y: float, heading_deg: float, since: str | None, until: str | None
) -> Placement:
    return Placement(
        unit=unit,
        thing=thing,
        x=x,
        y=y,
        heading_deg=heading_deg,
        since=date.fromisoformat(since) if since else None,
        until=date.fromisoformat(until) if until else None,
    )


def _rows() -> list[Placement]:
    """Vehicle rows on the north mole's west end: from 15 December, more on the 17th, most gone by 25 January."""
    rng = generator("tartus", "rows")
    placed = []
    for number in range(84):
        row, column = divmod(number, 28)
        draw = rng.random(4)
        if draw[0] > 0.93:
            continue
        spot = (
            np.array((2225.0, 2790.0))
            + _ALONG * (4.7 * column + 0.7 * draw[1])
            + _ACROSS * (21.0 * row + draw[2] + 8.0)
        )
        stays = row == 2 and column % 3 == 0
        placed.append(
            Placement(
                unit=f"row-{number}",
                thing=vehicle.CONVOY[int(draw[3] * 8)],
                x=float(spot[0]),
                y=float(spot[1]),
                heading_deg=341.0 + 2 * draw[1],
                since=date(2024, 12, 15) if row < 2 else date(2024, 12, 16),
                until=None if stays else date(2025, 1, 24),
            )
        )
    for number in range(14):
        draw = rng.random(2)
        spot = np.array((2392.0, 2832.0)) + _ALONG * 18.5 * (number % 7) + _ACROSS * (9.0 * (number // 7))
        placed.append(
            Placement(
                unit=f"launcher-{number}",
                thing=vehicle.LAUNCHER if number % 3 else vehicle.RADAR_VEHICLE,
                x=float(spot[0]),
                y=float(spot[1]),
                heading_deg=_MOLE_HEADING_DEG + 2 * draw[0],
                since=date(2024, 12, 17),
                until=date(2025, 1, 26),
            )
        )
    return placed


def _boxes() -> list[Placement]:
    """Containers on the north mole from 26 January, and stacks that move in the middle pier's yard."""
    rng = generator("tartus", "boxes")
    placed = []
    for number in range(72):
        row, column = divmod(number, 9)
        draw = rng.random(2)
        if draw[0] > 0.88:
            continue
        spot = np.array((2545.0, 2890.0)) + _ALONG * 13.4 * column + _ACROSS * (3.0 * row + 9.0 * (row > 3))
        placed.append(
            Placement(
                unit=f"box-{number}",
                thing=vehicle.STACKS_40[int(6 * draw[1])],
                x=float(spot[0]),
                y=float(spot[1]),
                heading_deg=_MOLE_HEADING_DEG,
                since=date(2025, 1, 26),
            )
        )
    for number in range(40):
        row, column = divmod(number, 10)
        draw = rng.random(2)
        spot = np.array((2300.0, 2445.0)) + _ALONG * 13.2 * column + _ACROSS * (3.1 * row)
        first = number % 2 == 0
        placed.append(
            Placement(
                unit=f"yard-{number}",
                thing=vehicle.STACKS_40[int(6 * draw[1])],
                x=float(spot[0]),
                y=float(spot[1]),
                heading_deg=_MOLE_HEADING_DEG,
                since=None if first else date(2024, 12, 14),
                until=date(2025, 1, 5) if first else None,
            )
        )
    return placed


def _boats() -> list[Placement]:
    """Patrol boats and tugs, some of which change berth."""
    tug = _quay(_QUAYS["south pier north"][0], 640, -8)
    tug_b = _quay(_QUAYS["south pier north"][0], 680, -8)
    return [
        _stay("patrol", ship.GRACHONOK, 2780, 3102, 71, None, "2024-12-12"),
        _stay("patrol", ship.GRACHONOK, 2480, 3002, 71, "2024-12-13", None),
        _stay("tug-a", ship.TUG, *tug, 251, None, "2024-12-14"),
        _stay("tug-a", ship.TUG, 2160, 2600, 30, "2024-12-15", "2025-01-10"),
        _stay("tug-b", ship.TUG, *tug_b, 251, None, None),
        _stay("small", ship.TUG, 2930, 3162, 150, None, "2025-01-18"),
    ]
