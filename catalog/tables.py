"""What ``sitewatch.db`` holds. Every table only ever grows: a state is the last of its events.

Times are RFC 3339 text in UTC, so that they sort and read the same in every database.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.schema import SchemaItem

metadata = MetaData()

_SINCE = "append-only since"


def append_only(name: str, since: int, *columns: SchemaItem) -> Table:
    """A table whose rows are only ever added: `catalog.migrations` guards it from the format `since` on."""
    return Table(name, metadata, *columns, info={_SINCE: since})


def growing(since: int | None = None) -> tuple[Table, ...]:
    """All append-only tables, or those that came with one format; whatever a row refers to is in an earlier one."""
    wanted = (table for table in metadata.sorted_tables if _SINCE in table.info)
    return tuple(table for table in wanted if since in (None, table.info[_SINCE]))


def column(name: str, *rest: Any, nullable: bool = False, **given: Any) -> Column[Any]:
    """A column, of text where no type is given, that is never empty unless it is `nullable`."""
    kind = rest if rest and not isinstance(rest[0], SchemaItem) else (Text, *rest)
    return Column(name, *kind, nullable=nullable, **given)


def texts(*names: str) -> tuple[Column[Any], ...]:
    """Columns of text that are never empty."""
    return tuple(column(name) for name in names)


runs = append_only(
    "runs",
    1,
    column("seq", Integer, primary_key=True),
    *texts("name", "report_sha256"),
    column("site", index=True),
    column("sensor"),
    column("gsd_m", Float),
    *texts("before_scene", "before_time", "after_scene", "after_time", "status"),
    column("reason", nullable=True),
    column("simulated", Boolean),
    column("outcomes", JSON),
    *texts("created", "recorded"),
    UniqueConstraint("name", "report_sha256"),
)
"""Results as they were found on disk; a run that was written anew has a row for each result."""

findings = append_only(
    "findings",
    1,
    column("id", primary_key=True),
    column("site", index=True),
    *texts("run", "sensor"),
    column("gsd_m", Float),
    *texts("kind", "label"),
    column("score", Float),
    column("zone", nullable=True),
    column("length_m", Float),
    *texts("before_scene", "before_time", "after_scene", "after_time"),
    column("simulated", Boolean),
    column("recorded"),
)
"""Changes of sites, as they were when first recorded; the id is the change's."""

finding_events = append_only(
    "finding_events",
    1,
    column("seq", Integer, primary_key=True),
    column("finding", ForeignKey("findings.id"), index=True),
    *texts("state", "reason", "note", "run"),
    column("scenes", JSON),
    column("decided_time", nullable=True),
    column("successor", nullable=True),
    *texts("rule", "at", "previous"),
    column("hash", unique=True),
)
"""The journal of states: each event carries the hash of the one before it, across all findings."""

attempts = append_only(
    "attempts",
    1,
    column("id", primary_key=True),
    column("site", index=True),
    *texts("source", "period_start", "period_end", "began", "host"),
    column("pid", Integer),
    column("version"),
)
"""One row each time that somebody began to watch a site."""

attempt_ends = append_only(
    "attempt_ends",
    1,
    column("attempt", ForeignKey("attempts.id"), primary_key=True),
    *texts("ended", "result"),
    column("reason", nullable=True),
    column("runs", Integer),
    column("new_scenes", Integer),
    column("tiles", JSON),
    column("unseen", JSON),
)
"""What came of an attempt; one without a row here is still at it, or was killed."""

scenes = append_only(
    "scenes",
    1,
    column("site", primary_key=True),
    column("source", primary_key=True),
    column("id", primary_key=True),
    *texts("sensor", "platform"),
    column("gsd_m", Float),
    column("acquired"),
    column("simulated", Boolean),
    column("attempt", ForeignKey("attempts.id")),
)
"""Scenes that a source offered for a site, and the attempt that saw each first."""

CURRENT_NAME = "current_findings"
CURRENT = """
CREATE VIEW current_findings AS
SELECT f.*, e.state, e.reason, e.note, e.run AS decided_by, e.scenes AS decided_on, e.decided_time, e.successor,
       e.at AS since, e.seq
FROM findings AS f JOIN finding_events AS e ON e.finding = f.id
WHERE e.seq = (SELECT max(seq) FROM finding_events AS latest WHERE latest.finding = f.id)
"""
"""Every finding with its last event, for whoever opens the database with other programs."""
