"""Pages: Jinja templates with what every page has."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

import imagery
from review import statics

if TYPE_CHECKING:
    from review.admission import Visitor

TEMPLATES = Path(str(files("review"))) / "templates"


def page(
    request: Request, template: str, values: dict[str, Any], *, who: "Visitor | None", status: int = 200
) -> HTMLResponse:
    """Render a page.

    Parameters
    ----------
    request : Request
    template : str
    values : dict
    who : Visitor or None
        Whoever has signed in.
    status : int
        Of the response.
    """
    text = render(template, values | {"who": who, "path": request.url.path})
    return HTMLResponse(text, status_code=status)


def render(template: str, values: dict[str, Any]) -> str:
    """A template as text; every value is escaped."""
    return _templates().get_template(template).render(values)


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(utc=utc, day=day, number=number, percent=percent, data=data, words=words)
    environment.filters.update(score=score, share=share, small=small, kind_words=kind_words)
    environment.globals.update(
        version=imagery.__version__, static=statics.base(), modules=statics.modules, called=called
    )
    return environment


def utc(text: str | None) -> str:
    """An RFC 3339 time as people read it: ``2024-12-10 08:21:07 UTC``."""
    if not text:
        return "time unknown"
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def day(text: str | None) -> str:
    """The day alone."""
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d") if text else "no date"


def number(value: float | None, digits: int = 1, unit: str = "") -> str:
    """A number with so many decimals; a dash where it is not known."""
    return "\u2013" if value is None else f"{value:,.{digits}f}{unit}"


def score(value: float | None) -> str:
    """A probability with two decimals that never claims certainty: ``>0.99``, ``<0.01``."""
    if value is None:
        return number(None)
    return ">0.99" if value > 0.99 else "<0.01" if value < 0.01 else f"{value:.2f}"


def share(part: float) -> str:
    """A counted share with two decimals: ``1.00`` is all, ``0.00`` none, what is nearly so ``>0.99`` or ``<0.01``."""
    nearly = {"1.00": ">0.99", "0.00": "<0.01"}
    return f"{part:.2f}" if part in (0, 1) else nearly.get(f"{part:.2f}", f"{part:.2f}")


def small(value: float | None, digits: int = 2) -> str:
    """A number with so many decimals, of which some is left where there is some: ``<0.01``, not ``0.00``."""
    least = 10.0**-digits
    return (
        number(value, digits) if value is None or value == 0 or value >= least / 2 else f"<{least:.{digits}f}"
    )


def called(label: str | None, kind: str | None) -> str:
    """A change in a few words: ``aircraft appeared``; ``aircraft, may have moved``, since that is a hypothesis."""
    return f"{label}, {kind_words(kind)}" if kind == "moved" else f"{label} {kind_words(kind)}"


def kind_words(kind: str | None) -> str:
    """A kind of change as the desk says it."""
    return "may have moved" if kind == "moved" else words(kind)


def run_words(row: Mapping[str, Any], sites: Mapping[str, str]) -> str:
    """A row of a run as a list names it: its site and both dates."""
    site = sites.get(row["site"], row["site"]) or row["name"]
    return f"{site}, {day(row['before_time'])} to {day(row['after_time'])}"


def percent(value: float | None, digits: int = 0) -> str:
    """A share as a percentage."""
    return "\u2013" if value is None else f"{value * 100:.{digits}f} %"


def words(name: str | None) -> str:
    """A coded name as words: ``not_assessable`` -> ``not assessable``."""
    return (name or "").replace("_", " ")


def data(value: Any) -> Markup:
    """JSON for a data block, which nothing in it can end."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704 - escaped in the lines above
