"""CSV (RFC 4180): one row for each finding, for spreadsheets.

UTF-8 with a byte order mark: without one Excel takes the file for the system's own 8-bit code and spoils every name
that is not plain Latin. Whoever reads it with a program takes ``utf-8-sig``. A text that a spreadsheet would take for
a formula gets an apostrophe before it, which is what OWASP advises ("CSV Injection").
"""

import csv
import io

from catalog.exports.columns import COLUMNS, Value, row
from catalog.exports.findings import Handed, Handover

BOM = "\ufeff"
OUTLINE = "outline_wkt"

_FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20|%")
"""Beginnings of formulas, their full-width forms, and of commands in older spreadsheets."""


def table(handover: Handover) -> bytes:
    """The file. Column ``outline_wkt`` holds the outline in WGS 84, empty without georeference."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, dialect="excel", lineterminator="\r\n")
    writer.writerow([*COLUMNS, OUTLINE])
    for one in handover.findings:
        writer.writerow([*map(cell, row(one, handover.pair).values()), _wkt(one)])
    return (BOM + text.getvalue()).encode("utf-8")


def cell(value: Value) -> str:
    """A value as text that no spreadsheet calculates."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return f"'{value}" if value.lstrip()[:1] in _FORMULA and value.strip() else value


def _wkt(one: Handed) -> str:
    rings = [place.ring for place in one.places]
    if any(ring is None for ring in rings):
        return ""
    parts = [", ".join(f"{x!r} {y!r}" for x, y in ring or ()) for ring in rings]
    return "MULTIPOLYGON (" + ", ".join(f"(({part}))" for part in parts) + ")"
