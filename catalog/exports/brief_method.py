"""The end of a brief: method, limits, and how to compute it again."""

from collections.abc import Iterator

from catalog.exports import estimates
from catalog.exports.blocks import Block, Facts, Heading, Table, Text
from catalog.exports.findings import Handover
from catalog.exports.pair import HandedPair, HandedScene

_LISTED_TILES = 40
_LISTED_SCENES = 40


def method(handover: Handover) -> Iterator[Block]:
    """What was compared and how, what was not assessed, and the command."""
    pair = handover.pair
    yield Heading(text="Method and limits", level=2)
    yield Heading(text="What was compared", level=3)
    for scene in (pair.before, pair.after):
        yield from _scene(scene)
    yield Text(text=pair.attribution)
    yield Heading(text="How", level=3)
    yield Text(text=f"{pair.alignment} {pair.valid_fraction:.0%} of the area could be used on both dates.")
    if pair.detectability:
        yield Text(text=pair.detectability)
    yield from (Text(text=note) for note in pair.notes)
    yield Text(text=_words_of_estimation())
    yield Table(head=("Expression", "Probability"), rows=estimates.LIKELIHOOD_TABLE, widths=(0.6, 0.4))
    yield from _not_assessed(pair)
    yield from _left_out(pair)
    yield from _reproduce(handover)


def _scene(scene: HandedScene) -> Iterator[Block]:
    rows = [("Image", scene.id), ("Taken", scene.when)]
    if scene.platform:
        rows.append(("Platform", scene.platform))
    if scene.facts:
        rows.append(("How taken", ", ".join(f"{name} {value}" for name, value in scene.facts)))
    rows.append(("Licence", scene.licence or "not stated: check before publishing"))
    for file in scene.files:
        rows.append(("File", file.name))
        rows.append(("SHA-256", file.sha256 or "not recorded"))
    yield Text(text=scene.date.capitalize(), style="strong")
    yield Facts(rows=tuple(rows))


def _words_of_estimation() -> str:
    return (
        "Words of estimation follow ICD 203 (2015). A likelihood is the score of the detector where that has been "
        "measured on labelled images of this kind, and is not stated elsewhere. Confidence is high only where a later "
        "date or a reviewer confirms a change and nothing speaks against it; it is low from three doubts on, or four "
        "where it is confirmed."
    )


def _not_assessed(pair: HandedPair) -> Iterator[Block]:
    if not pair.unseen:
        return
    yield Heading(text="Not assessed", level=3)
    yield Text(text="Of these tiles nothing can be said. Not observed is never \u201cgone\u201d.")
    rows = tuple(
        (tile.tile, tile.outcome.replace("_", " "), tile.reason) for tile in pair.unseen[:_LISTED_TILES]
    )
    yield Table(head=("Tile", "Outcome", "Reason"), rows=rows, widths=(0.15, 0.2, 0.65))
    if len(pair.unseen) > _LISTED_TILES:
        yield Text(
            text=f"And {len(pair.unseen) - _LISTED_TILES} more, see tiles.json of the run.", style="quiet"
        )


def _left_out(pair: HandedPair) -> Iterator[Block]:
    if not pair.left_out:
        return
    yield Heading(text="Images that were not used", level=3)
    yield Table(head=("Image", "Reason"), rows=pair.left_out[:_LISTED_SCENES], widths=(0.45, 0.55))
    if len(pair.left_out) > _LISTED_SCENES:
        yield Text(
            text=f"And {len(pair.left_out) - _LISTED_SCENES} more, see report.json of the run.", style="quiet"
        )


def _reproduce(handover: Handover) -> Iterator[Block]:
    pair = handover.pair
    yield Heading(text="Computing it again", level=3)
    yield Text(text=pair.command, style="code")
    yield Text(text="The inputs must have the SHA-256 stated above.")
    rows = [
        ("Run", pair.name), ("Written", pair.created), ("SHA-256 of its report", pair.report_sha256),
        ("Software", ", ".join(f"{name} {version}" for name, version in pair.software)),
    ]  # fmt: skip
    if pair.journal_head is not None:
        rows.append(("Head of the review journal", pair.journal_head))
    yield Facts(rows=tuple(rows))
