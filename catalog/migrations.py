"""How the tables come to be, and how an older database becomes a present one; the same on every database.

Each step leads from one version to the next and is never changed once released: a later change is a further step.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import DDL, Connection, Table

from catalog import review_tables, reviewer_tables, tables

FROM_RUNS = (tables.runs, tables.findings, tables.finding_events)
"""What can be made anew from the runs on disk."""

REFUSAL = "refuse_change"
"""PostgreSQL function behind the triggers."""


def upgrade(connection: Connection, version: int) -> None:
    """Lead a database from `version` (0: empty) to `SCHEMA`, inside the caller's transaction."""
    for step in STEPS[version:]:
        step(connection)


def renew(connection: Connection) -> None:
    """Make the tables that follow from the runs anew, after the caller has moved or copied the old ones."""
    _run(connection, f"DROP VIEW IF EXISTS {tables.CURRENT_NAME}")
    # Dropped, not emptied: their triggers refuse that.
    tables.metadata.drop_all(connection, tables=list(FROM_RUNS))
    _grow(connection, FROM_RUNS)
    _run(connection, tables.CURRENT)


def _findings(connection: Connection) -> None:
    """1: runs, findings and their journal, attempts."""
    if connection.dialect.name == "postgresql":
        _run(connection, _FUNCTION)
    _grow(connection, tables.growing(1))
    _run(connection, tables.CURRENT)


def _reviews(connection: Connection) -> None:
    """2: the review journal, and what is derived from it and from the runs for the queue."""
    _grow(connection, tables.growing(2))
    tables.metadata.create_all(connection, tables=list(review_tables.DERIVED))


def _reviewers(connection: Connection) -> None:
    """3: who may use the review desk."""
    _grow(connection, tables.growing(3))


def _rules(connection: Connection) -> None:
    """4: which changes want a second reviewer."""
    _grow(connection, tables.growing(4))


_DECLARED = (tables, review_tables, reviewer_tables)
"""Whatever is among all append-only tables was declared in one of these."""

STEPS: Sequence[Callable[[Connection], None]] = (_findings, _reviews, _reviewers, _rules)
SCHEMA = len(STEPS)

_FUNCTION = f"""
CREATE FUNCTION {REFUSAL}() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$
"""


def _grow(connection: Connection, growing: Sequence[Table]) -> None:
    """Make tables, and triggers that refuse to change or delete a row."""
    tables.metadata.create_all(connection, tables=list(growing))
    for table in growing:
        for text in _guards(table.name, connection.dialect.name):
            _run(connection, text)


def _guards(table: str, dialect: str) -> list[str]:
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"FOR EACH {'STATEMENT' if verb == 'TRUNCATE' else 'ROW'} EXECUTE FUNCTION {REFUSAL}()"
        for verb in ("UPDATE", "DELETE", "TRUNCATE")
    ]


def _run(connection: Connection, text: str) -> None:
    connection.execute(DDL(text))  # type: ignore[no-untyped-call]
