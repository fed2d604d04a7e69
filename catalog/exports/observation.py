"""One finding in words: what was observed and how likely, how much to trust it, what else it could be, what is missing.

The same words stand in the brief and in the balloons of the KML.
"""

from dataclasses import dataclass

from catalog.exports import claims
from catalog.exports.estimates import Confidence, confidence, likelihood
from catalog.exports.findings import Handed, HandedPair, Place, Verdict

CAUTION = (
    "Two images do not show what happened between them. What was not observed is never \u201cgone\u201d. That "
    "something moved is a hypothesis that links a vacated and an occupied place."
)

_CAUSES = {
    "shadow": "a shadow that fell otherwise on the other date",
    "parallax": "something tall that leans the other way under another direction of view",
    "edge": "the edge of what could be seen: of the image, of cloud or of masked ground",
    "cloud_rim": "the rim of a cloud or its shadow",
    "tide": "another level of the water",
}
_REJECTIONS = {
    "misregistration": "misregistration", "tide_or_waves": "tide or waves", "known_object": "a known object",
    "bad_imagery": "bad imagery", "not_of_interest": "not of interest",
}  # fmt: skip
_LARGE_RESIDUAL_PX = 1.0
_LOW_SEEN = 0.8


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
        confidence=_confidence(one, pair), count=count_words(one, pair), alternatives=_alternatives(one, pair),
        gaps=_gaps(one, pair), reviews=tuple(_review(verdict, pair) for verdict in one.verdicts),
        facts=_facts(one, pair),
    )  # fmt: skip


def _existence(one: Handed, pair: HandedPair) -> str:
    claim = _change(one, pair)
    if one.likelihood_known:
        return f"{likelihood(one.score)} {claim}."
    why = "on radar" if pair.sensor == "sar" else f"at pixels of {pair.gsd_m:.3g} m"
    return (
        f"The comparison lists that {claim}. Its score of {score_words(one.score)} has not been measured as a "
        f"probability {why}, so no likelihood is stated."
    )


def _change(one: Handed, pair: HandedPair) -> str:
    words = claims.claim(one.label, gsd_m=pair.gsd_m, sensor=pair.sensor).words
    before, after = pair.before.when, pair.after.when
    if pair.before.acquired is None and pair.after.acquired is None:
        before, after = "the date of the first image", "the date of the second image"
    if one.kind == "appeared":
        return f"{words} stood here on {after} that was not here on {before}"
    if one.kind == "vanished":
        return f"{words} stood here on {before} that was not here any more on {after}"
    far = "" if one.displacement_m is None else f", {one.displacement_m:.0f} m away"
    return (
        f"{words} stood at one place on {before} and one of like size at another on {after}{far}; that both are the "
        "same object is a hypothesis"
    )


def _label(one: Handed, pair: HandedPair) -> tuple[str, ...]:
    """How likely the kind of object is among those that such pixels can tell apart."""
    said = claims.claim(one.label, gsd_m=pair.gsd_m, sensor=pair.sensor)
    if said.refused:
        return (
            "The label that it was given is more than pixels of this size can carry and is not used here.",
        )
    if one.label_probability is None or one.label == "unknown":
        return ()
    head = likelihood(one.label_probability)
    return (
        f"By size, form and place, and among the kinds of object that such pixels can tell apart: "
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
    return (f"State by later dates: {one.state.state} ({one.state.note or one.state.reason}).",)


def count_words(one: Handed, pair: HandedPair) -> str:
    """How many objects a finding stands for."""
    span = claims.objects_in(one.label, one.place.length_m, gsd_m=pair.gsd_m, sensor=pair.sensor)
    if span is None:
        return "not counted: pixels or kind do not carry a number"
    low, high = span
    words = "1 object" if high == 1 else f"{low} to {high} objects"
    return f"{words}; none if it is a false alarm"


def _confidence(one: Handed, pair: HandedPair) -> Confidence:
    later = one.state is not None and one.state.state == "confirmed"
    people = sum(verdict.answer == "confirmed" for verdict in one.verdicts)
    for_it = [
        "a later date shows the same" if later else "",
        f"{people} reviewer{'s' if people > 1 else ''} confirmed it" if people else "",
        "the dates lie well on each other" if pair.alignment_ok and _well_aligned(pair) else "",
        "scores were measured on labelled images of this kind" if one.likelihood_known else "",
    ]
    against = [*_doubts_of_pair(one, pair), *_doubts_of_finding(one)]
    return confidence([r for r in for_it if r], against, corroborated=later or people > 0)


def _well_aligned(pair: HandedPair) -> bool:
    return pair.residual_px is not None and pair.residual_px <= _LARGE_RESIDUAL_PX


def _doubts_of_pair(one: Handed, pair: HandedPair) -> list[str]:
    found = []
    if not (pair.alignment_ok and _well_aligned(pair)):
        found.append("how well the dates lie on each other is not known or not good")
    if not one.likelihood_known:
        found.append("scores were not measured on labelled images of this kind")
    if one.tile_seen is not None and one.tile_seen < _LOW_SEEN:
        found.append(f"only {one.tile_seen:.0%} of the ground around could be seen on both dates")
    return found


def _doubts_of_finding(one: Handed) -> list[str]:
    found = [f"{_cause(cause)} could look the same" for cause in one.causes]
    if one.answer in {"disputed", "rejected", "unsure"}:
        found.append({"disputed": "reviewers disagree", "rejected": "reviewers rejected it"}.get(
            one.answer, "reviewers were not sure"
        ))  # fmt: skip
    if one.state is not None and (one.state.state == "withdrawn" or one.state.reason == "seen_once"):
        found.append(f"later dates: {one.state.note or one.state.reason}")
    if one.kind == "moved":
        found.append("that two places belong to one object rests on their likeness alone")
    return found


def _cause(cause: str) -> str:
    return _CAUSES.get(cause, cause.replace("_", " "))


def _alternatives(one: Handed, pair: HandedPair) -> tuple[str, ...]:
    found = [_upper(_cause(cause)) + "." for cause in one.causes]
    row = claims.vocabulary(pair.gsd_m, pair.sensor)
    for name, share in one.label_others:
        if name in row:
            words = claims.claim(name, gsd_m=pair.gsd_m, sensor=pair.sensor).words
            found.append(f"{_upper(words)} ({share:.0%} by size, form and place).")
    if one.kind == "moved":
        found.append("Two objects: one that left and another that came.")
    elif one.link_state == "ambiguous":
        found.append(f"The same object as {_named(one.link_partners)}, moved: several such links fit alike.")
    found.append(
        "A change of the ground itself or of the light on it: works, wet or dry surface, snow, paint."
    )
    found.append(_false_alarm(one, pair))
    return tuple(found)


def _false_alarm(one: Handed, pair: HandedPair) -> str:
    rate = one.false_alarms_per_km2
    if rate is None:
        return "A false alarm of the detector: how many to expect has not been measured for such images."
    if rate == 0:
        return "A false alarm of the detector: none of this score was met on labelled ground, which is not never."
    return (
        f"A false alarm of the detector: {rate:.2g} per km² are expected at this score or above, so "
        f"{rate * pair.assessed_km2:.2g} on the ground assessed here."
    )


def _named(partners: tuple[str, ...]) -> str:
    if not partners:
        return "another one"
    if len(partners) <= 3:
        return " or ".join(partners)
    return f"{', '.join(partners[:3])} or {len(partners) - 3} more"


def _gaps(one: Handed, pair: HandedPair) -> tuple[str, ...]:
    found = [
        f"Anything between {pair.before.when} and {pair.after.when}: no image of that time was compared here."
    ]
    if pair.before.acquired is None or pair.after.acquired is None:
        found = ["When the images were taken is not known, nor anything between their dates."]
    if one.tile_seen is not None and one.tile_seen < 0.995:
        found.append(
            f"{1 - one.tile_seen:.0%} of the ground around it (tile {one.tile}), which one date does not show."
        )
    if one.smallest_seen_m is not None:
        found.append(
            f"Objects shorter than {one.smallest_seen_m:.3g} m around it: plain ones of an ordinary contrast would not "
            "have been found on most of this ground."
        )
    elif pair.detectability:
        found.append(
            "Plain objects of an ordinary contrast around it: on most of this ground none of the reference sizes would "
            "have been found."
        )
    if one.state is None or one.state.reason in {"no_later_date", "not_observed"}:
        found.append("Whether it lasted: no later date has shown the place.")
    return tuple(found)


def _review(verdict: Verdict, pair: HandedPair) -> str:
    words = f"{verdict.reviewer}, {verdict.time[:16].replace('T', ' ')} UTC: {verdict.answer}"
    if verdict.reason:
        words += f" ({_REJECTIONS.get(verdict.reason, verdict.reason.replace('_', ' '))})"
    words += "."
    if verdict.label:
        said = claims.claim(verdict.label, gsd_m=pair.gsd_m, sensor=pair.sensor, by_person=True)
        words += f" Called it \u201c{verdict.label}\u201d"
        words += (
            ", which pixels of this size cannot carry; it is not taken over here." if said.refused else "."
        )
    return words + (f" Note: \u201c{verdict.note}\u201d" if verdict.note else "")


def _facts(one: Handed, pair: HandedPair) -> tuple[tuple[str, str], ...]:
    place = one.place
    error = claims.length_error_m(place.length_m, gsd_m=pair.gsd_m, sensor=pair.sensor)
    coarse = claims.tier(pair.gsd_m, pair.sensor) == "coarse"
    width = "" if coarse else f", {place.width_m:.0f} m wide"
    return (
        ("Count", count_words(one, pair)),
        ("Size", f"{place.length_m:.0f} m long (within {error:.0f} m){width}"),
        ("Position", position_words(place)),
        ("Score", f"{score_words(one.score)}{'' if one.likelihood_known else ', not a probability'}"),
        ("Change id", one.id),
    )


def position_words(place: Place) -> str:
    """Where a place is, for a person."""
    if place.lon is None or place.lat is None:
        col, row = place.centroid_px
        return f"column {col:.0f}, row {row:.0f} of the first image (no georeference)"
    ns, ew = "N" if place.lat >= 0 else "S", "E" if place.lon >= 0 else "W"
    return f"{abs(place.lat):.5f}° {ns}, {abs(place.lon):.5f}° {ew} (WGS 84)"


def score_words(score: float) -> str:
    """A score that never claims certainty."""
    return ">0.99" if score > 0.99 else f"{score:.2f}"


def _upper(words: str) -> str:
    return words[:1].upper() + words[1:]
