"""Khmeimim air base as it is drawn: ground, markings and buildings from the site's zones."""

from itertools import pairwise

import numpy as np
import shapely
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from imagery.simulate import khmeimim_events
from imagery.simulate.clutter import clutter, stains
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
    short_sides,
    sides,
    strip,
)
from imagery.simulate.structure import ROOFS, building, silo
from imagery.simulate.thing import ellipse
from imagery.site import Site

_PAINT: Colour = (0.33, 0.35, 0.36, 0.36)
_YELLOW: Colour = (0.1, 0.26, 0.32, 0.33)
_RUBBER: Colour = (0.045, 0.05, 0.055, 0.06)
_JOINT: Colour = (0.09, 0.1, 0.11, 0.13)
_CROPS = (
    *("soil", "soil_red", "stubble", "scrub", "plastic"),
    *("soil", "soil_red", "stubble", "scrub"),
    *("crop", "crop", "crop_young") * 3,
    *("orchard",) * 7,
)
_WEST_TAXIWAY = ((2620, 1300), (2430, 3420), (2395, 4190), (2500, 4210))
_EAST_TAXIWAY = ((2985, 1880), (2870, 3160), (2830, 3700))
_ROADS = (
    line((3560, 2300), (3500, 3100), (3540, 4050)),
    line((3500, 3100), (4180, 3130), (5300, 3020)),
    line((3520, 3560), (4170, 3570)),
    line((3800, 2480), (3780, 3980)),
    line((3230, 2650), (3250, 3520)),
    line((3250, 3000), (3500, 3010)),
    line((1400, 5500), (1620, 4200), (1700, 3000), (2250, 1200), (2300, -100)),
    line((1640, 3900), (2080, 3930), (2160, 3600)),
    line((1660, 3560), (2080, 3500)),
    line((-100, 2100), (1900, 2300)),
    line((1500, 4780), (3560, 4850), (5300, 4700)),
    line((4180, -100), (4190, 5500)),
    line((-100, 4000), (1500, 4150)),
    line((2300, 600), (5300, 700)),
)


def khmeimim_plan(site: Site) -> SitePlan:
    """Lay the air base out."""
    zone = local_zones(site)
    return SitePlan(
        site_id=site.id,
        corner=corner_of(site),
        patches=tuple(_ground(zone)),
        stripes=tuple(_markings(zone)),
        structures=tuple(_structures(zone)),
        events=khmeimim_events.events(zone),
        roads=_ROADS,
    )


def _ground(zone: khmeimim_events.Zones) -> list[Patch]:
    rng = generator("khmeimim", "fields")
    patches = [Patch(material="gravel", geometry=shapely.box(-300, -300, 5700, 5900), tone=95)]
    for field in fields((-200, -200, 5500, 5700), turn_deg=12, rng=rng):
        material = _CROPS[int(rng.integers(len(_CROPS)))]
        patches.append(Patch(material=material, geometry=field, tone=int(rng.integers(82, 119))))
    runways = shapely.union_all([zone("runway_west_full"), zone("runway_east")])
    aprons = shapely.union_all(
        [zone("east_apron_heavy"), zone("west_apron_stands"), zone("west_apron_fighter_line")]
    )
    base = shapely.union_all(
        [runways, aprons, zone("ne_hardstand"), zone("helicopter_area")]
    ).convex_hull.buffer(150)
    taxi = shapely.union_all([line(*_WEST_TAXIWAY), line(*_EAST_TAXIWAY), *_links(zone)])
    patches += [
        Patch(material="grass", geometry=base),
        Patch(material="scrub", geometry=zone("inter_runway_strip"), tone=105),
        Patch(
            material="paved",
            geometry=polygon((3490, 2500), (4170, 2500), (4140, 3940), (3530, 3930)),
            tone=96,
        ),
        Patch(material="scrub", geometry=polygon((3830, 2560), (4130, 2560), (4110, 3060), (3820, 3050))),
        Patch(material="gravel", geometry=_west_yard(), tone=108),
        Patch(material="gravel", geometry=shapely.box(1690, 4060, 2010, 4290), tone=92),
        Patch(material="gravel", geometry=shapely.box(3560, 2640, 3780, 2960), tone=106),
        Patch(
            material="concrete_old", geometry=polygon((3185, 2700), (3440, 2700), (3430, 3180), (3160, 3260))
        ),
        Patch(
            material="asphalt_old",
            geometry=polygon((3240, 3190), (3460, 3190), (3450, 3450), (3230, 3450)),
            tone=90,
        ),
        Patch(material="gravel", geometry=runways.buffer(9), tone=90),
        Patch(material="asphalt_old", geometry=taxi.buffer(17), tone=118),
        Patch(material="asphalt", geometry=taxi.buffer(11), tone=112),
        Patch(material="asphalt_old", geometry=zone("runway_east"), tone=108),
        Patch(material="asphalt", geometry=zone("runway_west_full"), tone=104),
        Patch(material="concrete", geometry=zone("west_apron_stands").buffer(22)),
        Patch(material="concrete", geometry=zone("west_apron_fighter_line").buffer(14), tone=96),
        Patch(material="concrete", geometry=zone("east_apron_heavy").buffer(20), tone=102),
        Patch(material="concrete_old", geometry=zone("ne_hardstand").buffer(6)),
        Patch(material="asphalt_old", geometry=zone("helicopter_area").buffer(-8), tone=108),
    ]
    patches += [
        Patch(material="concrete", geometry=shapely.Point(x, y).buffer(12.5, quad_segs=2), tone=98)
        for x, y in khmeimim_events.pads(zone)
    ]
    return patches + [Patch(material="asphalt", geometry=road.buffer(4.5), tone=110) for road in _ROADS]


def _west_yard() -> BaseGeometry:
    return polygon((1720, 3600), (2050, 3640), (2060, 3900), (1700, 3860))


def _links(zone: khmeimim_events.Zones) -> list[shapely.LineString]:
    """Taxiways across, between runways and aprons."""
    crossings = [
        line((2600 - 0.09 * (y - 3000), y), (2890 - 0.09 * (y - 3000), y + 20))
        for y in (1950, 2700, 3350, 3990)
    ]
    return [
        *crossings,
        line((2440, 3420), (2640, 3440)),
        line((2300, 3300), (2440, 3260), (2630, 3280)),
        line((2880, 3000), (3080, 3010)),
        line((2860, 3300), (3060, 3310)),
        line((2830, 3680), (3040, 3600)),
        line((2400, 4150), (2330, 4150)),
    ]


def _markings(zone: khmeimim_events.Zones) -> list[Stripe]:
    stripes = _joints(zone)
    dirt = generator("khmeimim", "stains")
    for name, count in (
        ("east_apron_heavy", 130),
        ("west_apron_stands", 260),
        ("west_apron_fighter_line", 170),
        ("helicopter_area", 150),
        ("runway_west_full", 260),
        ("runway_east", 160),
    ):
        stripes += stains(zone(name), count, heading_deg=-5.0, rng=dirt)
    for name, wide, lines in (("runway_west_civil", 45.0, True), ("runway_east", 60.0, False)):
        stripes += _runway_paint(zone(name), wide, edge=lines)
    for path in (_WEST_TAXIWAY, _EAST_TAXIWAY):
        stripes += [Stripe(outline=strip(a, b, 0.5), colour=_YELLOW) for a, b in pairwise(path)]
    for link in _links(zone):
        stripes += [Stripe(outline=strip(a, b, 0.4), colour=_YELLOW) for a, b in sides(link)]
    for x, y in khmeimim_events.pads(zone):
        ring = ellipse(14, 14, x, y, corners=24)
        stripes += [
            Stripe(
                outline=np.vstack(
                    [ring, ring[:1], (ellipse(13, 13, x, y, corners=24))[[0, *range(23, -1, -1)]]]
                ),
                colour=_PAINT,
            ),
            Stripe(outline=ellipse(5, 4, x + 1, y + 1), colour=_RUBBER, opacity=0.25),
        ]
    for x, y, heading in khmeimim_events.heavy_stands(zone):
        nose = (x + 55 * np.sin(np.radians(heading)), y + 55 * np.cos(np.radians(heading)))
        stripes += [
            Stripe(outline=strip((x, y), nose, 0.5), colour=_YELLOW),
            Stripe(outline=ellipse(26, 14, x - 4, y + 3), colour=_RUBBER, opacity=0.12),
        ]
    return stripes


def _runway_paint(runway: BaseGeometry, wide_m: float, *, edge: bool) -> list[Stripe]:
    south, north = short_sides(runway)
    length = float(np.hypot(*(north - south)))
    along = (north - south) / length
    across = np.array([along[1], -along[0]])

    def bar(start: float, end: float, offset: float, width: float, colour: Colour, opacity: float) -> Stripe:
        a, b = south + along * start + across * offset, south + along * end + across * offset
        return Stripe(outline=strip((a[0], a[1]), (b[0], b[1]), width), colour=colour, opacity=opacity)

    found = [bar(s, s + 30, 0, 0.9, _PAINT, 0.8) for s in np.arange(90, length - 120, 50)]
    for near, sign in ((0.0, 1.0), (length, -1.0)):
        keys = [k * 3.6 for k in range(-5, 6) if k]
        found += [bar(near + sign * 12, near + sign * 42, key, 1.8, _PAINT, 0.85) for key in keys]
        found += [bar(near + sign * 380, near + sign * 440, side * 9, 6, _PAINT, 0.85) for side in (-1, 1)]
        found += [
            bar(near + sign * s, near + sign * (s + 22), side * 9, 3, _PAINT, 0.8)
            for s in (230, 540)
            for side in (-1, 1)
        ]
        found += [
            bar(near + sign * 200, near + sign * 900, k * 3.2, 2.2, _RUBBER, 0.22) for k in (-2, -1, 1, 2)
        ]
    if edge:
        found += [bar(0, length, side * (wide_m / 2 - 1.5), 0.9, _PAINT, 0.8) for side in (-1, 1)]
    return found


def _joints(zone: khmeimim_events.Zones) -> list[Stripe]:
    """Slab joints of the aprons."""
    found = []
    for name in ("east_apron_heavy", "west_apron_stands", "west_apron_fighter_line"):
        area = zone(name).buffer(12)
        west, south, east, north = area.bounds
        slant = 0.094 * (north - south)
        ruled = [line((x + slant, south), (x, north)) for x in np.arange(west - slant, east, 15)]
        ruled += [
            line((west, y), (east, y + 0.094 * (east - west))) for y in np.arange(south - 10, north, 15)
        ]
        for rule in ruled:
            piece = rule.intersection(area)
            for part in getattr(piece, "geoms", [piece]):
                if part.geom_type == "LineString" and part.length > 5:
                    (first, *_, last) = shapely.get_coordinates(part).tolist()
                    found.append(
                        Stripe(outline=strip(tuple(first), tuple(last), 0.35), colour=_JOINT, opacity=0.5)
                    )
    return found


def _structures(zone: khmeimim_events.Zones) -> list[Placement]:
    rng = generator("khmeimim", "structures")
    shelters = [
        Placement(
            unit="shelter",
            thing=building(25, 18, 7, (0.23, 0.245, 0.25, 0.27), ridge=True),
            x=x - 19,
            y=y + 1,
            heading_deg=85,
        )
        for number, (x, y) in enumerate(khmeimim_events.fighter_stands(zone))
        if number % 2 == 1
    ]
    halls = [
        (3330, 2790, 150, 38, 12, 0),
        (3370, 2900, 60, 24, 9, 2),
        (3395, 3080, 36, 30, 8, 1),
        (3350, 3110, 14, 14, 28, 5),
        (3620, 3200, 70, 22, 7, 3),
        (3620, 3260, 70, 22, 7, 0),
        (3620, 3320, 70, 22, 7, 4),
        (3710, 3200, 60, 20, 6, 1),
        (3710, 3260, 60, 20, 6, 6),
        (3700, 3430, 90, 34, 10, 2),
        (3610, 3480, 40, 18, 6, 3),
        (3600, 3650, 55, 16, 5, 4),
        (3600, 3690, 55, 16, 5, 4),
        (3600, 3730, 55, 16, 5, 0),
        (3680, 3650, 55, 16, 5, 4),
        (3680, 3690, 55, 16, 5, 1),
        (3680, 3730, 55, 16, 5, 4),
        (3860, 3250, 80, 30, 8, 0),
        (3960, 3250, 80, 30, 8, 5),
        (3900, 3420, 120, 26, 7, 2),
        (3480, 3800, 40, 22, 8, 6),
        (3300, 3250, 60, 30, 9, 3),
        (1760, 3940, 60, 24, 7, 0),
        (1850, 3950, 60, 24, 7, 4),
        (1940, 3960, 46, 20, 6, 1),
        (1770, 3520, 80, 30, 9, 2),
        (1890, 3530, 50, 22, 6, 5),
        (2140, 3820, 44, 20, 6, 3),
        (2180, 3700, 30, 16, 5, 0),
        (2120, 4020, 70, 26, 8, 6),
        (2230, 3120, 36, 18, 6, 4),
        (1840, 3320, 60, 20, 6, 3),
        (1840, 3370, 60, 20, 6, 0),
        (1930, 3320, 60, 20, 6, 4),
        (2150, 4250, 40, 18, 5, 2),
    ]
    placed = [
        Placement(
            unit="hall",
            thing=building(length, width, height, ROOFS[roof], ridge=width < 25),
            x=x,
            y=y,
            heading_deg=86,
        )
        for x, y, length, width, height, roof in halls
    ]
    placed += [Placement(unit="tank", thing=silo(16), x=3650 + 24 * i, y=2560 + 6 * i) for i in range(4)]
    placed += [Placement(unit="tank", thing=silo(13), x=2080 + 19 * i, y=3215 - 2 * i) for i in range(3)]
    villages = (
        polygon((4230, 2100), (4700, 2150), (4650, 2750), (4230, 2700)),
        polygon((300, 2320), (900, 2330), (880, 2800), (320, 2760)),
        polygon((700, 4180), (1300, 4260), (1280, 4700), (720, 4680)),
        polygon((3700, 200), (4160, 220), (4150, 600), (3720, 580)),
    )
    for number, village in enumerate(villages):
        placed += town(village, turn_deg=10.0 * number, seed_rng=rng, tall=0.6)
    placed += town(
        polygon((3830, 3600), (4130, 3610), (4120, 3920), (3820, 3900)), turn_deg=4, seed_rng=rng, tall=0.35
    )
    for road in _ROADS[:2] + _ROADS[6:8]:
        placed += trees_along(translate(road, 9, 3), 11, rng)
    placed += trees_in(shapely.box(3480, 2500, 4160, 3940), 260, rng)
    placed += trees_in(polygon((1660, 3070), (1960, 3080), (1900, 3480), (1690, 3500)), 170, rng)
    for yard, count in (
        (shapely.box(3500, 2980, 3830, 3940), 95),
        (shapely.box(3850, 3080, 4150, 3560), 50),
        (shapely.box(1720, 3930, 2050, 4000), 40),
        (shapely.box(2080, 3640, 2240, 4060), 30),
        (shapely.box(3280, 2720, 3420, 2860), 30),
    ):
        placed += clutter(yard, count, heading_deg=4.0, rng=rng)
    return placed + shelters
