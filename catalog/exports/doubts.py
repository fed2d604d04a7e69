"""What speaks for a finding and what against it."""

from catalog.exports.estimates import Confidence, confidence
from catalog.exports.findings import Handed
from catalog.exports.pair import HandedPair

_CAUSES = {
    "shadow": "a shadow that fell otherwise on the other date",
    "parallax": "something tall that leans the other way under another direction of view",
    "edge": "the edge of what could be seen: of the image, of cloud or of masked ground",
    "cloud_rim": "the rim of a cloud or its shadow",
    "tide": "another level of the water",
}
_AGAINST = frozenset({"seen_once", "not_repeated", "superseded", "no_longer_found"})
_LARGE_RESIDUAL_PX = 1.0
_LOW_SEEN = 0.8


def confidence_in(one: Handed, pair: HandedPair) -> Confidence:
    """How much the judgement on a finding can be trusted, and why."""
    later = one.later is not None and one.later.reason == "lasts"
    people = sum(verdict.answer == "confirmed" for verdict in one.review.verdicts) - one.by_person
    for_it = [
        "a later date shows the same" if later else "",
        _people(people, other=one.by_person),
        "the dates lie well on each other" if pair.alignment_ok and _well_aligned(pair) else "",
        "scores were measured on labelled images of this kind" if one.likelihood_known else "",
    ]
    against = [*_doubts_of_pair(one, pair), *_doubts_of_finding(one)]
    return confidence([r for r in for_it if r], against, corroborated=later or people > 0)


def _people(number: int, *, other: bool) -> str:
    """How many confirmed it, besides who added it."""
    if number < 1:
        return ""
    return f"{number} {'other ' if other else ''}reviewer{'s' if number > 1 else ''} confirmed it"


def _well_aligned(pair: HandedPair) -> bool:
    return pair.residual_px is not None and pair.residual_px <= _LARGE_RESIDUAL_PX


def _doubts_of_pair(one: Handed, pair: HandedPair) -> list[str]:
    found = []
    if not (pair.alignment_ok and _well_aligned(pair)):
        found.append("how well the dates lie on each other is not known or not good")
    if one.by_person:
        found.append("the program did not list it")
    elif not one.likelihood_known:
        found.append("scores were not measured on labelled images of this kind")
    if one.tile_seen is not None and one.tile_seen < _LOW_SEEN:
        found.append(f"only {one.tile_seen:.0%} of the ground around could be seen on both dates")
    return found


def _doubts_of_finding(one: Handed) -> list[str]:
    found = [f"{cause_words(cause)} could look the same" for cause in one.causes]
    if one.answer in {"disputed", "rejected", "unsure"}:
        found.append({"disputed": "reviewers disagree", "rejected": "reviewers rejected it"}.get(
            one.answer, "reviewers were not sure"
        ))  # fmt: skip
    if one.later is not None and one.later.reason in _AGAINST:
        found.append(f"later dates: {one.later.note or one.later.reason}")
    if one.kind == "moved":
        found.append("that two places belong to one object rests on their likeness alone")
    return found


def cause_words(cause: str) -> str:
    """What could mimic a change, as a clause."""
    return _CAUSES.get(cause, cause.replace("_", " "))
