"""The figures of an evaluation as a person reads them."""

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from flows.evaluate import Evaluation
from flows.evaluate_detail import (
    budget_tables,
    case_table,
    registration_line,
    reliability_table,
    size_tables,
)
from flows.table_cells import interval, new_table, number

_TITLES = {
    "real": "Changes seen in real images",
    "implant": "Objects pasted into real images",
    "simulated": "SIMULATED images",
}
_LEGEND = (
    "Pd: labelled changes found with the right kind (App appeared, Van vanished). Kind: share of matches that are "
    "of the right kind. FA: false alarms, an upper bound, as labels are incomplete. Frag: parts and repetitions. "
    "Prec: precision, a lower bound. 90 %: interval over places; empty for fewer than three places."
)


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
    kept = (
        ("Predictions", [evaluation.predictions]),
        ("Contact sheets", _folders(evaluation.sheets)),
        ("Diagrams", _folders(evaluation.plots)),
    )
    for what, paths in kept:
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
    classes = itertools.groupby(document["rows"], key=lambda row: row["klass"])
    if document["in_sample"]:
        parts.append(Text(_in_sample(document), style="bold yellow"))
    seen = document["in_sample_classes"]
    parts += [_detection(list(rows), in_sample=klass in seen) for klass, rows in classes]
    if document["rows"]:
        parts += [Text(_LEGEND, style="dim"), *budget_tables(document)]
        parts += [*size_tables(document), reliability_table(document)]
    if document["null_n"]:
        parts.append(_controls(document))
    if document["registration"]["n"]:
        parts.append(registration_line(document))
    parts.append(case_table(document))
    return Group(*parts)


def _in_sample(document: dict[str, Any]) -> str:
    return (
        f"IN-SAMPLE: the scorer was fitted on {len(document['in_sample'])} of these {document['n_cases']} cases, or "
        "on the same places. Figures marked so say how well it fits, not how well it detects."
    )


def _detection(rows: list[dict[str, Any]], *, in_sample: bool) -> Table:
    """One class; its figures fit into 80 columns."""
    first = rows[0]
    title = f"{first['klass']}: {first['n']} changes on {number(first['km2'], 2)} km2"
    table = new_table(
        "Score", "Pd", "90 %", "App", "Van", "Kind", "FA/km2", "90 %", "Frag/km2", "Prec",
        title=f"{title} (IN-SAMPLE)" if in_sample else title,
    )  # fmt: skip
    for row in rows:
        table.add_row(
            f"{row['thr']:g}",
            number(row["Pd"], 2),
            interval(row["Pd_ci"], 2),
            *(number(row[name], 2) for name in ("Pd_app", "Pd_van", "kind")),
            number(row["FA"], 1),
            interval(row["FA_ci"], 1),
            number(row["frag"], 1),
            number(row["prec_lb"], 2),
        )
    return table


def _controls(document: dict[str, Any]) -> Table:
    names = {"null_real": f"{document['origin']} pair", "null_perturbed": "perturbed"}
    thresholds = list(document["null_real"]["FA"])
    table = new_table("Control", "n", "km2", *thresholds, title="False alarms/km2 where nothing changed")
    for key, name in names.items():
        controls = document[key]
        if controls["n"]:
            figures = (number(controls["FA"][threshold], 1) for threshold in thresholds)
            table.add_row(name, str(controls["n"]), number(controls["km2"], 2), *figures)
            bounds = (number(controls["FA_upper_95"][threshold], 1) for threshold in thresholds)
            table.add_row("  excluded above (95 %)", "", "", *bounds)
    return table


def _folders(pictures: Iterable[Path]) -> list[Path]:
    return sorted({picture.parent for picture in pictures})
