"""sitewatch.db as a file: several processes at once, damage, read-only media, other versions."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text

from catalog import database, database_sqlite, findings
from catalog.database import path_of, reading, writing
from catalog.errors import BadDatabase
from catalog.tables import finding_events
from catalog.tables import findings as findings_table

WRITERS, EACH = 4, 25

WRITER = """
import sys
from pathlib import Path
from sqlalchemy import insert
from catalog import findings
from catalog.database import writing
from catalog.tables import findings as table

root, me, each = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
facts = dict.fromkeys((c.name for c in table.c), "x") | {"gsd_m": 1, "score": 0.5, "length_m": 1, "simulated": False}
event = {"state": "provisional", "reason": "no_later_date", "note": "", "run": "x", "scenes": ["a", "b"],
         "decided_time": None, "successor": None, "rule": "test", "at": "2025-01-01T00:00:00Z"}
sys.stdin.readline()
for i in range(each):
    with writing(root) as connection:
        connection.execute(insert(table).values(facts | {"id": f"{me}-{i}"}))
        findings._append(connection, event | {"finding": f"{me}-{i}"})
print("done")
"""


def facts(name: str) -> dict[str, object]:
    text_ = dict.fromkeys((column.name for column in findings_table.c), "x")
    return text_ | {"id": name, "gsd_m": 1.0, "score": 0.5, "length_m": 1.0, "simulated": False}


def count(root: Path) -> int:
    with reading(root) as connection:
        assert connection is not None
        return int(connection.execute(select(func.count()).select_from(findings_table)).scalar_one())


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path, repository: Path) -> None:
    """They also create the database at once; every one of them waits for its turn and the chain holds."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(i), str(EACH)], cwd=repository, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(repository)},
        )
        for i in range(WRITERS)
    ]  # fmt: skip
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=600) for process in processes]
    assert [answer[0].strip() for answer in answers] == ["done"] * WRITERS, answers
    with reading(tmp_path) as connection:
        assert connection is not None
        events = connection.execute(select(finding_events)).mappings().all()
        assert {event["finding"] for event in events} == {
            f"{i}-{j}" for i in range(WRITERS) for j in range(EACH)
        }
        assert len(events) == WRITERS * EACH
        assert findings.chain_fault(connection) is None
        database.check(connection)


def test_an_error_inside_a_transaction_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with writing(tmp_path) as connection:
            connection.execute(insert(findings_table).values(facts("a")))
            raise RuntimeError("planted")

    with pytest.raises(RuntimeError, match="planted"):
        fail()
    assert count(tmp_path) == 0


def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    with writing(tmp_path) as connection:
        connection.execute(insert(findings_table).values(facts("a")))
    with writing(tmp_path) as connection:
        connection.execute(insert(findings_table).values(facts("b")))
        assert count(tmp_path) == 1
    assert count(tmp_path) == 2


def test_a_writer_that_never_ends_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with writing(tmp_path):
        pass
    monkeypatch.setattr(database_sqlite, "BUSY_S", 0.1)
    with writing(tmp_path), pytest.raises(BadDatabase, match="another process"), writing(tmp_path):
        pass


def test_no_database_reads_as_none(tmp_path: Path) -> None:
    with reading(tmp_path) as connection:
        assert connection is None
    assert not path_of(tmp_path).exists()
    path_of(tmp_path).touch()  # as a process leaves it that was killed before its first transaction
    with reading(tmp_path) as connection:
        assert connection is None


@pytest.mark.parametrize("damage", ["head", "middle", "text"])
def test_damage_is_named_with_what_to_do(tmp_path: Path, damage: str) -> None:
    with writing(tmp_path) as connection:
        for i in range(300):
            connection.execute(insert(findings_table).values(facts(f"{i:05d}" + "x" * 200)))
    path = path_of(tmp_path)
    whole = path.read_bytes()
    page = 4096
    spoiled = {
        "head": b"\xff" * 100 + whole[100:],
        "middle": whole[: 20 * page] + b"\xa5" * (20 * page) + whole[40 * page :],
        "text": b"not a database\n" * 100,
    }[damage]
    path.write_bytes(spoiled)

    def look() -> None:
        with reading(tmp_path) as connection:
            assert connection is not None
            database.check(connection)

    with pytest.raises(BadDatabase) as caught:
        look()
    assert str(path) in str(caught.value)
    assert "is damaged" in str(caught.value)
    assert f"status --rebuild --out {tmp_path}" in str(caught.value)


def test_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    with writing(tmp_path) as connection:
        connection.execute(insert(findings_table).values(facts("a")))
    with sqlite3.connect(path_of(tmp_path)) as direct:
        direct.execute("PRAGMA user_version=99")
    for opened in (reading, writing):
        with pytest.raises(BadDatabase, match="newer sitewatch"), opened(tmp_path):
            pass


def test_names_that_mean_something_in_addresses(tmp_path: Path) -> None:
    root = tmp_path / "50% of what? #1"
    with writing(root) as connection:
        connection.execute(insert(findings_table).values(facts("a")))
    assert path_of(root).is_file()
    assert count(root) == 1


def test_it_can_be_read_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a mounted archive: without its log files, and without trying to make them."""
    with writing(tmp_path) as connection:
        connection.execute(insert(findings_table).values(facts("a")))
    assert not list(tmp_path.glob("*-shm"))
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert count(tmp_path) == 1
    assert not list(tmp_path.glob("*-shm"))


def test_settings_hold(tmp_path: Path) -> None:
    with writing(tmp_path) as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
