"""What a flow leaves in ``sitewatch.db``: the attempt, whatever became of it, and what its runs say of findings."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from catalog import bookkeeping
from catalog.attempts import AttemptEnd, attempting, conclude
from catalog.ledger import counts, reasons
from catalog.report_rows import with_states
from flows.pair_result import PairResult
from imagery.errors import SitewatchError, SourceRefuses, SourceUnreachable

if TYPE_CHECKING:
    from catalog.findings import Standing
    from catalog.suppression import Suppression
    from flows.watch import SiteResult

P = ParamSpec("P")

_ASSESSED = ("changed", "unchanged")


def recorded(watch: "Callable[P, SiteResult]") -> "Callable[P, SiteResult]":
    """Have each call of a function that watches one site recorded, and the findings of its runs kept up to date.

    The function has the parameters `site`, `source`, `start`, `end` and `out`.
    """
    signature = inspect.signature(watch)

    @functools.wraps(watch)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> "SiteResult":
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        values = given.arguments
        out = Path(values["out"]).resolve()
        told = {name: values[name] for name in ("site", "source", "start", "end")}
        with attempting(out, **told) as attempt:
            return _concluded(out, attempt, lambda: watch(*args, **kwargs))

    return wrapper


def _concluded(out: Path, attempt: Mapping[str, Any], watch: "Callable[[], SiteResult]") -> "SiteResult":
    """Watch, and record what came of it, whatever it is."""
    try:
        result = watch()
    except BaseException as problem:
        _record_end(out, attempt, end_by(problem), problem)
        raise
    try:
        states = bookkeeping.update(out, attempt["site"])
        again = bookkeeping.recurrences(out, attempt["site"])
    except SitewatchError as problem:
        # The runs themselves are written; the next update makes up for what is missing in the database.
        _record_end(out, attempt, replace(end_of(result), result="failed", reason=str(problem)), problem)
        return replace(result, error=problem)
    conclude(out, attempt, end_of(result))
    return replace(result, runs=tuple(_with_states(run, states, again) for run in result.runs))


def _record_end(out: Path, attempt: Mapping[str, Any], end: AttemptEnd, problem: BaseException) -> None:
    """Record how an attempt failed; where even that fails, what it failed of still matters more."""
    try:
        conclude(out, attempt, end)
    except SitewatchError as second:
        problem.add_note(f"and it could not be recorded: {second}")


def end_by(problem: BaseException) -> AttemptEnd:
    """What is recorded of an attempt that an exception ended."""
    if isinstance(problem, SourceRefuses):
        return AttemptEnd(result="refused", reason=str(problem))
    if isinstance(problem, SourceUnreachable):
        return AttemptEnd(result="source_down", reason=str(problem))
    if isinstance(problem, SitewatchError):
        return AttemptEnd(result="failed", reason=str(problem))
    if isinstance(problem, Exception):
        return AttemptEnd(result="failed", reason=f"{type(problem).__name__}: {problem}")
    return AttemptEnd(
        result="interrupted", reason="stopped before it was done; the next run takes up where it was"
    )


def end_of(result: "SiteResult") -> AttemptEnd:
    """What is recorded of an attempt that came to its end."""
    outcomes = [outcome for run in result.runs for outcome in run.outcomes]
    unseen = reasons(outcomes)
    end = AttemptEnd(
        result="done", runs=len(result.runs), scenes=result.scenes, tiles=counts(outcomes), unseen=unseen
    )
    if not result.runs:
        return replace(end, result="no_pair", reason=result.reason)
    refused = [run.row["reason"] for run in result.runs if run.row["status"] == "not_assessable"]
    if not refused and all(outcome.outcome in _ASSESSED for outcome in outcomes):
        return end
    missing = sum(count for _, count in unseen)
    why = str(refused[0] if refused else unseen[0][0])
    return replace(
        end,
        result="degraded",
        reason=f"{missing} of {len(outcomes)} tiles could not be assessed, most often: {why}",
    )


def _with_states(
    run: PairResult, states: "Mapping[str, Standing]", again: "Mapping[str, Suppression]"
) -> PairResult:
    """The run with the state of each of its findings, and which of them were rejected at their place before."""
    row, changes = with_states(run.row, run.changes, states, again)
    return replace(run, row=row, changes=changes)
