"""What stands where, and from when to when."""

from dataclasses import dataclass
from datetime import date

from imagery.simulate.thing import Points, Thing, set_down


@dataclass(frozen=True, kw_only=True, eq=False)
class Placement:
    """One thing in one place for some time.

    Parameters
    ----------
    unit : str
        Names the individual; what has the same unit at another place on another day has moved.
    thing : Thing
    x, y : float
        Of its centre, metres east and north of the site's corner.
    heading_deg : float
        Clockwise from grid north.
    since, until : date or None
        First and last day, both included; None is open.
    watched : bool
        Belongs to what the story tells; passing cars do not.
    """

    unit: str
    thing: Thing
    x: float
    y: float
    heading_deg: float = 0.0
    since: date | None = None
    until: date | None = None
    watched: bool = True

    def stands_on(self, day: date) -> bool:
        """Whether it is there on a day."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)

    def outlines(self) -> tuple[Points, ...]:
        """Its parts in plan, in the site's metres."""
        return tuple(set_down(part.outline, self.x, self.y, self.heading_deg) for part in self.thing.parts)
