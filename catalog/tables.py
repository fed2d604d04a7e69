"""What ``sitewatch.db`` holds. Every table only ever grows: a state is the last of its events.

Times are RFC 3339 text in UTC, so that they sort and read the same in every database.
"""

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

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("report_sha256", Text, nullable=False),
    Column("site", Text, nullable=False, index=True),
    Column("sensor", Text, nullable=False),
    Column("gsd_m", Float, nullable=False),
    Column("before_scene", Text, nullable=False),
    Column("before_time", Text, nullable=False),
    Column("after_scene", Text, nullable=False),
    Column("after_time", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("simulated", Boolean, nullable=False),
    Column("outcomes", JSON, nullable=False),
    Column("created", Text, nullable=False),
    Column("recorded", Text, nullable=False),
    UniqueConstraint("name", "report_sha256"),
)
"""Results as they were found on disk; a run that was written anew has a row for each result."""

findings = Table(
    "findings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("site", Text, nullable=False, index=True),
    Column("run", Text, nullable=False),
    Column("sensor", Text, nullable=False),
    Column("gsd_m", Float, nullable=False),
    Column("kind", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("zone", Text),
    Column("length_m", Float, nullable=False),
    Column("before_scene", Text, nullable=False),
    Column("before_time", Text, nullable=False),
    Column("after_scene", Text, nullable=False),
    Column("after_time", Text, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("recorded", Text, nullable=False),
)
"""Changes of sites, as they were when first recorded; the id is the change's."""

finding_events = Table(
    "finding_events",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("finding", Text, ForeignKey("findings.id"), nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("scenes", JSON, nullable=False),
    Column("decided_time", Text),
    Column("successor", Text),
    Column("rule", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False, unique=True),
)
"""The journal of states: each event carries the hash of the one before it, across all findings."""

attempts = Table(
    "attempts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("site", Text, nullable=False, index=True),
    Column("source", Text, nullable=False),
    Column("period_start", Text, nullable=False),
    Column("period_end", Text, nullable=False),
    Column("began", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
)
"""One row each time that somebody began to watch a site."""

attempt_ends = Table(
    "attempt_ends",
    metadata,
    Column("attempt", Text, ForeignKey("attempts.id"), primary_key=True),
    Column("ended", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("reason", Text),
    Column("runs", Integer, nullable=False),
    Column("new_scenes", Integer, nullable=False),
    Column("tiles", JSON, nullable=False),
    Column("unseen", JSON, nullable=False),
)
"""What came of an attempt; one without a row here is still at it, or was killed."""

scenes = Table(
    "scenes",
    metadata,
    Column("site", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("sensor", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("gsd_m", Float, nullable=False),
    Column("acquired", Text, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("attempt", Text, ForeignKey("attempts.id"), nullable=False),
)
"""Scenes that a source offered for a site, and the attempt that saw each first."""

GROWING = (runs, findings, finding_events, attempts, attempt_ends, scenes)

CURRENT_NAME = "current_findings"
CURRENT = """
CREATE VIEW current_findings AS
SELECT f.*, e.state, e.reason, e.note, e.run AS decided_by, e.scenes AS decided_on, e.decided_time, e.successor,
       e.at AS since, e.seq
FROM findings AS f JOIN finding_events AS e ON e.finding = f.id
WHERE e.seq = (SELECT max(seq) FROM finding_events AS latest WHERE latest.finding = f.id)
"""
"""Every finding with its last event, for whoever opens the database with other programs."""
