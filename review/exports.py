"""Routes of what is handed over: files of runs, made behind the pages and fetched when they are ready."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from catalog.exports.wish import Format
from catalog.review import ReviewStore
from review.admission import Changing, SignedIn, Visitor
from review.errors import BadQuestion, NotAllowed
from review.export_jobs import MEDIA_TYPES, ExportJobs, Order
from review.filters import Chosen
from review.pages import Choice, records
from review.pictures import shelf
from review.views import run_words

MOST_RUNS = 50

router = APIRouter()


class Asked(BaseModel):
    """What a page asks for."""

    model_config = ConfigDict(extra="forbid")

    runs: Annotated[
        list[Annotated[str, Field(max_length=400)]],
        Field(min_length=1, max_length=MOST_RUNS, description="Keys of runs."),
    ]
    formats: Annotated[list[Format], Field(min_length=1, max_length=7)]
    confirmed: bool = False
    min_score: Annotated[float | None, Field(ge=0, le=1)] = None
    pictures: bool = False
    anonymous: bool = False


@router.get("/api/queue/runs")
def runs_json(request: Request, choice: Choice, who: SignedIn) -> Response:
    """Runs of what a filter shows, the newest first, with words for a list."""
    name = who.reviewer.name
    found = records(request).runs_of(_of_changes(choice).filters(name), viewer=name)
    sites = request.app.state.desk.site_names()
    runs = [
        {"key": shelf(request).key_of(row["name"]), "name": row["name"], "words": run_words(row, sites)}
        for row in found
    ]
    return JSONResponse({"runs": runs, "most": MOST_RUNS})


@router.post("/api/exports")
def begin(request: Request, asked: Asked, who: Changing) -> Response:
    """Have files made. Whoever may look may have them: they hold what the pages show."""
    _check(asked, records(request))
    runs = [shelf(request).open(key) for key in dict.fromkeys(asked.runs)]
    names = [run.stored.report.name for run in runs]

    def allowed() -> None:
        _keep_blind(records(request), names, who)

    allowed()
    order = Order(
        owner=who.reviewer.name, folders=tuple(run.stored.folder for run in runs),
        formats=tuple(dict.fromkeys(asked.formats)), confirmed=asked.confirmed, min_score=asked.min_score,
        pictures=asked.pictures, anonymous=asked.anonymous, allowed=allowed,
    )  # fmt: skip
    return JSONResponse(_jobs(request).begin(order).as_dict(), status_code=202)


@router.get("/api/exports/{name}")
def state(request: Request, name: str, who: SignedIn) -> Response:
    """How far files are."""
    return JSONResponse(_jobs(request).get(name, who.reviewer.name).as_dict())


@router.post("/api/exports/{name}/stop")
def stop(request: Request, name: str, who: Changing) -> Response:
    """Nobody waits for them any more."""
    job = _jobs(request).get(name, who.reviewer.name)
    job.stopping.set()
    return JSONResponse(job.as_dict())


@router.get("/exports/{name}")
def fetch(request: Request, name: str, who: SignedIn) -> Response:
    """The file."""
    job = _jobs(request).get(name, who.reviewer.name)
    if job.state != "ready" or job.file is None:
        raise BadQuestion("these files are not ready yet")
    return FileResponse(job.file, media_type=MEDIA_TYPES[job.file.suffix], filename=job.file.name)


def _jobs(request: Request) -> ExportJobs:
    found: ExportJobs = request.app.state.exports
    return found


def _of_changes(choice: Chosen) -> Chosen:
    """Everything that fits the filters, answered or not: a run is handed over as a whole."""
    return Chosen(what=choice.what, show="all", values=choice.values)


def _check(asked: Asked, store: ReviewStore) -> None:
    """Say in the page's words what the command would say in its own."""
    if "stac" in asked.formats and (asked.confirmed or asked.min_score is not None):
        raise BadQuestion(
            "a STAC copy is the whole comparison and leaves nothing out: ask for it without confirmed only and score, "
            "or for the other formats alone"
        )
    if asked.confirmed and store.head().seq == 0:
        raise BadQuestion("nothing has been reviewed yet, so nothing is confirmed: leave confirmed only out")


def _keep_blind(store: ReviewStore, runs: list[str], who: Visitor) -> None:
    """Files say who answered what; leads decide for themselves."""
    if who.reviewer.role == "lead":
        return
    for run in runs:
        count = store.kept_from(who.reviewer.name, run)
        if count:
            waiting = "1 change waits" if count == 1 else f"{count} changes wait"
            raise NotAllowed(
                f"{run}: {waiting} for a blind second review, and the files would tell what the first reviewer said; "
                "have them made after it, or ask a lead"
            )
