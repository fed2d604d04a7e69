"""The records of the review desk: one door to the journal, the queue and the figures."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from catalog import journal, journal_copy, queue, review_index, suppression
from catalog.database import Database, database_of
from catalog.errors import BadReview, BrokenJournal
from catalog.journal import Head, ReviewDraft, ReviewEvent
from catalog.labelled import LabelledCases, export_labelled
from catalog.queue import Counts, QueueEntry, QueueFilters, QueuePage
from catalog.queue_mirror import QueueMirror
from catalog.reader import StoredRun, load_run
from catalog.review_acts import tile_subject
from catalog.review_agreement import FirstVerdicts
from catalog.review_figures import BUDGETS_PER_KM2, Figures, figures
from catalog.review_intake import Intake
from catalog.review_lookup import drawn_in, kept_from, last_of
from catalog.review_standing import mark_lately, next_change, state_of
from catalog.review_tables import review_items, review_outlines, review_runs
from catalog.review_views import ChangeView, TileView, seen_by
from catalog.second_review import RULE_REVIEWER, RuleInForce, SecondRule, give_rule, rule_in_force
from catalog.standings import ReviewState

_FIGURES_KEPT = 32


class ReviewStore:
    """Reviews of an outputs folder. May be used from many threads at once.

    Parameters
    ----------
    root : Path
        The outputs folder. Records are in its ``sitewatch.db``, or in the PostgreSQL database that
        ``SITEWATCH_DATABASE`` names.
    second : SecondRule, optional
        Which changes want a second reviewer from now on; as it was otherwise.

    Raises
    ------
    CatalogError
        The database cannot be used.
    """

    def __init__(self, root: Path, *, second: SecondRule | None = None) -> None:
        self.root = root
        self._database: Database = database_of(root, kept=True)
        self._mirror = QueueMirror()
        self._firsts = FirstVerdicts()
        self._figured: tuple[Any, dict[Any, Figures]] = (None, {})
        with self._database.writing() as connection:  # makes the tables, or brings them up to date
            mark_lately(connection)
        self.sync()
        journal_copy.add_missing(root, self._database)
        self._desk = Intake(root, self._database)
        if second is not None:
            self.give_rule(second, given_by=RULE_REVIEWER)

    def sync(self) -> int:
        """Take up runs on disk that are new or were written anew; how many."""
        return review_index.sync(self.root, self._database)

    def append(self, draft: ReviewDraft) -> ReviewEvent:
        """Take an answer in for good, or find it where it was sent before.

        Raises
        ------
        BadReview
            It is not complete, about nothing that is there, or may not be given now.
        BrokenJournal
            The journal in the database lacks events that its copy has.
        """
        return self.take(draft).result()

    def take(self, draft: ReviewDraft) -> "Future[ReviewEvent]":
        """The same for somebody who does something else meanwhile: done once the answer is in for good."""
        return self._desk.give(draft)

    def events(
        self, *, subject: str | None = None, after: int = 0, limit: int | None = None
    ) -> list[ReviewEvent]:
        """Events in order, those after number `after`; only of one subject where one is given."""
        with self._reading() as connection:
            return journal.events(connection, subject=subject, after=after, limit=limit)

    def event(self, key: str) -> ReviewEvent | None:
        """The event of an answer with this key."""
        with self._reading() as connection:
            return journal.with_key(connection, key)

    def last_of(self, reviewer: str, *, since: datetime) -> ReviewEvent | None:
        """The last answer of a reviewer that they have not taken back; none older than `since`."""
        with self._reading() as connection:
            return last_of(connection, reviewer, since=since)

    def drawn_in(self, run: str, *, viewer: str) -> list[ReviewState]:
        """Where the changes of a run stand that people added or drew anew, as a viewer may see it."""
        with self._reading() as connection:
            return [state.seen_by(viewer) for state in drawn_in(connection, run)]

    def state(self, subject: str, *, viewer: str | None = None) -> ReviewState:
        """Where a subject stands; for a viewer without what they are not to know before they answer."""
        with self._reading() as connection:
            found = state_of(connection, subject)
        return found if viewer is None else found.seen_by(viewer)

    def queue(
        self,
        filters: QueueFilters | None = None,
        *,
        after: str | None = None,
        limit: int = 50,
        viewer: str | None = None,
    ) -> QueuePage:
        """A page of the queue; see `catalog.queue.page`."""
        with self._reading() as connection:
            return queue.page(
                connection, self._mirror, filters or QueueFilters(), after=after, limit=limit, viewer=viewer
            )

    def entry(self, subject: str, *, viewer: str | None = None) -> QueueEntry | None:
        """A change or tile as the queue has it; None where it is not in the queue."""
        return self.seen(subject, viewer=viewer)[0]

    def seen(self, subject: str, *, viewer: str | None = None) -> tuple[QueueEntry | None, ReviewState]:
        """A change or tile as the queue has it, and where it stands: `entry` and `state` of the same moment."""
        with self._reading() as connection:
            entry, state = queue.entry(connection, subject), state_of(connection, subject)
        if viewer is None:
            return entry, state
        return (None, state.seen_by(viewer)) if entry is None else seen_by(viewer, entry, state)

    def position_of(self, subject: str) -> str | None:
        """What `queue` takes as `after` to go on behind a change or tile; None where it is not in the queue."""
        found = self.entry(subject)
        return None if found is None else queue.position_of(found)

    def counts(self, filters: QueueFilters | None = None, *, viewer: str | None = None) -> Counts:
        """How much a filter finds; see `catalog.queue.counts`."""
        with self._reading() as connection:
            return queue.counts(connection, self._mirror, filters or QueueFilters(), viewer=viewer)

    def change(self, id_: str, *, viewer: str | None = None) -> ChangeView:
        """A change with all that is known of it.

        Raises
        ------
        BadReview
            There is none of this id.
        """
        with self._reading() as connection:
            found = queue.entries(connection, review_items.c.subject == id_)
            outline = connection.execute(
                select(review_outlines.c.outline).where(review_outlines.c.subject == id_)
            ).scalar()
            state = state_of(connection, id_)
        if not found or found[0].what != "change":
            raise BadReview(f"{id_}: no change of this id is known", conflict=True)
        entry, state = (found[0], state) if viewer is None else seen_by(viewer, found[0], state)
        change = next((c for c in self.run(entry.run).report.changes if c.id == id_), None)
        return ChangeView(entry=entry, state=state, change=change, outline=outline, run=entry.run)

    def tile(self, run: str, tile: str, *, viewer: str | None = None) -> TileView:
        """A tile of a run with the changes in it.

        Raises
        ------
        BadReview
            There is no such run or tile.
        """
        subject = tile_subject(run, tile)
        outcome = next((o for o in self.run(run).report.outcomes if o.tile == tile), None)
        if outcome is None:
            raise BadReview(f"run {run} has no tile {tile}", conflict=True)
        item = review_items.c
        with self._reading() as connection:
            found = queue.entries(connection, item.run == run, item.tile == tile, item.what == "change")
            states = {entry.subject: state_of(connection, entry.subject) for entry in found}
            state = state_of(connection, subject)
        if viewer is not None:
            found = [seen_by(viewer, entry, states[entry.subject])[0] for entry in found]
            state = state.seen_by(viewer)
        return TileView(
            run=run, tile=tile, subject=subject, outcome=outcome, entries=tuple(found), state=state
        )

    def run(self, name: str) -> StoredRun:
        """A run that the index knows.

        Raises
        ------
        BadReview
            There is none of this name.
        BrokenRecord
            It cannot be read.
        """
        with self._reading() as connection:
            known = connection.execute(select(review_runs.c.name).where(review_runs.c.name == name)).scalar()
        if known is None:
            raise BadReview(f"{name}: no run of this name is known", conflict=True)
        return load_run(self.root / known)

    def runs(self) -> list[Mapping[str, Any]]:
        """What the index holds of every run, the newest first."""
        with self._reading() as connection:
            rows = connection.execute(
                select(review_runs).order_by(review_runs.c.after_time.desc(), review_runs.c.name)
            ).mappings()
            return [dict(row) for row in rows]

    def runs_of(self, filters: QueueFilters, *, viewer: str | None = None) -> list[Mapping[str, Any]]:
        """What the index holds of the runs in which a filter finds something, the newest first."""
        with self._reading() as connection:
            found = self._mirror.runs(connection, filters, viewer=viewer)
        return [row for row in self.runs() if row["name"] in found]

    def kept_from(self, viewer: str, run: str) -> int:
        """Of how many changes of a run a viewer is not to know what others said; see `catalog.review_lookup`."""
        with self._reading() as connection:
            return kept_from(connection, viewer, run)

    def suppressed(
        self, *, site: str | None, sensor: str, place: Mapping[str, Any], day: str | None
    ) -> suppression.Suppression | None:
        """Whether what is found at a place has been rejected there before; see `catalog.suppression`."""
        with self._reading() as connection:
            return suppression.suppressed(connection, site=site, sensor=sensor, place=place, day=day)

    def figures(
        self,
        *,
        sites: Sequence[str] = (),
        sensor: str | None = None,
        simulated: bool | None = None,
        budgets_per_km2: Sequence[float] = BUDGETS_PER_KM2,
        viewer: str | None = None,
    ) -> Figures:
        """Precision, recall, agreement and the dry run; see `catalog.review_figures.figures`."""
        asked = (tuple(sites), sensor, simulated, tuple(budgets_per_km2), viewer)
        with self._reading() as connection:
            moment = (journal.head(connection).seq, next_change(connection))
            known, made = self._figured  # hold until somebody answers or a run is taken up
            if known != moment or len(made) >= _FIGURES_KEPT:
                known, made = self._figured = moment, {}
            if asked not in made:
                made[asked] = figures(
                    connection, self._mirror.rows(connection, viewer=viewer), self._firsts.pairs(connection),
                    sites=sites, sensor=sensor, simulated=simulated, budgets_per_km2=budgets_per_km2,
                )  # fmt: skip
            return made[asked]

    def export_labelled(
        self, out: Path, *, sites: Sequence[str] = (), anonymous: bool = False
    ) -> LabelledCases:
        """Write what was decided as labelled cases for ``sitewatch evaluate``; see `catalog.labelled`."""
        head = self.note_head(f"labelled cases {out.name}") or self.head()
        with self._reading() as connection:
            return export_labelled(connection, self.root, out, head=head, sites=sites, anonymous=anonymous)

    def head(self) -> Head:
        """The end of the journal, to be noted in whatever is handed on."""
        with self._reading() as connection:
            return journal.head(connection)

    def note_head(self, why: str) -> Head | None:
        """Note the end of the journal outside the database; see `catalog.journal_copy`."""
        return journal_copy.note_head(self.root, self._database, why)

    def second_rule(self) -> RuleInForce | None:
        """Which changes want a second reviewer; None where nobody ever said."""
        with self._reading() as connection:
            return rule_in_force(connection)

    def give_rule(self, rule: SecondRule, *, given_by: str) -> None:
        """Say which changes want a second reviewer from now on, for every desk on these records."""
        with self._database.writing() as connection:
            give_rule(connection, rule, given_by=given_by)

    def settle(self) -> None:
        """Wait until recurrences of what was rejected so far are marked."""
        self._desk.settle()

    def close(self) -> None:
        """Finish what is under way, and let go of the database."""
        self._desk.close()
        self._database.close()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._database.reading() as connection:
            if connection is None:
                raise BrokenJournal(
                    f"{self._database.name} is gone; make it anew with `sitewatch status --rebuild --out {self.root}`"
                )
            yield connection
