"""The desk as an ASGI application."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from catalog.errors import BadReview
from catalog.review import ReviewStore
from imagery.errors import SitewatchError
from review import admission, answers, exports, pages, pictures, team
from review.desk import Desk
from review.errors import NotSignedIn, ReviewError, StalePage
from review.export_jobs import ExportJobs
from review.guard import Guard
from review.pixels import RASTERS
from review.runs import RunShelf
from review.settings import DeskSettings
from review.statics import Statics
from review.views import page

API = "/api/"
PICTURES = "/runs/"

ROUTERS = tuple(module.router for module in (admission, pages, pictures, answers, exports, team))
"""All that answers, but for files of the desk and `/healthz`."""


def create_app(settings: DeskSettings) -> FastAPI:
    """The application of one desk.

    Parameters
    ----------
    settings : DeskSettings
    """
    store, shelf = ReviewStore(settings.root), RunShelf(settings.root)
    if settings.second is not None:
        store.give_rule(settings.second, given_by=settings.opened_by)
    desk, sessions = Desk(store, shelf), admission.Sessions(settings)
    jobs = ExportJobs(settings.root)

    @asynccontextmanager
    async def open_until_stopped(_app: FastAPI) -> AsyncIterator[None]:
        yield
        jobs.close()
        desk.close()
        sessions.close()
        RASTERS.close()

    app = _Guarded(
        settings,
        title="sitewatch review",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=open_until_stopped,
    )
    app.state.settings = settings
    app.state.sessions = sessions
    app.state.store, app.state.shelf, app.state.desk, app.state.exports = store, shelf, desk, jobs
    app.mount("/static", Statics(), name="static")
    for router in ROUTERS:
        app.include_router(router)
    app.add_api_route("/healthz", _healthz, methods=["GET"], include_in_schema=False)
    _explain_errors(app)
    return app


def _healthz() -> Response:
    return PlainTextResponse("ok")


class _Guarded(FastAPI):
    """With the guard around everything, the answer to a fault in the desk itself included."""

    def __init__(self, settings: DeskSettings, **given: Any) -> None:
        super().__init__(**given)
        self._hosts = settings.hosts

    def build_middleware_stack(self) -> ASGIApp:
        return Guard(super().build_middleware_stack(), hosts=self._hosts)


def _explain_errors(app: FastAPI) -> None:
    """Every refusal says what is wrong: to programs as JSON, to people as a page."""

    def told(request: Request, status: int, reason: str, **more: bool) -> Response:
        if request.url.path.startswith((API, PICTURES)):
            return JSONResponse({"error": reason, **more}, status_code=status)
        return page(request, "error.html", {"status": status, "reason": reason}, who=None, status=status)

    async def not_signed_in(request: Request, problem: Exception) -> Response:
        if request.method == "GET" and not request.url.path.startswith((API, PICTURES)):
            return RedirectResponse("/signin", status_code=303)
        return told(request, NotSignedIn.status, str(problem))

    async def review_error(request: Request, problem: Exception) -> Response:
        more = {"stale": True} if isinstance(problem, StalePage) else {}
        return told(request, getattr(problem, "status", 500), str(problem), **more)

    async def bad_review(request: Request, problem: Exception) -> Response:
        conflict = isinstance(problem, BadReview) and problem.conflict
        return told(request, 409 if conflict else 422, str(problem))

    async def bad_record(request: Request, problem: Exception) -> Response:
        return told(request, 503, str(problem))

    async def bad_request(request: Request, problem: Exception) -> Response:
        found = problem.errors()[:5] if isinstance(problem, RequestValidationError) else []
        faults = [f"{'.'.join(map(str, fault['loc'][1:]))}: {fault['msg']}" for fault in found]
        return told(request, 422, "; ".join(faults))

    async def http_error(request: Request, problem: Exception) -> Response:
        status = problem.status_code if isinstance(problem, HTTPException) else 500
        reason = (
            "there is nothing at this address" if status == 404 else str(getattr(problem, "detail", problem))
        )
        return told(request, status, reason)

    async def fault(request: Request, problem: Exception) -> Response:
        return told(request, 500, f"{type(problem).__name__}: this is a fault in sitewatch, please report it")

    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        NotSignedIn: not_signed_in, ReviewError: review_error, BadReview: bad_review, SitewatchError: bad_record,
        RequestValidationError: bad_request, HTTPException: http_error, Exception: fault,
    }  # fmt: skip
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
