"""Words that came from outside, made harmless before any format gets them.

Names, notes and reasons come from site files, image files and reviewers. What is cut here would deceive a reader or
break a file whatever the format: control characters, marks that turn the reading direction, characters that XML
cannot hold, heaps of accents, endless length. Escaping for a format is that format's own business.
"""

import unicodedata

NAME_CHARS = 160
NOTE_CHARS = 2000
ELLIPSIS = "\u2026"

_SPACES = frozenset("\t\n\r\v\f\u0085\u2028\u2029")
_JOINERS = frozenset("\u200c\u200d")
"""Needed to write Persian and some Indian scripts, and harmless."""

_MARKS_IN_A_ROW = 3


def plain(value: object, limit: int = NAME_CHARS) -> str:
    """One line of `value` that any format and any reader can take.

    Parameters
    ----------
    value : object
        None gives "".
    limit : int
        Longest result, in characters; what is longer ends in an ellipsis.
    """
    kept: list[str] = []
    marks = 0
    for char in "" if value is None else str(value):
        if len(kept) > limit * 2:
            break
        if char in _SPACES:
            kept.append(" ")
            continue
        category = unicodedata.category(char)
        if category[0] == "C" and char not in _JOINERS:
            continue
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if marks <= _MARKS_IN_A_ROW:
            kept.append(char)
    text = " ".join("".join(kept).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + ELLIPSIS


def file_part(name: str) -> str:
    """`name` as part of a file name: letters, digits and ``-_.=+@``, never hidden, at most 120 characters."""
    safe = "".join(char if char.isascii() and (char.isalnum() or char in "-_.=+@") else "-" for char in name)
    return safe.lstrip(".-")[:120] or "run"
