"""From the runs of a site to the state of every change that they ever listed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from catalog.place_pixels import Pixels
from catalog.run_chain import ChainRun, History, Offset, ends
from models.change import Change
from models.detect import Detection, Kind
from models.finding_state import Reason, State
from models.look import MIN_SEEN, NOT_OBSERVED
from models.persistence import OPPOSITE, DatedLook, Judgement, both_ends, judge, same_place


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """A finding and its state, by the runs that are on disk.

    Parameters
    ----------
    change : Change
    run : ChainRun
        That listed it.
    state, reason : str
        See `models.finding_state`.
    by : str
        Name of the run that decided, or its own.
    scenes : tuple of str
        Ids of the scenes that this rests on, in order of time.
    decided_time : str or None
        Of the scene that decided; None where nothing has yet.
    successor : str or None
        Id of the finding that replaces it.
    """

    change: Change
    run: ChainRun
    state: State
    reason: Reason
    by: str
    scenes: tuple[str, ...]
    decided_time: str | None = None
    successor: str | None = None


def judge_site(history: History, *, settled: Callable[[str], bool]) -> Iterator[Judged]:
    """State of every finding of a site.

    Parameters
    ----------
    history : History
    settled : callable
        Whether a finding's state is known and cannot have changed: it is passed over.
    """
    with Pixels() as pixels:
        for run in history.runs:
            for change in run.report.changes:
                if not settled(change.id):
                    yield _superseded(history, pixels, run, change) or _judged(history, pixels, run, change)
            yield from _replaced(history, pixels, run, settled)


def _judged(history: History, pixels: Pixels, run: ChainRun, change: Change) -> Judged:
    """By what later dates show."""
    found = [judge(change.score, _looks(history, pixels, run, kind, place)) for kind, place in ends(change)]
    judgement: Judgement = found[0] if len(found) == 1 else both_ends(found[0], found[1])
    by, scenes = judgement.by, [run.before["id"], run.after["id"]]
    decided = by is not None and judgement.reason not in ("unclear", "not_observed")
    return Judged(
        change=change, run=run, state=judgement.state, reason=judgement.reason, by=by.run if by else run.name,
        scenes=tuple([*scenes, by.scene] if by else scenes), decided_time=by.acquired if by and decided else None,
    )  # fmt: skip


def _looks(
    history: History, pixels: Pixels, run: ChainRun, kind: Kind, detection: Detection
) -> Iterator[DatedLook]:
    place = run.outline(detection)
    for later, offset in history.after(run, place):
        found = pixels.look(run, detection, later, offset)
        if found is None:
            continue
        if later.shift is None:
            found = NOT_OBSERVED  # nobody knows where in this image the place is
        follows = later.before_time == run.after_time
        yield DatedLook(
            look=found, acquired=later.after_time, run=later.name, scene=later.after["id"],
            undone=follows and _listed(later, OPPOSITE[kind], translate(place, *offset)) is not None,
        )  # fmt: skip


def _listed(run: ChainRun, kind: Kind, place: BaseGeometry) -> Change | None:
    """The change of a run that says `kind` of a place in its frame."""
    return next(
        (change for said, there, change in run.said if said == kind and same_place(there, place)), None
    )


def _superseded(history: History, pixels: Pixels, run: ChainRun, change: Change) -> Judged | None:
    """Whether comparisons with dates in between have taken over."""
    steps = history.finer(run)
    if not steps:
        return None
    whole = steps[0].before_time == run.before_time
    seen = whole
    for kind, detection in ends(change):
        offset: Offset | None = (0.0, 0.0)
        for step in steps:
            # Without the first step only its georeference says where the place lies in the next one's frame.
            place = translate(run.outline(detection), *(offset or (0.0, 0.0)))
            successor = _listed(step, kind, place)
            if successor is not None:
                return _withdrawn(run, change, "superseded", steps[-1], successor.id)
            seen = seen and offset is not None and _would_list(pixels, step, change.score, place)
            onward = step.onward(place)
            offset = (
                None if onward is None or offset is None else (offset[0] + onward[0], offset[1] + onward[1])
            )
    return _withdrawn(run, change, "no_longer_found", steps[-1]) if seen else None


def _replaced(
    history: History, pixels: Pixels, run: ChainRun, settled: Callable[[str], bool]
) -> Iterator[Judged]:
    """Findings of earlier results of a pair that its present result does not list under the same id."""
    known = {change.id for change in run.report.changes}
    for old in history.replaced.get(run.name, ()):
        for change in old.report.changes:
            if change.id in known:
                continue
            known.add(change.id)
            if settled(change.id):
                continue
            yield _given_up(pixels, run, old, change) or _judged(history, pixels, old, change)


def _given_up(pixels: Pixels, run: ChainRun, old: ChainRun, change: Change) -> Judged | None:
    """Whether the present result of a pair reports a change otherwise, or saw its place and does not list it."""
    for kind, detection in ends(change):
        successor = _listed(run, kind, old.outline(detection))
        if successor is not None:
            return _withdrawn(old, change, "superseded", run, successor.id)
    if all(_would_list(pixels, run, change.score, old.outline(place)) for _, place in ends(change)):
        return _withdrawn(old, change, "no_longer_found", run)
    return None


def _would_list(pixels: Pixels, run: ChainRun, score: float, place: BaseGeometry) -> bool:
    """Whether a run saw a place and lists changes of such a score: its silence then means something."""
    return score >= float(run.report.parameters["min_score"]) and pixels.assessed(run, place) >= MIN_SEEN


def _withdrawn(
    run: ChainRun, change: Change, reason: Reason, by: ChainRun, successor: str | None = None
) -> Judged:
    return Judged(
        change=change, run=run, state="withdrawn", reason=reason, by=by.name,
        scenes=(by.before["id"], by.after["id"]), decided_time=run.after_time, successor=successor,
    )  # fmt: skip
