"""Routes of pictures: tiles and crops of runs, kept by browsers for as long as the run stays as it is."""

import hashlib
import math
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from catalog.chips import window_of
from review import render
from review.admission import SignedIn
from review.errors import BadQuestion, NotFound
from review.pixels import Box
from review.render import Asked, TileAddress
from review.runs import OpenRun, RunShelf

FRESH_S = 7 * 24 * 3600
LARGEST_CROP_PX = 512
THUMB_PX = 96

router = APIRouter(prefix="/runs")


def asked(
    low: Annotated[float | None, Query()] = None,
    high: Annotated[float | None, Query()] = None,
    gamma: Annotated[float | None, Query()] = None,
    bands: Annotated[str | None, Query(max_length=20, pattern=r"^\d{1,3}(,\d{1,3})*$")] = None,
) -> Asked:
    """Contrast and bands, from the query.

    Raises
    ------
    BadQuestion
    """
    if any(value is not None and not math.isfinite(value) for value in (low, high, gamma)):
        raise BadQuestion("low, high and gamma are finite numbers")
    return Asked(
        low=low, high=high, gamma=gamma, bands=None if bands is None else tuple(map(int, bands.split(",")))
    )


Look = Annotated[Asked, Depends(asked)]


@router.get("/{key}/tiles/{layer}/{z}/{x}/{y}.png")
def tile(
    request: Request, key: str, layer: str, z: int, x: int, y: int, look: Look, who: SignedIn, size: str = ""
) -> Response:
    """A tile of one layer of a run."""
    del who
    run = shelf(request).open(key)
    address = TileAddress(z=z, x=x, y=y)
    tag = etag(run.key, run.version, layer, address, look, size)
    return kept(request, tag) or fresh(render.tile_png(run, layer, address, look, size), tag)


@router.get("/{key}/dates/{other}/{date}/{z}/{x}/{y}.png")
def other_tile(
    request: Request, key: str, other: str, date: str, z: int, x: int, y: int, look: Look, who: SignedIn
) -> Response:
    """A tile of the same place on a date of another run."""
    del who
    run, second = shelf(request).open(key), shelf(request).open(other)
    same_site(run, second)
    address = TileAddress(z=z, x=x, y=y)
    tag = etag(run.key, run.version, second.key, second.version, date, address, look)
    return kept(request, tag) or fresh(render.other_tile_png(run, second, date, address, look), tag)


@router.get("/{key}/crops/{other}/{date}.png")
def crop(
    request: Request,
    key: str,
    other: str,
    date: str,
    col: Annotated[float, Query(ge=-1e7, le=1e7)],
    row: Annotated[float, Query(ge=-1e7, le=1e7)],
    side: Annotated[float, Query(gt=0, le=1e5)],
    px: Annotated[int, Query(ge=16, le=LARGEST_CROP_PX)],
    who: SignedIn,
) -> Response:
    """A square around a place on one date, for the film strip."""
    del who
    run, second = shelf(request).open(key), shelf(request).open(other)
    if second.key != run.key:
        same_site(run, second)
    box = Box(col0=col - side / 2, row0=row - side / 2, col1=col + side / 2, row1=row + side / 2)
    tag = etag(run.key, run.version, second.key, second.version, date, box, px)
    return kept(request, tag) or fresh(render.crop_png(run, date, box, px, other=second), tag)


@router.get("/{key}/thumbs/{change}.png")
def thumb(request: Request, key: str, change: str, who: SignedIn) -> Response:
    """Both dates of a change, small."""
    del who
    run = shelf(request).open(key)
    window = window_of(run.change(change))
    box = Box(col0=window.col0, row0=window.row0, col1=window.col1, row1=window.row1)
    tag = etag(run.key, run.version, "thumb", change)
    return kept(request, tag) or fresh(render.pair_png(run, box, THUMB_PX), tag)


@router.get("/{key}/tilethumbs/{name}.png")
def tile_thumb(request: Request, key: str, name: str, who: SignedIn) -> Response:
    """Both dates of a whole tile, small."""
    del who
    run = shelf(request).open(key)
    box = Box(**dict(zip(("col0", "row0", "col1", "row1"), run.tile(name)["bbox_px"], strict=True)))
    tag = etag(run.key, run.version, "tilethumb", name)
    return kept(request, tag) or fresh(render.pair_png(run, box, THUMB_PX), tag)


def shelf(request: Request) -> RunShelf:
    """The runs of this desk."""
    found: RunShelf = request.app.state.shelf
    return found


def same_site(run: OpenRun, other: OpenRun) -> None:
    """Refuse dates that have nothing to do with a run.

    Raises
    ------
    NotFound
    """
    sites = [r.stored.report.site for r in (run, other)]
    if sites[0] is None or sites[1] is None or sites[0]["id"] != sites[1]["id"]:
        raise NotFound(f"{other.key} is no run of the same site")


def etag(*parts: object) -> str:
    """Of a picture: what it is made from, not what it looks like, so that it need not be made to be compared."""
    return '"' + hashlib.sha256(repr(parts).encode()).hexdigest()[:24] + '"'


def kept(request: Request, tag: str) -> Response | None:
    """An answer without a picture, where the browser has it."""
    if tag not in (part.strip() for part in request.headers.get("if-none-match", "").split(",")):
        return None
    return Response(status_code=304, headers=_headers(tag))


def fresh(png: bytes, tag: str) -> Response:
    """A picture."""
    return Response(png, media_type="image/png", headers=_headers(tag))


def _headers(tag: str) -> dict[str, str]:
    return {"ETag": tag, "Cache-Control": f"private, max-age={FRESH_S}"}
