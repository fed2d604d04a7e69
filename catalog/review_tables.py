"""What ``sitewatch.db`` holds of reviews: the journal, and tables that are derived from it and from the runs.

The journal only grows. The derived tables are there so that a queue of a hundred thousand changes answers at once; they
say nothing that is not in the journal, the findings and the runs on disk, and are made anew from those
(`catalog.review_index.rebuild`).
"""

from sqlalchemy import JSON, Boolean, Column, Float, Index, Integer, Table, Text

from catalog.tables import metadata

Name = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that sorts by code points in every database."""

review_events = Table(
    "review_events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False, unique=True),
    Column("at", Text, nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("site", Text),
    Column("run", Text),
    Column("subject", Text, nullable=False),
    Column("body", JSON, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False, unique=True),
    Index("review_events_subject", "subject", "seq"),
)
"""The review journal: `seq` counts from 1 without gaps, each event carries the hash of the one before."""

GROWING = (review_events,)

second_rules = Table(
    "second_rules",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("rule", JSON, nullable=False),
    Column("given_by", Text, nullable=False),
    Column("at", Text, nullable=False),
)
"""Which changes want a second reviewer: the last row is in force."""

RULES = (second_rules,)

review_runs = Table(
    "review_runs",
    metadata,
    Column("name", Text, primary_key=True),
    Column("report_sha256", Text, nullable=False),
    Column("stamp", Text, nullable=False),
    Column("site", Text),
    Column("sensor", Text, nullable=False),
    Column("gsd_m", Float, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("simulated", Boolean, nullable=False),
    Column("before_time", Text),
    Column("after_time", Text),
    Column("created", Text, nullable=False),
    Column("min_score", Float),
    Column("assessed_km2", Float, nullable=False),
    Column("grid", JSON, nullable=False),
    Column("tiles", Integer, nullable=False),
    Column("flagged", Integer, nullable=False),
    Column("blank", Integer, nullable=False),
    Column("audited", Integer, nullable=False),
    Column("audit_share", Float, nullable=False),
    Column("unseen", Integer, nullable=False),
)
"""The present result of every run on disk. `stamp` tells whether its report was written anew since."""

review_items = Table(
    "review_items",
    metadata,
    Column("subject", Name, primary_key=True),
    Column("what", Text, nullable=False),
    Column("added", Boolean, nullable=False),
    Column("listed", Boolean, nullable=False),
    Column("run", Name, nullable=False),
    Column("tile", Name, nullable=False),
    Column("site", Text),
    Column("sensor", Text, nullable=False),
    Column("gsd_m", Float, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("before_time", Text),
    Column("after_time", Text),
    Column("kind", Text),
    Column("label", Text),
    Column("score", Float),
    Column("false_alarms_per_km2", Float),
    Column("zone", Text),
    Column("watched", Boolean, nullable=False),
    Column("length_m", Float),
    Column("lon", Float),
    Column("lat", Float),
    Column("causes", JSON, nullable=False),
    Column("reason", Text),
    Column("valid_fraction", Float),
    Column("rule_state", Text),
    Column("rule_reason", Text),
    Column("successor", Text),
    Column("state", Text, nullable=False),
    Column("verdict", Text),
    Column("verdict_reason", Text),
    Column("needs", Text, nullable=False),
    Column("second", Text, nullable=False),
    Column("given_label", Text),
    Column("answers", Integer, nullable=False),
    Column("suppressed_by", Text),
    Column("suppressed_until", Text),
    Column("suppressed", Boolean, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("tile_worth", Float, nullable=False),
    Column("worth", Float, nullable=False),
    Column("reviewers", JSON, nullable=False),
    Column("changed", Integer, nullable=False),
    Index("review_items_changed", "changed"),
    Index("review_items_run", "run", "tile"),
    Index("review_items_place", "site", "lon"),
)
"""One row for everything that a person can be shown: changes, and tiles that are audited or could not be assessed.

`changed` grows with every transaction that touches a row, so that a reader knows what is new to it; rows are only taken
out when the whole index is made anew.
"""

review_outlines = Table(
    "review_outlines",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("outline", JSON, nullable=False),
)
"""Where each change lies now: a GeoJSON polygon, or a ring of pixels for images without georeference."""

review_answers = Table(
    "review_answers",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("reviewer", Text, primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("reason", Text),
    Column("seq", Integer, nullable=False),
    Column("at", Text, nullable=False),
    Index("review_answers_reviewer", "reviewer", "subject"),
)
"""The verdict that each reviewer stands by."""

review_suppressions = Table(
    "review_suppressions",
    metadata,
    Column("subject", Name, primary_key=True),
    Column("site", Text),
    Column("sensor", Text, nullable=False),
    Column("lon", Float, nullable=False),
    Column("lat", Float, nullable=False),
    Column("outline", JSON, nullable=False),
    Column("reason", Text, nullable=False),
    Column("until", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Index("review_suppressions_place", "site", "lon"),
)
"""Places at which what comes up again is marked, each by the change that was rejected there."""

DERIVED = (review_runs, review_items, review_outlines, review_answers, review_suppressions)
