"""The figures of an evaluation as a person reads them."""

from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from flows.evaluate import Evaluation

_TITLES = {
    "real": "Changes seen in real images",
    "implant": "Objects pasted into real images",
    "simulated": "SIMULATED images",
}
_CAVEAT = "False alarms are an upper bound: labels are incomplete. Brackets: 90 % intervals over places."


def show_evaluation(evaluation: Evaluation, *, console: Console | None = None) -> None:
    """Print every figure table, what failed, and where the files are."""
    console = console or Console(highlight=False)
    document = evaluation.summary.as_dict()
    documents = [document, *document["other_origins"].values()]
    for figures in documents:
        if figures["n_cases"]:
            console.print(figures_of_origin(figures))
    for figures in documents:
        for case, message in figures["failed"].items():
            console.print(Text(f"Failed: {case}: {message}", style="bold red"), soft_wrap=True)
    for what, paths in (("Predictions", [evaluation.predictions]), ("Contact sheets", _folders(evaluation))):
        for path in paths:
            if path is not None:
                console.print(Text(f"{what}: {path}"), soft_wrap=True)


def figures_of_origin(document: dict[str, Any]) -> RenderableType:
    """Tables of one origin's figures."""
    speed = document["s_per_mpx"]
    head = (
        f"{_TITLES[document['origin']]}: {document['n_cases']} cases, {document['n_na']} without a result or not "
        f"assessable{'' if speed is None else f', {speed:g} s/Mpx'}"
    )
    parts: list[RenderableType] = [Text(head, style="bold")]
    if document["rows"]:
        parts += [_detection(document), _budgets(document), Text(_CAVEAT, style="dim")]
    if document["null_n"]:
        parts.append(_controls(document))
    return Group(*parts)


def _detection(document: dict[str, Any]) -> Table:
    table = Table(
        "Class", "Score", "Pd", "Appeared", "Vanished", "Right kind", "FA/km2", "Fragments/km2", "Precision >=",
        "n", "km2", "Null FA/km2",
    )  # fmt: skip
    previous = None
    for row in document["rows"]:
        if previous not in (None, row["klass"]):
            table.add_section()
        table.add_row(
            row["klass"] if row["klass"] != previous else "",
            f"{row['thr']:g}",
            f"{_number(row['Pd'], 2)} {_interval(row['Pd_ci'], 2)}",
            *(_number(row[name], 2) for name in ("Pd_app", "Pd_van", "kind")),
            f"{_number(row['FA'], 1)} {_interval(row['FA_ci'], 1)}",
            _number(row["frag"], 1),
            _number(row["prec_lb"], 2),
            str(row["n"]),
            _number(row["km2"], 2),
            _number(row["null_FA"], 1),
        )
        previous = row["klass"]
    return table


def _budgets(document: dict[str, Any]) -> Table:
    groups = document["pd_at_fa"]
    budgets = list(next(iter(groups.values())))
    table = Table("Pd at FA/km2 up to", *budgets)
    for group, points in groups.items():
        table.add_row(group, *(_number(points[budget][0], 2) for budget in budgets))
    return table


def _controls(document: dict[str, Any]) -> Table:
    names = {"null_real": "two real images", "null_perturbed": "one image, perturbed"}
    thresholds = list(document["null_real"]["FA"])
    table = Table("Controls (FA/km2)", "n", "km2", *(f"score {threshold}" for threshold in thresholds))
    for key, name in names.items():
        controls = document[key]
        if controls["n"]:
            figures = (_number(controls["FA"][threshold], 1) for threshold in thresholds)
            table.add_row(name, str(controls["n"]), _number(controls["km2"], 2), *figures)
    return table


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _interval(ends: list[float | None], digits: int) -> str:
    low, high = ends
    return "" if low is None or high is None else f"({low:.{digits}f}-{high:.{digits}f})"


def _folders(evaluation: Evaluation) -> list[Path]:
    return sorted({sheet.parent for sheet in evaluation.sheets})
