"""Words of estimation after ICD 203: how likely a thing is, and how much to trust that judgement.

Intelligence Community Directive 203 (2 January 2015), section D.6.e.(2): seven expressions of likelihood with their
ranges; confidence is high, moderate or low, and never stands in one sentence with a likelihood.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Level = Literal["high", "moderate", "low"]

_EXPRESSIONS = (
    (0.05, "There is almost no chance that"),
    (0.20, "It is very unlikely that"),
    (0.45, "It is unlikely that"),
    (0.55, "There is a roughly even chance that"),
    (0.80, "It is likely that"),
    (0.95, "It is very likely that"),
)
_SURE = "It is almost certain that"

LIKELIHOOD_WORDS = (
    "almost no chance", "very unlikely", "unlikely", "roughly even chance", "likely", "very likely", "almost certain",
)  # fmt: skip

LIKELIHOOD_TABLE = (
    ("almost no chance", "1-5 %"), ("very unlikely", "5-20 %"), ("unlikely", "20-45 %"),
    ("roughly even chance", "45-55 %"), ("likely", "55-80 %"), ("very likely", "80-95 %"),
    ("almost certain", "95-99 %"),
)  # fmt: skip

INTERVAL = 0.9


def likelihood(probability: float) -> str:
    """How a sentence about something of this probability begins."""
    return next((words for limit, words in _EXPRESSIONS if probability < limit), _SURE)


@dataclass(frozen=True, kw_only=True)
class Confidence:
    """How much a judgement can be trusted, and why.

    Parameters
    ----------
    level : {"high", "moderate", "low"}
    for_it, against_it : tuple of str
        Reasons, each a clause.
    """

    level: Level
    for_it: tuple[str, ...]
    against_it: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The level; reasons are listed apart."""
        return f"Confidence in this judgement is {self.level}."


def confidence(for_it: Sequence[str], against_it: Sequence[str], *, corroborated: bool) -> Confidence:
    """High only where something beyond the two images agrees and nothing speaks against it; low from three doubts on.

    Parameters
    ----------
    for_it, against_it : sequence of str
    corroborated : bool
        Whether a later date or a reviewer confirms the change.
    """
    doubts = len(against_it)
    level: Level = "moderate"
    if corroborated and not doubts:
        level = "high"
    elif doubts >= (4 if corroborated else 3):
        level = "low"
    return Confidence(level=level, for_it=tuple(for_it), against_it=tuple(against_it))


def number_real(probabilities: Sequence[float]) -> tuple[int, int]:
    """Between which numbers lies how many of several independent events come true, with probability `INTERVAL`.

    The exact distribution of a sum of unequal coin tosses (Poisson binomial), its tails cut evenly.
    """
    distribution = np.ones(1)
    for probability in probabilities:
        distribution = np.convolve(distribution, (1.0 - probability, probability))
    below = np.cumsum(distribution)
    tail = (1.0 - INTERVAL) / 2
    low = int(np.searchsorted(below, tail, side="right"))
    high = int(np.searchsorted(below, 1.0 - tail, side="left"))
    return min(low, len(probabilities)), min(high, len(probabilities))
