"""Each way of meddling with the journal is found, and called by its name."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Connection, delete, insert, select, text

from catalog.bookkeeping import rebuild, update
from catalog.database import path_of, writing
from catalog.journal import BEGINNING, _hash
from catalog.layout import JOURNAL_COPY, JOURNAL_HEADS
from catalog.review import ReviewStore
from catalog.review_tables import review_events
from catalog.verify_journal import JournalVerification, verify_journal
from flows.cli_verify import verify as verify_command
from tests.unit.catalog.databases import lift_guards
from tests.unit.catalog.reviews import FIRST, SECOND, draft, verdict

Row = dict[str, Any]
EVENTS = 8


@pytest.fixture
def root(reviewed: Path, each_database: str) -> Path:
    """Eight answers; the end of the first four was noted, and the end of all."""
    del each_database
    root = reviewed
    store = ReviewStore(root)
    for number in range(EVENTS):
        store.append(draft("note", (FIRST, SECOND)[number % 2], text=f"note {number + 1}"))
        if number == 3:
            store.note_head("export of four")
    store.note_head("export of all")
    store.close()
    return root


def tampered(root: Path, meddle: Callable[[list[Row]], list[Row]], *, chained: bool) -> None:
    """Replace the journal in the database; with hashes that hang together again, or without."""
    with writing(root) as connection:
        lift_guards(connection, "review_events")
        query = select(review_events).order_by(review_events.c.seq)
        rows = meddle([dict(row) for row in connection.execute(query).mappings()])
        if chained:
            rechain(rows)
        replace_all(connection, rows)


def rechain(rows: list[Row]) -> None:
    previous = BEGINNING
    for number, row in enumerate(rows, 1):
        row.update(seq=number, previous=previous)
        row["hash"] = previous = _hash(row)


def replace_all(connection: Connection, rows: list[Row]) -> None:
    connection.execute(delete(review_events))
    if rows:
        connection.execute(insert(review_events), rows)


def faults(found: JournalVerification) -> list[str]:
    return [problem.fault for problem in found.problems]


def said(found: JournalVerification) -> str:
    return "\n".join(f"{problem.fault}: {problem.detail}" for problem in found.problems)


def change(rows: list[Row]) -> list[Row]:
    rows[2]["body"] = {"text": "another"}
    return rows


def remove(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["seq"] not in (3, 5)]


def reorder(rows: list[Row]) -> list[Row]:
    rows[2], rows[5] = rows[5] | {"seq": 3}, rows[2] | {"seq": 6}
    return rows


def truncate(rows: list[Row]) -> list[Row]:
    return rows[:5]


def rewrite(rows: list[Row]) -> list[Row]:
    return [row | {"body": {"text": f"new {row['seq']}"}} for row in rows]


def another(rows: list[Row]) -> list[Row]:
    return [row | {"key": f"other {row['seq']}"} for row in rows[:3]]


def slip_in(rows: list[Row]) -> list[Row]:
    return [*rows[:4], rows[0] | {"key": "strange"}, *rows[4:]]


def test_an_untouched_journal_is_intact(root: Path) -> None:
    found = verify_journal(root)
    assert found.intact, said(found)
    assert (found.events, found.copied, found.heads) == (EVENTS, EVENTS, 2)
    assert found.head is not None
    assert found.head.seq == EVENTS


@pytest.mark.parametrize("chained", [False, True], ids=["plainly", "with new hashes"])
@pytest.mark.parametrize(
    ("meddle", "fault", "events"),
    [
        (change, "changed", "event 3 "),
        (remove, "removed", "events 3, 5 "),
        (reorder, "reordered", ""),
        (truncate, "truncated", "events 6, 7, 8 "),
        (rewrite, "rewritten", ""),
        (another, "rewritten", ""),
    ],
)
def test_meddling_is_called_by_its_name(
    root: Path, meddle: Callable[[list[Row]], list[Row]], fault: str, events: str, chained: bool
) -> None:
    tampered(root, meddle, chained=chained)
    found = verify_journal(root)
    assert faults(found)[0] == fault, said(found)
    assert events in found.problems[0].detail
    others = {"changed", "removed", "reordered", "truncated", "rewritten", "added"} - {fault}
    if chained:
        # Hashes that hang together leave what the heads know: something was written anew, or there is less.
        assert set(faults(found)) & others <= {"rewritten", "truncated"}


def test_an_event_slipped_in_is_found(root: Path) -> None:
    tampered(root, slip_in, chained=True)
    assert said(verify_journal(root)).startswith("added: event 5 of the journal were slipped in")


def test_the_first_of_two_that_changed_places_is_not_blamed_for_all_others(root: Path) -> None:
    tampered(root, lambda rows: [*rows[1:], rows[0]], chained=True)
    assert "reordered: event 1 of what was written" in said(verify_journal(root))


@pytest.mark.parametrize(
    ("meddle", "fault", "span"),
    [
        (change, "rewritten", "something from event 1 to 4 was written anew or wholly"),
        (
            lambda rows: [*rows[:6], rows[6] | {"body": {"text": "x"}}, rows[7]],
            "rewritten",
            "from event 5 to 8",
        ),
        (truncate, "truncated", "the journal had 8 events on "),
        (rewrite, "rewritten", "from event 1 to 4 was written anew or wholly"),
    ],
)
def test_heads_tell_where_the_copy_was_written_anew_too(
    root: Path, meddle: Callable[[list[Row]], list[Row]], fault: str, span: str
) -> None:
    tampered(root, meddle, chained=True)
    (root / JOURNAL_COPY).unlink()
    store = ReviewStore(root)  # writes the copy from the database
    store.close()
    found = verify_journal(root)
    assert faults(found) == [fault], said(found)
    assert span in found.problems[0].detail


def test_heads_kept_elsewhere_count_where_those_here_were_replaced(root: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    kept.write_bytes((root / JOURNAL_HEADS).read_bytes())
    tampered(root, rewrite, chained=True)
    (root / JOURNAL_COPY).unlink()
    (root / JOURNAL_HEADS).unlink()
    store = ReviewStore(root)
    store.note_head("as if nothing had happened")
    store.close()
    assert verify_journal(root).intact
    assert faults(verify_journal(root, heads=kept)) == ["rewritten"]


def test_damage_of_the_copy_is_told_from_damage_of_the_journal(root: Path) -> None:
    path = root / JOURNAL_COPY
    whole = path.read_text()
    path.write_text(whole.replace("note 3", "note X"))
    assert said(verify_journal(root)) == f"copy: {JOURNAL_COPY} is not as it was written from event 3 on"
    path.write_text(whole.replace('{"seq":4', '{"seq"4'))
    assert "copy: journal.jsonl line 4: a line that is not JSON" in said(verify_journal(root))
    path.unlink()
    assert said(verify_journal(root)).startswith("copy: journal.jsonl is missing or empty")
    path.write_text(whole[:-30])  # what a killed process leaves
    assert verify_journal(root).intact


def test_heads_that_cannot_be_read_are_named(root: Path) -> None:
    with (root / JOURNAL_HEADS).open("a") as file:
        file.write('{"seq":"8"}\n')
    assert said(verify_journal(root)) == "heads: noted head 3: a line without seq and hash"


def test_a_changed_state_of_a_finding_is_found_too(root: Path) -> None:
    update(root, "testbase")
    assert verify_journal(root).intact
    with writing(root) as connection:
        lift_guards(connection, "finding_events")
        connection.execute(text("UPDATE finding_events SET note='x' WHERE seq=2"))
    assert "findings: event 2, on finding" in said(verify_journal(root))


def test_a_lost_database_is_said_and_restored_from_the_copy(root: Path, each_database: str) -> None:
    if each_database == "postgres":
        with writing(root) as connection:
            lift_guards(connection, "review_events")
            connection.execute(delete(review_events))
        assert faults(verify_journal(root))[0] == "truncated"
    else:
        for path in root.glob("sitewatch.db*"):
            path.unlink()
        assert said(verify_journal(root)) == "missing: there is no database, but journal.jsonl holds 8 events"
    assert rebuild(root).lost is None
    found = verify_journal(root)
    assert found.intact, said(found)
    assert found.events == EVENTS
    store = ReviewStore(root)
    assert [note.text for note in store.state(FIRST).notes] == ["note 1", "note 3", "note 5", "note 7"]
    verdict(store)
    store.close()
    assert verify_journal(root).intact


@pytest.mark.parametrize("each_database", ["sqlite"], indirect=True)
def test_a_damaged_database_is_restored_from_the_copy(root: Path) -> None:
    path_of(root).write_bytes(b"nothing that SQLite knows" * 100)
    done = rebuild(root)
    assert "is damaged" in (done.lost or "")
    assert verify_journal(root).intact
    assert verify_journal(root).events == EVENTS


@pytest.mark.parametrize("each_database", ["sqlite"], indirect=True)
class TestCommand:
    def run(self, *arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(verify_command, arguments, standalone_mode=False)
        assert result.exception is None, result.exception
        return result.return_value, result.output

    def test_says_the_head_and_exits_0(self, root: Path) -> None:
        code, shown = self.run(str(root))
        assert code == 0
        assert "Intact: 8 review events" in " ".join(shown.split())
        assert verify_journal(root).head.hash in shown

    def test_names_the_fault_and_exits_2(self, root: Path) -> None:
        tampered(root, remove, chained=True)
        code, shown = self.run(str(root))
        assert code == 2
        assert "removed" in shown
        code, shown = self.run(str(root), "--json")
        assert code == 2
        document = json.loads(shown)
        assert document["problems"][0]["fault"] == "removed"
        assert document["intact"] is False
        assert document["head"]["count"] == 6

    def test_still_checks_runs(self, root: Path) -> None:
        run = next(path.parent for path in root.glob("*/*/report.json"))
        code, shown = self.run(str(run.relative_to(root)), "--out", str(root), "--json")
        assert code == 0
        assert json.loads(shown)["checked"] > 5
        assert json.loads(shown)["journal"]["events"] == EVENTS

    def test_checks_the_journal_beside_a_run(self, root: Path, tmp_path: Path) -> None:
        run = next(path.parent for path in root.glob("*/*/report.json"))
        copy = root / JOURNAL_COPY
        whole = copy.read_bytes()
        copy.write_bytes(whole.replace(b"note 3", b"note 0"))
        code, shown = self.run(str(run))
        assert code == 2
        assert "Intact:" in shown, "the run itself"
        assert "not as it was written from event 3" in " ".join(shown.split())
        copy.write_bytes(whole)
        code, shown = self.run(str(run))
        assert (code, "8 review events" in " ".join(shown.split())) == (0, True)
        path_of(root).write_bytes(b"nothing that SQLite knows" * 100)
        code, shown = self.run(str(run), "--json")
        document = json.loads(shown)
        assert (code, document["intact"], document["journal"]["intact"]) == (2, True, False)
        assert document["journal"]["problems"][0]["fault"] == "database"
        alone = shutil.copytree(run, tmp_path / "alone" / run.name)
        code, shown = self.run(str(alone), "--json")
        assert (code, json.loads(shown)["journal"]) == (0, None)
