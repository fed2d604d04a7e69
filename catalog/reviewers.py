"""Who may use the review desk: invitations, sessions and roles.

An invitation is a secret that is exchanged once for a session; a session is a secret that lasts. Both are random, and
only their digests are kept. Roles are read anew for each session that is looked up, so that shutting somebody out
takes effect at once.
"""

import hashlib
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, get_args

from sqlalchemy import Connection, insert, select

from catalog.database import Database, database_of, reading, writing
from catalog.errors import NotAdmitted
from catalog.layout import utc_text
from catalog.reviewer_tables import (
    invitation_uses,
    invitations,
    reviewer_roles,
    reviewers,
    session_ends,
    sessions,
)
from catalog.second_review import RULE_REVIEWER

Role = Literal["reviewer", "lead", "read-only"]
InvitationKind = Literal["invitation", "start"]
ROLES: tuple[Role, ...] = get_args(Role)
SHUT_OUT = "none"

NAME_CHARACTERS = 80
INVITATION_LASTS = timedelta(days=7)
START_LASTS = timedelta(hours=12)
SESSION_LASTS = timedelta(days=14)
TOKEN_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class Reviewer:
    """Somebody who may use the desk.

    Parameters
    ----------
    name : str
        Stands at what they decide.
    role : {"reviewer", "lead", "read-only"}
        A lead also invites others and settles disagreements; read-only decides nothing.
    """

    name: str
    role: Role

    @property
    def decides(self) -> bool:
        """Whether their answers are taken."""
        return self.role != "read-only"


@dataclass(frozen=True, kw_only=True)
class Session:
    """Somebody who has signed in.

    Parameters
    ----------
    reviewer : Reviewer
    expires : datetime
        Aware UTC.
    """

    reviewer: Reviewer
    expires: datetime


def clean_name(name: str) -> str:
    """A reviewer's name as it is kept.

    Raises
    ------
    NotAdmitted
        Empty, too long, with characters that do not print, or the program's own.
    """
    text = " ".join(unicodedata.normalize("NFC", name).split())
    if not text or len(text) > NAME_CHARACTERS:
        raise NotAdmitted(
            f"a reviewer's name has 1 to {NAME_CHARACTERS} characters, this one has {len(text)}"
        )
    if not text.isprintable():
        raise NotAdmitted(f"a reviewer's name holds letters, digits and signs that print; {text!r} does not")
    if unicodedata.normalize("NFKC", text).casefold() == RULE_REVIEWER:
        raise NotAdmitted(
            f"{text!r} is what the program itself signs with (second reviews by rule); give a person's name"
        )
    return text


def invite(root: Path, name: str, role: Role, *, given_by: str, kind: InvitationKind = "invitation") -> str:
    """Let somebody in: the secret that `accept` exchanges for a session.

    An invitation to somebody who is known gives them this role from now on.

    Parameters
    ----------
    root : Path
        The outputs folder.
    name : str
    role : {"reviewer", "lead", "read-only"}
    given_by : str
        Who invites.
    kind : {"invitation", "start"}
        A start link is printed where the desk runs and opens it by one click; an invitation travels, so that whoever
        follows it is asked first (programs that look at links in messages would use it up).

    Raises
    ------
    NotAdmitted
        The name cannot be used, or there is no such role.
    """
    if role not in ROLES:
        raise NotAdmitted(f"{role!r} is no role; give one of {', '.join(ROLES)}")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    lasts = START_LASTS if kind == "start" else INVITATION_LASTS
    now = datetime.now(UTC)
    with writing(root) as connection:
        known = _known(connection, clean_name(name), now)
        if _role_of(connection, known) != role:
            _give(connection, known, role, given_by=given_by, at=now)
        connection.execute(
            insert(invitations).values(
                token_sha256=_digest(token), reviewer=known, kind=kind, created=utc_text(now),
                expires=utc_text(now + lasts), given_by=given_by,
            )
        )  # fmt: skip
    return token


def invited(root: Path, token: str) -> tuple[Reviewer, InvitationKind]:
    """Whose invitation a secret is, without using it up.

    Raises
    ------
    NotAdmitted
        Unknown, used up, expired, or of somebody who has been shut out.
    """
    with reading(root) as connection:
        if connection is None:
            raise NotAdmitted("this link is not known here")
        return _invited(connection, token)


def accept(root: Path, token: str) -> tuple[Reviewer, str]:
    """Exchange an invitation for a session, once.

    Returns
    -------
    reviewer : Reviewer
    session : str
        The secret of the session, for `session_of`.

    Raises
    ------
    NotAdmitted
        Unknown, used up, expired, or of somebody who has been shut out.
    """
    session = secrets.token_urlsafe(TOKEN_BYTES)
    now = datetime.now(UTC)
    with writing(root) as connection:
        reviewer, _ = _invited(connection, token)
        connection.execute(insert(invitation_uses).values(token_sha256=_digest(token), at=utc_text(now)))
        connection.execute(
            insert(sessions).values(
                token_sha256=_digest(session), reviewer=reviewer.name, created=utc_text(now),
                expires=utc_text(now + SESSION_LASTS),
            )
        )  # fmt: skip
    return reviewer, session


def session_of(root: Path, token: str, *, database: Database | None = None) -> Session | None:
    """Who signed in with this session; None where it has ended, expired or never was.

    `database` is that of `root`, for whoever asks often.
    """
    if not token:
        return None
    with (database or database_of(root)).reading() as connection:
        if connection is None:
            return None
        digest = _digest(token)
        row = connection.execute(select(sessions).where(sessions.c.token_sha256 == digest)).first()
        ended = connection.execute(select(session_ends).where(session_ends.c.token_sha256 == digest)).first()
        if row is None or ended is not None or row.expires <= utc_text(datetime.now(UTC)):
            return None
        role = _role_of(connection, row.reviewer)
    if role is None:
        return None
    return Session(
        reviewer=Reviewer(name=row.reviewer, role=role), expires=datetime.fromisoformat(row.expires)
    )


def sign_out(root: Path, token: str) -> None:
    """End a session; one that is not known, or has ended, is let be."""
    digest = _digest(token)
    known = select(sessions.c.reviewer).where(sessions.c.token_sha256 == digest)
    ended = select(session_ends.c.at).where(session_ends.c.token_sha256 == digest)
    with writing(root) as connection:
        if connection.execute(known).first() and not connection.execute(ended).first():
            at = utc_text(datetime.now(UTC))
            connection.execute(insert(session_ends).values(token_sha256=digest, at=at))


def list_reviewers(root: Path) -> tuple[Reviewer, ...]:
    """Everybody who may use the desk, by name."""
    with reading(root) as connection:
        if connection is None:
            return ()
        names = connection.execute(select(reviewers.c.name).order_by(reviewers.c.name_key)).scalars().all()
        found = ((name, _role_of(connection, name)) for name in names)
        return tuple(Reviewer(name=name, role=role) for name, role in found if role is not None)


def shut_out(root: Path, name: str, *, given_by: str) -> None:
    """Take away somebody's access; their answers stay.

    Raises
    ------
    NotAdmitted
        Nobody of that name may use the desk.
    """
    with writing(root) as connection:
        if _role_of(connection, name) is None:
            raise NotAdmitted(f"nobody called {name!r} may use the desk")
        _give(connection, name, SHUT_OUT, given_by=given_by, at=datetime.now(UTC))


def _invited(connection: Connection, token: str) -> tuple[Reviewer, InvitationKind]:
    digest = _digest(token)
    row = connection.execute(select(invitations).where(invitations.c.token_sha256 == digest)).first()
    if row is None:
        raise NotAdmitted("this link is not known here")
    if connection.execute(select(invitation_uses).where(invitation_uses.c.token_sha256 == digest)).first():
        raise NotAdmitted("this link has been used already; it signs in once")
    if row.expires <= utc_text(datetime.now(UTC)):
        raise NotAdmitted(f"this link expired at {row.expires}")
    role = _role_of(connection, row.reviewer)
    if role is None:
        raise NotAdmitted("this link belongs to somebody who may no longer use the desk")
    return Reviewer(name=row.reviewer, role=role), row.kind


def _known(connection: Connection, name: str, now: datetime) -> str:
    """The name under which somebody is kept, as it was written first."""
    key = name.casefold()
    known = connection.execute(select(reviewers.c.name).where(reviewers.c.name_key == key)).scalar()
    if known is not None:
        return str(known)
    connection.execute(insert(reviewers).values(name=name, name_key=key, created=utc_text(now)))
    return name


def _role_of(connection: Connection, name: str) -> Role | None:
    query = select(reviewer_roles.c.role).where(reviewer_roles.c.reviewer == name)
    role = connection.execute(query.order_by(reviewer_roles.c.seq.desc()).limit(1)).scalar()
    return None if role in (None, SHUT_OUT) else role


def _give(connection: Connection, name: str, role: str, *, given_by: str, at: datetime) -> None:
    connection.execute(
        insert(reviewer_roles).values(reviewer=name, role=role, given_by=given_by, at=utc_text(at))
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
