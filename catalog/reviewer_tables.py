"""Who may use the review desk: tables of their own, which only ever grow like all others.

Of invitations and sessions only the SHA-256 of their token is kept: whoever reads the database cannot sign in with it.
"""

from sqlalchemy import ForeignKey, Integer

from catalog.tables import append_only, column, texts

reviewers = append_only(
    "reviewers",
    3,
    column("name", primary_key=True),
    column("name_key", unique=True),
    column("created"),
)
"""People, by the name that stands at their answers; no two names differ in case alone."""

reviewer_roles = append_only(
    "reviewer_roles",
    3,
    column("seq", Integer, primary_key=True),
    column("reviewer", ForeignKey("reviewers.name"), index=True),
    *texts("role", "given_by", "at"),
)
"""The last row of a reviewer is in force; ``none`` has been shut out."""

invitations = append_only(
    "invitations",
    3,
    column("token_sha256", primary_key=True),
    column("reviewer", ForeignKey("reviewers.name"), index=True),
    *texts("kind", "created", "expires", "given_by"),
)

invitation_uses = append_only(
    "invitation_uses",
    3,
    column("token_sha256", ForeignKey("invitations.token_sha256"), primary_key=True),
    column("at"),
)
"""An invitation with a row here is used up."""

sessions = append_only(
    "sessions",
    3,
    column("token_sha256", primary_key=True),
    column("reviewer", ForeignKey("reviewers.name"), index=True),
    *texts("created", "expires"),
)

session_ends = append_only(
    "session_ends",
    3,
    column("token_sha256", ForeignKey("sessions.token_sha256"), primary_key=True),
    column("at"),
)
"""A session with a row here has been signed out of."""
