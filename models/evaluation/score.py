"""Claims of one case, judged against its labels."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, get_args

from models.evaluation.case import Case, Claim, claims_of
from models.evaluation.registration import Registration
from models.evaluation.rules import MatchRule, rule_for

ClaimStatus = Literal["hit", "fragment", "wrong_kind", "false_alarm", "off_class", "ignored"]
"""What became of a claim.

hit
    Found a labelled change of its kind that no better-scored claim had found.
fragment
    Part of, or a repetition of, something labelled: matches a change already found, or touches a label or a
    don't-care box without matching.
wrong_kind
    Matches labelled changes, but only of the other kind.
false_alarm
    Neither matches nor touches anything labelled. An upper bound: unlabelled things do change.
off_class
    Not the size of the labelled class and not labelled so: says nothing about it.
ignored
    Matches nothing and is centred on ignored ground.
"""


class Match(NamedTuple):
    """The best-scored claim of either kind that matches a truth."""

    score: float
    right_kind: bool


class JudgedClaim(NamedTuple):
    """A claim and what became of it."""

    claim: Claim
    status: ClaimStatus


@dataclass(frozen=True, kw_only=True, eq=False)
class CaseScore:
    """How one case went, at every score threshold at once.

    Parameters
    ----------
    case : Case
    judged : tuple of JudgedClaim
        Best score first.
    hit_scores : tuple of (float or None)
        Per truth: score of the claim of the right kind that found it.
    matches : tuple of (Match or None)
        Per truth: the best-scored claim of any kind that matches it.
    assessed : bool
        False where there is no result, or the pair could not be assessed.
    seconds : float or None
        What the comparison took.
    registration : Registration or None
        What the alignment left against the measured transform, where the document says so.
    """

    case: Case
    judged: tuple[JudgedClaim, ...]
    hit_scores: tuple[float | None, ...]
    matches: tuple[Match | None, ...]
    assessed: bool
    seconds: float | None
    registration: Registration | None = None

    @cached_property
    def scores_by_status(self) -> Mapping[ClaimStatus, tuple[float, ...]]:
        """Scores of the claims of each status, lowest first."""
        by_status: dict[ClaimStatus, list[float]] = {status: [] for status in get_args(ClaimStatus)}
        for claim, status in reversed(self.judged):
            by_status[status].append(claim.score)
        return {status: tuple(scores) for status, scores in by_status.items()}

    def count(self, status: ClaimStatus, threshold: float) -> int:
        """Claims of a status with at least this score."""
        scores = self.scores_by_status[status]
        return len(scores) - bisect_left(scores, threshold)


def score_case(case: Case, document: Mapping[str, Any] | None) -> CaseScore:
    """Judge what was claimed about a case.

    Claims are taken greedily, best score first (ties in the order of the document); each finds at most one truth
    and each truth is found once.

    Parameters
    ----------
    case : Case
    document : mapping or None
        As `sitewatch diff --json` prints; boxes on the *before* grid. None = no result: every truth is missed.

        Its optional "registration" is a `Registration` as a dict.

    Raises
    ------
    ValueError
        When the document's changes cannot be read.
    """
    claims = claims_of(document) if document is not None else ()
    judge = _Judge(case)
    judged = tuple(
        JudgedClaim(claim=claim, status=judge.judge(claim))
        for claim in sorted(claims, key=lambda c: -c.score)
    )
    seconds = document.get("seconds") if document is not None else None
    registration = document.get("registration") if document is not None else None
    return CaseScore(
        case=case,
        judged=judged,
        hit_scores=tuple(judge.hit_scores),
        matches=tuple(judge.matches),
        assessed=document is not None and document.get("status") != "not_assessable",
        seconds=None if seconds is None else float(seconds),
        registration=None if registration is None else Registration.from_dict(registration),
    )


class _Judge:
    """Remembers which truths have been found while claims are taken in order."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.rule: MatchRule = rule_for(case.klass)
        self.hit_scores: list[float | None] = [None] * len(case.truths)
        self.matches: list[Match | None] = [None] * len(case.truths)

    def judge(self, claim: Claim) -> ClaimStatus:
        if not self.case.null and not self.rule.of_class(claim, self.case.gsd_m):
            return "off_class"
        matched = [] if self.case.null else self._matching(claim)
        if matched:
            return self._take(claim, matched)
        if any(box.holds(claim.box.centre) for box in self.case.ignore):
            return "ignored"
        return "fragment" if self._touches(claim) else "false_alarm"

    def _matching(self, claim: Claim) -> list[int]:
        return [
            index
            for index, truth in enumerate(self.case.truths)
            if self.rule.matches(claim.box, truth.box, self.case.gsd_m)
        ]

    def _take(self, claim: Claim, matched: Sequence[int]) -> ClaimStatus:
        truths = self.case.truths
        for index in matched:
            if self.matches[index] is None:
                self.matches[index] = Match(claim.score, claim.kind == truths[index].kind)
        same_kind = [index for index in matched if truths[index].kind == claim.kind]
        free = [index for index in same_kind if self.hit_scores[index] is None]
        if not free:
            return "fragment" if same_kind else "wrong_kind"

        def closeness(index: int) -> tuple[float, float]:
            box = truths[index].box
            return claim.box.iou(box), -claim.box.centre_offset_px(box)

        self.hit_scores[max(free, key=closeness)] = claim.score
        return "hit"

    def _touches(self, claim: Claim) -> bool:
        if self.case.null or not self.rule.may_touch(claim, self.case.gsd_m):
            return False
        labels = [*(truth.box for truth in self.case.truths), *self.case.dont_care]
        return any(claim.box.overlap_px(box) > 0 for box in labels)
