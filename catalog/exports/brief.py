"""The brief: a summary, the findings by zone, method and limits, for people who decide what is said in public."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from PIL import Image

from catalog.exports import claims, estimates, observation, pictures
from catalog.exports.anonymous import SAID
from catalog.exports.blocks import (
    Block,
    Bullets,
    Columns,
    Document,
    Facts,
    Heading,
    PageBreak,
    Picture,
    Pictures,
    Plain,
    Table,
    Text,
    Together,
)
from catalog.exports.brief_method import method
from catalog.exports.findings import Handed, Handover
from catalog.exports.pair import HandedPair, HandedScene
from catalog.exports.told import SILENT, Told

OUTSIDE = "Outside the zones"
_ANSWERS = ("confirmed", "rejected", "unsure", "disputed")
_PHRASES = {"appeared": "appeared", "vanished": "vanished", "moved": "may have moved"}


def brief(handover: Handover, chip_of: pictures.ChipOf, *, told: Told = SILENT) -> Document:
    """The brief of a pair; tells of each finding that is ready.

    Raises
    ------
    BrokenRecord
        A picture of the run is missing or damaged.
    """
    pair = handover.pair
    title = f"{pair.title}: {pair.before.when} to {pair.after.when}"
    return Document(
        title=f"SIMULATED. {title}" if pair.simulated else title, subject=f"What changed, run {pair.name}",
        simulated=pair.simulated, created=pair.created, running=f"{pair.title} | run {pair.name}",
        blocks=tuple(_blocks(handover, title, chip_of, told)),
    )  # fmt: skip


def _blocks(handover: Handover, title: str, chip_of: pictures.ChipOf, told: Told) -> Iterator[Block]:
    pair = handover.pair
    yield Heading(text=title, level=1)
    yield from _summary(handover)
    if handover.overview is not None:
        yield PageBreak()
        yield Heading(text="Overview", level=2)
        words = "Both dates side by side with everything that the run lists outlined."
        yield Pictures(images=(pictures.overview(handover.overview, alt=words, caption=words),))
    open_ones = [one for one in handover.findings if one.answer != "rejected"]
    if open_ones:
        yield PageBreak()
        yield Heading(text="Findings by zone", level=2)
        for zone, findings in by_zone(open_ones):
            for number, one in enumerate(findings):
                head = () if number else (Heading(text=zone, level=3),)
                yield Together(blocks=(*head, *_finding(one, pair, chip_of(one))))
                told.advance()
    yield from _rejected([one for one in handover.findings if one.answer == "rejected"])
    yield PageBreak()
    yield from method(handover)


def by_zone(findings: Sequence[Handed]) -> list[tuple[str, list[Handed]]]:
    """Findings of each zone, best first; those in no zone come last."""

    def key(one: Handed) -> tuple[bool, str]:
        return one.zone is None, one.zone or OUTSIDE

    ordered = sorted(findings, key=key)
    return [(name, list(group)) for (_, name), group in groupby(ordered, key=key)]


def _summary(handover: Handover) -> Iterator[Block]:
    pair, findings = handover.pair, [one for one in handover.findings if one.answer != "rejected"]
    yield Heading(text="Summary", level=2)
    if pair.status == "not_assessable":
        yield Text(
            text=f"The pair could not be assessed: {pair.reason or 'no reason given'}. Nothing is claimed about it.",
            style="strong",
        )
    elif not findings:
        yield Text(text=f"No finding is reported here. {_examined(pair)}", style="strong")
    else:
        yield Text(text=f"{_counted(findings)} {_examined(pair)}", style="strong")
        yield Text(text=_real(findings))
        yield _zone_table(findings)
    if handover.held_back:
        rule = f", which were asked for {handover.rule}" if handover.rule else ""
        yield Text(
            text=f"{handover.held_back} more changes that the run lists are not in this brief{rule}.",
            style="quiet",
        )
    yield Text(text=_reviewed(handover))
    if handover.not_placed:
        yield Text(
            text=f"{_added(handover.not_placed)} to an earlier result of this pair, beyond the images of this one, and "
            "cannot be shown.", style="quiet",
        )  # fmt: skip
    yield Bullets(title="What this cannot show", lines=(*_limits(pair), *_unseen_lines(pair)))


def _reviewed(handover: Handover) -> str:
    """How far people have looked at what is handed over."""
    seen = sum(one.answer != "not reviewed" for one in handover.findings)
    if not seen:
        return "No person's review is recorded for these findings: they are what a program listed."
    numbers = {answer: sum(one.answer == answer for one in handover.findings) for answer in _ANSWERS}
    parts = ", ".join(f"{number} {answer}" for answer, number in numbers.items() if number)
    named = f" {SAID}" if handover.anonymous else ""
    return f"People reviewed {seen} of {len(handover.findings)}: {parts}. The others are what a program listed.{named}"


def _added(number: int) -> str:
    return "1 change was added by a reviewer" if number == 1 else f"{number} changes were added by reviewers"


def _counted(findings: Sequence[Handed]) -> str:
    parts = [
        f"{number} {words}"
        for kind, words in _PHRASES.items()
        if (number := sum(one.kind == kind for one in findings))
    ]
    head = "1 finding" if len(findings) == 1 else f"{len(findings)} findings"
    return f"{head}: {', '.join(parts)}."


def _examined(pair: HandedPair) -> str:
    missed = pair.tiles["not_assessable"] + pair.tiles["failed"]
    total = sum(pair.tiles.values())
    return f"{total - missed} of {total} tiles were examined, {pair.assessed_km2:.3g} km² seen on both dates."


def _real(findings: Sequence[Handed]) -> str:
    """How many of the findings are real, as a range."""
    if not all(one.likelihood_known or one.answer == "confirmed" for one in findings):
        sure = sum(one.answer == "confirmed" for one in findings)
        return (
            f"Between {sure} and {len(findings)} of them are real changes: scores of images of this kind have not been "
            "measured as probabilities, so the range cannot be narrowed without a person's look."
        )
    chances = [1.0 if one.answer == "confirmed" else one.score for one in findings]
    low, high = estimates.number_real([1.0 if chance is None else chance for chance in chances])
    span = f"{low}" if low == high else f"{low} to {high}"
    return (
        f"Of these, {span} are real changes (9 in 10 interval, if the scores hold here as they did on labelled "
        "images). Changes that were not found are not counted."
    )


def _zone_table(findings: Sequence[Handed]) -> Table:
    rows = []
    for zone, group in by_zone(findings):
        kinds = ", ".join(
            f"{sum(one.kind == kind for one in group)} {words}"
            for kind, words in _PHRASES.items()
            if any(one.kind == kind for one in group)
        )
        confirmed = sum(one.answer == "confirmed" for one in group)
        tags = ", ".join(one.tag for one in group[:12]) + (", ..." if len(group) > 12 else "")
        rows.append((zone, str(len(group)), kinds, str(confirmed), tags))
    return Table(
        head=("Zone", "Findings", "Kinds", "Confirmed by reviewers", "On the pictures"), rows=tuple(rows),
        widths=(0.28, 0.11, 0.25, 0.14, 0.22),
    )  # fmt: skip


def _limits(pair: HandedPair) -> tuple[str, ...]:
    return (claims.MAY[claims.tier(pair.gsd_m, pair.sensor)], observation.CAUTION)


def _unseen_lines(pair: HandedPair) -> tuple[str, ...]:
    found = []
    missed = pair.tiles["not_assessable"] + pair.tiles["failed"]
    if missed:
        found.append(
            f"{missed} of {sum(pair.tiles.values())} tiles could not be assessed; they are listed at the end."
        )
    blind = [zone.name for zone in pair.zones if zone.watched and zone.seen is not None and zone.seen < 0.5]
    if blind:
        found.append(f"Zones not seen, or less than half: {'; '.join(blind)}.")
    if pair.detectability:
        found.append(pair.detectability)
    return tuple(found)


def _finding(one: Handed, pair: HandedPair, chip: Image.Image | None) -> tuple[Plain, ...]:
    words = observation.of(one, pair)
    said = observation.claim_of(one, pair)
    head = Heading(text=f"{one.tag}  {_PHRASES[one.kind]}: {said.label}", level=4)
    facts = Facts(rows=(*words.facts, ("Images", f"{pair.before.id}; {pair.after.id}"), ("Change", one.id)))
    shown: Plain = facts
    if chip is not None:
        images = tuple(_side(chip, one, scene) for scene in (pair.before, pair.after))
        shown = Columns(columns=((Pictures(images=images),), (facts,)), widths=(0.6, 0.4))
    reasons = [f"For it: {reason}." for reason in words.confidence.for_it]
    reasons += [f"Against it: {reason}." for reason in words.confidence.against_it]
    details = Columns(
        columns=(
            (Bullets(title=words.confidence.sentence, lines=tuple(reasons)),),
            (Bullets(title="It could also be", lines=words.alternatives),),
            (Bullets(title="Not observed", lines=words.gaps),),
        ),
        widths=(1 / 3, 1 / 3, 1 / 3),
    )
    said_of_it = (Bullets(title="Reviewers", lines=words.reviews),) if words.reviews else ()
    return (head, shown, Text(text=" ".join(words.observed)), details, *said_of_it)


def _side(chip: Image.Image, one: Handed, scene: HandedScene) -> Picture:
    alt = f"{one.tag} on the {scene.date} image, {scene.when}, with outline and scale bar"
    return pictures.side(chip, scene.date, alt=alt, caption=f"{scene.date}: {scene.when}")


def _rejected(findings: Sequence[Handed]) -> Iterator[Block]:
    if not findings:
        return
    yield Heading(text="Rejected on review", level=2)
    yield Text(
        text="Listed by the program and rejected by every reviewer who judged them. They are no findings."
    )
    rows = tuple(
        (
            one.tag, one.zone or OUTSIDE, "" if one.score is None else observation.score_words(one.score),
            "; ".join(observation.reason_words(v.reason) for v in one.review.verdicts if v.reason) or "no reason given",
            one.id,
        )
        for one in findings
    )  # fmt: skip
    yield Table(
        head=("Tag", "Zone", "Score", "Reason", "Change id"), rows=rows, widths=(0.08, 0.32, 0.1, 0.3, 0.2)
    )
