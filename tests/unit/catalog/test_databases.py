"""The same records in a file and on a server: made, brought up to date, guarded, kept apart."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, inspect, select, text

from catalog import findings, migrations
from catalog.bookkeeping import rebuild
from catalog.database import ADDRESS, database_of, let_go, path_of, reading, writing
from catalog.database_sqlite import SqliteDatabase
from catalog.errors import BadDatabase
from catalog.layout import DATABASE_ID as ID_FILE
from catalog.review_tables import DERIVED, review_events, second_rules
from catalog.second_review import SecondRule, give_rule
from catalog.tables import attempts, finding_events, metadata, runs
from tests.services.postgres import Postgres

VERSION_1 = Path(__file__).with_name("sitewatch-1.sql")

EVENT = {
    "seq": 1, "key": "k", "at": "2025-01-01T00:00:00Z", "reviewer": "ann", "act": "note", "site": None, "run": None,
    "subject": "a", "body": {"text": "ünïcode 🛰"}, "previous": "0" * 64, "hash": "1" * 64,
}  # fmt: skip


def version_1(root: Path) -> None:
    root.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path_of(root))) as direct:
        direct.executescript(VERSION_1.read_text())
        direct.execute("PRAGMA journal_mode=WAL")


def dump(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    return {
        table.name: [tuple(row) for row in connection.execute(select(table))]
        for table in metadata.sorted_tables
        if inspect(connection).has_table(table.name)
    }


def test_a_database_of_version_1_is_brought_up_to_date_without_loss(tmp_path: Path) -> None:
    version_1(tmp_path)
    with reading(tmp_path) as connection:
        assert connection is not None
        before = dump(connection)
    assert len(before["finding_events"]) == 2
    assert "review_events" not in before
    with writing(tmp_path) as connection:
        connection.execute(insert(review_events).values(EVENT))
    with reading(tmp_path) as connection:
        assert connection is not None
        after = dump(connection)
        assert connection.execute(text("PRAGMA user_version")).scalar() == migrations.SCHEMA == 4
        assert findings.chain_fault(connection) is None
        assert connection.execute(text("SELECT state FROM current_findings")).scalars().all() == ["confirmed"]
    assert {name: after[name] for name in before} == before
    assert len(after["review_events"]) == 1


def test_an_upgrade_that_dies_leaves_version_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version_1(tmp_path)

    def die(connection: Connection) -> None:
        metadata.create_all(connection, tables=list(DERIVED))
        raise KeyboardInterrupt

    monkeypatch.setattr(migrations, "STEPS", (migrations.STEPS[0], die))
    with pytest.raises(KeyboardInterrupt), writing(tmp_path):
        pass
    with closing(sqlite3.connect(path_of(tmp_path))) as direct:
        assert direct.execute("PRAGMA user_version").fetchone() == (1,)
        assert direct.execute("SELECT count(*) FROM sqlite_master WHERE name LIKE 'review%'").fetchone() == (
            0,
        )
    monkeypatch.undo()
    with writing(tmp_path) as connection:
        assert connection.execute(select(review_events)).all() == []


def test_an_upgraded_database_has_the_tables_of_a_new_one(tmp_path: Path) -> None:
    version_1(tmp_path / "old")
    for name in ("old", "new"):
        with writing(tmp_path / name):
            pass

    def schema(root: Path) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(path_of(root))) as direct:
            rows = direct.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
            return [(kind, name, " ".join(str(sql).split())) for kind, name, sql in rows]

    assert schema(tmp_path / "old") == schema(tmp_path / "new")


@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_older_schema_is_brought_up_to_date_on_each_database(
    tmp_path: Path, each_database: str, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    with monkeypatch.context() as older:
        older.setattr(migrations, "STEPS", migrations.STEPS[:version])
        older.setattr(f"catalog.database_{each_database}.SCHEMA", version)
        with writing(tmp_path) as connection:
            connection.execute(insert(attempts).values(attempt("a")))
            before = dump(connection)
    assert ("review_events" in before, "reviewers" in before) == (version >= 2, version >= 3)
    assert second_rules.name not in before
    let_go()
    if version > 1:
        with reading(tmp_path) as connection:  # who only reads changes nothing
            assert connection is not None
            assert dump(connection) == before
    with writing(tmp_path) as connection:
        connection.execute(insert(review_events).values(EVENT))
        give_rule(connection, SecondRule(share=0.5), given_by="ann")
    with reading(tmp_path) as connection:
        assert connection is not None
        after = dump(connection)
    assert {name: after[name] for name in before if name != "review_events"} == {
        name: rows for name, rows in before.items() if name != "review_events"
    }
    assert set(after) == {table.name for table in metadata.sorted_tables}
    for table in ("attempts", "review_events", "second_rules"):
        with pytest.raises(BadDatabase, match="append-only"), writing(tmp_path) as connection:
            connection.execute(text(f"DELETE FROM {table}"))


@pytest.mark.parametrize("table", ["review_events", "attempts"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET {}='x'", "DELETE FROM {}"])
def test_what_only_grows_can_be_neither_changed_nor_deleted(
    tmp_path: Path, each_database: str, table: str, statement: str
) -> None:
    column = "reviewer" if table == "review_events" else "site"
    with writing(tmp_path) as connection:
        connection.execute(insert(review_events).values(EVENT))
        connection.execute(insert(attempts).values(attempt("a")))
        before = dump(connection)
    with pytest.raises(BadDatabase, match="append-only"), writing(tmp_path) as connection:
        connection.execute(text(statement.format(table, column)))
    if each_database == "postgres":
        with pytest.raises(BadDatabase, match="append-only"), writing(tmp_path) as connection:
            connection.execute(text(f"TRUNCATE {table} CASCADE"))
    with reading(tmp_path) as connection:
        assert connection is not None
        assert dump(connection) == before


@pytest.mark.usefixtures("each_database")
def test_every_growing_table_is_guarded(tmp_path: Path) -> None:
    with writing(tmp_path) as connection:
        query = (
            "SELECT name FROM sqlite_master WHERE type='trigger'"
            if connection.dialect.name == "sqlite"
            else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        )
        there = set(connection.execute(text(query)).scalars())
    growing = set(metadata.tables.values()) - set(DERIVED)
    assert len(growing) == 14
    wanted = {f"{table.name}_no_{verb}" for table in growing for verb in ("update", "delete")}
    assert wanted <= there


@pytest.mark.usefixtures("each_database")
def test_text_and_numbers_come_back_as_they_were(tmp_path: Path) -> None:
    event = EVENT | {"body": {"text": "ünïcode 🛰", "x": [0.1, 1e-7, 35.9188429], "n": None, "t": True}}
    with writing(tmp_path) as connection:
        connection.execute(insert(review_events).values(event))
    with reading(tmp_path) as connection:
        assert connection is not None
        assert dict(connection.execute(select(review_events)).mappings().one()) == event


@pytest.mark.usefixtures("each_database")
def test_an_error_inside_a_transaction_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with writing(tmp_path) as connection:
            connection.execute(insert(review_events).values(EVENT))
            raise RuntimeError("planted")

    with pytest.raises(RuntimeError, match="planted"):
        fail()
    with writing(tmp_path) as connection:
        assert connection.execute(select(review_events)).all() == []


@pytest.mark.usefixtures("each_database")
def test_a_reader_keeps_its_moment_and_cannot_write(tmp_path: Path) -> None:
    with writing(tmp_path):
        pass
    with reading(tmp_path) as connection:
        assert connection is not None
        assert connection.execute(select(review_events)).all() == []
        with writing(tmp_path) as other:
            other.execute(insert(review_events).values(EVENT))
        assert connection.execute(select(review_events)).all() == []
    second = insert(review_events).values(EVENT | {"seq": 2, "key": "l", "hash": "2" * 64})
    with pytest.raises(BadDatabase, match=r"read-?only"), reading(tmp_path) as connection:
        connection.execute(second)


def test_a_server_holds_one_folder_in_a_schema(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = postgres.create("shared_by_folders")
    monkeypatch.setenv(ADDRESS, address)
    with writing(tmp_path / "one") as connection:
        connection.execute(insert(review_events).values(EVENT))
    for opened in (reading, writing):
        with (
            pytest.raises(BadDatabase, match=r"another outputs folder .*\?schema=NAME"),
            opened(tmp_path / "two"),
        ):
            pass
    monkeypatch.setenv(ADDRESS, f"{address}?schema=two")
    with writing(tmp_path / "two") as connection:
        assert connection.execute(select(review_events)).all() == []
    monkeypatch.setenv(ADDRESS, address)
    (tmp_path / "moved").mkdir()
    (tmp_path / "moved" / ID_FILE).write_bytes((tmp_path / "one" / ID_FILE).read_bytes())
    with reading(tmp_path / "moved") as connection:
        assert connection is not None
        assert len(connection.execute(select(review_events)).all()) == 1


def test_nothing_on_a_server_reads_as_none(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ADDRESS, postgres.create("nothing_yet"))
    with reading(tmp_path) as connection:
        assert connection is None
    assert not database_of(tmp_path).exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nonsense", "is not an address"),
        ("mysql://u:secret@h/d", "names a mysql database"),
        ("postgresql://u:secret@127.0.0.1:1/d", "cannot be used"),
        ("postgresql://u:secret@127.0.0.1:1/d?schema=Robert'); DROP", "must be lowercase letters"),
    ],
)
def test_an_address_that_cannot_be_used_is_explained_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    monkeypatch.setenv(ADDRESS, address)
    with pytest.raises(BadDatabase, match=said) as caught, writing(tmp_path):
        pass
    assert "secret" not in str(caught.value)
    assert ADDRESS in str(caught.value)


def test_a_server_of_a_newer_version_is_left_alone(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ADDRESS, postgres.create("newer"))
    with writing(tmp_path) as connection:
        connection.execute(text("INSERT INTO schema_versions VALUES (99)"))
    for opened in (reading, writing):
        with pytest.raises(BadDatabase, match="newer sitewatch"), opened(tmp_path):
            pass


@pytest.mark.usefixtures("each_database")
def test_making_anew_keeps_what_the_runs_do_not_tell(tmp_path: Path) -> None:
    with writing(tmp_path) as connection:
        connection.execute(insert(review_events).values(EVENT))
        connection.execute(insert(attempts).values(attempt("a")))
        connection.execute(insert(runs).values(run("gone/run")))
    done = rebuild(tmp_path)
    assert (done.runs, done.attempts, done.answers, done.lost) == (0, 1, 1, None)
    with reading(tmp_path) as connection:
        assert connection is not None
        assert [row["body"] for row in connection.execute(select(review_events)).mappings()] == [
            EVENT["body"]
        ]
        assert connection.execute(select(runs)).all() == []
        assert connection.execute(select(finding_events)).all() == []
    with writing(tmp_path) as connection:
        connection.execute(insert(runs).values(run("a/run")))
    with pytest.raises(BadDatabase, match="append-only"), writing(tmp_path) as connection:
        connection.execute(text("UPDATE runs SET site='x'"))


def test_kept_connections_follow_the_name_of_the_file(tmp_path: Path) -> None:
    """Somebody who put another file in its place is not written past."""
    kept = SqliteDatabase(path_of(tmp_path), kept=True)
    with kept.writing() as connection:
        connection.execute(insert(review_events).values(EVENT))
    (tmp_path / "other").mkdir()
    with writing(tmp_path / "other"):
        pass
    kept.set_aside("now")
    path_of(tmp_path / "other").rename(path_of(tmp_path))
    with kept.reading() as connection:
        assert connection is not None
        assert connection.execute(select(review_events)).all() == []
    kept.close()


def attempt(name: str) -> dict[str, object]:
    return dict.fromkeys((c.name for c in attempts.c), "x") | {"id": name, "pid": 1}


def run(name: str) -> dict[str, object]:
    numbers = {"gsd_m": 1.0, "simulated": False, "outcomes": {}}
    return {c.name: "x" for c in runs.c if c.name not in ("seq", "reason")} | {"name": name} | numbers
