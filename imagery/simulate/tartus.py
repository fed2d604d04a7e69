"""The port of Tartus as it is drawn: sea, moles, quays, yards and town from the site's zones."""

import numpy as np
import shapely
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from imagery.simulate import tartus_events
from imagery.simulate.clutter import clutter, stains
from imagery.simulate.khmeimim_events import Zones
from imagery.simulate.material import Colour
from imagery.simulate.noise import generator
from imagery.simulate.parcels import fields, town, trees_along, trees_in
from imagery.simulate.placement import Placement
from imagery.simulate.site_plan import (
    Patch,
    SitePlan,
    Stripe,
    corner_of,
    line,
    local_zones,
    polygon,
    sides,
    strip,
)
from imagery.simulate.structure import ROOFS, building, crane, silo
from imagery.simulate.vehicle import STACKS_40
from imagery.site import Site

_EDGE: Colour = (0.26, 0.28, 0.285, 0.3)
_RAIL: Colour = (0.075, 0.08, 0.085, 0.1)
_PAINT: Colour = (0.3, 0.31, 0.31, 0.32)
_COAST = (
    (3620, 5700),
    (3640, 5400),
    (3711, 5074),
    (3800, 4740),
    (3714, 4306),
    (3714, 3831),
    (3660, 3300),
    (3100, 3000),
    (3050, 2500),
    (3150, 2230),
    (3120, 1640),
    (3300, 1430),
    (3260, 1000),
    (3330, 500),
    (3300, -300),
)
_PIERS = ("north_mole", "middle_pier", "south_pier")
_ROADS = (
    line((4330, 5500), (4280, 4600), (4160, 3700), (4040, 2830), (3990, 2000), (3920, 900), (3980, -200)),
    line((3760, 5000), (3900, 4720), (3820, 4200), (3800, 3400), (3760, 2800), (3700, 2050)),
    line((2260, 2830), (3000, 3090), (3380, 3180), (3790, 3200)),
    line((2290, 2450), (3000, 2690), (3420, 2820), (3770, 2850)),
    line((2420, 2130), (3100, 2370), (3400, 2430), (3730, 2430)),
    line((3380, 3180), (3420, 2820), (3400, 2430), (3330, 2080)),
    line((3020, 3180), (3240, 3260), (3560, 3400), (3640, 3700)),
    line((3240, 3260), (3260, 3480), (3500, 3640)),
    line((4160, 3700), (5300, 3560)),
    line((4040, 2830), (5300, 2900)),
    line((3940, 1200), (5300, 1350)),
    line((4300, 4800), (5300, 4860)),
    line((4700, -200), (4760, 5500)),
)


def tartus_plan(site: Site) -> SitePlan:
    """Lay the port out."""
    zone = local_zones(site)
    return SitePlan(
        site_id=site.id,
        corner=corner_of(site),
        patches=tuple(_ground(zone)),
        stripes=tuple(_markings(zone)),
        structures=tuple(_structures(zone)),
        events=tartus_events.events(zone),
        roads=_ROADS,
    )


def _land(zone: Zones) -> BaseGeometry:
    shore = shapely.Polygon([*_COAST, (5600, -300), (5600, 5700)])
    return shapely.union_all([shore, zone("port_limits").buffer(0), zone("naval_compound_land")])


def _ground(zone: Zones) -> list[Patch]:
    rng = generator("tartus", "ground")
    land = _land(zone)
    piers = shapely.union_all([zone(name) for name in _PIERS])
    harbour = shapely.union_all(
        [
            zone("naval_basin"),
            zone("outer_harbour"),
            polygon(
                (1370, 2830),
                (1840, 2790),
                (2120, 3045),
                (2416, 3211),
                (3190, 3480),
                (3300, 3000),
                (3250, 1560),
                (2820, 1550),
                (1900, 1780),
                (1600, 2100),
            ),
        ]
    )
    patches = [
        Patch(material="sea", geometry=shapely.box(-300, -300, 5700, 5900)),
        Patch(material="harbour", geometry=harbour),
        Patch(material="shallow", geometry=land.buffer(45).difference(harbour.buffer(140))),
        Patch(material="sand", geometry=land.buffer(12).difference(harbour.buffer(60)), tone=94),
        Patch(material="paved", geometry=land, tone=102),
    ]
    for block in fields((3600, -200, 5500, 5700), turn_deg=8, rng=rng):
        material, tone = (
            str(rng.choice(["paved", "paved", "gravel", "scrub", "soil", "orchard"])),
            int(rng.integers(86, 114)),
        )
        piece = block.intersection(
            polygon((4330, -300), (5700, -300), (5700, 5700), (4420, 5700), (4250, 3700), (4100, 2600))
        )
        if not piece.is_empty:
            patches.append(Patch(material=material, geometry=piece, tone=tone))
    patches += [
        Patch(
            material="asphalt_old",
            geometry=polygon(
                (3040, 2080), (3830, 2060), (3990, 2800), (3720, 3250), (3050, 3060), (3060, 2480)
            ),
            tone=103,
        ),
        Patch(
            material="gravel",
            geometry=polygon((3500, 2150), (3800, 2130), (3850, 2600), (3520, 2600)),
            tone=96,
        ),
        Patch(
            material="scrub",
            geometry=polygon((3730, 3900), (4120, 3800), (4230, 4800), (3830, 4880)),
            tone=100,
        ),
        Patch(
            material="gravel",
            geometry=polygon((3860, 3950), (4080, 3900), (4130, 4400), (3900, 4420)),
            tone=104,
        ),
        Patch(material="concrete_old", geometry=zone("naval_compound_land").buffer(-4), tone=94),
        Patch(
            material="scrub",
            geometry=polygon((3300, 3560), (3480, 3660), (3650, 3830), (3650, 3560), (3420, 3420)),
            tone=104,
        ),
        Patch(material="gravel", geometry=zone("compound_vehicle_park").buffer(4), tone=108),
        Patch(material="concrete_old", geometry=piers, tone=104),
        Patch(material="asphalt_old", geometry=zone("middle_pier_yard").buffer(-14), tone=96),
        Patch(material="asphalt", geometry=zone("south_pier").buffer(-24), tone=118),
        Patch(
            material="concrete",
            geometry=zone("north_mole_west_end").intersection(zone("north_mole")).buffer(-9),
            tone=96,
        ),
        Patch(material="rock", geometry=zone("north_breakwater").buffer(8), tone=92),
        Patch(material="rock", geometry=zone("west_breakwater").buffer(9), tone=92),
        Patch(material="concrete", geometry=zone("north_breakwater").buffer(-1.5), tone=92),
        Patch(material="concrete", geometry=zone("west_breakwater").buffer(-9), tone=92),
        Patch(material="concrete", geometry=zone("concrete_pier")),
        Patch(material="concrete_old", geometry=zone("floating_pier_west"), tone=112),
        Patch(material="concrete_old", geometry=zone("floating_pier_east"), tone=112),
        Patch(
            material="concrete",
            geometry=polygon((3040, 3300), (3130, 3330), (3110, 3400), (3020, 3370)),
            tone=95,
        ),
    ]
    return patches + [
        Patch(material="asphalt", geometry=road.buffer(5.0).intersection(land), tone=106) for road in _ROADS
    ]


def _markings(zone: Zones) -> list[Stripe]:
    dirt = generator("tartus", "stains")
    stripes = [
        stain
        for name in (*_PIERS, "naval_compound_land")
        for stain in stains(zone(name), 320, heading_deg=71.0, rng=dirt)
    ]
    for name in _PIERS:
        area = zone(name)
        for a, b in sides(area):
            if np.hypot(a[0] - b[0], a[1] - b[1]) > 40 and min(a[0], b[0]) < 2980:
                stripes.append(Stripe(outline=strip(a, b, 2.4), colour=_EDGE, opacity=0.7))
        for a, b in sides(area.buffer(-13)):
            if np.hypot(a[0] - b[0], a[1] - b[1]) > 120:
                stripes += [Stripe(outline=strip(a, b, 0.5), colour=_RAIL, opacity=0.7)]
    for start, end in (
        ((2300, 2860), (2980, 3095)),
        ((2320, 2480), (3000, 2715)),
        ((3000, 3100), (3700, 3140)),
        ((3100, 2600), (3600, 2700)),
        ((3800, 5000), (3960, 3000)),
        ((3960, 3000), (3900, 2100)),
    ):
        for offset in (-1.0, 1.0, 6.0, 8.0):
            stripes.append(
                Stripe(
                    outline=strip((start[0], start[1] + offset), (end[0], end[1] + offset), 0.5),
                    colour=_RAIL,
                    opacity=0.75,
                )
            )
    for row in range(9):
        start = np.array((2270.0, 2425.0)) + row * np.array((-3.0, 9.0)) + (60.0, 6.0)
        end = start + 0.9 * np.array((470.0, 160.0))
        stripes.append(
            Stripe(outline=strip((start[0], start[1]), (end[0], end[1]), 0.4), colour=_PAINT, opacity=0.5)
        )
    return stripes


def _structures(zone: Zones) -> list[Placement]:
    rng = generator("tartus", "structures")
    halls = [
        (2560, 2180, 120, 36, 10, 0, 71),
        (2700, 2230, 120, 36, 10, 2, 71),
        (2840, 2280, 120, 36, 10, 4, 71),
        (2990, 2330, 90, 36, 10, 1, 71),
        (2880, 3078, 90, 24, 8, 3, 71),
        (2740, 3026, 70, 22, 8, 0, 71),
        (2620, 2986, 50, 20, 7, 5, 71),
        (3150, 3230, 70, 26, 9, 6, 71),
        (3240, 3330, 60, 22, 8, 2, 71),
        (3330, 3290, 80, 24, 9, 3, 71),
        (3450, 3330, 70, 22, 8, 0, 71),
        (3130, 3130, 60, 26, 9, 4, 71),
        (3340, 3400, 50, 18, 7, 1, 71),
        (3560, 3460, 60, 18, 9, 3, 75),
        (3600, 3560, 50, 16, 9, 6, 75),
        (3540, 3540, 50, 16, 9, 2, 75),
        (3180, 2900, 130, 44, 12, 5, 71),
        (3210, 2560, 110, 40, 11, 0, 71),
        (3350, 2610, 110, 40, 11, 4, 71),
        (3560, 2720, 80, 30, 9, 1, 71),
        (3560, 2280, 90, 34, 9, 2, 80),
        (3680, 2400, 90, 34, 9, 6, 80),
        (3220, 2240, 70, 30, 8, 3, 71),
        (3980, 4200, 90, 30, 9, 0, 80),
        (3960, 4320, 70, 26, 8, 2, 80),
        (4050, 4640, 110, 34, 9, 4, 80),
        (3880, 3560, 100, 30, 10, 0, 85),
        (3900, 3460, 100, 30, 10, 5, 85),
        (3920, 3050, 90, 30, 10, 1, 80),
    ]
    placed = [
        Placement(
            unit="hall",
            thing=building(length, width, height, ROOFS[roof], ridge=width < 30),
            x=x,
            y=y,
            heading_deg=turn,
        )
        for x, y, length, width, height, roof, turn in halls
    ]
    placed += [Placement(unit="silo", thing=silo(17), x=3080 + 19 * i, y=2455 + 6.5 * i) for i in range(5)]
    placed += [
        Placement(unit="silo", thing=silo(30), x=3640 + 45 * (i % 2), y=2210 + 45 * (i // 2))
        for i in range(4)
    ]
    placed += [
        Placement(unit="crane", thing=crane(), x=x, y=y, heading_deg=341)
        for x, y in ((2390, 2598), (2520, 2642), (2660, 2692), (2480, 2446), (2640, 2502))
    ]
    placed += _container_yard(rng)
    for yard, count in (
        (polygon((3090, 2800), (3700, 2800), (3760, 3160), (3160, 3050)), 130),
        (polygon((3060, 2180), (3800, 2100), (3800, 2700), (3100, 2780)), 240),
        (zone("naval_compound_land").buffer(-25), 190),
        (zone("south_pier").buffer(-26), 90),
        (polygon((3130, 1680), (3330, 1700), (3260, 2080), (3100, 2180)), 60),
        (polygon((3760, 3060), (4060, 2900), (4150, 3700), (3790, 3760)), 160),
    ):
        placed += clutter(
            yard.difference(shapely.union_all([road.buffer(9) for road in _ROADS])),
            count,
            heading_deg=71.0,
            rng=rng,
        )
    city = polygon(
        (4060, 2750), (4400, 5400), (5400, 5400), (5400, -200), (4020, -200), (3960, 900), (4010, 2000)
    )
    cut_out = shapely.union_all([road.buffer(14) for road in _ROADS])
    placed += town(city.difference(cut_out), turn_deg=8.0, seed_rng=rng, tall=1.2)
    beach = polygon(
        (3390, -200),
        (3890, -200),
        (3860, 1000),
        (3880, 1980),
        (3700, 1990),
        (3400, 1900),
        (3420, 1400),
        (3360, 900),
    )
    placed += town(beach.difference(cut_out), turn_deg=-3.0, seed_rng=rng, tall=0.8)
    placed += trees_along(translate(_ROADS[0], 10, 0), 14, rng) + trees_along(
        translate(_ROADS[6], 4, 8), 9, rng
    )
    placed += trees_in(
        polygon((3300, 3560), (3480, 3660), (3650, 3830), (3650, 3560), (3420, 3420)), 260, rng
    )
    return placed + trees_in(polygon((3730, 3900), (4120, 3800), (4230, 4800), (3830, 4880)), 240, rng)


def _container_yard(rng: np.random.Generator) -> list[Placement]:
    """Stacks that stand in the middle pier's yard all the time."""
    along, across = np.array((0.946, 0.325)), np.array((-0.325, 0.946))
    placed = []
    for block in range(5):
        origin = np.array((2560.0, 2560.0)) + along * 78 * block
        for row in range(7):
            for column in range(5):
                draw = rng.random(2)
                if draw[0] < 0.8:
                    spot = origin + along * 13.2 * column + across * (3.1 * row + 12 * (row > 3))
                    placed.append(
                        Placement(
                            unit="stack",
                            thing=STACKS_40[int(6 * draw[1])],
                            x=float(spot[0]),
                            y=float(spot[1]),
                            heading_deg=71.0,
                        )
                    )
    return placed
