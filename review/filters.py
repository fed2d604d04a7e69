"""The queue's filters in an address, and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import Query, Request

from catalog.queue import QueueFilters, What
from catalog.queue_filters import Order
from review.errors import BadQuestion

Show = Literal["waiting", "mine", "all"]

LISTS = {
    "site": "sites", "zone": "zones", "run": "runs", "kind": "kinds", "label": "labels", "verdict": "verdicts",
    "reason": "reasons", "state": "states",
}  # fmt: skip
"""Name in an address to the field of `QueueFilters`."""

NONE = "-"
"""Stands in an address for "none": an empty value there means that nothing was chosen."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What somebody chose to see of the queue.

    Parameters
    ----------
    what : {"change", "blank", "unseen"}
    show : {"waiting", "mine", "all"}
        What waits for this reviewer; what they have answered; everything.
    order : {"worth", "surest"}
    settle : bool
        Only what reviewers disagree about.
    values : mapping of str to str
        The other filters as they stand in the address, without empty ones.
    """

    what: What = "change"
    show: Show = "waiting"
    order: Order = "worth"
    settle: bool = False
    values: Mapping[str, str] = field(default_factory=dict)

    def without_filters(self) -> "Chosen":
        """The same part of the queue, all of it."""
        return replace(self, values={})

    def filters(self, reviewer: str) -> QueueFilters:
        """For the queue.

        Raises
        ------
        BadQuestion
            A score is no number.
        """
        chosen: dict[str, Any] = {
            LISTS[name]: ("" if value == NONE else value,)
            for name, value in self.values.items()
            if name in LISTS
        }
        for name in ("min_score", "max_score"):
            if name in self.values:
                chosen[name] = _number(name, self.values[name])
        for name in ("since", "until"):
            if name in self.values:
                chosen[name] = self.values[name]
        if self.settle:
            chosen["needs"] = ("settle",)
        elif self.show == "waiting" and self.what != "unseen":
            chosen |= {"needs": ("first", "second"), "unanswered_by": reviewer}
        elif self.show == "mine":
            chosen["answered_by"] = reviewer
        return QueueFilters(what=self.what, order=self.order, **chosen)

    def query(self, **changed: str | None) -> str:
        """The address again, with something changed; None takes it out."""
        own = {"what": self.what, "show": self.show, "order": self.order} | (
            {"needs": "settle"} if self.settle else {}
        )
        usual = {"what": "change", "show": "waiting", "order": "worth"}
        given = {**own, **self.values, **changed}
        return urlencode({k: v for k, v in given.items() if v not in (None, "") and usual.get(k) != v})


def chosen(
    request: Request,
    what: Annotated[What, Query()] = "change",
    show: Annotated[Show, Query()] = "waiting",
    order: Annotated[Order, Query()] = "worth",
    needs: Annotated[Literal["settle"] | None, Query()] = None,
) -> Chosen:
    """What was chosen, from the address."""
    names = {*LISTS, "min_score", "max_score", "since", "until"}
    given = {name: value for name, value in request.query_params.items() if name in names and value}
    too_long = next((name for name, value in given.items() if len(value) > 200), None)
    if too_long is not None:
        raise BadQuestion(f"{too_long} is longer than anything that could be meant")
    return Chosen(what=what, show=show, order=order, settle=needs == "settle", values=given)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadQuestion(f"{name} must be a number, got {text!r:.40}") from None
