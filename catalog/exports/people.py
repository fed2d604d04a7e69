"""What people said of changes, for those who are handed a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from catalog.exports.pair import Ring

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
    outline_off : bool
        Whether a person drew one that does not lie on the images of the run, which was written anew since.
    """

    verdicts: tuple[Verdict, ...] = ()
    agreed: str | None = None
    remarks: tuple[Remark, ...] = ()
    label: str | None = None
    ring_px: Ring | None = None
    outline_off: bool = False


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

    @property
    def not_placed(self) -> int:
        """Changes that people added and that do not lie on the images of the run's present result."""
        ...

    def of(self, change_id: str) -> Review:
        """What people said of a change."""
        ...
