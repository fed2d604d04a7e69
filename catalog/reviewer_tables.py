"""Who may use the review desk: tables of their own, which only ever grow like all others.

Of invitations and sessions only the SHA-256 of their token is kept: whoever reads the database cannot sign in with it.
"""

from sqlalchemy import Column, ForeignKey, Integer, Table, Text

from catalog.tables import metadata

reviewers = Table(
    "reviewers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("name_key", Text, nullable=False, unique=True),
    Column("created", Text, nullable=False),
)
"""People, by the name that stands at their answers; no two names differ in case alone."""

reviewer_roles = Table(
    "reviewer_roles",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("reviewer", Text, ForeignKey("reviewers.name"), nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column("given_by", Text, nullable=False),
    Column("at", Text, nullable=False),
)
"""The last row of a reviewer is in force; ``none`` has been shut out."""

invitations = Table(
    "invitations",
    metadata,
    Column("token_sha256", Text, primary_key=True),
    Column("reviewer", Text, ForeignKey("reviewers.name"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("expires", Text, nullable=False),
    Column("given_by", Text, nullable=False),
)

invitation_uses = Table(
    "invitation_uses",
    metadata,
    Column("token_sha256", Text, ForeignKey("invitations.token_sha256"), primary_key=True),
    Column("at", Text, nullable=False),
)
"""An invitation with a row here is used up."""

sessions = Table(
    "sessions",
    metadata,
    Column("token_sha256", Text, primary_key=True),
    Column("reviewer", Text, ForeignKey("reviewers.name"), nullable=False, index=True),
    Column("created", Text, nullable=False),
    Column("expires", Text, nullable=False),
)

session_ends = Table(
    "session_ends",
    metadata,
    Column("token_sha256", Text, ForeignKey("sessions.token_sha256"), primary_key=True),
    Column("at", Text, nullable=False),
)
"""A session with a row here has been signed out of."""

GROWING = (reviewers, reviewer_roles, invitations, invitation_uses, sessions, session_ends)
