"""Routes of pages, and of the documents that their scripts fetch."""

import itertools
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from markupsafe import Markup

from catalog.queue import QueueEntry
from catalog.queue_filters import WHATS
from catalog.review import ReviewStore
from review import documents, film
from review.admission import SignedIn
from review.filters import NONE, Chosen, chosen
from review.items import drawn_outlines, find_item
from review.pictures import etag, kept, shelf
from review.views import data, page, run_words, words

PAGE_ENTRIES = 48
BATCH_MOST = 100
LONGEST_SUBJECT = 400

router = APIRouter()

Choice = Annotated[Chosen, Depends(chosen)]
Subject = Annotated[str, Query(min_length=1, max_length=LONGEST_SUBJECT)]


@router.get("/")
def queue_page(
    request: Request,
    choice: Choice,
    who: SignedIn,
    after: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """What there is to be looked at."""
    store = records(request)
    request.app.state.desk.keep_in_step()
    name = who.reviewer.name
    filters = choice.filters(name)
    found = store.queue(filters, after=after, limit=PAGE_ENTRIES, viewer=name)
    unfiltered = store.counts(choice.without_filters().filters(name), viewer=name)
    waiting = {what: store.counts(Chosen(what=what).filters(name), viewer=name).total for what in WHATS}
    request.app.state.desk.warm({entry.run for entry in found.entries})
    values = {
        "choice": choice, "groups": _groups(request, found.entries), "next": found.next, "after": after,
        "counts": store.counts(filters, viewer=name) if choice.values else unfiltered, "facets": unfiltered.by,
        "waiting": waiting, "runs": len(shelf(request).keys()), "sites": _sites(request),
        "chips": _chips(request, choice),
    }  # fmt: skip
    return page(request, "queue.html", values, who=who)


@router.get("/review")
def compare_page(request: Request, subject: Subject, choice: Choice, who: SignedIn) -> Response:
    """One change or tile."""
    item = find_item(records(request), shelf(request), subject, who)
    first = Markup('{{"item":{},"run":{}}}').format(data(item.as_dict()), documents.run_json(item.run))
    values = {"item": item, "first": first, "choice": choice, "report": item.run.stored.report}
    return page(request, "compare.html", values, who=who)


@router.get("/disagreements")
def disagreements_page(request: Request, who: SignedIn) -> Response:
    """What reviewers differ about; nobody sees what is still to be answered blind."""
    store = records(request)
    choice = Chosen(what="change", show="all", settle=True)
    found = store.queue(choice.filters(who.reviewer.name), limit=PAGE_ENTRIES, viewer=who.reviewer.name)
    rows = [
        {"entry": entry, "state": store.state(entry.subject, viewer=who.reviewer.name)}
        for entry in found.entries
    ]
    values = {"rows": rows, "choice": choice, "more": found.next is not None, "sites": _sites(request)}
    return page(request, "disagreements.html", values, who=who)


@router.get("/figures")
def figures_page(
    request: Request,
    who: SignedIn,
    site: Annotated[str, Query(max_length=200)] = "",
    sensor: Literal["", "optical", "sar"] = "",
    simulated: Literal["", "yes", "no"] = "",
) -> Response:
    """What the answers say of the detector, and of the reviewers."""
    figures = records(request).figures(
        sites=(site,) if site else (),
        sensor=sensor or None,
        simulated=None if simulated == "" else simulated == "yes",
        viewer=None if who.reviewer.role == "lead" else who.reviewer.name,
    )
    values = {
        "figures": figures,
        "sites": _sites(request),
        "site": site,
        "sensor": sensor,
        "simulated": simulated,
    }
    return page(request, "figures.html", values, who=who)


@router.get("/api/items")
def item_json(request: Request, subject: Subject, who: SignedIn) -> Response:
    """One change or tile."""
    return JSONResponse(find_item(records(request), shelf(request), subject, who).as_dict())


@router.get("/api/runs/{key}")
def run_json(request: Request, key: str, who: SignedIn) -> Response:
    """What a page needs to show any place of a run."""
    del who
    run = shelf(request).open(key)
    tag = etag("run", run.key, run.version)
    known = kept(request, tag)
    return known or Response(
        documents.run_json(run), media_type="application/json",
        headers={"ETag": tag, "Cache-Control": "private, no-cache"},
    )  # fmt: skip


@router.get("/api/runs/{key}/dates")
def dates_json(
    request: Request,
    key: str,
    who: SignedIn,
    col: Annotated[float, Query(ge=-1e7, le=1e7)],
    row: Annotated[float, Query(ge=-1e7, le=1e7)],
) -> Response:
    """Every date that shows the same place."""
    del who
    run = shelf(request).open(key)
    return JSONResponse({"dates": film.dates(records(request), shelf(request), run, (col, row))})


@router.get("/api/runs/{key}/drawn")
def drawn_json(request: Request, key: str, who: SignedIn) -> Response:
    """Outlines that people drew in a run, as they are now."""
    run = shelf(request).open(key)
    return JSONResponse({"outlines": drawn_outlines(records(request), run, who)})


@router.get("/api/queue")
def queue_json(
    request: Request,
    choice: Choice,
    who: SignedIn,
    begin: Annotated[str | None, Query(alias="from", max_length=LONGEST_SUBJECT)] = None,
    limit: Annotated[int, Query(ge=1, le=BATCH_MOST)] = 20,
) -> Response:
    """Subjects that come next under the same filters, and how many there are."""
    store, name = records(request), who.reviewer.name
    filters = choice.filters(name)
    after = None if begin is None else store.position_of(begin)
    found = store.queue(filters, after=after, limit=limit, viewer=name)
    return JSONResponse(
        {
            "subjects": [entry.subject for entry in found.entries],
            "total": store.counts(filters, viewer=name).total,
        }
    )


def records(request: Request) -> ReviewStore:
    """The records of this desk."""
    store: ReviewStore = request.app.state.store
    return store


def _groups(request: Request, entries: tuple[QueueEntry, ...]) -> list[dict[str, Any]]:
    """Entries by tile, in order."""
    key_of = shelf(request).key_of
    return [
        {"run": run, "key": key_of(run), "tile": tile, "entries": list(group)}
        for (run, tile), group in itertools.groupby(entries, key=lambda entry: (entry.run, entry.tile))
    ]


def _chips(request: Request, choice: Chosen) -> list[tuple[str, str]]:
    """Filters that no field shows, in words, each with the address without it."""
    found = []
    if "run" in choice.values:
        name = choice.values["run"]
        row = next((row for row in records(request).runs() if row["name"] == name), None)
        found.append(
            (f"comparison {run_words(row, _sites(request)) if row else name}", choice.query(run=None))
        )
    if "reason" in choice.values:
        reason = choice.values["reason"]
        found.append((f"reason {'none' if reason == NONE else words(reason)}", choice.query(reason=None)))
    return found


def _sites(request: Request) -> dict[str, str]:
    """Names of the sites that have runs."""
    found: dict[str, str] = request.app.state.desk.site_names()
    return found
