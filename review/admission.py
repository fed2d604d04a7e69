"""Who is asking: sign-in by link, session cookies, roles, and proof that a request came from the desk's own pages."""

import hashlib
import hmac
import threading
import time
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from catalog import reviewers
from catalog.database import database_of
from catalog.errors import NotAdmitted
from catalog.reviewers import SESSION_LASTS, Reviewer, Session
from review.errors import NotAllowed, NotSignedIn, StalePage
from review.settings import DeskSettings
from review.views import page

REMEMBERED_FOR_S = 3.0
"""A session that was looked up is believed for this long, so that a page full of pictures asks the database once."""

LONGEST_TOKEN = 200

router = APIRouter()


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Somebody who has signed in, and the token that their pages send along with what changes something.

    Parameters
    ----------
    reviewer : Reviewer
    csrf : str
    """

    reviewer: Reviewer
    csrf: str


class Sessions:
    """Sessions by their secret, remembered for a moment. Safe for several threads.

    Parameters
    ----------
    settings : DeskSettings
    """

    def __init__(self, settings: DeskSettings) -> None:
        self._root = settings.root
        self._database = database_of(settings.root, kept=True)
        self._lock = threading.Lock()
        self._remembered: dict[str, tuple[float, Session]] = {}

    def remembered(self, secret: str) -> Session | None:
        """Whose session it is, if that was looked up just now."""
        with self._lock:
            kept = self._remembered.get(secret)
        return kept[1] if kept is not None and time.monotonic() - kept[0] < REMEMBERED_FOR_S else None

    def get(self, secret: str) -> Session | None:
        """Whose session it is, if it still is one."""
        kept = self.remembered(secret)
        if kept is not None:
            return kept
        found = reviewers.session_of(self._root, secret, database=self._database)
        now = time.monotonic()
        with self._lock:
            self._remembered = {s: k for s, k in self._remembered.items() if now - k[0] < REMEMBERED_FOR_S}
            if found is not None:
                self._remembered[secret] = (now, found)
        return found

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def forget(self) -> None:
        """Look every session up again: somebody signed out or was given another role."""
        with self._lock:
            self._remembered.clear()


def cookie_name(settings: DeskSettings) -> str:
    """By https a name that browsers accept from this host and by https alone."""
    return "__Host-sitewatch" if settings.secure else f"sitewatch-{settings.port}"


async def visitor(request: Request) -> Visitor:
    """Who is asking.

    Raises
    ------
    NotSignedIn
    """
    secret = _secret_of(request)
    session = request.app.state.sessions.remembered(secret)
    return _visitor(secret, session or await run_in_threadpool(request.app.state.sessions.get, secret))


def _secret_of(request: Request) -> str:
    settings: DeskSettings = request.app.state.settings
    secret = request.cookies.get(cookie_name(settings), "")
    return secret if len(secret) <= LONGEST_TOKEN else ""


def _visitor(secret: str, session: Session | None) -> Visitor:
    if session is None:
        raise NotSignedIn(
            "nobody has signed in here, or the session has ended; open the link that you were given"
        )
    return Visitor(reviewer=session.reviewer, csrf=_csrf(secret))


SignedIn = Annotated[Visitor, Depends(visitor)]


async def changing(request: Request, who: SignedIn) -> Visitor:
    """Who is asking for a change, from a page of this desk.

    Raises
    ------
    NotSignedIn
    NotAllowed
        The request came from elsewhere.
    StalePage
        It lacks the token that pages of this session have.
    """
    same_origin(request)
    given = request.headers.get("x-csrf-token", "")
    if not hmac.compare_digest(given.encode(), who.csrf.encode()):
        raise StalePage("this page belongs to an earlier session: load it again")
    return who


Changing = Annotated[Visitor, Depends(changing)]


async def deciding(who: Changing) -> Visitor:
    """Somebody whose answers are taken.

    Raises
    ------
    NotAllowed
    """
    if not who.reviewer.decides:
        raise NotAllowed(f"{who.reviewer.name} may look and not decide (role read-only)")
    return who


async def leading(who: SignedIn) -> Visitor:
    """A lead.

    Raises
    ------
    NotAllowed
    """
    if who.reviewer.role != "lead":
        raise NotAllowed(f"only a lead may do that; {who.reviewer.name} is {who.reviewer.role}")
    return who


Deciding = Annotated[Visitor, Depends(deciding)]
Leading = Annotated[Visitor, Depends(leading)]


def same_origin(request: Request) -> None:
    """Refuse what a page elsewhere made a browser send.

    Raises
    ------
    NotAllowed
    """
    settings: DeskSettings = request.app.state.settings
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "same-origin")
    if (origin is not None and origin.lower() not in settings.origins) or site not in ("same-origin", "none"):
        raise NotAllowed("this request was sent by a page of another site")


async def fields(request: Request) -> dict[str, str]:
    """Fields of a plain form."""
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), max_num_fields=20))


Fields = Annotated[dict[str, str], Depends(fields)]


def from_this_desk(request: Request, form: dict[str, str], who: Visitor) -> None:
    """Refuse a form that a page elsewhere sent.

    Raises
    ------
    NotAllowed
    """
    same_origin(request)
    if not hmac.compare_digest(form.get("csrf", "").encode(), who.csrf.encode()):
        raise NotAllowed("this request did not come from a page of this desk: load the page again")


@router.get("/signin")
def sign_in_page(request: Request, token: str = "") -> Response:
    """Follow a link: a start link signs in at once, an invitation asks first."""
    settings: DeskSettings = request.app.state.settings
    if not token:
        return page(request, "signin.html", {}, who=None)
    try:
        known, kind = reviewers.invited(settings.root, token[:LONGEST_TOKEN])
        if kind == "start":
            return _admitted(request, token)
    except NotAdmitted as problem:
        try:
            secret = _secret_of(request)
            _visitor(secret, request.app.state.sessions.get(secret))
        except NotSignedIn:
            return page(request, "signin.html", {"problem": str(problem)}, who=None, status=403)
        return RedirectResponse(
            "/", status_code=303
        )  # the same link again, in a browser that it has signed in
    return page(request, "signin.html", {"invited": known, "token": token}, who=None)


@router.post("/signin")
def sign_in(request: Request, form: Fields) -> Response:
    """Accept an invitation."""
    same_origin(request)
    try:
        return _admitted(request, form.get("token", "")[:LONGEST_TOKEN])
    except NotAdmitted as problem:
        return page(request, "signin.html", {"problem": str(problem)}, who=None, status=403)


@router.post("/signout")
def sign_out(request: Request, form: Fields, who: SignedIn) -> Response:
    """End the session."""
    from_this_desk(request, form, who)
    settings: DeskSettings = request.app.state.settings
    name = cookie_name(settings)
    reviewers.sign_out(settings.root, request.cookies[name])
    request.app.state.sessions.forget()
    response = RedirectResponse("/signin", status_code=303)
    response.delete_cookie(name, path="/", secure=settings.secure, httponly=True, samesite="strict")
    return response


def _admitted(request: Request, token: str) -> Response:
    settings: DeskSettings = request.app.state.settings
    _, secret = reviewers.accept(settings.root, token)
    request.app.state.sessions.forget()
    response = RedirectResponse("/", status_code=303)
    cookie: dict[str, Any] = {"httponly": True, "samesite": "strict", "secure": settings.secure, "path": "/"}
    response.set_cookie(cookie_name(settings), secret, max_age=int(SESSION_LASTS.total_seconds()), **cookie)
    return response


def _csrf(secret: str) -> str:
    """Follows from the session and does not lead back to it."""
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()
