"""Which changes go to a second reviewer, who does not see what the first one said."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from catalog.errors import BadReview
from catalog.layout import jsonable, utc_text
from catalog.queue import QueueEntry
from catalog.review_tables import second_rules

RULE_REVIEWER = "sitewatch"
"""Who assigns by rule."""

_SCALE = float(1 << 64)


@dataclass(frozen=True, kw_only=True)
class SecondRule:
    """Which changes want a second reviewer; any part is enough. The default wants none.

    Parameters
    ----------
    share : float
        Of all changes, drawn once and for ever by their ids, 0-1.
    score_band : (float, float) or None
        Lowest and highest score, both included.
    zones, labels : tuple of str
        As the queue has them.
    """

    share: float = 0.0
    score_band: tuple[float, float] | None = None
    zones: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise BadReview(f"share of second reviews must lie in 0-1, got {self.share}")
        if self.score_band is not None and not 0.0 <= self.score_band[0] <= self.score_band[1] <= 1.0:
            raise BadReview(f"score band of second reviews must be two rising scores, got {self.score_band}")

    @property
    def words(self) -> str:
        """The rule for people."""
        parts = [f"a random {self.share:.3g} of all changes" if self.share else ""]
        if self.score_band is not None:
            parts.append(f"scores {self.score_band[0]:g} to {self.score_band[1]:g}")
        parts += [f"zone {name}" for name in self.zones] + [f"label {name}" for name in self.labels]
        return "; ".join(part for part in parts if part) or "no change"

    @property
    def wants_any(self) -> bool:
        """Whether it can want any change at all."""
        return self.share > 0 or self.score_band is not None or bool(self.zones or self.labels)

    def wants(self, entry: QueueEntry) -> str | None:
        """Why a change wants a second reviewer; None where it does not."""
        if entry.what != "change":
            return None
        if entry.zone is not None and entry.zone in self.zones:
            return f"zone {entry.zone}"
        if entry.label is not None and entry.label in self.labels:
            return f"label {entry.label}"
        if self.score_band is not None and entry.score is not None:
            low, high = self.score_band
            if low <= entry.score <= high:
                return f"score {low:g} to {high:g}"
        drawn = int.from_bytes(hashlib.sha256(f"second|{entry.subject}".encode()).digest()[:8], "big")
        return f"a random {self.share:.0%}" if drawn / _SCALE < self.share else None


@dataclass(frozen=True, kw_only=True)
class RuleInForce:
    """The rule that holds now.

    Parameters
    ----------
    rule : SecondRule
    given_by : str
    at : str
        RFC 3339, UTC.
    """

    rule: SecondRule
    given_by: str
    at: str


def rule_in_force(connection: Connection) -> RuleInForce | None:
    """The rule that was given last; None where nobody ever gave one."""
    query = select(second_rules).order_by(second_rules.c.seq.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return (
        None if row is None else RuleInForce(rule=_read(row["rule"]), given_by=row["given_by"], at=row["at"])
    )


def give_rule(connection: Connection, rule: SecondRule, *, given_by: str) -> None:
    """Have a rule hold from now on, in place of the one before; for what was answered already nothing changes."""
    present = rule_in_force(connection)
    if present is not None and present.rule == rule:
        return
    row = {"rule": jsonable(asdict(rule)), "given_by": given_by, "at": utc_text(datetime.now(UTC))}
    connection.execute(insert(second_rules).values(row))


def _read(stored: Mapping[str, Any]) -> SecondRule:
    band = stored["score_band"]
    return SecondRule(
        share=stored["share"], score_band=None if band is None else (band[0], band[1]), zones=tuple(stored["zones"]),
        labels=tuple(stored["labels"]),
    )  # fmt: skip
