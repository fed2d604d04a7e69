"""States of a finding and the coded reasons for them."""

from typing import Literal

State = Literal["provisional", "confirmed", "withdrawn"]
STATES: tuple[State, ...] = ("provisional", "confirmed", "withdrawn")

Reason = Literal[
    "no_later_date", "not_observed", "unclear", "seen_once",
    "lasts",
    "not_repeated", "superseded", "no_longer_found",
]  # fmt: skip
"""In the order of the states they belong to: four of *provisional*, one of *confirmed*, three of *withdrawn*."""

DECISIVE: frozenset[Reason] = frozenset(
    ("seen_once", "lasts", "not_repeated", "superseded", "no_longer_found")
)
"""Reasons that a further date does not change."""

NOTES: dict[Reason, str] = {
    "no_later_date": "no later date has been compared yet",
    "not_observed": "later dates did not show the place",
    "unclear": "the later date looks like neither date of the pair",
    "seen_once": "the place looks as before again: it was there on one date only, or a false alarm",
    "lasts": "a later date shows the same",
    "not_repeated": "a later date shows the place as before, and the score was low",
    "superseded": "a newer comparison reports it instead",
    "no_longer_found": "a newer comparison saw the place and does not list it",
}
"""What a person is told."""
