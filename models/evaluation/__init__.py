"""Scoring of claimed changes against labelled cases: who matches whom, and the figures that follow.

`case` holds the nouns, `rules` says what counts as the same object, `score` sorts the claims of one case into
hits and false alarms, `tally` adds cases up, `operating` says what a budget of false alarms buys, `reliability`
whether scores are probabilities, `registration` how well images were laid on each other, `detail` collects these for
one class, `summary` makes the document that is printed and saved.
"""

from models.evaluation.case import Box, Case, Claim, Klass, Origin, Truth, claims_of
from models.evaluation.detail import Detail
from models.evaluation.operating import FIXED_BUDGETS_PER_KM2, Budgeted, Curve, by_size, curve, within_budgets
from models.evaluation.registration import Registration, registration_of, residuals_px
from models.evaluation.reliability import (
    ReliabilityBin,
    calibration_error,
    poisson_upper,
    reliability,
    wilson,
)
from models.evaluation.rules import MatchRule, rule_for
from models.evaluation.score import CaseScore, ClaimStatus, JudgedClaim, Match, score_case
from models.evaluation.summary import THRESHOLDS, Summary, summarise
from models.evaluation.tally import RESAMPLINGS, Tally, confidence_interval, detection_at_false_alarms, tally

__all__ = [
    "FIXED_BUDGETS_PER_KM2",
    "RESAMPLINGS",
    "THRESHOLDS",
    "Box",
    "Budgeted",
    "Case",
    "CaseScore",
    "Claim",
    "ClaimStatus",
    "Curve",
    "Detail",
    "JudgedClaim",
    "Klass",
    "Match",
    "MatchRule",
    "Origin",
    "Registration",
    "ReliabilityBin",
    "Summary",
    "Tally",
    "Truth",
    "by_size",
    "calibration_error",
    "claims_of",
    "confidence_interval",
    "curve",
    "detection_at_false_alarms",
    "poisson_upper",
    "registration_of",
    "reliability",
    "residuals_px",
    "rule_for",
    "score_case",
    "summarise",
    "tally",
    "wilson",
    "within_budgets",
]
