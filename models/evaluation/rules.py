"""What counts as the same object: one rule per class of labelled object."""

from dataclasses import dataclass
from types import MappingProxyType

from models.evaluation.case import Box, Claim, Klass


@dataclass(frozen=True, kw_only=True)
class MatchRule:
    """When a claim is of a class, and when it is the labelled object.

    A claim is *of the class* when its longest side has the right length or it is labelled so; only those can
    match and only those are false alarms. It *matches* a truth box when they overlap enough, or when its centre
    lies in the (grown) truth box and its area is comparable.

    Parameters
    ----------
    klass : Klass
    min_length_m, max_length_m : float
        Longest sides that belong to the class, both included. A longer claim never merely *touches* a label.
    min_iou : float
        Overlap (intersection over union) that is enough.
    margin_m : float
        How far outside the truth box the claim's centre may lie.
    min_area_ratio, max_area_ratio : float
        Claim area over truth area, both included, where the centre decides.
    """

    klass: Klass
    min_length_m: float
    max_length_m: float
    min_iou: float = 0.2
    margin_m: float = 0.0
    min_area_ratio: float = 0.2
    max_area_ratio: float = 3.0

    def of_class(self, claim: Claim, gsd_m: float) -> bool:
        """Whether a claim can match at all, and counts as a false alarm when it does not."""
        length_m = claim.box.longest_px * gsd_m
        return self.min_length_m <= length_m <= self.max_length_m or claim.label == self.klass

    def may_touch(self, claim: Claim, gsd_m: float) -> bool:
        """Whether overlap with a label excuses a claim: not if it is larger than any such object."""
        return claim.box.longest_px * gsd_m <= self.max_length_m

    def matches(self, claim: Box, truth: Box, gsd_m: float) -> bool:
        """Whether both boxes are the same object."""
        if claim.iou(truth) >= self.min_iou:
            return True
        comparable = (
            self.min_area_ratio * truth.area_px <= claim.area_px <= self.max_area_ratio * truth.area_px
        )
        return comparable and truth.holds(claim.centre, self.margin_m / gsd_m)


_RULES = MappingProxyType(
    {
        "aircraft": MatchRule(klass="aircraft", min_length_m=12, max_length_m=80),
        "ship": MatchRule(klass="ship", min_length_m=20, max_length_m=400),
        # Vehicles are a few pixels long: labels and claims are both a pixel or two off.
        "vehicle": MatchRule(
            klass="vehicle",
            min_length_m=3,
            max_length_m=25,
            min_iou=0.1,
            margin_m=2.5,
            max_area_ratio=5.0,
        ),
        "none": MatchRule(klass="none", min_length_m=0, max_length_m=1e9),
    }
)


def rule_for(klass: Klass) -> MatchRule:
    """The rule of a class."""
    return _RULES[klass]
