"""What a change is worth a person's time; the order of `catalog.queue` is made of it and explained there."""

from datetime import date, datetime

NEAR_SCORE = 0.35
"""Distance from the threshold at which a score has become clear."""

DEFAULT_THRESHOLD = 0.5
_EPOCH = date(2015, 1, 1)


def worth(
    *,
    after_time: str | None,
    score: float | None,
    threshold: float | None,
    watched: bool,
    rule_state: str | None,
    rule_reason: str | None,
    suppressed: bool,
) -> float:
    """How much a change is worth a person's time; see `catalog.queue`."""
    found = 0.0
    if after_time is not None:
        found += (datetime.fromisoformat(after_time.replace("Z", "+00:00")).date() - _EPOCH).days / 30
    if score is not None:
        from_threshold = abs(score - (DEFAULT_THRESHOLD if threshold is None else threshold))
        found += score + max(0.0, 1 - from_threshold / NEAR_SCORE)
    found += 2.0 if watched else 0.0
    found += 1.0 if rule_reason in ("seen_once", "unclear") else 0.0
    found += 0.5 if rule_state == "confirmed" else 0.0
    found -= 3.0 if rule_state == "withdrawn" else 0.0
    found -= 6.0 if suppressed else 0.0
    return round(found, 4)
