"""What a person can say about a change or a tile, and whether it is said in full.

==================  =========================================================================================
act                 body
==================  =========================================================================================
``verdict``         of a change: ``verdict`` confirmed, rejected or unsure; rejected needs ``reason``, one of `REASONS`.
                    Of a tile without changes: ``verdict`` nothing_missed or missed. ``settles`` true: the last word
                    in a dispute between others.
``relabel``         ``label``
``outline``         ``geometry``, a GeoJSON Polygon in longitude and latitude; or, for images without georeference,
                    ``outline_px``, a closed ring of [column, row]
``missed``          the same, with ``kind`` (appeared, vanished) and ``label``: adds a change that the run did not list
``note``            ``text``
``undo``            ``event``, the number of one's own event that is taken back
``assign_second``   ``rule``, why a second reviewer is wanted, who does not see what the first one said
``suppress``        ``until``, a date; ``reason``: mark what comes up again at this place, until then
``unsuppress``      nothing: mark it no longer
==================  =========================================================================================
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Literal, get_args

from catalog.errors import BadReview
from catalog.review_outline import checked_geometry, checked_ring

Act = Literal[
    "verdict", "relabel", "outline", "missed", "note", "undo", "assign_second", "suppress", "unsuppress"
]
ACTS: tuple[Act, ...] = get_args(Act)

Verdict = Literal["confirmed", "rejected", "unsure"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

TileVerdict = Literal["nothing_missed", "missed"]
TILE_VERDICTS: tuple[TileVerdict, ...] = get_args(TileVerdict)

RejectionReason = Literal[
    "cloud", "shadow", "misregistration", "tide_or_waves", "seasonal", "known_object", "bad_imagery",
    "not_of_interest",
]  # fmt: skip
REASONS: tuple[RejectionReason, ...] = get_args(RejectionReason)

KINDS = ("appeared", "vanished")
TILE = "tile:"
MISSED = "missed:"
LONGEST_NOTE = 4000
LONGEST_LABEL = 60

_LABEL = re.compile(r"[^\W_][\w .,()/+-]*")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that turn the reading direction around: text that looks like another one."""


def checked_body(act: Act, subject: str | None, body: Any) -> dict[str, Any]:
    """The body of an act, complete and with nothing else in it.

    Raises
    ------
    BadReview
        A field is missing, unknown, or holds what it cannot.
    """
    if not isinstance(body, Mapping):
        raise BadReview(f"body of {act} must be an object, got {type(body).__name__}")
    fields = dict(body)
    checked = _CHECKS[act](subject, fields)
    extra = sorted(map(repr, fields.keys() - checked.keys()))
    if extra:
        raise BadReview(f"body of {act} has fields that it does not know: {', '.join(extra)[:200]}")
    return checked


def checked_name(what: str, text: Any, *, longest: int) -> str:
    """A short text on one line.

    Raises
    ------
    BadReview
    """
    found = _text(what, text, longest)
    if any(character in found for character in "\n\t"):
        raise BadReview(f"{what} must be on one line")
    return found


def is_tile(subject: str | None) -> bool:
    """Whether a subject is a tile."""
    return subject is not None and subject.startswith(TILE)


def tile_subject(run: str, tile: str) -> str:
    """What a tile is called as the subject of an event."""
    return f"{TILE}{run}/{tile}"


def tile_of(subject: str) -> tuple[str, str]:
    """Run and tile of such a subject.

    Raises
    ------
    BadReview
    """
    run, slash, tile = subject.removeprefix(TILE).rpartition("/")
    if not (is_tile(subject) and slash and run and tile):
        raise BadReview(f"subject {subject!r} is not a tile: give tile:<run>/<tile>")
    return run, tile


def _verdict(subject: str | None, body: dict[str, Any]) -> dict[str, Any]:
    if is_tile(subject):
        return {"verdict": _one_of("verdict", body.get("verdict"), TILE_VERDICTS)} | _settles(body)
    verdict = _one_of("verdict", body.get("verdict"), VERDICTS)
    if verdict != "rejected":
        if body.get("reason") is not None:
            raise BadReview(f"reason belongs to rejected, not to {verdict}")
        return {"verdict": verdict} | ({"reason": None} if "reason" in body else {}) | _settles(body)
    return {"verdict": verdict, "reason": _one_of("reason", body.get("reason"), REASONS)} | _settles(body)


def _settles(body: Mapping[str, Any]) -> dict[str, Any]:
    if "settles" not in body:
        return {}
    if not isinstance(body["settles"], bool):
        raise BadReview(f"settles must be true or false, got {body['settles']!r}")
    return {"settles": body["settles"]}


def _relabel(subject: str | None, body: dict[str, Any]) -> dict[str, Any]:
    _refuse_tile("relabel", subject)
    return {"label": _label(body.get("label"))}


def _outline(subject: str | None, body: dict[str, Any]) -> dict[str, Any]:
    _refuse_tile("outline", subject)
    return _place(body)


def _place(body: Mapping[str, Any]) -> dict[str, Any]:
    if ("geometry" in body) == ("outline_px" in body):
        raise BadReview("give geometry (GeoJSON, longitude and latitude) or outline_px (pixels), one of them")
    if "geometry" in body:
        return {"geometry": checked_geometry(body["geometry"])}
    return {"outline_px": checked_ring("outline_px", body["outline_px"])}


def _missed(subject: str | None, body: dict[str, Any]) -> dict[str, Any]:
    if subject is not None and not subject.startswith(MISSED):
        raise BadReview("missed adds a change of its own: give run, and no subject")
    return {
        **_place(body), "kind": _one_of("kind", body.get("kind"), KINDS), "label": _label(body.get("label")),
    }  # fmt: skip


def _note(subject: str | None, body: dict[str, Any]) -> dict[str, Any]:
    del subject
    return {"text": _text("text", body.get("text"), LONGEST_NOTE)}


def _undo(subject: str | None, body: dict[str, Any]) -> dict[str, Any]:
    del subject
    number = body.get("event")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise BadReview(f"event must be the number of the event to take back, got {number!r}")
    return {"event": number}


def _assign_second(subject: str | None, body: dict[str, Any]) -> dict[str, Any]:
    del subject
    return {"rule": checked_name("rule", body.get("rule"), longest=200)}


def _suppress(subject: str | None, body: dict[str, Any]) -> dict[str, Any]:
    _refuse_tile("suppress", subject)
    until = body.get("until")
    try:
        day = date.fromisoformat(until) if isinstance(until, str) else None
    except ValueError:
        day = None
    if day is None:
        raise BadReview(f"until must be a date such as 2025-06-30, got {until!r}")
    return {"until": day.isoformat(), "reason": _one_of("reason", body.get("reason"), REASONS)}


def _unsuppress(subject: str | None, body: dict[str, Any]) -> dict[str, Any]:
    del body
    _refuse_tile("unsuppress", subject)
    return {}


_CHECKS: dict[Act, Callable[[str | None, dict[str, Any]], dict[str, Any]]] = {
    "verdict": _verdict, "relabel": _relabel, "outline": _outline, "missed": _missed, "note": _note, "undo": _undo,
    "assign_second": _assign_second, "suppress": _suppress, "unsuppress": _unsuppress,
}  # fmt: skip


def _refuse_tile(act: str, subject: str | None) -> None:
    if is_tile(subject):
        raise BadReview(f"{act} is about a change, not about a tile")


def _one_of(what: str, value: Any, known: tuple[str, ...]) -> str:
    if value not in known or not isinstance(value, str):
        raise BadReview(f"{what} must be one of {', '.join(known)}; got {value!r:.80}")
    return value


def _label(value: Any) -> str:
    label = checked_name("label", value, longest=LONGEST_LABEL)
    if not _LABEL.fullmatch(label):
        raise BadReview(
            f"label {label!r} must begin with a letter or digit and hold only those, spaces and . , ( ) / + - _"
        )
    return label


def _text(what: str, value: Any, longest: int) -> str:
    """Text without surprises: trimmed, composed (NFC), no control characters but line ends and tabs."""
    if not isinstance(value, str):
        raise BadReview(f"{what} must be text, got {type(value).__name__}")
    text = unicodedata.normalize("NFC", value.replace("\r\n", "\n")).strip()
    if not text:
        raise BadReview(f"{what} is empty")
    if len(text) > longest:
        raise BadReview(f"{what} has {len(text)} characters; at most {longest} are taken")
    odd = next((c for c in text if _is_odd(c)), None)
    if odd is not None:
        raise BadReview(f"{what} holds the control character U+{ord(odd):04X}; remove it")
    return text


def _is_odd(character: str) -> bool:
    if character in "\n\t":
        return False
    return unicodedata.category(character) in ("Cc", "Cs", "Cn") or character in _BIDI
