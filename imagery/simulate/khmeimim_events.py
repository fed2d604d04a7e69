"""What comes and goes at Khmeimim: a story after public reports of December 2024 and January 2025."""

from collections.abc import Callable
from datetime import date

import numpy as np
from shapely.geometry.base import BaseGeometry

from imagery.simulate import aircraft, vehicle
from imagery.simulate.noise import generator
from imagery.simulate.placement import Placement
from imagery.simulate.site_plan import short_sides
from imagery.simulate.thing import Thing

Zones = Callable[[str], BaseGeometry]

_HEAVY_STANDS = 8
_FIGHTER_STANDS = 18
_LINED_UP = date(2024, 12, 14)
_LAST_OF_LINE = date(2025, 1, 20)


def heavy_stands(zone: Zones) -> list[tuple[float, float, float]]:
    """Centres and headings of the heavy stands, south to north, noses to the taxiway."""
    south, north = short_sides(zone("east_apron_heavy"))
    steps = np.linspace(0.07, 0.93, _HEAVY_STANDS)
    return [(float(x), float(y), 265.0) for x, y in south + steps[:, None] * (north - south) + (14.0, 0.0)]


def fighter_stands(zone: Zones) -> list[tuple[float, float]]:
    """Centres of the fighter line's stands, south to north."""
    south, north = short_sides(zone("west_apron_fighter_line"))
    steps = np.linspace(0.05, 0.95, _FIGHTER_STANDS)
    return [(float(x), float(y)) for x, y in south + steps[:, None] * (north - south)]


def pads(zone: Zones) -> list[tuple[float, float]]:
    """Centres of the 21 helicopter pads, three rows of seven."""
    west, south, _, _ = zone("helicopter_area").bounds
    return [
        (west + 78 + 47 * column - 4 * row, south + 85 + 105 * row + 5 * column)
        for row in range(3)
        for column in range(7)
    ]


def events(zone: Zones) -> tuple[Placement, ...]:
    """Everything that comes and goes."""
    return (
        *_transports(zone),
        *_fighters(zone),
        *_helicopters(zone),
        *_yard(),
        *_line(),
        *_launchers(),
        *_cars(),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _transports(zone: Zones) -> list[Placement]:
    stands = heavy_stands(zone)
    story: list[tuple[str, Thing, int, str | None, str | None]] = [
        ("il76-a", aircraft.IL_76, 6, None, "2024-12-11"),
        ("il76-a", aircraft.IL_76, 3, "2024-12-12", "2024-12-14"),
        ("an124-a", aircraft.AN_124, 1, "2024-12-12", "2024-12-16"),
        ("an124-b", aircraft.AN_124, 5, "2024-12-13", "2024-12-14"),
        ("an72", aircraft.AN_72, 7, "2024-12-12", "2024-12-22"),
        ("il76-b", aircraft.IL_76, 4, "2024-12-15", "2024-12-18"),
        ("il76-c", aircraft.IL_76, 6, "2024-12-15", "2024-12-27"),
        ("il76-d", aircraft.IL_76, 2, "2024-12-23", "2024-12-31"),
        ("an124-c", aircraft.AN_124, 4, "2025-01-23", "2025-01-24"),
        ("il76-e", aircraft.IL_76, 5, "2025-01-25", "2025-01-27"),
        ("il76-f", aircraft.IL_76, 2, "2025-01-28", "2025-01-30"),
    ]
    placed = [
        Placement(
            unit=unit,
            thing=thing,
            x=stands[stand][0],
            y=stands[stand][1],
            heading_deg=stands[stand][2],
            since=_day(since),
            until=_day(until),
        )
        for unit, thing, stand, since, until in story
    ]
    small = [
        ("an26-a", 2400, 3236, "2024-12-11", "2024-12-20"),
        ("an26-b", 2360, 3226, "2024-12-13", "2024-12-20"),
        ("an26-c", 2318, 3216, None, "2024-12-12"),
    ]
    placed += [
        Placement(
            unit=unit, thing=aircraft.AN_26, x=x, y=y, heading_deg=8, since=_day(since), until=_day(until)
        )
        for unit, x, y, since, until in small
    ]
    return placed


def _fighters(zone: Zones) -> list[Placement]:
    stands = fighter_stands(zone)
    kinds = (aircraft.SU_24, aircraft.SU_34, aircraft.SU_35)
    leaves = {
        0: "2024-12-12",
        2: "2024-12-14",
        4: None,
        6: "2024-12-12",
        8: "2025-01-10",
        10: None,
        12: "2024-12-14",
        14: "2025-01-10",
        16: "2024-12-28",
    }
    placed = []
    for stand, last in leaves.items():
        x, y = stands[stand]
        placed.append(
            Placement(
                unit=f"fighter-{stand}",
                thing=kinds[stand // 2 % 3],
                x=x + 4,
                y=y,
                heading_deg=82 + stand % 5,
                until=_day(last),
            )
        )
    x, y = stands[15]
    placed.append(
        Placement(
            unit="fighter-2",
            thing=kinds[1],
            x=x + 24,
            y=y,
            heading_deg=84,
            since=_day("2024-12-15"),
            until=_day("2024-12-28"),
        )
    )
    row = [(2370 + 2 * i, 3300 + 23 * i) for i in range(3)]
    placed += [
        Placement(unit=f"row-{i}", thing=aircraft.SU_24, x=x, y=y, heading_deg=262, until=_day("2024-12-13"))
        for i, (x, y) in enumerate(row)
    ]
    return placed


def _helicopters(zone: Zones) -> list[Placement]:
    kinds = (aircraft.MI_8, aircraft.KA_52, aircraft.MI_24)
    leaves = [
        "2024-12-12",
        None,
        "2024-12-09",
        "2025-01-12",
        None,
        "2024-12-14",
        "2024-12-12",
        "2025-01-12",
        None,
        "2024-12-14",
        "2025-01-12",
        "2024-12-12",
        None,
        "2024-12-22",
        "2025-01-12",
    ]
    spots = pads(zone)
    taken = [0, 1, 2, 3, 4, 6, 7, 8, 10, 11, 13, 14, 16, 17, 19]
    placed = [
        Placement(
            unit=f"helicopter-{pad}",
            thing=kinds[pad % 3],
            x=spots[pad][0],
            y=spots[pad][1],
            heading_deg=170 + 7 * (pad % 4),
            until=_day(last),
        )
        for pad, last in zip(taken, leaves, strict=True)
    ]
    return [
        *placed,
        Placement(
            unit="helicopter-2",
            thing=kinds[2],
            x=spots[20][0],
            y=spots[20][1],
            heading_deg=182,
            since=_day("2024-12-11"),
            until=_day("2024-12-22"),
        ),
    ]


def _yard() -> list[Placement]:
    """Vehicles parked in the western yard, most of which leave."""
    rng = generator("khmeimim", "yard")
    placed = []
    for number in range(36):
        row, column = divmod(number, 12)
        draw = rng.random(3)
        until = None if number % 6 == 0 else (date(2024, 12, 12) if number % 3 else date(2024, 12, 14))
        if draw[0] < 0.85:
            placed.append(
                Placement(
                    unit=f"yard-{number}",
                    thing=vehicle.CONVOY[int(draw[1] * 8)],
                    x=1780 + 5.4 * column + draw[2],
                    y=3700 + 30 * row + draw[2],
                    heading_deg=2 + 3 * draw[0],
                    until=until,
                )
            )
    return placed


def _line() -> list[Placement]:
    """Vehicles lined up from mid-December: beside the west apron, and between the runways."""
    rng = generator("khmeimim", "line")
    placed = []
    for number in range(54):
        row, column = divmod(number, 18)
        draw = rng.random(3)
        placed.append(
            Placement(
                unit=f"line-{number}",
                thing=vehicle.CONVOY[int(draw[0] * 8)],
                x=1965 + 4.6 * column + 0.6 * draw[1],
                y=3705 + 24 * row + draw[2],
                heading_deg=3 + 2 * draw[1],
                since=_LINED_UP,
                until=_LAST_OF_LINE if number % 9 else date(2025, 1, 31),
            )
        )
    for number in range(26):
        draw = rng.random(2)
        along = 17.0 * number
        placed.append(
            Placement(
                unit=f"column-{number}",
                thing=vehicle.CONVOY[int(draw[0] * 8)],
                x=2861 - 0.088 * along + 0.5 * draw[1],
                y=3200 + along + draw[1],
                heading_deg=355,
                since=_LINED_UP,
                until=date(2024, 12, 21),
            )
        )
    for number in range(24):
        row, column = divmod(number, 12)
        draw = rng.random(2)
        placed.append(
            Placement(
                unit=f"freight-{number}",
                thing=vehicle.CONVOY[int(draw[0] * 8)],
                x=3215 + 5.2 * column,
                y=3020 + 26 * row + draw[1],
                heading_deg=4,
                since=date(2024, 12, 12 + 2 * row),
                until=date(2025, 1, 8),
            )
        )
    boxes = generator("khmeimim", "boxes").random((14, 2))
    placed += [
        Placement(
            unit=f"box-{i}",
            thing=vehicle.CONTAINERS_20[int(6 * c)],
            x=3216 + 8 * (i % 7),
            y=2930 + 12 * (i // 7),
            heading_deg=86,
            since=date(2024, 12, 15),
            until=date(2025, 1, 8) if i % 3 else None,
        )
        for i, (c, _) in enumerate(boxes)
    ]
    return placed


def _launchers() -> list[Placement]:
    """An air-defence battery: dug in, then packed and gone."""
    dug_in = [(1740, 4110), (1800, 4150), (1870, 4110), (1940, 4160)]
    things = [vehicle.LAUNCHER] * 4
    placed = [
        Placement(
            unit=f"launcher-{i}", thing=thing, x=x, y=y, heading_deg=200 + 25 * i, until=date(2024, 12, 12)
        )
        for i, (thing, (x, y)) in enumerate(zip(things, dug_in, strict=True))
    ]
    placed += [
        Placement(
            unit=f"launcher-{i}",
            thing=vehicle.LAUNCHER,
            x=2250 + 7.5 * i,
            y=3412 - 1.0 * i,
            heading_deg=356,
            since=date(2024, 12, 13),
            until=date(2024, 12, 17),
        )
        for i in range(4)
    ]
    radar = Placement(
        unit="radar", thing=vehicle.RADAR_VEHICLE, x=1850, y=4220, heading_deg=90, until=date(2024, 12, 12)
    )
    return [*placed, radar]


def _cars() -> list[Placement]:
    """Cars on the civil side: more on the tenth, when a crowd was reported."""
    rng = generator("khmeimim", "cars")
    placed = []
    for number in range(60):
        draw = rng.random(3)
        row, column = divmod(number, 20)
        placed.append(
            Placement(
                unit=f"car-{number}",
                thing=vehicle.CARS[int(draw[0] * 6)],
                x=3262 + 9 * column + draw[1],
                y=3215 + 17 * row,
                heading_deg=4 + 180 * (draw[2] > 0.5),
                until=date(2024, 12, 11) if number % 3 else None,
                watched=False,
            )
        )
    return placed
