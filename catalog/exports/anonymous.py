"""Reviewers by number in place of their names."""

from collections.abc import Mapping
from dataclasses import replace

from catalog.exports.people import Review
from catalog.exports.reviews import JournalReviews

SAID = "Reviewers are numbered, not named."


def numbered(reviews: JournalReviews) -> JournalReviews:
    """The same with ``reviewer 1``, ``reviewer 2`` ... in place of names, in the order in which they first
    answered anything about the run: later answers change no number.

    Only names: what somebody wrote in a note stays as it is.
    """
    number = {name: f"reviewer {place}" for place, name in enumerate(reviews.people, 1)}
    return replace(
        reviews, reviews={subject: _unnamed(review, number) for subject, review in reviews.reviews.items()},
        missed=tuple(replace(missed, review=_unnamed(missed.review, number)) for missed in reviews.missed),
    )  # fmt: skip


def _unnamed(review: Review, number: Mapping[str, str]) -> Review:
    return replace(
        review, verdicts=tuple(replace(one, reviewer=number[one.reviewer]) for one in review.verdicts),
        remarks=tuple(replace(one, reviewer=number[one.reviewer]) for one in review.remarks),
    )  # fmt: skip
