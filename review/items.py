"""One item of the queue as the compare page shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog.errors import BadReview
from catalog.journal import in_force
from catalog.queue import QueueEntry
from catalog.review import ReviewStore
from catalog.review_acts import is_tile, tile_of, tile_subject
from catalog.review_outline import on_grid
from catalog.standings import ReviewState
from catalog.suppression import source_of
from models.change import Change
from review import documents
from review.admission import Visitor
from review.errors import NotFound
from review.runs import OpenRun, RunShelf
from review.views import called, render, words

Ring = list[list[float]]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Why what is looked at is suppressed.

    Parameters
    ----------
    who, at, reason, until : str
        Of the rejection, or of the word that suppresses the place.
    explicit : bool
        Whether it is such a word, not a rejection.
    """

    who: str
    at: str
    reason: str
    until: str
    explicit: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Item:
    """A change or a tile that somebody looks at.

    Parameters
    ----------
    subject : str
    run : OpenRun
    tile : mapping
        Its row of the ledger.
    entry : QueueEntry or None
        None for a tile that is not in the queue.
    state : ReviewState
        As this viewer may see it.
    change : Change or None
        None for a tile, and for a change that a person added.
    viewer : str
    decides : bool
        Whether their answers are taken.
    relabelled_by : str or None
        Who gave the label in force, where a person did and the viewer may know it.
    mark : Mark or None
        What suppresses it, where something does.
    """

    subject: str
    run: OpenRun
    tile: Mapping[str, Any]
    entry: QueueEntry | None
    state: ReviewState
    change: Change | None
    viewer: str
    decides: bool
    relabelled_by: str | None
    mark: Mark | None

    @property
    def is_tile(self) -> bool:
        """Whether it is a tile, not a change."""
        return is_tile(self.subject)

    @property
    def decidable(self) -> bool:
        """Whether a verdict means something: not on a tile that could not be seen or has changes of its own."""
        return not self.is_tile or self.tile["outcome"] == "unchanged"

    @property
    def blind(self) -> bool:
        """Whether what others said is kept from this viewer until they have answered."""
        mine = self.viewer in {answer.reviewer for answer in self.state.answers}
        return self.state.second in ("needed", "waiting") and not mine

    @property
    def kind(self) -> str:
        """What kind of change, or ``tile``."""
        return _kind_and_label(self.run, self.state)[0]

    @property
    def label(self) -> str:
        """The last label that was given, else the run's."""
        return _kind_and_label(self.run, self.state)[1]

    @property
    def title(self) -> str:
        """A few words for the top of the page."""
        if self.is_tile:
            found = self.tile["outcome"]
            return f"Tile {self.tile['tile']}, {'nothing found' if found == 'unchanged' else words(found)}"
        return called(self.label, self.kind)

    @property
    def drawn(self) -> Ring | None:
        """The outline that a person drew last, in pixels; None where nobody did."""
        return _drawn(self.run, self.state)

    @property
    def ring(self) -> Ring | None:
        """The outline in force, in pixels."""
        if self.drawn is not None:
            return self.drawn
        return None if self.change is None else [[c, r] for c, r in self.change.place.outline_px]

    @property
    def focus(self) -> list[float]:
        """The part of the grid to open with."""
        if self.change is not None:
            return documents.focus(self.run, self.change)
        if self.drawn is not None:
            return documents.surroundings(self.run, _around(self.drawn))
        return [float(edge) for edge in self.tile["bbox_px"]]

    @property
    def tile_box(self) -> list[float]:
        """The part of the grid that shows its tile, and all of a change that reaches beyond it."""
        tile, focus = self.tile["bbox_px"], self.focus
        return [
            min(tile[0], focus[0]),
            min(tile[1], focus[1]),
            max(tile[2], focus[2]),
            max(tile[3], focus[3]),
        ]

    @property
    def place(self) -> dict[str, Any] | None:
        """Which change suppresses what comes up again at this place, until when and why; `until` is None where nothing
        does. None where nothing can be said of it.
        """
        entry = self.entry
        if entry is None or entry.what != "change" or entry.lon is None or self.blind:
            return None
        if self.mark is not None:
            return {
                "subject": entry.suppressed_by,
                "until": entry.suppressed_until,
                "reason": self.mark.reason,
            }
        reason, until = source_of(self.state, {"after_time": entry.after_time}) or (self.state.reason, None)
        return {"subject": self.subject, "until": until, "reason": reason}

    @property
    def found_shares(self) -> Mapping[str, Any] | None:
        """Share of this tile on which an object of each size would have been found; None where that is not known."""
        entry = self.run.stored.report.detectability or {}
        shares: Mapping[str, Any] | None = (
            entry.get("tiles", {}).get(self.tile["tile"], {}).get("found_share")
        )
        return shares

    @property
    def given(self) -> str:
        """Who answered what, in one line, as far as the viewer may know."""
        said = [
            _said(answer.reviewer, answer.verdict, answer.reason, self.viewer)
            for answer in self.state.answers
        ]
        if self.blind:
            return "Blind second review: what others said is shown after your answer"
        if self.state.second == "disputed":
            said.append("disputed")
        if self.relabelled_by is not None:
            who = "you" if self.relabelled_by == self.viewer else self.relabelled_by
            said.append(f"relabelled by {who}" if said else f"Relabelled by {who}, no verdict yet")
        return "; ".join(said) or (
            "Not answered yet" if self.decidable else "Nothing can be said of this tile"
        )

    def as_dict(self) -> dict[str, Any]:
        """What the compare page needs."""
        return {
            "subject": self.subject, "is_tile": self.is_tile, "decidable": self.decidable, "blind": self.blind,
            "run": self.run.key, "version": self.run.version, "change": None if self.is_tile else self.subject,
            "tile": self.tile["tile"], "tile_box": self.tile_box, "focus": self.focus, "ring": self.ring,
            "kind": self.kind, "label": self.label, "title": self.title, "given": self.given,
            "extra": _outline(self.run, self.state), "place": self.place, "found_shares": self.found_shares,
            "facts_html": render("_facts.html", {"item": self, "report": self.run.stored.report}),
        }  # fmt: skip


def find_item(store: ReviewStore, shelf: RunShelf, subject: str, who: Visitor) -> Item:
    """The item of a subject, as somebody may see it.

    Raises
    ------
    NotFound
        There is no such change or tile, or its run cannot be read.
    """
    viewer = who.reviewer.name
    entry, state = store.seen(subject, viewer=viewer)
    if is_tile(subject):
        try:
            run_name, tile = tile_of(subject)
        except BadReview as problem:
            raise NotFound(str(problem)) from problem
    elif entry is None:
        raise NotFound(f"there is no change {subject!r}")
    else:
        run_name, tile = entry.run, entry.tile
    run = shelf.open(shelf.key_of(run_name))
    return Item(
        subject=subject, run=run, tile=run.tile(tile), entry=entry, state=state,
        change=run.changes.get(subject), viewer=viewer, decides=who.reviewer.decides,
        relabelled_by=_relabelled_by(store, subject) if state.label is not None else None,
        mark=None if entry is None else _mark(store, entry),
    )  # fmt: skip


def drawn_outlines(store: ReviewStore, run: OpenRun, who: Visitor) -> list[dict[str, Any]]:
    """Outlines that people drew in a run, of changes that it lists and of those that were added."""
    states = store.drawn_in(run.stored.report.name, viewer=who.reviewer.name)
    return [outline for state in states if (outline := _outline(run, state)) is not None]


def subject_of_tile(run: OpenRun, tile: str) -> str:
    """What answers about a tile name."""
    return tile_subject(run.stored.report.name, tile)


def _mark(store: ReviewStore, entry: QueueEntry) -> Mark | None:
    """Who suppressed what is looked at: the last word about the place, else the last rejection there."""
    if not entry.suppressed or entry.suppressed_by is None:
        return None
    said = in_force(store.events(subject=entry.suppressed_by))
    words_ = [event for event in said if event.act == "suppress"]
    found = words_ or [event for event in said if event.body.get("verdict") == "rejected"]
    if not found:
        return None
    last = found[-1]
    return Mark(
        who=last.reviewer, at=last.at, reason=str(last.body["reason"]), until=str(entry.suppressed_until),
        explicit=last.act == "suppress",
    )  # fmt: skip


def _relabelled_by(store: ReviewStore, subject: str) -> str | None:
    given = [event for event in in_force(store.events(subject=subject)) if event.act == "relabel"]
    return given[-1].reviewer if given else None


def _kind_and_label(run: OpenRun, state: ReviewState) -> tuple[str, str]:
    """Kind of a change and the last label that was given; ``tile`` where it is none."""
    change, added = run.changes.get(state.subject), state.added or {}
    given = state.label or added.get("label") or (change.label if change else "")
    return (change.kind if change else str(added.get("kind", "tile"))), str(given)


def _drawn(run: OpenRun, state: ReviewState) -> Ring | None:
    """The outline that a person drew last, in pixels."""
    body = state.outline or state.added
    if body is None:
        return None
    try:
        return [[round(c, 2), round(r, 2)] for c, r in on_grid(body, run.stored.report.grid)]
    except BadReview:
        return None  # the run was written anew on another grid


def _outline(run: OpenRun, state: ReviewState) -> dict[str, Any] | None:
    """An outline that a person drew, as the map shows it; None where there is none, or its change is not there."""
    ring, (kind, label) = _drawn(run, state), _kind_and_label(run, state)
    if ring is None or kind == "tile":
        return None
    date = "before" if kind == "vanished" else "after"
    return {"change": state.subject, "kind": kind, "date": date, "ring": ring, "label": label}


def _said(reviewer: str, verdict: str, reason: str | None, viewer: str) -> str:
    name = "You" if reviewer == viewer else reviewer
    return f"{name}: {words(verdict)}" + (f", {words(reason)}" if reason else "")


def _around(ring: Ring) -> list[float]:
    cols, rows = [p[0] for p in ring], [p[1] for p in ring]
    side = 3 * max(max(cols) - min(cols), max(rows) - min(rows))
    col, row = (min(cols) + max(cols)) / 2, (min(rows) + max(rows)) / 2
    return [col - side / 2, row - side / 2, col + side / 2, row + side / 2]
