"""Options of the scheduled commands: lengths of time, sources and workers."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Duration(click.ParamType[timedelta]):
    """A length of time: a number and m, h, d or w."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """A positive length."""
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch(r"\s*(\d{1,6})\s*([mhdw])\s*", str(value).lower())
        if match is None or not int(match[1]):
            self.fail(f"{value!r} is not a length of time such as 90m, 6h, 30d or 2w", param, ctx)
        return timedelta(**{_UNITS[match[2]]: int(match[1])})


def source_option(command: F) -> F:
    """``--source``."""
    return click.option(
        "--source",
        required=True,
        metavar="S",
        help="A provider's name, demo, a folder of images, a STAC catalogue or ItemCollection file, or its URL.",
    )(command)


def workers_option(command: F) -> F:
    """``--workers``."""
    return click.option(
        "--workers",
        type=click.IntRange(0, 64),
        metavar="N",
        help="Worker processes of their own through Dask; threads otherwise.",
    )(command)


def notify_option(command: F) -> F:
    """``--notify``."""
    return click.option(
        "--notify",
        "targets",
        multiple=True,
        metavar="TO",
        help="Tell of changes and faults: webhook=URL, email=ADDRESS or file=PATH. May be repeated.",
    )(command)
