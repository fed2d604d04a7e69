"""Ships in plan view. Lengths and beams are those published for the types."""

from imagery.simulate.material import Colour
from imagery.simulate.thing import Part, Points, Thing, ellipse, points, rectangle

NAVY: Colour = (0.155, 0.165, 0.165, 0.16)
DECK: Colour = (0.115, 0.12, 0.12, 0.125)
WHITE: Colour = (0.42, 0.44, 0.45, 0.43)
RED_DECK: Colour = (0.07, 0.08, 0.15, 0.17)
GREEN_DECK: Colour = (0.075, 0.11, 0.085, 0.12)
BLACK: Colour = (0.035, 0.036, 0.038, 0.04)


def _hull(length_m: float, beam_m: float, *, entry: float, stern: float) -> Points:
    """Pointed bow that takes `entry` of the length; stern `stern` of the beam wide."""
    half, side = length_m / 2, beam_m / 2
    port = [
        (-half, stern * side),
        (-0.8 * half, side),
        (half - 2 * entry * half, side),
        (half - 1.2 * entry * half, 0.82 * side),
        (half - 0.45 * entry * half, 0.4 * side),
        (half, 0.0),
    ]
    starboard = [(x, -y) for x, y in reversed(port[:-1])]
    return points(*port, *starboard)


def _block(
    length: float, beam: float, at: float, size: tuple[float, float], top_m: float, colour: Colour
) -> Part:
    """A deckhouse: position and size as parts of the hull's length and beam."""
    return Part(
        outline=rectangle(size[0] * length, size[1] * beam, at * length),
        base_m=3.0,
        top_m=top_m,
        colour=colour,
    )


def _ship(name: str, length_m: float, beam_m: float, parts: tuple[Part, ...]) -> Thing:
    return Thing(name=name, category="ship", length_m=length_m, width_m=beam_m, parts=parts)


def frigate(name: str, length_m: float, beam_m: float) -> Thing:
    """Gun forward, stepped superstructure, funnel, hangar and flight deck aft."""
    hull = _hull(length_m, beam_m, entry=0.36, stern=0.8)
    return _ship(
        name,
        length_m,
        beam_m,
        (
            Part(outline=hull, base_m=0.0, top_m=5.0, colour=NAVY),
            Part(
                outline=rectangle(0.15 * length_m, 0.72 * beam_m, -0.41 * length_m),
                base_m=3,
                top_m=5.1,
                colour=DECK,
            ),
            Part(outline=ellipse(6, 5, 0.29 * length_m), base_m=5, top_m=8, colour=(0.19, 0.2, 0.2, 0.19)),
            _block(length_m, beam_m, 0.17, (0.1, 0.5), 7.0, DECK),
            _block(length_m, beam_m, 0.07, (0.11, 0.8), 15.0, (0.2, 0.21, 0.21, 0.2)),
            _block(length_m, beam_m, 0.06, (0.035, 0.3), 27.0, (0.23, 0.24, 0.24, 0.23)),
            _block(length_m, beam_m, -0.06, (0.1, 0.4), 10.0, DECK),
            _block(length_m, beam_m, -0.13, (0.06, 0.5), 15.0, (0.17, 0.18, 0.18, 0.17)),
            _block(length_m, beam_m, -0.27, (0.11, 0.85), 11.0, (0.2, 0.21, 0.21, 0.2)),
        ),
    )


def auxiliary(name: str, length_m: float, beam_m: float) -> Thing:
    """A fleet tanker or workshop: white house aft, masts and hose gantries along a green deck."""
    hull = _hull(length_m, beam_m, entry=0.25, stern=0.7)
    return _ship(
        name,
        length_m,
        beam_m,
        (
            Part(outline=hull, base_m=0.0, top_m=5.5, colour=(0.17, 0.18, 0.18, 0.17)),
            Part(
                outline=_hull(0.9 * length_m, 0.82 * beam_m, entry=0.25, stern=0.8),
                base_m=5,
                top_m=5.6,
                colour=GREEN_DECK,
            ),
            *(
                _block(length_m, beam_m, at, (0.02, 0.7), 13.0, (0.24, 0.25, 0.25, 0.24))
                for at in (0.24, 0.1, -0.06)
            ),
            _block(length_m, beam_m, -0.34, (0.19, 0.85), 16.0, WHITE),
            _block(length_m, beam_m, -0.4, (0.05, 0.35), 21.0, (0.28, 0.28, 0.29, 0.27)),
            _block(length_m, beam_m, 0.4, (0.06, 0.5), 9.0, WHITE),
        ),
    )


def roro(name: str, length_m: float, beam_m: float) -> Thing:
    """A ro-ro freighter: house forward, long open deck, stern ramp."""
    hull = _hull(length_m, beam_m, entry=0.2, stern=0.96)
    return _ship(
        name,
        length_m,
        beam_m,
        (
            Part(outline=hull, base_m=0.0, top_m=8.0, colour=(0.14, 0.12, 0.2, 0.2)),
            Part(
                outline=rectangle(0.6 * length_m, 0.84 * beam_m, -0.15 * length_m),
                base_m=7,
                top_m=8.2,
                colour=(0.1, 0.125, 0.105, 0.13),
            ),
            _block(length_m, beam_m, 0.29, (0.13, 0.95), 22.0, WHITE),
            _block(length_m, beam_m, 0.2, (0.04, 0.3), 25.0, (0.3, 0.2, 0.15, 0.2)),
            *(
                Part(
                    outline=rectangle(0.045 * length_m, 2.2, at * length_m, 0.42 * beam_m),
                    base_m=8,
                    top_m=19,
                    colour=(0.16, 0.3, 0.36, 0.36),
                )
                for at in (-0.05, -0.25)
            ),
            _block(length_m, beam_m, -0.49, (0.03, 0.75), 11.0, (0.2, 0.2, 0.2, 0.2)),
        ),
    )


def cargo(name: str, length_m: float, beam_m: float, deck: Colour = RED_DECK) -> Thing:
    """A bulk carrier: hatches in a row, house aft, deck cranes."""
    hull = _hull(length_m, beam_m, entry=0.16, stern=0.75)
    hatches = tuple(
        Part(
            outline=rectangle(0.095 * length_m, 0.62 * beam_m, at * length_m),
            base_m=8,
            top_m=10,
            colour=(0.2, 0.22, 0.23, 0.22),
        )
        for at in (0.33, 0.2, 0.07, -0.06, -0.19)
    )
    cranes = tuple(
        Part(
            outline=rectangle(0.018 * length_m, 4, at * length_m),
            base_m=8,
            top_m=22,
            colour=(0.2, 0.32, 0.38, 0.37),
        )
        for at in (0.265, 0.135, 0.005, -0.125)
    )
    return _ship(
        name,
        length_m,
        beam_m,
        (
            Part(outline=hull, base_m=0.0, top_m=8.0, colour=deck),
            *hatches,
            *cranes,
            _block(length_m, beam_m, -0.36, (0.09, 0.9), 25.0, WHITE),
            _block(length_m, beam_m, -0.43, (0.04, 0.3), 28.0, (0.1, 0.15, 0.3, 0.25)),
        ),
    )


def submarine(name: str, length_m: float, beam_m: float) -> Thing:
    """A surfaced submarine: dark, round ended, with a sail."""
    return _ship(
        name,
        length_m,
        beam_m,
        (
            Part(outline=ellipse(length_m, beam_m * 0.8, corners=28), base_m=0.0, top_m=1.8, colour=BLACK),
            Part(
                outline=ellipse(13.0, 3.2, 0.06 * length_m),
                base_m=1.8,
                top_m=8.0,
                colour=(0.05, 0.05, 0.052, 0.055),
            ),
        ),
    )


def boat(name: str, length_m: float, beam_m: float) -> Thing:
    """A patrol boat or tug."""
    return _ship(
        name,
        length_m,
        beam_m,
        (
            Part(outline=_hull(length_m, beam_m, entry=0.35, stern=0.85), base_m=0.0, top_m=2.2, colour=NAVY),
            _block(length_m, beam_m, 0.02, (0.3, 0.6), 6.5, WHITE),
        ),
    )


FRIGATE_LARGE = frigate("frigate, Gorshkov size", 135.0, 16.4)
FRIGATE = frigate("frigate, Grigorovich size", 124.8, 15.2)
TANKER = auxiliary("auxiliary, Yelnya size", 106.2, 15.5)
TANKER_LARGE = auxiliary("auxiliary, Vyazma size", 115.5, 17.0)
WORKSHOP = auxiliary("workshop ship, PM-138 size", 121.7, 17.0)
KILO = submarine("submarine, Kilo size", 73.8, 9.9)
SPARTA = roro("ro-ro freighter, Sparta size", 122.0, 20.0)
SPARTA_II = roro("ro-ro freighter, Sparta II size", 130.0, 20.0)
BULKER = cargo("bulk carrier", 180.0, 28.0)
COASTER = cargo("general cargo ship", 116.0, 17.0, (0.14, 0.13, 0.1, 0.14))
GRACHONOK = boat("patrol boat, Grachonok size", 31.0, 7.4)
TUG = boat("tug", 27.0, 9.0)
