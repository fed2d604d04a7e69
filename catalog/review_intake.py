"""Where answers come in: many people at once, one transaction for all that wait."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from sqlalchemy import Connection

from catalog import journal, journal_copy
from catalog.database import Database
from catalog.errors import BadReview, BrokenJournal, CatalogError
from catalog.journal import ReviewDraft, ReviewEvent
from catalog.layout import JOURNAL_COPY
from catalog.review_answering import take_in
from catalog.review_standing import mark_around
from catalog.second_review import rule_in_force

_LOG = logging.getLogger(__name__)

_MARKED_AT_ONCE = 4

_Waiting = tuple[ReviewDraft, Future[ReviewEvent]]


class Intake:
    """Takes answers in for one process; others may do so beside it.

    Each turn takes in all that wait, so that fifty people do not wait for fifty transactions.

    Parameters
    ----------
    root : Path
    database : Database
    """

    def __init__(self, root: Path, database: Database) -> None:
        self._root = root
        self._database = database
        self._worker = ThreadPoolExecutor(1, "review-intake")
        self._adding = Lock()
        self._turned: set[str] = set()
        self._waiting: list[_Waiting] = []

    def give(self, draft: ReviewDraft) -> "Future[ReviewEvent]":
        """Take an answer in; done once it is in the database and in the journal's copy.

        Its result raises `CatalogError` where the answer is not taken in.
        """
        mine: Future[ReviewEvent] = Future()
        mine.set_running_or_notify_cancel()  # nobody who stops waiting takes their answer back by that
        with self._adding:
            self._waiting.append((draft, mine))
        self._worker.submit(self._take_all)
        return mine

    def settle(self) -> None:
        """Wait until all that follows from the answers given so far has been done."""
        while self._worker.submit(lambda: bool(self._turned)).result():
            pass

    def close(self) -> None:
        """Finish what is under way."""
        self.settle()
        self._worker.shutdown()

    def _take_all(self) -> None:
        with self._adding:
            batch, self._waiting = self._waiting, []
        if not batch:  # an earlier turn took them in
            return
        try:
            with self._database.writing() as connection:
                before = self._refuse_cut(connection)
                rule = rule_in_force(connection)
                found, turned = take_in(
                    connection, self._root, [draft for draft, _ in batch], second=rule.rule if rule else None
                )
                fresh = journal.events(connection, after=before)
            journal_copy.add_these(self._root, self._database, fresh)
        except BaseException as problem:
            for _, future in batch:
                future.set_exception(problem)
            return
        for (_, future), answer in zip(batch, found, strict=True):
            if isinstance(answer, BadReview):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        if turned:
            self._turned |= turned
            self._worker.submit(self._mark_some)

    def _mark_some(self) -> None:
        """Mark what comes up again at the places of a few rejected changes; then those who wait have their turn."""
        some = {self._turned.pop() for _ in range(min(_MARKED_AT_ONCE, len(self._turned)))}
        if not some:
            return
        try:
            with self._database.writing() as connection:
                mark_around(connection, some)
        except CatalogError:
            # Made up for when the desk is next opened.
            _LOG.exception("recurrences of rejected changes could not be marked")
        if self._turned:
            self._worker.submit(self._mark_some)

    def _refuse_cut(self, connection: Connection) -> int:
        """Never begin a second journal over a lost one; number of the last event that is there."""
        there, copied = journal.head(connection).seq, journal_copy.last_copied(self._root)
        if copied > there:
            raise BrokenJournal(
                f"the review journal in {self._database.name} ends at event {there}, its copy "
                f"{self._root / JOURNAL_COPY} at event {copied}: the database was lost or put back. "
                f"`sitewatch verify {self._root}` says more, and `sitewatch status --rebuild --out {self._root}` "
                "restores it from the copy"
            )
        return there
