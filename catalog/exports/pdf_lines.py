"""Paragraphs as lines, as fpdf2 breaks them, at a fraction of its time.

fpdf2 adds up the width of a line anew at each letter, and a brief of hundreds of findings asks for the height of each
paragraph before it is written. What needs shaping, other fonts or rarer spaces is left to fpdf2.
"""

from collections.abc import Container, Mapping

_TOLERANCE = 1e-9
_ODD_SPACES = frozenset(
    "\t\n\f\u00a0\u00ad\u200b\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u205f\u3000"
)


def is_plain(text: str, known: Container[int]) -> bool:
    """Whether `broken` may be asked: every letter is one of those known, and lines break at ordinary spaces alone."""
    return all(ord(char) in known and char not in _ODD_SPACES for char in text)


def broken(text: str, advances: Mapping[int, float], limit: float) -> list[str]:
    """Lines of a paragraph, broken at the last space that fits, or within a word that is wider than a line.

    Parameters
    ----------
    text : str
    advances : mapping of code point to float
        Width of each letter.
    limit : float
        Widest line, in the same unit. A single letter that is wider has a line of its own.
    """
    lines: list[str] = []
    start = 0
    while start < len(text):
        end, start_of_next = _line(text, start, advances, limit)
        lines.append(text[start:end])
        start = start_of_next
    return lines


def _line(text: str, start: int, advances: Mapping[int, float], limit: float) -> tuple[int, int]:
    """Where a line ends, and where the next one begins."""
    used, space = 0.0, -1
    for at in range(start, len(text)):
        used += advances[ord(text[at])]
        if used - limit > _TOLERANCE:
            if text[at] == " ":
                return at, at + 1
            if space >= 0:
                return space, space + 1
            cut = max(at, start + 1)
            return cut, cut
        if text[at] == " ":
            space = at
    return len(text), len(text)
