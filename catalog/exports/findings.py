"""What is handed over, whatever the format: a pair of dates and the changes found between them.

Every word that came from outside is made harmless here, once (`catalog.exports.text`). Labels stay as they were given;
what may be said of them is the business of `catalog.exports.claims`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from models.change import Change

Ring = tuple[tuple[float, float], ...]
"""Closed: lon/lat, exterior counter-clockwise, or (col, row) where there is no georeference."""

Answer = Literal["confirmed", "rejected", "unsure"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one reviewer stands by.

    Parameters
    ----------
    answer : {"confirmed", "rejected", "unsure"}
    reviewer : str
    time : str
        RFC 3339, UTC.
    reason : str or None
        Coded, for a rejection.
    """

    answer: str
    reviewer: str
    time: str
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Remark:
    """A note that somebody wrote."""

    reviewer: str
    text: str
    time: str


@dataclass(frozen=True, kw_only=True)
class Review:
    """What people said of one change.

    Parameters
    ----------
    verdicts : tuple of Verdict
        One for each reviewer, the earliest first.
    agreed : {"confirmed", "rejected", "unsure"} or None
        The verdict of all; None while there is none or they differ.
    remarks : tuple of Remark
    label : str or None
        What a person calls it, where that is another label.
    ring_px : Ring or None
        The outline that a person drew, on the grid of the run.
    """

    verdicts: tuple[Verdict, ...] = ()
    agreed: str | None = None
    remarks: tuple[Remark, ...] = ()
    label: str | None = None
    ring_px: Ring | None = None


@dataclass(frozen=True, kw_only=True)
class Missed:
    """A change that a person added, because the run does not list it.

    Parameters
    ----------
    id : str
    kind : {"appeared", "vanished"}
    label : str
    ring_px : Ring
    review : Review
    """

    id: str
    kind: str
    label: str
    ring_px: Ring
    review: Review


class Reviews(Protocol):
    """Where the words of reviewers come from."""

    @property
    def head(self) -> str:
        """Hash of the last event of the journal that they stand in."""
        ...

    @property
    def missed(self) -> Sequence[Missed]:
        """Changes that people added to the run."""
        ...

    def of(self, change_id: str) -> Review:
        """What people said of a change."""
        ...


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
    """

    state: str
    reason: str
    note: str
    decided_time: str | None


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
    def answer(self) -> str:
        """What reviewers said together: an `Answer`, "disputed" or "not reviewed"."""
        if not self.review.verdicts:
            return "not reviewed"
        return self.review.agreed or "disputed"


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A file that a date was made from.

    Parameters
    ----------
    name : str
        Its address where that is public, else its file name.
    sha256 : str or None
    copy : str or None
        Where its copy lies in the run.
    """

    name: str
    sha256: str | None
    copy: str | None


@dataclass(frozen=True, kw_only=True)
class HandedScene:
    """One of the two dates.

    Parameters
    ----------
    date : {"before", "after"}
    id : str
    platform : str or None
    acquired : str or None
        RFC 3339, UTC; a date alone where the hour is not known; None where nothing is.
    facts : tuple of (str, str)
        Angles, orbit, cloud and the like, as name and words.
    licence, attribution : str or None
    files : tuple of SourceFile
    """

    date: str
    id: str
    platform: str | None
    acquired: str | None
    facts: tuple[tuple[str, str], ...]
    licence: str | None
    attribution: str | None
    files: tuple[SourceFile, ...]

    @property
    def when(self) -> str:
        """For a person."""
        if self.acquired is None:
            return "date unknown"
        if "T" not in self.acquired:
            return f"{self.acquired} (time unknown)"
        return f"{self.acquired[:16].replace('T', ' ')} UTC"


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """A tile of which nothing can be said.

    Parameters
    ----------
    tile : str
    outcome : {"not_assessable", "failed"}
    reason : str
    ring : Ring or None
        lon/lat; None without georeference or where the ledger does not say where it is.
    """

    tile: str
    outcome: str
    reason: str
    ring: Ring | None


@dataclass(frozen=True, kw_only=True)
class HandedZone:
    """A zone of the site.

    Parameters
    ----------
    id, name, kind : str
    watched : bool
    on_grid, seen : float or None
        Share of it that the run covers, and of that the share that both dates show; None: not covered.
    geometry : dict
        GeoJSON.
    state : str or None
        Whether it changed as a whole, where pixels are too coarse for objects.
    """

    id: str
    name: str
    kind: str
    watched: bool
    on_grid: float | None
    seen: float | None
    geometry: dict[str, Any]
    state: str | None


@dataclass(frozen=True, kw_only=True)
class HandedPair:
    """The pair of dates.

    Parameters
    ----------
    name : str
        Of the run.
    site_id, site : str or None
        Id and name.
    sensor : str
    gsd_m : float
    status : {"changed", "unchanged", "not_assessable"}
    reason : str or None
    simulated : bool
    before, after : HandedScene
    alignment : str
        In words.
    alignment_ok : bool
    residual_px : float or None
    valid_fraction : float
    assessed_km2 : float
        Ground that both dates show.
    tiles : dict of outcome to int
    unseen : tuple of Unseen
    zones : tuple of HandedZone
    detectability : str
        What would have been found, in words; "" where nothing was assessed.
    notes : tuple of str
    left_out : tuple of (str, str)
        Scenes that were not used, with the reason.
    attribution : str
        Credits and licences, in one line.
    min_score : float or None
        Lowest score that the run lists.
    command : str
        What computes it again.
    software : tuple of (str, str)
    created : str
        When the run was written, RFC 3339, UTC.
    report_sha256 : str
        Of the run's report, as it states it.
    journal_head : str or None
        Hash of the last event of the review journal at the time.
    """

    name: str
    site_id: str | None
    site: str | None
    sensor: str
    gsd_m: float
    status: str
    reason: str | None
    simulated: bool
    before: HandedScene
    after: HandedScene
    alignment: str
    alignment_ok: bool
    residual_px: float | None
    valid_fraction: float
    assessed_km2: float
    tiles: dict[str, int]
    unseen: tuple[Unseen, ...]
    zones: tuple[HandedZone, ...]
    detectability: str
    notes: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    attribution: str
    min_score: float | None
    command: str
    software: tuple[tuple[str, str], ...]
    created: str
    report_sha256: str
    journal_head: str | None

    @property
    def title(self) -> str:
        """Of documents about it."""
        return self.site or self.name


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
    """

    pair: HandedPair
    findings: tuple[Handed, ...]
    held_back: int = 0
    rule: str = ""
    overview: Path | None = None
    reviewed: bool = False
