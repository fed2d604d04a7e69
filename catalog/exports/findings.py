"""What is handed over, whatever the format: a pair of dates and the changes found between them.

Every word that came from outside is made harmless here, once (`catalog.exports.text`). Labels stay as they were given;
what may be said of them is the business of `catalog.exports.claims`.
"""

from dataclasses import dataclass
from pathlib import Path

from catalog.exports.pair import HandedPair, Ring
from catalog.exports.people import Review
from catalog.standings import BY_PERSON
from models.change import Change


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an object stands on one date.

    Parameters
    ----------
    ring : Ring or None
        Outline in lon/lat; None without georeference.
    ring_px : Ring
        The same on the grid of the run.
    lon, lat : float or None
        Of its centroid.
    centroid_px : (float, float)
    length_m, width_m, area_m2 : float
    orientation_deg : float
        Clockwise from grid north.
    """

    ring: Ring | None
    ring_px: Ring
    lon: float | None
    lat: float | None
    centroid_px: tuple[float, float]
    length_m: float
    width_m: float
    area_m2: float
    orientation_deg: float


@dataclass(frozen=True, kw_only=True)
class State:
    """What later dates and reviewers together make of a change, see docs/findings.md.

    Parameters
    ----------
    state : {"provisional", "confirmed", "withdrawn"}
    reason : str
        Coded; ``person`` where a reviewer's verdict decides.
    note : str
        The same for a person.
    decided_time : str or None
        Acquisition that decided.
    by_rule : State or None
        What later dates alone say, where a reviewer's verdict decides.
    """

    state: str
    reason: str
    note: str
    decided_time: str | None
    by_rule: "State | None" = None


@dataclass(frozen=True, kw_only=True)
class Handed:
    """One change.

    Parameters
    ----------
    id : str
    tag : str
        As on the run's pictures: letter of its kind and rank, such as ``A3``; ``R1`` and so on for what people added.
    kind : {"appeared", "vanished", "moved"}
    label : str
    label_probability : float or None
    label_others : tuple of (str, float)
    score : float or None
        None for what people added.
    likelihood_known : bool
        Whether the score is a probability: it was measured on labelled images of this kind.
    zone_id, zone : str or None
        Id and name.
    zone_uncertain : bool
    before, after : Place or None
    displacement_m : float or None
    link_state : str
    link_partners : tuple of str
        Tags of other changes.
    false_alarms_per_km2 : float or None
    causes, reasons : tuple of str
    tile : str
    tile_seen : float or None
        Share of its tile that both dates show.
    smallest_seen_m : float or None
        Length of the smallest reference object found on half of its tile; None: none is, or it is not known.
    state : State or None
    review : Review
    by_person : bool
        Whether a person added it.
    redrawn : bool
        Whether its outline is a person's.
    chip : Path or None
        The run's picture of both dates.
    shown : Change or None
        What to draw in place of `chip`, which does not show it or not as a person drew it.
    """

    id: str
    tag: str
    kind: str
    label: str
    label_probability: float | None
    label_others: tuple[tuple[str, float], ...]
    score: float | None
    likelihood_known: bool
    zone_id: str | None
    zone: str | None
    zone_uncertain: bool
    before: Place | None
    after: Place | None
    displacement_m: float | None
    link_state: str
    link_partners: tuple[str, ...]
    false_alarms_per_km2: float | None
    causes: tuple[str, ...]
    reasons: tuple[str, ...]
    tile: str
    tile_seen: float | None
    smallest_seen_m: float | None
    state: State | None
    review: Review
    by_person: bool
    redrawn: bool
    chip: Path | None
    shown: Change | None = None

    @property
    def place(self) -> Place:
        """Where it stands now, or stood."""
        found = self.after or self.before
        if found is None:
            raise ValueError(f"change {self.id} has no place")
        return found

    @property
    def places(self) -> tuple[Place, ...]:
        """One, or two where it moved."""
        return tuple(place for place in (self.before, self.after) if place is not None)

    @property
    def later(self) -> State | None:
        """What later dates alone say, whatever reviewers said; None where nobody looked at any."""
        decided = self.state is not None and self.state.reason == BY_PERSON
        return self.state.by_rule if decided and self.state is not None else self.state

    @property
    def answer(self) -> str:
        """What reviewers said together: an `Answer`, "disputed" or "not reviewed"."""
        if not self.review.verdicts:
            return "not reviewed"
        return self.review.agreed or "disputed"


@dataclass(frozen=True, kw_only=True)
class Handover:
    """A pair with what is handed over of it.

    Parameters
    ----------
    pair : HandedPair
    findings : tuple of Handed
        Best first.
    held_back : int
        Listed changes that are not among them.
    rule : str
        Which ones were asked for, in words; "" for all.
    overview : Path or None
        Picture of the whole run.
    reviewed : bool
        Whether a journal of reviews was read at all.
    not_placed : int
        Changes that people added to an earlier result of the pair, and that do not lie on the images of this one.
    """

    pair: HandedPair
    findings: tuple[Handed, ...]
    held_back: int = 0
    rule: str = ""
    overview: Path | None = None
    reviewed: bool = False
    not_placed: int = 0
