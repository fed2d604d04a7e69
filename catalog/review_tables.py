"""What ``sitewatch.db`` holds of reviews: the journal, and tables that are derived from it and from the runs.

The journal only grows. The derived tables are there so that a queue of a hundred thousand changes answers at once; they
say nothing that is not in the journal, the findings and the runs on disk, and are made anew from those
(`catalog.review_index.rebuild`).
"""

from sqlalchemy import JSON, Boolean, Float, Index, Integer, Table, Text

from catalog.tables import append_only, column, metadata, texts

Name = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that sorts by code points in every database."""

review_events = append_only(
    "review_events",
    2,
    column("seq", Integer, primary_key=True, autoincrement=False),
    column("key", unique=True),
    *texts("at", "reviewer", "act"),
    column("site", nullable=True),
    column("run", nullable=True),
    column("subject"),
    column("body", JSON),
    column("previous"),
    column("hash", unique=True),
    Index("review_events_subject", "subject", "seq"),
)
"""The review journal: `seq` counts from 1 without gaps, each event carries the hash of the one before."""

second_rules = append_only(
    "second_rules",
    4,
    column("seq", Integer, primary_key=True),
    column("rule", JSON),
    *texts("given_by", "at"),
)
"""Which changes want a second reviewer: the last row is in force."""

review_runs = Table(
    "review_runs",
    metadata,
    column("name", primary_key=True),
    *texts("report_sha256", "stamp"),
    column("site", nullable=True),
    column("sensor"),
    column("gsd_m", Float),
    column("status"),
    column("reason", nullable=True),
    column("simulated", Boolean),
    column("before_time", nullable=True),
    column("after_time", nullable=True),
    column("created"),
    column("min_score", Float, nullable=True),
    column("assessed_km2", Float),
    column("grid", JSON),
    column("tiles", Integer),
    column("flagged", Integer),
    column("blank", Integer),
    column("audited", Integer),
    column("audit_share", Float),
    column("unseen", Integer),
)
"""The present result of every run on disk. `stamp` tells whether its report was written anew since."""

review_items = Table(
    "review_items",
    metadata,
    column("subject", Name, primary_key=True),
    column("what"),
    column("added", Boolean),
    column("listed", Boolean),
    column("run", Name),
    column("tile", Name),
    column("site", nullable=True),
    column("sensor"),
    column("gsd_m", Float),
    column("simulated", Boolean),
    column("before_time", nullable=True),
    column("after_time", nullable=True),
    column("kind", nullable=True),
    column("label", nullable=True),
    column("score", Float, nullable=True),
    column("false_alarms_per_km2", Float, nullable=True),
    column("zone", nullable=True),
    column("watched", Boolean),
    column("length_m", Float, nullable=True),
    column("lon", Float, nullable=True),
    column("lat", Float, nullable=True),
    column("causes", JSON),
    column("reason", nullable=True),
    column("valid_fraction", Float, nullable=True),
    column("rule_state", nullable=True),
    column("rule_reason", nullable=True),
    column("successor", nullable=True),
    column("state"),
    column("verdict", nullable=True),
    column("verdict_reason", nullable=True),
    *texts("needs", "second"),
    column("given_label", nullable=True),
    column("answers", Integer),
    column("suppressed_by", nullable=True),
    column("suppressed_until", nullable=True),
    column("suppressed", Boolean),
    column("last_seq", Integer),
    column("tile_worth", Float),
    column("worth", Float),
    column("reviewers", JSON),
    column("changed", Integer),
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
    column("subject", primary_key=True),
    column("outline", JSON),
)
"""Where each change lies now: a GeoJSON polygon, or a ring of pixels for images without georeference."""

review_answers = Table(
    "review_answers",
    metadata,
    column("subject", primary_key=True),
    column("reviewer", primary_key=True),
    column("verdict"),
    column("reason", nullable=True),
    column("seq", Integer),
    column("at"),
    Index("review_answers_reviewer", "reviewer", "subject"),
)
"""The verdict that each reviewer stands by."""

review_suppressions = Table(
    "review_suppressions",
    metadata,
    column("subject", Name, primary_key=True),
    column("site", nullable=True),
    column("sensor"),
    column("lon", Float),
    column("lat", Float),
    column("outline", JSON),
    *texts("reason", "until"),
    column("seq", Integer),
    Index("review_suppressions_place", "site", "lon"),
)
"""Places at which what comes up again is marked, each by the change that was rejected there."""

DERIVED = (review_runs, review_items, review_outlines, review_answers, review_suppressions)
