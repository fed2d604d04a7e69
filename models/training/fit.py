"""A scorer from samples, the figures of scorers that have not seen a place, and the text of a scorer file."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation import CaseScore, score_case
from models.features import NAMES
from models.score import ModelError
from models.scorers import (
    ALL_NAMES,
    Logistic,
    SecondLook,
    SizedScorer,
    TreeScorer,
    expand,
    large_share,
    promising,
)
from models.training.boost import Growth, grow
from models.training.lines import calibration, fit_line
from models.training.samples import RESCALED, Sample, suppressed
from models.trees import Forest

Values = NDArray[np.float64]

SPLIT_M, BLEND = 12.0, 1.25
SECOND_LOOK_BELOW_M = 1.5
FRAGMENT = 0.25
"""Weight of fragments among the wrong claims that calibration sees: most lie where real change is not labelled.

On drawn cases they count nothing: all that is drawn is known, and they lie on what did change.
"""

SCORES = np.round(np.arange(0.95, 0.04, -0.05), 2)
LOWEST = float(SCORES[-1])
_EACH_SIZE = ("small", "large")
_MIN_POSITIVE = 5


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What is fitted.

    Parameters
    ----------
    second_look : bool
        Trees over both looks, besides the logistic regressions of the first.
    growth : Growth
    """

    second_look: bool
    growth: Growth = field(default_factory=Growth)


def fit_first(samples: Sequence[Sample]) -> SizedScorer:
    """The regressions of the first look, from all usable candidates."""
    lines = {}
    for size in _EACH_SIZE:
        x, y, weight = _rows(_teaching(samples, size), size, _usable)
        lines[size] = fit_line(expand(x[:, : len(NAMES)]), y, weight)
    return SizedScorer(
        name="fit", small=lines["small"], large=lines["large"], split_m=SPLIT_M, blend=BLEND, budget={},
        budget_gsd_m=(0.0, 0.0),
    )  # fmt: skip


def fit_again(samples: Sequence[Sample], first: SizedScorer, growth: Growth) -> TreeScorer:
    """Trees on what the first look did not rule out, not yet calibrated."""
    looks = {}
    for size in _EACH_SIZE:
        teaching = _teaching(samples, size)
        chooser = first if len(teaching) == len(samples) else fit_first(teaching)
        x, y, weight = _rows(teaching, size, partial(_chosen, chooser))
        if y.all():  # the first look ruled out everything wrong: then trees learn from all of it
            x, y, weight = _rows(teaching, size, _usable)
        if y.all():
            raise ModelError("nothing to learn from: every candidate of these cases shows a labelled change")
        looks[size] = SecondLook(
            forest=grow(x, y, weight, growth), line=fit_line(expand(x), y, weight), slope=1.0, offset=0.0
        )
    return TreeScorer(
        first=first, small=looks["small"], large=looks["large"], second_look_below_m=SECOND_LOOK_BELOW_M
    )


def _usable(sample: Sample) -> NDArray[np.bool_]:
    return sample.target >= 0


def _chosen(first: SizedScorer, sample: Sample) -> NDArray[np.bool_]:
    return _usable(sample) & promising(first.score(sample.features[:, : len(NAMES)]))


def _stacked(
    samples: Sequence[Sample], use: Callable[[Sample], NDArray[np.bool_]]
) -> tuple[Values, Values, Values]:
    used = [use(sample) for sample in samples]
    if not used or not any((s.target[u] == 1).any() for s, u in zip(samples, used, strict=True)):
        raise ModelError("nothing to learn from: no candidate shows a labelled change in these cases")
    pairs = list(zip(samples, used, strict=True))
    x = np.vstack([np.nan_to_num(s.features[u].astype(np.float64)) for s, u in pairs])
    y = np.concatenate([s.target[u] for s, u in pairs]).astype(np.float64)
    return x, y, np.concatenate([s.weight[u] for s, u in pairs])


def _teaching(samples: Sequence[Sample], size: str) -> Sequence[Sample]:
    """Samples that objects of one size are learnt from.

    Implants teach small objects only, where there is anything else: with them among what large objects are learnt
    from, fewer aircraft were found.
    """
    real = [sample for sample in samples if sample.case.origin != "implant"]
    enough = any((sample.target == 1).any() for sample in real)
    return real if size == "large" and enough else samples


def _rows(
    samples: Sequence[Sample], size: str, use: Callable[[Sample], NDArray[np.bool_]]
) -> tuple[Values, Values, Values]:
    """Measures, targets and weights of candidates of one size; of all where nothing of it is labelled."""
    x, y, weight = _stacked(samples, use)
    share = large_share(x, SPLIT_M, BLEND)
    part = share < 1 if size == "small" else share > 0
    if y[part].sum() < _MIN_POSITIVE or (weight[part] * (1 - y[part])).sum() == 0:
        return x, y, weight
    return x[part], y[part], weight[part]


def scores_of(scorer: SizedScorer | TreeScorer, sample: Sample) -> Values:
    """What the comparison would give every candidate of a case."""
    fit = scorer.at(sample.case.gsd_m)
    first = fit.score(sample.features[:, : len(NAMES)])
    if not isinstance(fit, TreeScorer):
        return first
    chosen = np.flatnonzero(promising(first))
    out = np.zeros(len(first))
    out[chosen] = fit.score_again(sample.features[chosen].astype(np.float64))
    return out


@dataclass(frozen=True, kw_only=True, eq=False)
class LeftOut:
    """A sample and the scorer that has not seen its place."""

    sample: Sample
    scorer: SizedScorer | TreeScorer


def with_coarse(scorer: TreeScorer, coarse: Sequence[Sample]) -> TreeScorer:
    """The scorer with regressions for coarse pixels, where there is something to fit them to."""
    usable = [sample for sample in coarse if (sample.target >= 0).any()]
    if not any((sample.target == 1).any() for sample in usable):
        return scorer
    return replace(scorer, coarse=fit_first(usable))


def fit_without(samples: Sequence[Sample], place: str, recipe: Recipe) -> list[LeftOut]:
    """A scorer from all other places, beside each sample of this one."""
    rest = [sample for sample in samples if sample.place != place]
    first = fit_first(rest)
    scorer = fit_again(rest, first, recipe.growth) if recipe.second_look else first
    return [LeftOut(sample=sample, scorer=scorer) for sample in samples if sample.place == place]


def calibrated(scorer: TreeScorer, left_out: Sequence[LeftOut]) -> TreeScorer:
    """The scorer, its probabilities set by how often claims on places left out were right."""
    looks = {}
    for size in _EACH_SIZE:
        found = [_claims(entry, size) for entry in left_out]
        raw, right, weight = (np.concatenate(columns) for columns in zip(*found, strict=True))
        slope, offset = calibration(raw, right, weight)
        looks[size] = replace(getattr(scorer, size), slope=slope, offset=offset)
    return replace(scorer, **looks)


def calibrated_like(scorer: TreeScorer, other: TreeScorer) -> TreeScorer:
    """`scorer` with the calibration of another."""
    looks = {
        size: replace(
            getattr(scorer, size), slope=getattr(other, size).slope, offset=getattr(other, size).offset
        )
        for size in _EACH_SIZE
    }
    return replace(scorer, **looks)


def _claims(entry: LeftOut, size: str) -> tuple[Values, Values, Values]:
    """Log odds, truth and weight of the claims of one size that would be made on a case."""
    sample, scorer = entry.sample, entry.scorer
    if not isinstance(scorer, TreeScorer):
        raise ModelError("only scores of the second look are calibrated")
    scores = scores_of(scorer, sample)
    judged, kept = judge(sample, scores)
    share = large_share(sample.features[kept], SPLIT_M, BLEND)
    of_size = (share < 0.5) if size == "small" else (share >= 0.5)
    status = np.array([entry.status for entry in judged.judged])
    counts = of_size & np.isin(status, ["hit", "wrong_kind", "false_alarm", "fragment"])
    chosen = kept[counts]
    raw = (
        getattr(scorer, size).raw(sample.features[chosen].astype(np.float64)) if len(chosen) else np.zeros(0)
    )
    fragment = 0.0 if sample.case.origin == "simulated" else FRAGMENT
    weight = np.where(status[counts] == "fragment", fragment, 1.0)
    return raw, (status[counts] == "hit").astype(np.float64), weight


def judge(sample: Sample, scores: Values) -> tuple[CaseScore, NDArray[np.int64]]:
    """Claims left after suppression, judged by the rules of ``sitewatch evaluate``, and their positions, best first."""
    lengths_m = np.exp(sample.features[:, NAMES.index("log_length_m")])
    kept = suppressed(sample.boxes, scores, lengths_m, lowest=LOWEST)
    changes = []
    for i in kept:
        late = sample.kind[i] > 0
        place = {"after" if late else "before": {"bbox_px": sample.boxes[i].tolist()}}
        changes.append({"kind": "appeared" if late else "vanished", "score": float(scores[i]), **place})
    return score_case(sample.case, {"status": "changed", "changes": changes}), kept


def budget(judged: Sequence[CaseScore], klass: str) -> list[list[float]]:
    """False alarms per km2 of one class at falling scores."""
    chosen = [score for score in judged if score.case.klass == klass and not score.case.null]
    km2 = sum(score.case.examined_km2 for score in chosen)
    if not km2:
        return []
    return [
        [float(t), round(sum(score.count("false_alarm", float(t)) for score in chosen) / km2, 3)]
        for t in SCORES
    ]


def document(
    name: str, scorer: SizedScorer | TreeScorer, samples: Sequence[Sample], *, budgets: dict[str, list[list[float]]],
    licence: str, also: str | None = None,
) -> str:  # fmt: skip
    """The text of a scorer file; `also` names a scorer that counts beside it where pixels are coarse.

    What has no second look is for radar: nothing else is fitted without one.
    """
    first = scorer.first if isinstance(scorer, TreeScorer) else scorer
    gsds = [sample.case.gsd_m for sample in samples if sample.pixels == "usual"] or [0.0]
    content: dict[str, Any] = {
        "name": name, "sensor": "optical" if isinstance(scorer, TreeScorer) else "sar", "licence": licence,
        "features": NAMES, "split_m": SPLIT_M, "blend": BLEND,
        "small": _line(first.small), "large": _line(first.large), "budget": budgets,
        "budget_gsd_m": [round(0.6 * min(gsds), 4), round(1.6 * max(gsds), 4)],
        "fitted_on": {"cases": sorted({sample.case.name.partition(RESCALED)[0] for sample in samples})},
    }  # fmt: skip
    if isinstance(scorer, TreeScorer):
        content["second_look"] = {
            "features": ALL_NAMES, "below_m": scorer.second_look_below_m,
            **{size: _look(getattr(scorer, size)) for size in _EACH_SIZE},
        }  # fmt: skip
        if scorer.coarse is not None:
            content["coarse"] = {size: _line(getattr(scorer.coarse, size)) for size in _EACH_SIZE}
            if also is not None:
                content["coarse"]["also"] = also
        if scorer.fine is not None:
            content["fine"] = {
                "below_m": scorer.fine_below_m, "first": _line(scorer.fine.first.small),
                "small": _look(scorer.fine.small),
            }  # fmt: skip
        if scorer.ships is not None:
            content["ships"] = {
                "from_m": scorer.ships_from_m, **{size: _line(getattr(scorer.ships, size)) for size in _EACH_SIZE}
            }  # fmt: skip
    return json.dumps(content, separators=(",", ":")).replace("],[[", "],\n[[").replace(',"', ',\n"') + "\n"


def _line(line: Logistic) -> dict[str, Any]:
    lists = {key: getattr(line, key).tolist() for key in ("mean", "scale", "weight")}
    return {**lists, "intercept": line.intercept}


def _look(look: SecondLook) -> dict[str, Any]:
    forest: Forest = look.forest
    return {
        "slope": look.slope, "offset": look.offset, "line": _line(look.line), "forest": forest.as_dict()
    }  # fmt: skip


def places_of(samples: Sequence[Sample]) -> Collection[str]:
    """Places in order of name."""
    return sorted({sample.place for sample in samples})
