"""One finding in words: what was observed and how likely, how much to trust it, what else it could be, what is missing.

The same words stand in the brief and in the balloons of the KML.
"""

from dataclasses import dataclass

from catalog.exports import claims
from catalog.exports.doubts import cause_words, confidence_in
from catalog.exports.estimates import Confidence, likelihood
from catalog.exports.findings import Handed, Place
from catalog.exports.pair import HandedPair
from catalog.exports.people import Remark, Verdict

CAUTION = (
    "Two images do not show what happened between them. What was not observed is never \u201cgone\u201d. That "
    "something moved is a hypothesis that links a vacated and an occupied place."
)

_ALL_SEEN = 0.995


_OTHERWISE = {
    "optical": "A change of the ground or of the light: works, wet surface, snow, paint.",
    "sar": "A change of what scatters: works, a wetter or rougher surface, wind on water, snow.",
}
"""What else alters pixels, by the kind of image."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """A finding in words.

    Parameters
    ----------
    observed : tuple of str
        Sentences; those of likelihood hold no word on confidence.
    confidence : Confidence
    count : str
        How many objects it stands for, as a range.
    alternatives : tuple of str
        What else it could be.
    gaps : tuple of str
        What was not observed, and what could not have been.
    reviews : tuple of str
        What reviewers said.
    facts : tuple of (str, str)
        Measures, as name and words.
    """

    observed: tuple[str, ...]
    confidence: Confidence
    count: str
    alternatives: tuple[str, ...]
    gaps: tuple[str, ...]
    reviews: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


def of(one: Handed, pair: HandedPair) -> Observation:
    """The words of a finding, within what its pixels can carry."""
    return Observation(
        observed=(_existence(one, pair), *_label(one, pair), *_where(one), *_later(one)),
        confidence=confidence_in(one, pair), count=count_words(one, pair), alternatives=_alternatives(one, pair),
        gaps=_gaps(one, pair), reviews=_reviews(one, pair),
        facts=_facts(one, pair),
    )  # fmt: skip


def claim_of(one: Handed, pair: HandedPair) -> claims.Claim:
    """What a finding may be called: as a person calls it where pixels carry that, else as the program does."""
    if one.review.label is not None:
        said = claims.claim(one.review.label, gsd_m=pair.gsd_m, sensor=pair.sensor, by_person=True)
        if said.refused is None:
            return said
    return claims.claim(one.label, gsd_m=pair.gsd_m, sensor=pair.sensor, by_person=one.by_person)


def _existence(one: Handed, pair: HandedPair) -> str:
    claim = _change(one, pair)
    if one.score is None:
        return f"A reviewer reports that {claim}. The program does not list it, so no likelihood is stated."
    if one.likelihood_known:
        return f"{likelihood(one.score)} {claim}."
    why = "on radar" if pair.sensor == "sar" else f"at pixels of {pair.gsd_m:.3g} m"
    return (
        f"The comparison lists that {claim}. Its score of {score_words(one.score)} has not been measured as a "
        f"probability {why}, so no likelihood is stated."
    )


def _change(one: Handed, pair: HandedPair) -> str:
    words = claim_of(one, pair).words
    before, after = pair.before.when, pair.after.when
    if pair.before.acquired is None or pair.after.acquired is None:
        before, after = "the date of the first image", "the date of the second image"
    if one.kind == "appeared":
        return f"{words} was here on {after} and not on {before}"
    if one.kind == "vanished":
        return f"{words} was here on {before} and no longer on {after}"
    far = "" if one.displacement_m is None else f", {one.displacement_m:.0f} m away"
    return (
        f"{words} was at one place on {before} and one of like size at another on {after}{far}; that both are the "
        "same object is a hypothesis"
    )


def _label(one: Handed, pair: HandedPair) -> tuple[str, ...]:
    """How likely the kind of object is among those that such pixels can tell apart."""
    said = claim_of(one, pair)
    if said.refused:
        return (
            "The label that it was given is more than pixels of this size can carry and is not used here.",
        )
    if said.label != one.label:
        return ("What kind of object it is was judged by a person.",)
    if one.label_probability is None or one.label == "unknown":
        return ()
    head = likelihood(one.label_probability)
    return (
        "By size, form and place, and among the kinds of object that such pixels can tell apart: "
        f"{head[0].lower()}{head[1:]} it is {said.words}.",
    )


def _where(one: Handed) -> tuple[str, ...]:
    if one.zone is None:
        return ("The place lies in no watched zone.",)
    unsure = ", or just outside it" if one.zone_uncertain else ""
    return (f"The place lies in \u201c{one.zone}\u201d{unsure}.",)


def _later(one: Handed) -> tuple[str, ...]:
    if one.state is None:
        return ()
    found = f"State: {one.state.state} ({one.state.note or one.state.reason})."
    rule = one.state.by_rule
    return (found,) if rule is None else (found, f"Later dates alone: {rule.note or rule.reason}.")


def count_words(one: Handed, pair: HandedPair) -> str:
    """How many objects a finding stands for."""
    span = claims.objects_in(
        claim_of(one, pair).label, one.place.length_m, gsd_m=pair.gsd_m, sensor=pair.sensor
    )
    if span is None:
        return "not counted: pixels or kind do not carry a number"
    low, high = span
    words = "1 object" if high == 1 else f"{low} to {high} objects"
    return f"{words}; none if {'the reviewer is mistaken' if one.by_person else 'it is a false alarm'}"


def _alternatives(one: Handed, pair: HandedPair) -> tuple[str, ...]:
    found = [_upper(cause_words(cause)) + "." for cause in one.causes]
    row = claims.vocabulary(pair.gsd_m, pair.sensor)
    for name, share in one.label_others:
        if name in row:
            words = claims.claim(name, gsd_m=pair.gsd_m, sensor=pair.sensor).words
            found.append(f"{_upper(words)} ({share:.0%} by size, form and place).")
    if one.kind == "moved":
        found.append("Two objects: one that left and another that came.")
    elif one.link_state == "ambiguous":
        found.append(f"The same object as {_named(one.link_partners)}, moved: several such links fit alike.")
    again = one.review.recurrence
    if again is not None:
        found.append(
            f"What a reviewer rejected at this place before, as {reason_words(again.reason)} (change {again.of}): the "
            f"place is marked until {again.until} as one where it comes up again."
        )
    found.append(_OTHERWISE["sar" if pair.sensor == "sar" else "optical"])
    if not one.by_person:
        found.append(_false_alarm(one, pair))
    return tuple(found)


def _false_alarm(one: Handed, pair: HandedPair) -> str:
    rate = one.false_alarms_per_km2
    if rate is None:
        return "A false alarm: how many to expect has not been measured for such images."
    if rate == 0:
        return "A false alarm: none of this score was met on labelled ground, which is not never."
    return f"A false alarm: {rate:.2g} per km² are expected at this score, {rate * pair.assessed_km2:.2g} here in all."


def _named(partners: tuple[str, ...]) -> str:
    if not partners:
        return "another one"
    if len(partners) <= 3:
        return " or ".join(partners)
    return f"{', '.join(partners[:3])} or {len(partners) - 3} more"


def _gaps(one: Handed, pair: HandedPair) -> tuple[str, ...]:
    undated = pair.before.acquired is None or pair.after.acquired is None
    found = [
        "When the images were taken, and what lies between." if undated else "Anything between the two dates."
    ]
    if one.tile_seen is not None and one.tile_seen < _ALL_SEEN:
        found.append(f"{max(0.01, 1 - one.tile_seen):.0%} of the ground around it, which one date hides.")
    if one.smallest_seen_m is not None:
        found.append(
            f"Objects under {one.smallest_seen_m:.3g} m: plain ones would mostly be missed around here."
        )
    elif pair.detectability:
        found.append("Plain objects of any reference size: most would be missed around here.")
    if one.by_person:
        found.append("Whether it lasted: only what the program lists is compared with later dates.")
    elif one.later is None or one.later.reason in {"no_later_date", "not_observed"}:
        found.append("Whether it lasted: no later date has shown the place.")
    return tuple(found)


def _reviews(one: Handed, pair: HandedPair) -> tuple[str, ...]:
    review = one.review
    found = [_verdict(verdict) for verdict in review.verdicts]
    if review.label is not None:
        said = claims.claim(review.label, gsd_m=pair.gsd_m, sensor=pair.sensor, by_person=True)
        refused = (
            ", which pixels of this size cannot carry; it is not taken over here" if said.refused else ""
        )
        found.append(f"Called \u201c{review.label}\u201d{refused}.")
    if one.redrawn:
        found.append("The outline is a reviewer\u2019s.")
    elif review.outline_off:
        found.append("A reviewer\u2019s outline, drawn on an earlier result, does not lie on these images.")
    return (*found, *(_remark(remark) for remark in review.remarks))


def _verdict(verdict: Verdict) -> str:
    reason = "" if verdict.reason is None else f" ({reason_words(verdict.reason)})"
    return f"{verdict.reviewer}, {_minute(verdict.time)}: {verdict.answer}{reason}."


def _remark(remark: Remark) -> str:
    return f"{remark.reviewer}, {_minute(remark.time)}, noted: \u201c{remark.text}\u201d"


def _minute(time: str) -> str:
    return f"{time[:16].replace('T', ' ')} UTC"


def reason_words(reason: str) -> str:
    """A coded reason for a person."""
    return reason.replace("_", " ")


def _facts(one: Handed, pair: HandedPair) -> tuple[tuple[str, str], ...]:
    place = one.place
    error = claims.length_error_m(place.length_m, gsd_m=pair.gsd_m, sensor=pair.sensor)
    coarse = claims.tier(pair.gsd_m, pair.sensor) == "coarse"
    width = "" if coarse else f", {place.width_m:.0f} m wide"
    return (
        ("Count", count_words(one, pair)),
        ("Size", f"{place.length_m:.0f} m long (within {error:.0f} m){width}"),
        ("Position", position_words(place)),
        ("Score", _score(one)),
    )


def position_words(place: Place) -> str:
    """Where a place is, for a person."""
    if place.lon is None or place.lat is None:
        col, row = place.centroid_px
        return f"column {col:.0f}, row {row:.0f} of the first image (no georeference)"
    ns, ew = "N" if place.lat >= 0 else "S", "E" if place.lon >= 0 else "W"
    return f"{abs(place.lat):.5f}° {ns}, {abs(place.lon):.5f}° {ew} (WGS 84)"


def _score(one: Handed) -> str:
    if one.score is None:
        return "none: added by a reviewer"
    return score_words(one.score) + ("" if one.likelihood_known else ", not a probability")


def score_words(score: float) -> str:
    """A score that never claims certainty."""
    return ">0.99" if score > 0.99 else f"{score:.2f}"


def _upper(words: str) -> str:
    return words[:1].upper() + words[1:]
