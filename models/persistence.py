"""The rule by which a finding is confirmed or withdrawn; why it is so stands in docs/findings.md."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shapely import make_valid
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from models.detect import Kind
from models.finding_state import Reason, State
from models.look import Look, Sight

RULE = "persistence/1"
"""Changes whenever the same looks would be judged differently."""

KEEP_SCORE = 0.8
"""Score from which a change that was undone at the next date stays a finding.

An artefact of one date is always undone at the next, a real object with some probability p. That multiplies the odds
of the score by p. With a cautious p of 1/4 a score of 0.8 falls to 0.5, the least that is listed at all.
"""

SAME_PLACE = 0.3
"""Share of the smaller of two outlines that both must cover to be the same place."""

OPPOSITE: dict[Kind, Kind] = {"appeared": "vanished", "vanished": "appeared"}


@dataclass(frozen=True, kw_only=True)
class DatedLook:
    """What one later date showed.

    Parameters
    ----------
    look : Look
    acquired : str
        Of the later date, RFC 3339 in UTC.
    undone : bool
        Whether the pair from the change's second date to this one lists the opposite change at this place.
    run : str
        Where the later date's pixels are.
    scene : str
        Id of the later date's scene.
    """

    look: Look
    acquired: str
    undone: bool
    run: str
    scene: str

    @property
    def sight(self) -> Sight:
        """The look, with what the detector says: where the two contradict each other nothing is clear."""
        if not self.undone:
            return self.look.sight
        return "as_before" if self.look.sight in ("as_before", "unclear") else "unclear"


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The state of a finding and why.

    Parameters
    ----------
    state : {"provisional", "confirmed", "withdrawn"}
    reason : str
        See `models.finding_state`.
    by : DatedLook or None
        The date that decided, or the last one that could have; None where there was none.
    """

    state: State
    reason: Reason
    by: DatedLook | None = None


def judge(score: float, looks: Iterable[DatedLook]) -> Judgement:
    """State of one end of a change, from the looks at its place on later dates.

    The first date that shows the place clearly decides; what later ones show is their own pairs' business.

    Parameters
    ----------
    score : float
        Of the change, 0-1.
    looks : iterable of DatedLook
        In order of time; no more are taken than are needed.
    """
    unclear = last = None
    for last in looks:
        if last.sight == "as_after":
            return Judgement(state="confirmed", reason="lasts", by=last)
        if last.sight == "as_before":
            if score < KEEP_SCORE:
                return Judgement(state="withdrawn", reason="not_repeated", by=last)
            return Judgement(state="provisional", reason="seen_once", by=last)
        unclear = last if last.sight == "unclear" else unclear
    if last is None:
        return Judgement(state="provisional", reason="no_later_date")
    if unclear is not None:
        return Judgement(state="provisional", reason="unclear", by=unclear)
    return Judgement(state="provisional", reason="not_observed", by=last)


def both_ends(first: Judgement, second: Judgement) -> Judgement:
    """State of a change that moved: it lasts where both ends do, and one end that was undone undoes it."""
    for reason in ("not_repeated", "seen_once", "unclear", "not_observed", "no_later_date"):
        for end in (first, second):
            if end.reason == reason:
                return end
    return max(first, second, key=lambda end: end.by.acquired if end.by else "")


def outline_of(ring: Sequence[tuple[float, float]], *, grown_by: float) -> BaseGeometry:
    """A ring as a shape, grown by `grown_by` on every side so that a pixel of misregistration does not matter."""
    shape = Polygon(ring)
    return (shape if shape.is_valid else make_valid(shape)).buffer(grown_by)


def same_place(one: BaseGeometry, other: BaseGeometry) -> bool:
    """Whether two outlines in one frame are the same place."""
    if not one.intersects(other):
        return False
    smaller = min(one.area, other.area)
    return bool(smaller) and one.intersection(other).area >= SAME_PLACE * smaller
