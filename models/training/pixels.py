"""Parts of a scorer for pixel sizes at which the measures of the usual one mean something else.

Below `FINE_BELOW_M` small objects get looks of their own: edges, texture and rings are measured per pixel. From
`SHIPS_FROM_M` on what can be told apart are ships, which regressions on ships score. No labelled pairs were taken at
either size: the first are fitted to labelled pairs that are enlarged and to implants, the second to implants alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from models.scorers import SizedScorer, TreeScorer
from models.training.boost import Growth
from models.training.fit import LeftOut, calibrated, calibrated_like, fit_again, fit_first, places_of
from models.training.samples import FINE_BELOW_M, SHIPS_FROM_M, Sample

GROWTH = Growth(trees=60)
"""Fewer trees: there is less to learn from."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """What was fitted for other pixel sizes, on everything or without one place.

    Parameters
    ----------
    fine : TreeScorer or None
    ships : SizedScorer or None
    """

    fine: TreeScorer | None = None
    ships: SizedScorer | None = None

    def put_into(self, scorer: TreeScorer) -> TreeScorer:
        """The scorer with these parts."""
        if self.fine is not None:
            scorer = scorer.with_fine(self.fine.first.small, self.fine.small, FINE_BELOW_M)
        if self.ships is not None:
            scorer = scorer.with_ships(self.ships.small, self.ships.large, SHIPS_FROM_M)
        return scorer


def fit_parts(samples: Sequence[Sample]) -> Callable[[str | None], Parts]:
    """Parts from all samples of their pixel sizes; what comes back gives them without a place, or with all for None."""
    fine, ships = ([s for s in samples if s.pixels == size] for size in ("fine", "ships"))
    whole = _fine_of(fine)
    without: dict[str | None, TreeScorer | None] = {
        place: _fine_of([s for s in fine if s.place != place]) for place in places_of(fine)
    }
    if whole is not None and all(without.values()):
        left_out = [LeftOut(sample=s, scorer=scorer) for s in fine if (scorer := without[s.place])]
        whole = calibrated(whole, left_out)
        without = {place: calibrated_like(scorer, whole) for place, scorer in without.items() if scorer}

    def parts(place: str | None) -> Parts:
        rest = [s for s in ships if s.place != place]
        return Parts(
            fine=without.get(place, whole),
            ships=fit_first(rest) if _labelled(rest) else None,
        )

    return parts


def _labelled(samples: Sequence[Sample]) -> bool:
    return any((sample.target == 1).any() for sample in samples)


def _fine_of(samples: Sequence[Sample]) -> TreeScorer | None:
    if not _labelled(samples):
        return None
    # Looked at alone: the part for these pixels is the scorer itself.
    return replace(fit_again(samples, fit_first(samples), GROWTH), second_look_below_m=FINE_BELOW_M)
