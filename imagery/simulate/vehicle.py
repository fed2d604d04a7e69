"""Vehicles and containers in plan view."""

from imagery.simulate.material import Colour
from imagery.simulate.thing import Part, Thing, rectangle

OLIVE: Colour = (0.06, 0.078, 0.075, 0.15)
TARP: Colour = (0.085, 0.105, 0.1, 0.17)
CAR_COLOURS: tuple[Colour, ...] = (
    (0.4, 0.42, 0.42, 0.4),
    (0.3, 0.31, 0.31, 0.3),
    (0.07, 0.07, 0.07, 0.08),
    (0.14, 0.1, 0.08, 0.14),
    (0.07, 0.07, 0.22, 0.25),
    (0.5, 0.52, 0.52, 0.48),
)
BOX_COLOURS: tuple[Colour, ...] = (
    (0.05, 0.06, 0.2, 0.24),
    (0.2, 0.1, 0.05, 0.12),
    (0.08, 0.16, 0.09, 0.16),
    (0.36, 0.37, 0.37, 0.36),
    (0.06, 0.16, 0.3, 0.32),
    (0.12, 0.12, 0.13, 0.15),
)


def truck(
    name: str,
    length_m: float,
    width_m: float,
    *,
    top_m: float = 3.0,
    body: Colour = TARP,
    cab: Colour = OLIVE,
) -> Thing:
    """Cab in front, load behind."""
    cab_m = 0.27 * length_m
    return Thing(
        name=name,
        category="vehicle",
        length_m=length_m,
        width_m=width_m,
        parts=(
            Part(
                outline=rectangle(cab_m, width_m * 0.95, length_m / 2 - cab_m / 2),
                base_m=0.3,
                top_m=2.6,
                colour=cab,
            ),
            Part(
                outline=rectangle(length_m - cab_m - 0.5, width_m, -cab_m / 2 - 0.25),
                base_m=0.3,
                top_m=top_m,
                colour=body,
            ),
        ),
    )


def launcher(name: str, length_m: float, width_m: float) -> Thing:
    """A transporter with four tubes lying along it."""
    tubes = tuple(
        Part(
            outline=rectangle(0.62 * length_m, 0.55, -0.16 * length_m, y),
            base_m=2.0,
            top_m=3.6,
            colour=(0.13, 0.15, 0.13, 0.2),
        )
        for y in (-1.05, -0.35, 0.35, 1.05)
    )
    chassis = Part(outline=rectangle(length_m, width_m), base_m=0.3, top_m=2.2, colour=OLIVE)
    cab = Part(outline=rectangle(2.4, width_m, length_m / 2 - 1.2), base_m=0.3, top_m=3.0, colour=OLIVE)
    return Thing(
        name=name, category="vehicle", length_m=length_m, width_m=width_m, parts=(chassis, cab, *tubes)
    )


def box(name: str, length_m: float, width_m: float, top_m: float, colour: Colour, category: str) -> Thing:
    """A plain box."""
    return Thing(
        name=name,
        category=category,
        length_m=length_m,
        width_m=width_m,
        parts=(Part(outline=rectangle(length_m, width_m), base_m=0.1, top_m=top_m, colour=colour),),
    )


TRUCK = truck("truck, Ural size", 7.6, 2.5)
TRUCK_LONG = truck("truck, KamAZ size", 8.5, 2.5, body=(0.11, 0.125, 0.12, 0.18))
FUEL_TRUCK = truck("fuel truck", 9.0, 2.5, body=(0.1, 0.12, 0.1, 0.18))
SEMITRAILER = truck("tractor with semitrailer", 16.5, 2.55, body=(0.16, 0.17, 0.165, 0.19))
ARMOURED = box("armoured vehicle, BTR size", 7.6, 2.9, 2.4, OLIVE, "vehicle")
LAUNCHER = launcher("launcher, S-400 size", 13.1, 3.1)
RADAR_VEHICLE = truck("radar vehicle, S-400 size", 13.0, 3.1, top_m=4.0, body=(0.08, 0.095, 0.09, 0.16))
CARS = tuple(box("car", 4.6, 1.9, 1.5, colour, "vehicle") for colour in CAR_COLOURS)
CONTAINERS_20 = tuple(box("container, 20 ft", 6.06, 2.44, 2.6, colour, "container") for colour in BOX_COLOURS)
CONTAINERS_40 = tuple(
    box("container, 40 ft", 12.19, 2.44, 2.6, colour, "container") for colour in BOX_COLOURS
)
STACKS_40 = tuple(
    box("stack of 40 ft containers", 12.19, 2.44, height, colour, "container")
    for height, colour in zip((2.6, 5.2, 7.8, 5.2, 2.6, 7.8), BOX_COLOURS, strict=True)
)
CONVOY = (TRUCK, TRUCK_LONG, ARMOURED, TRUCK, TRUCK_LONG, FUEL_TRUCK, ARMOURED, SEMITRAILER)
