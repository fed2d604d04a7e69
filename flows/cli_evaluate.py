"""``sitewatch evaluate``: score detection on labelled cases."""

from pathlib import Path

import click

from flows.cli_common import SCORER_HELP, min_score_option, print_json, screen_options
from flows.evaluate import MIN_SCORE, SHEET_SCORE, Evaluation, evaluate_cases
from flows.evaluate_table import show_evaluation
from flows.screen import progress_bars

EXIT_DONE = 0
EXIT_SOME_NOT_ASSESSED = 3


@click.command()
@click.argument("cases", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Keep predictions, figures and contact sheets there.")  # fmt: skip
@click.option("--scorer", metavar="NAME", help=SCORER_HELP)
@click.option("--sheet-score", type=click.FloatRange(0.0, 1.0), default=SHEET_SCORE, show_default=True, metavar="S",
              help="Contact sheets show mistakes at this score or better.")  # fmt: skip
@min_score_option(MIN_SCORE)
@screen_options
def evaluate(
    cases: Path,
    out: Path | None,
    scorer: str | None,
    sheet_score: float,
    min_score: float,
    as_json: bool,
    debug: bool,
) -> int:
    """Compare the labelled cases in the folder CASES and score what is claimed."""
    del debug  # acted upon by the entry point

    def run() -> Evaluation:
        return evaluate_cases(cases, out=out, min_score=min_score, scorer=scorer, sheet_score=sheet_score)

    if as_json:
        evaluation = run()
        print_json(evaluation.summary.as_dict())
    else:
        with progress_bars():
            evaluation = run()
        show_evaluation(evaluation)
    assessed = all(
        score.assessed
        for summary in (evaluation.summary, *evaluation.summary.others)
        for score in summary.scores
    )
    return EXIT_DONE if assessed else EXIT_SOME_NOT_ASSESSED
