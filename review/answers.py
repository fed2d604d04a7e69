"""Where answers arrive: each is one event of the journal, or is refused with the reason."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from catalog.errors import BadReview
from catalog.geometry import polygon
from catalog.journal import ReviewDraft, ReviewEvent
from catalog.review import ReviewStore
from catalog.review_acts import Act
from catalog.review_outline import checked_ring
from imagery.errors import SitewatchError
from review.admission import Deciding, SignedIn, Visitor
from review.errors import NotAllowed
from review.items import find_item
from review.pictures import shelf
from review.runs import RunShelf

router = APIRouter(prefix="/api")

_LOG = logging.getLogger(__name__)

SITTING = timedelta(hours=12)
"""An answer older than this is not taken back by a key press on a page that was loaded since."""


class Answer(BaseModel):
    """What a page sends."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[
        str, Field(min_length=8, max_length=100, description="Made by the page, another for each answer.")
    ]
    act: Act
    subject: Annotated[str, Field(max_length=400)] | None = None
    run: (
        Annotated[str, Field(max_length=400, description="Only for a missed change: the run that missed it.")]
        | None
    ) = None
    run_key: (
        Annotated[str, Field(max_length=400, description="The run on whose pixels an outline is drawn.")]
        | None
    ) = None
    body: dict[str, Any] = Field(default_factory=dict)
    show: Annotated[
        bool,
        Field(description="Whether the page wants to see what became of the subject: not where it goes on."),
    ] = True
    shows: (
        Annotated[
            str,
            Field(
                max_length=400,
                description="What the page shows, where the answer may mark it or not any more.",
            ),
        ]
        | None
    ) = None


@router.post("/answers")
async def take(request: Request, answer: Answer, who: Deciding) -> Response:
    """Take an answer in; sent again it counts once.

    Once it is in the journal it is taken, whatever else goes wrong: ``item`` is null where it cannot be shown, or need
    not be.
    """
    store: ReviewStore = request.app.state.store
    runs = shelf(request)
    _check_role(answer, who)
    draft = await run_in_threadpool(_draft, store, runs, answer, who)
    event = await asyncio.wrap_future(store.take(draft))  # holds no thread: fifty may wait, and tiles go on
    shown = answer.shows or event.subject
    if answer.shows is not None:
        await run_in_threadpool(store.settle)
    item = await run_in_threadpool(_shown, store, runs, event, shown, who) if answer.show else None
    return JSONResponse({"event": event.seq, "subject": event.subject, "item": item})


@router.get("/answers/last")
def last(request: Request, who: SignedIn) -> Response:
    """The last answer of whoever asks that they have not taken back."""
    store: ReviewStore = request.app.state.store
    found = store.last_of(who.reviewer.name, since=datetime.now(UTC) - SITTING)
    return JSONResponse(
        {"event": found and found.seq, "subject": found and found.subject, "act": found and found.act}
    )


def _draft(store: ReviewStore, runs: RunShelf, answer: Answer, who: Visitor) -> ReviewDraft:
    return ReviewDraft(
        key=answer.key, reviewer=who.reviewer.name, act=answer.act, subject=answer.subject, run=answer.run,
        body=_body(store, runs, answer),
    )  # fmt: skip


def _shown(
    store: ReviewStore, runs: RunShelf, event: ReviewEvent, subject: str, who: Visitor
) -> dict[str, Any] | None:
    try:
        return find_item(store, runs, subject, who).as_dict()
    except SitewatchError as problem:
        _LOG.warning("event %d is in the journal; its subject cannot be shown: %s", event.seq, problem)
        return None


def _check_role(answer: Answer, who: Visitor) -> None:
    if answer.body.get("settles") and who.reviewer.role != "lead":
        raise NotAllowed(f"only a lead may settle a disagreement; {who.reviewer.name} is {who.reviewer.role}")


def _body(store: ReviewStore, runs: RunShelf, answer: Answer) -> dict[str, Any]:
    """The body as the journal has it: outlines on the ground, and events by number."""
    body = dict(answer.body)
    if "outline_px" in body and answer.run_key is not None:
        grid = runs.open(answer.run_key).grid
        if grid.crs is not None:
            ring = checked_ring("outline_px", body.pop("outline_px"))
            body["geometry"] = polygon(grid, [(col, row) for col, row in ring])
    if answer.act == "undo" and "event_key" in body:
        target = store.event(str(body.pop("event_key")))
        if target is None:
            raise BadReview("the answer that is to be taken back never arrived", conflict=True)
        body["event"] = target.seq
    return body
