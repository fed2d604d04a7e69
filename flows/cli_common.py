"""Options shared by the commands, and how they write to the screen."""

import json
import math
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_MIN_SCORE = 0.5

FALSE_ALARMS_HELP = (
    "In place of --min-score: list what keeps false alarms within this; takes about twice as long."
)
SCORER_HELP = (
    "optical-4 (default), optical-free-1 (fitted on drawn scenes alone, free of the terms of optical-4), statistical, "
    "or a .json file that `sitewatch train` wrote."
)


class Moment(click.ParamType[datetime]):
    """A date or an ISO 8601 time; without a zone it is UTC.

    Parameters
    ----------
    day_end : bool
        Whether a plain date means its last instant instead of its first.
    """

    name = "date"

    def __init__(self, *, day_end: bool = False) -> None:
        self.day_end = day_end

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Aware UTC."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date such as 2024-12-10 or a time such as 2024-12-10T08:21:00Z")
        if self.day_end and len(value) == len("2024-12-10"):
            moment = datetime.combine(moment, time.max)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class Score(click.FloatRange):
    """A number in a range; unlike click's own, "nan" and "inf" lie in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """A finite number."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number


def sites_option(command: F) -> F:
    """``--sites``."""
    return click.option(
        "--sites",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Your own sites (GeoJSON); the built-in ones otherwise.",
    )(command)


def providers_option(command: F) -> F:
    """``--providers``: known to this process and to those that it starts."""

    def use(_ctx: click.Context, _param: click.Parameter, value: Path | None) -> None:
        if value is not None:
            from imagery.sources.provider_file import providers_in  # noqa: PLC0415 - help must not wait for it
            from imagery.sources.providers import VARIABLE  # noqa: PLC0415

            providers_in(str(value))
            os.environ[VARIABLE] = str(value.resolve())

    return click.option(
        "--providers",
        type=click.Path(path_type=Path),
        metavar="FILE",
        expose_value=False,
        is_eager=True,
        callback=use,
        help="Your own providers (TOML), besides the built-in ones.",
    )(command)


def source_options(command: F) -> F:
    """``--source``, ``--from``, ``--to`` and ``--providers``."""
    command = providers_option(command)
    command = click.option(
        "--to",
        "end",
        type=Moment(day_end=True),
        required=True,
        metavar="D",
        help="Last day, or a time (UTC).",
    )(command)
    command = click.option(
        "--from", "start", type=Moment(), required=True, metavar="D", help="First day, or a time (UTC)."
    )(command)
    return click.option(
        "--source",
        required=True,
        metavar="S",
        help="demo, a provider (earth-search, planetary-computer, cdse or your own), a folder of images, a STAC "
        "catalogue or ItemCollection file, or the URL of a catalogue or STAC API.",
    )(command)


def out_option(command: F) -> F:
    """``--out``."""
    return click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("outputs"),
        show_default=True,
        metavar="DIR",
        help="Where results go.",
    )(command)


def min_score_option(default: float = DEFAULT_MIN_SCORE) -> Callable[[F], F]:
    """``--min-score``."""

    def decorate(command: F) -> F:
        return click.option(
            "--min-score",
            type=Score(0.0, 1.0),
            default=default,
            show_default=True,
            metavar="S",
            help="The lowest score that is listed.",
        )(command)

    return decorate


def scorer_option(command: F) -> F:
    """``--scorer``: known to this process and to those that it starts."""

    def use(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
        if value is not None:
            from models.score import VARIABLE, load_scorer  # noqa: PLC0415 - help must not wait for it

            load_scorer(value, "optical")
            _tell(ctx, VARIABLE, str(Path(value).resolve()) if value.endswith(".json") else value)

    return click.option(
        "--scorer", metavar="NAME", expose_value=False, callback=use, help=SCORER_HELP
    )(command)  # fmt: skip


def false_alarms_option(command: F) -> F:
    """``--false-alarms-per-km2``: known to this process and to those that it starts."""

    def use(ctx: click.Context, _param: click.Parameter, value: float | None) -> None:
        if value is not None:
            from models.budget import VARIABLE  # noqa: PLC0415 - help must not wait for it

            _tell(ctx, VARIABLE, repr(value))

    return click.option(
        "--false-alarms-per-km2", type=Score(0, min_open=True), metavar="X", expose_value=False, callback=use,
        help=FALSE_ALARMS_HELP,
    )(command)  # fmt: skip


def _tell(ctx: click.Context, variable: str, value: str) -> None:
    """Set an environment variable for as long as the command runs."""
    before = os.environ.get(variable)
    os.environ[variable] = value

    def restore() -> None:
        if before is None:
            os.environ.pop(variable, None)
        else:
            os.environ[variable] = before

    ctx.call_on_close(restore)


def screen_options(command: F) -> F:
    """``--json`` and ``--debug``."""
    command = click.option("--debug", is_flag=True, help="Show tracebacks and logs.")(command)
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else on stdout."
    )(command)


def print_json(document: dict[str, Any]) -> None:
    """The one document on stdout."""
    sys.stdout.write(json.dumps(document, indent=1, allow_nan=False) + "\n")
    sys.stdout.flush()
