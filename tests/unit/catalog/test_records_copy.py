"""Records that go from a file to a server and back: nothing is lost, nothing is mixed, the source stays as it is."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, inspect, select, text

from catalog import reviewers
from catalog.bookkeeping import rebuild, update
from catalog.database import ADDRESS, let_go, path_of, reading, writing
from catalog.errors import BadDatabase, BrokenJournal
from catalog.records_copy import COPIED, copy_records
from catalog.review import ReviewStore
from catalog.review_tables import DERIVED, review_events
from catalog.second_review import SecondRule, give_rule
from catalog.tables import attempts, metadata, runs
from catalog.verify_journal import verify_journal
from flows.cli import call
from tests.services.postgres import Postgres
from tests.unit.catalog.databases import lift_guards
from tests.unit.catalog.histories import SITE, Archive, Day
from tests.unit.catalog.reviews import FIRST, SECOND, THERE, verdict

VERSION_1 = Path(__file__).with_name("sitewatch-1.sql")

pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.fixture
def root(reviewed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An outputs folder with something in every table, in SQLite."""
    monkeypatch.delenv(ADDRESS, raising=False)
    update(reviewed, SITE)
    with writing(reviewed) as connection:
        connection.execute(insert(attempts).values(attempt("a")))
        for name in ("attempt_ends", "scenes"):
            table = metadata.tables[name]
            values = {column.name: "x" for column in table.c} | {"attempt": "a"}
            given = {"runs": 1, "new_scenes": 1, "tiles": {"unchanged": 1}, "unseen": [], "gsd_m": 0.1,
                     "simulated": True}  # fmt: skip
            known = {key: value for key, value in given.items() if key in table.c}
            connection.execute(insert(table).values(values | known))
        give_rule(connection, SecondRule(share=0.25), given_by="ann")
    token = reviewers.invite(reviewed, "Ann Bäcker", "lead", given_by="here")
    _, secret = reviewers.accept(reviewed, token)
    reviewers.sign_out(reviewed, secret)
    answer(reviewed, "rejected", FIRST, "ann")
    answer(reviewed, "confirmed", SECOND, "bob")
    yield reviewed
    let_go()


@pytest.fixture
def server(postgres: Postgres) -> str:
    return postgres.create("moved_records")


def answer(root: Path, said: str, subject: str, by: str) -> None:
    store = ReviewStore(root)
    verdict(store, said, subject, by=by)
    store.close()


def attempt(name: str) -> dict[str, object]:
    return dict.fromkeys((c.name for c in attempts.c), "x") | {"id": name, "pid": 1}


def dump(root: Path) -> dict[str, list[tuple[object, ...]]]:
    """Everything that is not derived."""
    with reading(root) as connection:
        assert connection is not None
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in COPIED
        }


def derived(root: Path) -> dict[str, list[dict[str, object]]]:
    """What reviewers stand by, marked places, and every row of the queue but its counter of changes."""
    with reading(root) as connection:
        assert connection is not None
        return {
            table.name: [
                {key: value for key, value in row.items() if key != "changed"}
                for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()
            ]
            for table in DERIVED
            if table.name != "review_runs"
        }


def queue(root: Path) -> list[dict[str, object]]:
    store = ReviewStore(root)
    found = [entry.as_dict() for entry in store.queue().entries]
    store.close()
    return found


def test_every_table_is_copied_or_derived() -> None:
    assert {*COPIED, *DERIVED} == set(metadata.tables.values())


def test_there_and_back(root: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, listed, file = dump(root), queue(root), path_of(root)
    made = derived(root)
    assert all(before.values())  # something of everything, or this test shows nothing
    assert all(made.values())
    monkeypatch.setenv(ADDRESS, server)
    done = copy_records(root, str(file))
    assert dump(root) == before
    assert done.rows == {name: len(rows) for name, rows in before.items()}
    assert done.added == sum(done.rows.values())
    assert queue(root) == listed
    assert derived(root) == made
    found = verify_journal(root)
    assert (found.intact, found.events) == (True, 2)
    assert found.head
    assert done.head
    assert found.head.hash == done.head.hash
    monkeypatch.delenv(ADDRESS)
    assert dump(root) == before  # the source

    file.rename(root / "sitewatch.db.moved")
    back = copy_records(root, server)
    assert (back.rows, back.added) == (done.rows, done.added)
    assert dump(root) == before
    assert queue(root) == listed
    assert derived(root) == made
    assert call(["verify", str(root)]) == 0
    monkeypatch.setenv(ADDRESS, server)
    assert dump(root) == before  # the source
    assert call(["verify", str(root)]) == 0


def test_work_goes_on_after_it(
    root: Path, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server numbers rows apart from what is in the table: new ones must not meet those that were copied."""
    monkeypatch.setenv(ADDRESS, server)
    copy_records(root, str(path_of(root)))
    Archive(root=root, work=tmp_path / "more").compare(THERE, Day(day=21))
    before = dump(root)
    update(root, SITE)
    reviewers.invite(root, "Bob", "reviewer", given_by="ann")
    with writing(root) as connection:
        give_rule(connection, SecondRule(share=0.5), given_by="ann")
    answer(root, "confirmed", FIRST, "bob")
    after = dump(root)
    for name in ("runs", "reviewer_roles", "second_rules", "review_events"):
        assert after[name][:-1] == before[name]
    assert len(after["finding_events"]) > len(before["finding_events"])
    assert verify_journal(root).intact
    link = reviewers.invite(root, "Ann Bäcker", "lead", given_by="here")
    assert reviewers.accept(root, link)[0].role == "lead"


def test_copying_again_adds_what_came_since_and_nothing_twice(
    root: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ADDRESS, server)
    copy_records(root, str(path_of(root)))
    assert copy_records(root, str(path_of(root))).added == 0
    monkeypatch.delenv(ADDRESS)
    answer(root, "confirmed", FIRST, "bob")
    monkeypatch.setenv(ADDRESS, server)
    assert copy_records(root, str(path_of(root))).added == 1
    monkeypatch.delenv(ADDRESS)
    expected = dump(root)
    monkeypatch.setenv(ADDRESS, server)
    assert dump(root) == expected


def test_a_target_with_other_records_is_left_alone(
    root: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that went on by itself after it was copied to: there would be two journals."""
    monkeypatch.setenv(ADDRESS, server)
    copy_records(root, str(path_of(root)))
    answer(root, "confirmed", FIRST, "bob")
    before = dump(root)
    lines = (root / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (root / "journal.jsonl").write_bytes(b"".join(lines[:2]))  # as if the file's own were the right one
    with pytest.raises(
        BadDatabase, match=r"holds other records than .*1 rows of review_events .* such as 3\."
    ):
        copy_records(root, str(path_of(root)))
    assert dump(root) == before
    (root / "journal.jsonl").write_bytes(b"".join(lines))
    # The file has not got all that was answered.
    with pytest.raises(BrokenJournal, match=r"truncated: event 3"):
        copy_records(root, str(path_of(root)))
    assert dump(root) == before


@pytest.mark.parametrize("table", ["review_events", "finding_events"])
def test_a_source_that_was_tampered_with_is_not_copied(
    root: Path, server: str, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    with writing(root) as connection:
        lift_guards(connection, table)
        column = "reviewer" if table == "review_events" else "state"
        connection.execute(text(f"UPDATE {table} SET {column}='x' WHERE seq=1"))
    monkeypatch.setenv(ADDRESS, server)
    with pytest.raises(BrokenJournal, match=r"event 1.*Nothing was copied"):
        copy_records(root, str(path_of(root)))
    with reading(root) as found:
        assert found is None


def test_a_target_that_does_not_keep_what_it_is_given_keeps_nothing(
    root: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ADDRESS, server)

    def lossy(connection: Connection, table: object, rows: list[dict[str, object]]) -> None:
        if table is review_events:
            rows = rows[:-1]
        if rows:
            connection.execute(insert(table), rows)  # type: ignore[call-overload]

    monkeypatch.setattr("catalog.records_copy.insert_rows", lossy)
    with pytest.raises(BadDatabase, match="does not give rows of review_events back"):
        copy_records(root, str(path_of(root)))
    with reading(root) as found:
        assert found is None


def test_a_file_of_version_1_is_copied_without_being_changed(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old.db"
    with closing(sqlite3.connect(old)) as direct:
        direct.executescript(VERSION_1.read_text())
    before = old.read_bytes()
    monkeypatch.setenv(ADDRESS, server)
    (tmp_path / "out").mkdir()
    done = copy_records(tmp_path / "out", str(old))
    assert (done.rows["finding_events"], done.rows["review_events"], done.head) == (2, 0, None)
    assert old.read_bytes() == before
    with reading(tmp_path / "out") as connection:
        assert connection is not None
        assert {t.name for t in metadata.sorted_tables} <= set(inspect(connection).get_table_names())


def test_nothing_is_begun_beside_records_that_are_in_the_file(
    root: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dump(root)
    monkeypatch.setenv(ADDRESS, server)
    for begin in (lambda: update(root, SITE), lambda: rebuild(root), lambda: ReviewStore(root)):
        with pytest.raises(BadDatabase, match=r"--copy-records-from .*sitewatch\.db --out"):
            begin()
    with reading(root) as found:
        assert found is None
    monkeypatch.delenv(ADDRESS)
    assert dump(root) == before


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nowhere.db", r"nowhere\.db: no such file"),
        ("mysql://u:secret@h/d", "names a mysql database"),
        ("postgresql://u:secret@127.0.0.1:1/d", "cannot be used"),
    ],
)
def test_a_source_that_cannot_be_used_is_named(root: Path, address: str, said: str) -> None:
    with pytest.raises(BadDatabase, match=said) as caught:
        copy_records(root, address)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_or_the_same_is_refused(
    root: Path, tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadDatabase, match=r"is the database that .* uses now"):
        copy_records(root, str(path_of(root)))
    monkeypatch.setenv(ADDRESS, server)
    (tmp_path / "text.db").write_text("not a database\n" * 100)
    with pytest.raises(BadDatabase, match="is damaged"):
        copy_records(root, str(tmp_path / "text.db"))
    with pytest.raises(BadDatabase, match=r"is the database that .* uses now"):
        copy_records(root, server)
    monkeypatch.delenv(ADDRESS)
    with pytest.raises(BadDatabase, match="holds no records"):
        copy_records(root, server)


@pytest.mark.usefixtures("each_database")
def test_runs_are_recorded_after_making_anew(reviewed: Path, tmp_path: Path) -> None:
    """Numbers go on after those that were made anew, on each database."""
    update(reviewed, SITE)
    rebuild(reviewed)
    Archive(root=reviewed, work=tmp_path / "more").compare(THERE, Day(day=21))
    update(reviewed, SITE)
    with reading(reviewed) as connection:
        assert connection is not None
        assert connection.execute(select(runs.c.seq).order_by(runs.c.seq)).scalars().all() == [1, 2]
