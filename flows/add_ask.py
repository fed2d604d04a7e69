"""Asking a person at a terminal for what images do not say."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from flows.add import Newcomer
from imagery.sources.facts import BadFact, Facts, facts_from_mapping

FLAGS = {
    "acquired": "--acquired 2024-12-10T08:20:11Z",
    "sensor": "--sensor optical (or sar)",
    "quantity": "--quantity dn (or reflectance; radar: gamma0, gamma0_db, sigma0, ...)",
    "scale": "--scale 0.0001 (reflectance = number x scale), or --quantity dn",
    "relative_orbit": "--relative-orbit N (any number that is the same for images taken from one direction)",
}
"""Fact that may be missing: the option that gives it."""

_QUESTIONS = {
    "acquired": "Taken when (UTC, as 2024-12-10T08:20:11Z or 2024-12-10)",
    "sensor": "Sensor (optical, sar)",
    "quantity": "Its numbers are (dn, reflectance; radar: gamma0, gamma0_db, sigma0, ...)",
    "scale": "Reflectance is its number times (for example 0.0001)",
    "relative_orbit": "Relative orbit, or any number that is the same for images taken from one direction",
}


def ask(newcomer: Newcomer, fields: Sequence[str], earlier: Facts) -> Facts:
    """Ask for some facts of an image on stderr, until each answer can be understood.

    Parameters
    ----------
    fields : sequence of str
        Names of the facts.
    earlier : Facts
        What was answered for the image before; offered again, except its time.

    Raises
    ------
    click.Abort
        The person gives up.
    """
    facts = newcomer.told
    for name in fields:
        before = None if name == "acquired" else getattr(earlier, name)
        answer: Facts = click.prompt(
            _QUESTIONS[name],
            default=_default(name, before, newcomer, facts),
            value_proc=_reader(name),
            err=True,
        )
        facts = answer.over(facts)
    return facts


def _default(name: str, before: object, newcomer: Newcomer, told: Facts) -> str | None:
    if before is not None:
        return str(before)
    if name == "sensor":
        return "optical" if len(newcomer.data[0].info.bands) > 2 else None
    sensor = told.sensor or newcomer.known.facts.sensor
    return "dn" if name == "quantity" and sensor == "optical" else None


def _reader(name: str) -> Callable[[Any], Facts]:
    def read(value: Any) -> Facts:
        try:
            facts = facts_from_mapping({name: value})
        except BadFact as error:
            raise click.BadParameter(str(error)) from error
        if facts.acquired is not None and facts.acquired > datetime.now(UTC):
            raise click.BadParameter(f"{value} lies in the future")
        return facts

    return read
