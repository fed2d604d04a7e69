"""What may stand in an answer: complete, nothing else, and nothing that harms whoever reads it."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import BadReview
from catalog.geometry import polygon
from catalog.layout import digest
from catalog.review_acts import ACTS, REASONS, Act, checked_body, tile_of, tile_subject
from catalog.review_outline import MOST_POINTS, on_grid
from tests.unit.catalog.catalog_runs import grid_of
from tests.unit.catalog.reviews import ring

CHANGE, TILE = "abc123", "tile:site/run/r00c00"
SQUARE = ring((35.910, 35.402, 35.911, 35.403))
POLYGON = {"type": "Polygon", "coordinates": [SQUARE]}

GOOD: list[tuple[Act, str, dict[str, Any]]] = [
    ("verdict", CHANGE, {"verdict": "confirmed"}),
    ("verdict", CHANGE, {"verdict": "unsure", "reason": None}),
    ("verdict", CHANGE, {"verdict": "confirmed", "settles": True}),
    *(("verdict", CHANGE, {"verdict": "rejected", "reason": reason}) for reason in REASONS),
    ("verdict", TILE, {"verdict": "nothing_missed"}),
    ("verdict", TILE, {"verdict": "missed"}),
    ("relabel", CHANGE, {"label": "Large aircraft (4-engine)"}),
    ("outline", CHANGE, {"geometry": POLYGON}),
    ("outline", CHANGE, {"outline_px": ring((1, 2, 9, 8))}),
    ("note", TILE, {"text": "two lines\nwith <b>marks</b> & =cmd|' /C calc'!A0"}),
    ("undo", CHANGE, {"event": 3}),
    ("assign_second", CHANGE, {"rule": "score 0.4 to 0.6"}),
    ("suppress", CHANGE, {"until": "2025-06-30", "reason": "known_object"}),
    ("unsuppress", CHANGE, {}),
]


@pytest.mark.parametrize(("act", "subject", "body"), GOOD)
def test_what_is_complete_is_taken(act: Act, subject: str, body: dict[str, Any]) -> None:
    assert checked_body(act, subject, body).keys() == body.keys()


@pytest.mark.parametrize(("act", "subject", "body"), GOOD)
def test_nothing_else_is_taken_with_it(act: Act, subject: str, body: dict[str, Any]) -> None:
    with pytest.raises(BadReview, match="fields that it does not know: 'admin'"):
        checked_body(act, subject, body | {"admin": True})


BAD: list[tuple[Act, str, dict[str, Any], str]] = [
    ("verdict", CHANGE, {}, "verdict must be one of confirmed, rejected, unsure"),
    ("verdict", CHANGE, {"verdict": "rejected"}, "reason must be one of cloud, shadow"),
    ("verdict", CHANGE, {"verdict": "rejected", "reason": "other"}, "reason must be one of"),
    ("verdict", CHANGE, {"verdict": "confirmed", "reason": "cloud"}, "reason belongs to rejected"),
    ("verdict", CHANGE, {"verdict": ["confirmed"]}, "verdict must be one of"),
    ("verdict", CHANGE, {"verdict": "nothing_missed"}, "verdict must be one of confirmed"),
    ("verdict", TILE, {"verdict": "confirmed"}, "verdict must be one of nothing_missed, missed"),
    ("verdict", CHANGE, {"verdict": "confirmed", "settles": 1}, "settles must be true or false"),
    ("relabel", CHANGE, {"label": "<script>"}, "must begin with a letter or digit"),
    ("relabel", CHANGE, {"label": "=1+1"}, "must begin with a letter or digit"),
    ("relabel", CHANGE, {"label": "x" * 61}, "label has 61 characters"),
    ("relabel", TILE, {"label": "ship"}, "relabel is about a change"),
    ("note", CHANGE, {"text": "x" * 4001}, "text has 4001 characters; at most 4000"),
    ("note", CHANGE, {"text": " \n "}, "text is empty"),
    ("note", CHANGE, {"text": "a\x1b[2J"}, r"control character U\+001B"),
    ("note", CHANGE, {"text": "a\ud800"}, r"control character U\+D800"),
    ("note", CHANGE, {"text": 5}, "text must be text"),
    ("undo", CHANGE, {"event": True}, "event must be the number"),
    ("undo", CHANGE, {"event": 0}, "event must be the number"),
    ("suppress", CHANGE, {"until": "soon", "reason": "cloud"}, "until must be a date"),
    ("suppress", CHANGE, {"until": 20250630, "reason": "cloud"}, "until must be a date"),
    ("suppress", CHANGE, {"until": "2025-06-30", "reason": "x"}, "reason must be one of"),
    ("assign_second", CHANGE, {"rule": "a\nb"}, "rule must be on one line"),
    ("outline", CHANGE, {}, "give geometry"),
    ("outline", CHANGE, {"geometry": POLYGON, "outline_px": SQUARE}, "one of them"),
    ("missed", "abc", {"geometry": POLYGON, "kind": "appeared", "label": "x"}, "adds a change of its own"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "subject", "body", "said"), BAD)
def test_what_is_wrong_is_named(act: Act, subject: str, body: dict[str, Any], said: str) -> None:
    with pytest.raises(BadReview, match=said):
        checked_body(act, subject, body)


def test_text_is_composed_and_trimmed() -> None:
    assert checked_body("note", CHANGE, {"text": "  e\u0301\r\nb "}) == {"text": "é\nb"}


BOWTIE = [[35.910, 35.402], [35.911, 35.403], [35.911, 35.402], [35.910, 35.403], [35.910, 35.402]]


@pytest.mark.parametrize(
    ("geometry", "said"),
    [
        ("POLYGON((0 0))", "must be a GeoJSON Polygon"),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE]]}, "must be a GeoJSON Polygon"),
        ({"type": "Polygon"}, "one ring"),
        ({"type": "Polygon", "coordinates": [SQUARE, SQUARE]}, "no holes"),
        ({"type": "Polygon", "coordinates": [SQUARE], "crs": {}}, "nothing else"),
        ({"type": "Polygon", "coordinates": [SQUARE[:-1]]}, "is not closed"),
        ({"type": "Polygon", "coordinates": [SQUARE[:3]]}, "ring of 4 to 500"),
        ({"type": "Polygon", "coordinates": [SQUARE[:1] * (MOST_POINTS + 1)]}, "ring of 4 to 500"),
        ({"type": "Polygon", "coordinates": [BOWTIE]}, "crosses itself"),
        ({"type": "Polygon", "coordinates": [SQUARE[:1] * 5]}, "crosses itself or has no inside"),
        ({"type": "Polygon", "coordinates": [[["a", 1]] * 4]}, "two finite numbers"),
        ({"type": "Polygon", "coordinates": [[[math.nan, 1.0]] * 4]}, "two finite numbers"),
        ({"type": "Polygon", "coordinates": [[[1e400, 1.0]] * 4]}, "two finite numbers"),
        ({"type": "Polygon", "coordinates": [[[1.0, 2.0, 3.0]] * 4]}, "is two numbers"),
        ({"type": "Polygon", "coordinates": [["ab"] * 4]}, "is two numbers"),
        ({"type": "Polygon", "coordinates": [ring((181, 0, 182, 1))]}, "longitude -180 to 180"),
        ({"type": "Polygon", "coordinates": [ring((10, 10, 12, 12))]}, "m2 are taken"),
        ({"type": "Polygon", "coordinates": [ring((10, 10, 10.0000002, 10.0000002))]}, "m2 are taken"),
    ],
)
def test_outlines_that_cannot_be_drawn_are_refused(geometry: Any, said: str) -> None:
    with pytest.raises(BadReview, match=said):
        checked_body("outline", CHANGE, {"geometry": geometry})


def test_outlines_turn_the_right_way_and_have_the_usual_digits() -> None:
    clockwise = [[round(x + 1e-9, 12), y] for x, y in SQUARE[::-1]]
    body = checked_body("outline", CHANGE, {"geometry": {"type": "Polygon", "coordinates": [clockwise]}})
    assert body == {"geometry": POLYGON}


GRID = {
    "crs": "EPSG:32636",
    "transform": [0.5, 0, 765_000.0, 0, -0.5, 3_923_000.0],
    "shape": [600, 700],
    "gsd_m": 0.5,
}
PLAIN = GRID | {"crs": None, "transform": [1, 0, 0, 0, -1, 0]}


def test_outlines_come_to_lie_on_the_pixels_of_the_run() -> None:
    drawn = polygon(grid_of(), [(10, 20), (30, 20), (30, 60), (10, 60), (10, 20)])
    cols, rows = zip(*on_grid({"geometry": drawn}, GRID), strict=True)
    assert (min(cols), max(cols)) == pytest.approx((10, 30), abs=0.05)
    assert (min(rows), max(rows)) == pytest.approx((20, 60), abs=0.05)
    assert on_grid({"outline_px": ring((1, 2, 9, 8))}, PLAIN)[0] == (1, 2)


@pytest.mark.parametrize(
    ("body", "grid", "said"),
    [
        ({"geometry": POLYGON | {"coordinates": [ring((10, 10, 10.001, 10.001))]}}, GRID, "beyond the images"),
        ({"geometry": POLYGON | {"coordinates": [ring((-179, -80, -178.999, -79.999))]}}, GRID, "beyond the images"),
        ({"outline_px": ring((690, 10, 710, 20))}, PLAIN, "beyond the images"),
        ({"outline_px": ring((1, 2, 9, 8))}, GRID, "has a georeference: give geometry"),
        ({"geometry": POLYGON}, PLAIN, "has no georeference: give outline_px"),
    ],
)  # fmt: skip
def test_outlines_elsewhere_are_refused(body: dict[str, Any], grid: dict[str, Any], said: str) -> None:
    with pytest.raises(BadReview, match=said):
        on_grid(body, grid)


def test_names_of_tiles() -> None:
    assert tile_of(tile_subject("site/run", "r01c02")) == ("site/run", "r01c02")
    for odd in ("tile:", "tile:r00c00", "abc", "tile:/r00c00"):
        with pytest.raises(BadReview, match="is not a tile"):
            tile_of(odd)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
known_fields = st.sampled_from(
    [
        "verdict",
        "reason",
        "label",
        "geometry",
        "outline_px",
        "kind",
        "text",
        "event",
        "rule",
        "until",
        "settles",
    ]
)


@given(
    st.sampled_from(ACTS), st.sampled_from([CHANGE, TILE, None]), st.dictionaries(known_fields, json_values)
)
def test_anything_else_is_refused_in_words(act: Act, subject: str | None, body: dict[str, Any]) -> None:
    """Whatever is sent: an answer that can be written and hashed, or `BadReview`; never another error."""
    try:
        checked = checked_body(act, subject, body)
    except BadReview:
        return
    assert digest(json.loads(json.dumps(checked, allow_nan=False))) == digest(checked)
