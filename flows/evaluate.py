"""``sitewatch evaluate``: run the comparison on labelled cases and score what it claims."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.cases import CaseFiles, load_cases
from catalog.contact_sheet import write_contact_sheets
from catalog.evaluation_files import clear_prediction, write_prediction, write_summary
from catalog.evaluation_plots import write_plots
from catalog.report_rows import change_row
from flows import progress
from flows.diff import compare_images
from models.compare import ALGORITHM
from models.evaluation import RESAMPLINGS, CaseScore, Summary, registration_of, score_case, summarise
from models.score import fitted_cases

Detect = Callable[[CaseFiles], dict[str, Any]]
"""Compares the two images of a case: a document of the form that ``sitewatch diff --json`` prints."""

MIN_SCORE = 0.05
"""Evaluation lists far below what a user would see, so that every threshold can be judged."""

SHEET_SCORE = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """What an evaluation found and where it is kept.

    Parameters
    ----------
    summary : Summary
    predictions : Path or None
        Folder with one document per case.
    sheets : tuple of Path
        Contact sheets.
    plots : tuple of Path
        Diagrams of the figures.
    """

    summary: Summary
    predictions: Path | None
    sheets: tuple[Path, ...]
    plots: tuple[Path, ...] = ()


def evaluate_cases(
    cases_dir: Path,
    *,
    detect: Detect | None = None,
    out: Path | None = None,
    min_score: float = MIN_SCORE,
    scorer: str | None = None,
    sheet_score: float = SHEET_SCORE,
    resamplings: int = RESAMPLINGS,
    name: str | None = None,
    fitted_on: Collection[str] | None = None,
) -> Evaluation:
    """Compare and score every case in a folder, one after the other.

    A case that ends in an error counts as missed and not assessed, and is named in `Summary.failed`.

    Parameters
    ----------
    cases_dir : Path
    detect : callable, optional
        The comparison; the one of ``sitewatch diff`` by default.
    out : Path or None
        Where predictions, contact sheets, diagrams and ``summary.json`` go (`catalog.evaluation_files`); None =
        nothing is written.
    min_score : float
        Lowest score that is listed.
    scorer : str or None
        Another scorer than the default one.
    sheet_score : float
        Mistakes at this score or better are put on contact sheets.
    resamplings : int
        Of the bootstrap.
    name : str, optional
        What is evaluated; the algorithm's version by default.
    fitted_on : collection of str, optional
        Cases that `detect` was fitted on; by default those of the scorers that are used.

    Raises
    ------
    BadCase
        When the folder or one of its cases cannot be used.
    """
    cases = load_cases(cases_dir)
    compare = detect or comparison(min_score=min_score, scorer=scorer)
    if fitted_on is None:
        sensors = {files.sensor for files in cases} if detect is None else ()
        fitted_on = {case for sensor in sensors for case in fitted_cases(scorer, sensor)}
    scores: list[CaseScore] = []
    failed: dict[str, str] = {}
    progress.step("Comparing", total=len(cases))
    for files in cases:
        case = files.case
        try:
            document = compare(files)
            scores.append(score_case(case, document))
        except Exception as error:  # one broken case must not cost the others; it is named in the result
            failed[case.name] = f"{type(error).__name__}: {error}"
            scores.append(score_case(case, None))
            if out is not None:
                clear_prediction(out, case.name)
        else:
            if out is not None:
                write_prediction(out, case.name, document)
        progress.advance()
    progress.step("Scoring")
    summary = summarise(
        scores,
        name=name or f"sitewatch {ALGORITHM}",
        failed=failed,
        fitted_on=fitted_on,
        resamplings=resamplings,
    )
    if out is None:
        return Evaluation(summary=summary, predictions=None, sheets=())
    write_summary(out, summary.as_dict())
    progress.step("Drawing")
    plots = write_plots(summary, out / "plots")
    sheets = write_contact_sheets(
        scores, {files.case.name: files for files in cases}, out / "sheets", threshold=sheet_score
    )
    return Evaluation(summary=summary, predictions=out / "predictions", sheets=sheets, plots=plots)


def comparison(*, min_score: float = MIN_SCORE, scorer: str | None = None) -> Detect:
    """The comparison of ``sitewatch diff``, keeping nothing but what it lists."""

    def detect(files: CaseFiles) -> dict[str, Any]:
        compared = compare_images(
            files.before,
            files.after,
            gsd_m=files.case.gsd_m,
            sensor=files.sensor,
            quantity=files.quantity,
            min_score=min_score,
            scorer=scorer,
            on_tile=lambda _tile, _result: None,
        )
        found = compared.comparison
        alignment = found.model.alignment
        registration = registration_of(files.case, alignment, files.to_after)
        return {
            "status": found.status,
            "reason": found.reason,
            "gsd_m": compared.files.gsd_m,
            "seconds": compared.seconds,
            "alignment": {
                "residual_px": alignment.residual_px,
                "p95_px": alignment.p95_px,
                "verdict": alignment.verdict,
            },
            "registration": None if registration is None else registration.as_dict(),
            "valid_fraction": found.valid_fraction,
            "changes": [change_row(change) for change in found.conclusion.changes],
        }

    return detect
