"""The pair of dates that is handed over: images, alignment, what could and what could not be seen."""

from dataclasses import dataclass
from typing import Any

Ring = tuple[tuple[float, float], ...]
"""Closed: lon/lat, exterior counter-clockwise, or (col, row) where there is no georeference."""


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
