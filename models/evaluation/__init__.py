"""Scoring of claimed changes against labelled cases: who matches whom, and the figures that follow.

`case` holds the nouns, `rules` says what counts as the same object, `score` sorts the claims of one case into
hits and false alarms, `tally` adds cases up, `summary` makes the document that is printed and saved.
"""

from models.evaluation.case import Box, Case, Claim, Klass, Origin, Truth, claims_of
from models.evaluation.rules import MatchRule, rule_for
from models.evaluation.score import CaseScore, ClaimStatus, JudgedClaim, Match, score_case
from models.evaluation.summary import THRESHOLDS, Summary, summarise
from models.evaluation.tally import RESAMPLINGS, Tally, confidence_interval, detection_at_false_alarms, tally

__all__ = [
    "RESAMPLINGS",
    "THRESHOLDS",
    "Box",
    "Case",
    "CaseScore",
    "Claim",
    "ClaimStatus",
    "JudgedClaim",
    "Klass",
    "Match",
    "MatchRule",
    "Origin",
    "Summary",
    "Tally",
    "Truth",
    "claims_of",
    "confidence_interval",
    "detection_at_false_alarms",
    "rule_for",
    "score_case",
    "summarise",
    "tally",
]
