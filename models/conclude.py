"""Conclusions over a whole pair: which detections stay, which may be one object that moved, what each tile came to."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from imagery.raster import Sensor
from models.change import Change, Link, Outcome, TileOutcome, change_id
from models.detect import Detection
from models.label import claimable, likeness
from models.link import pair_up
from models.overlap import without_overlaps
from models.scorers import Scorer


@dataclass(frozen=True, kw_only=True, eq=False)
class Conclusion:
    """Listed changes, best first, and one outcome per tile."""

    changes: tuple[Change, ...]
    outcomes: tuple[TileOutcome, ...]


def conclude_pair(
    detections: Sequence[Detection],
    *,
    pair: str,
    grid_name: str,
    min_score: float,
    gsd_m: float,
    sensor: Sensor,
    scorer: Scorer,
) -> tuple[Change, ...]:
    """Changes of a pair, best first.

    Parameters
    ----------
    detections : sequence of Detection
        From all tiles, overlapping.
    pair, grid_name : str
        Part of every change's id.
    min_score : float
        Lowest score that is listed.
    gsd_m : float
    sensor : {"optical", "sar"}
    scorer : Scorer
        Says how many false alarms to expect at a score.
    """
    best = without_overlaps(detections)
    reached = [d for d in best if d.score >= min_score and claimable(d.length_m, gsd_m=gsd_m, sensor=sensor)]
    kept = [_labelled(d, gsd_m, sensor) for d in reached]

    def identity(kind: str, detection: Detection) -> str:
        return change_id(pair, kind, grid_name, *detection.centroid_px, gsd_m)

    vanished = [d for d in kept if d.kind == "vanished"]
    appeared = [d for d in kept if d.kind == "appeared"]
    pairings, plausible = pair_up(vanished, appeared, gsd_m)
    moved = {p.vanished: p for p in pairings if p.clear}
    taken = {p.appeared for p in moved.values()}
    margins = {("v", p.vanished): p.margin for p in pairings} | {
        ("a", p.appeared): p.margin for p in pairings
    }
    v_ids = [identity("vanished", d) for d in vanished]
    a_ids = [identity("appeared", d) for d in appeared]

    changes = []
    for i, pairing in moved.items():
        changes.append(
            _moved(identity("moved", appeared[pairing.appeared]), vanished[i], appeared[pairing.appeared],
                   pairing.margin, gsd_m)
        )  # fmt: skip
    for i, detection in enumerate(vanished):
        if i not in moved:
            partners = tuple(a_ids[j] for j in plausible.get(i, []) if j not in taken)
            changes.append(_single(v_ids[i], detection, partners, margins.get(("v", i))))
    for j, detection in enumerate(appeared):
        if j not in taken:
            partners = tuple(v_ids[i] for i, js in plausible.items() if j in js and i not in moved)
            changes.append(_single(a_ids[j], detection, partners, margins.get(("a", j))))
    listed = [
        replace(
            change,
            false_alarms_per_km2=_rounded(
                scorer.false_alarms_per_km2(change.score, change.place.length_m, gsd_m)
            ),
        )
        for change in changes
    ]
    return tuple(sorted(_distinct(listed), key=lambda c: (-c.score, c.place.bbox_px)))


def _labelled(detection: Detection, gsd_m: float, sensor: Sensor) -> Detection:
    like = likeness(
        detection.length_m, detection.width_m, detection.area_m2, gsd_m=gsd_m, sensor=sensor
    )  # fmt: skip
    return replace(detection, label=like.label, label_probability=like.probability, label_others=like.others)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _distinct(changes: list[Change]) -> list[Change]:
    """Give the rare second change of one cell an id of its own."""
    seen: Counter[str] = Counter()
    out = []
    for change in sorted(changes, key=lambda c: (c.id, c.place.bbox_px)):
        seen[change.id] += 1
        extra = f"-{seen[change.id]}" if seen[change.id] > 1 else ""
        out.append(replace(change, id=change.id + extra))
    return out


def _single(id_: str, detection: Detection, partners: tuple[str, ...], margin: float | None) -> Change:
    link = Link(state="ambiguous", margin=margin, partners=partners) if partners else Link()
    appeared = detection.kind == "appeared"
    return Change(
        id=id_, kind=detection.kind, label=detection.label, score=detection.score,
        before=None if appeared else detection, after=detection if appeared else None, link=link, tile=detection.tile,
        causes=detection.causes, label_probability=detection.label_probability,
    )  # fmt: skip


def _moved(id_: str, before: Detection, after: Detection, margin: float, gsd_m: float) -> Change:
    offset = np.subtract(after.centroid_px, before.centroid_px)
    return Change(
        id=id_, kind="moved", label=after.label, score=min(before.score, after.score), before=before, after=after,
        link=Link(state="linked", margin=margin), tile=after.tile, label_probability=after.label_probability,
        displacement_m=round(float(np.hypot(*offset)) * gsd_m, 1),
        causes=tuple(sorted({*before.causes, *after.causes})),
    )  # fmt: skip


def outcomes_of(
    assessed: Sequence[tuple[str, float, str | None]], changes: Sequence[Change]
) -> tuple[TileOutcome, ...]:
    """One outcome per tile from (tile id, valid fraction, reason why it could not be assessed) and all changes.

    A tile that could not be assessed as a whole still counts its changes: what was seen in its clear part stands.
    """
    count: Counter[str] = Counter()
    for change in changes:
        count.update({d.tile for d in (change.before, change.after) if d})
    outcomes = []
    for tile, share, reason in assessed:
        outcome: Outcome = "not_assessable" if reason else "changed" if count[tile] else "unchanged"
        outcomes.append(
            TileOutcome(
                tile=tile, outcome=outcome, reason=reason, valid_fraction=round(share, 4), changes=count[tile]
            )
        )
    return tuple(outcomes)
