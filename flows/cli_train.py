"""``sitewatch train``: fit a scorer to labelled cases."""

from pathlib import Path
from typing import Any

import click

from flows.cli_common import print_json, screen_options
from flows.errors import BadRequest, UnusableOutput
from flows.evaluate import Evaluation
from flows.evaluate_table import show_evaluation
from flows.screen import progress_bars
from flows.train import LICENCES, Trained, measure_all, train_on, usable
from imagery.raster import Sensor


@click.command()
@click.argument("cases", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE",
              help="Where the scorer goes; its name without .json is the scorer's.")  # fmt: skip
@click.option("--sensor", type=click.Choice(["optical", "sar"]), default="optical", show_default=True,
              help="Which of the cases are used.")  # fmt: skip
@click.option("--simulated-only", is_flag=True,
              help="Use only cases that meta.json calls simulated; refuse to go on if there is none.")  # fmt: skip
@click.option(
    "--also",
    metavar="NAME",
    help="For pixels too coarse for the second look: the higher of this scorer counts.",
)
@click.option("--licence", metavar="TEXT", help="Written into the file; by default what the cases ask for.")
@screen_options
def train(
    cases: tuple[Path, ...],
    out: Path,
    sensor: Sensor,
    simulated_only: bool,
    also: str | None,
    licence: str | None,
    as_json: bool,
    debug: bool,
) -> int:
    """Fit a scorer to the labelled cases in the folders CASES; figures printed are of places left out.

    Cases with implants help to fit, and alone serve pixels below 0.4 m and from 7 m on; figures are of the others.
    """
    del debug  # acted upon by the entry point
    if out.suffix != ".json":
        raise BadRequest(f"--out {out}: a scorer file ends in .json")
    chosen = usable(cases, sensor, simulated=simulated_only)

    def run() -> Trained:
        return train_on(
            *measure_all(chosen), name=out.stem, sensor=sensor,
            also=also, licence=licence or LICENCES["simulated" if simulated_only else "real"],
        )  # fmt: skip

    if as_json:
        trained = run()
    else:
        with progress_bars():
            trained = run()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(trained.text, encoding="utf-8")
    except OSError as error:
        raise UnusableOutput(f"{out}: cannot be written: {error}") from error
    if as_json:
        document: dict[str, Any] = {"scorer": str(out), "left_out": trained.summary.as_dict()}
        print_json(document)
    else:
        show_evaluation(Evaluation(summary=trained.summary, predictions=None, sheets=()))
        click.echo(f"Scorer: {out}")
    return 0
