"""Finer figures of an evaluation on the screen: budgets, sizes, reliability, registration, cases."""

from typing import Any

from rich.table import Table
from rich.text import Text

from flows.table_cells import interval, new_table, number

_RELIABILITY_NOTE = "share of claims that are labelled changes, by score (number of claims)"


def budget_tables(document: dict[str, Any]) -> list[Table]:
    """Pd at every budget; then the usual ones with intervals and the share of right kinds."""
    groups = document["pd_at_fa"]
    budgets = list(next(iter(groups.values())))
    table = new_table("Pd", *budgets, title="Pd at no more than so many false alarms per km2")
    for group, points in groups.items():
        table.add_row(group, *(number(points[budget][0], 2) for budget in budgets))
    detail = document["detail"]
    fixed = list(next(iter(detail.values()))["budgets"])
    spread = new_table(
        "Pd", *fixed, title="The same, 90 % over places, right kind; * stricter than one false alarm here"
    )
    for group, figures in detail.items():
        points = [figures["budgets"][budget] for budget in fixed]
        spread.add_row(group, *(f"{p['Pd']:.2f}{'' if p['resolved'] else '*'}" for p in points))
        spread.add_row("  90 %", *(interval(p["ci"], 2) for p in points))
        spread.add_row("  kind", *(number(p["kind"], 2) for p in points))
    return [table, spread]


def size_tables(document: dict[str, Any]) -> list[Table]:
    """Pd by pixel size and length of object, one table per class."""
    tables = []
    for group, figures in document["detail"].items():
        rows = figures["sizes"]
        if not rows:
            continue
        budgets = list(rows[0]["Pd_at_fa"])
        table = new_table(
            "Length", "gsd", "n", "Pd", "90 %", *budgets,
            title=f"{group} by length: Pd at score 0.5, and at false alarms per km2 over all lengths",
        )  # fmt: skip
        for row in rows:
            low, high = row["length_m"]
            table.add_row(
                f"{low:g}+ m" if high is None else f"{low:g}-{high:g} m",
                f"{row['gsd_m']:g} m",
                str(row["n"]),
                number(row["Pd"], 2),
                interval(row["Pd_ci"], 2),
                *(number(row["Pd_at_fa"][budget], 2) for budget in budgets),
            )
        tables.append(table)
    return tables


def reliability_table(document: dict[str, Any]) -> Table:
    """Observed share per tenth of score, and the calibration error."""
    detail = document["detail"]
    bins = next(iter(detail.values()))["reliability"]
    table = new_table(
        "Score to", *(f"{b['high']:g}" for b in bins), "error", title=f"Reliability: {_RELIABILITY_NOTE}"
    )
    for group, figures in detail.items():
        shares = (number(b["observed"], 2) for b in figures["reliability"])
        table.add_row(group, *shares, number(figures["calibration_error"], 3))
        ends = interval(figures["calibration_error_ci"], 3)
        table.add_row("", *(str(b["n"]) if b["n"] else "" for b in figures["reliability"]), ends)
    return table


def registration_line(document: dict[str, Any]) -> Text:
    """Residual against measured transforms in one line."""
    found = document["registration"]
    style = "bold red" if found["silent_failures"] else ""
    return Text(
        f"Registration against measured transforms: median {number(found['median_px'], 2)} px, 95 % below "
        f"{number(found['p95_px'], 2)} px, at {found['points']} places of {found['n']} pairs; {found['not_ok']} not "
        f"registered, {found['silent_failures']} wrong without saying so.",
        style=style,
    )


def case_table(document: dict[str, Any]) -> Table:
    """One line per case at score 0.5."""
    table = new_table(
        "Case", "place", "n", "Pd", "kind", "FA", "frag", "px", "p95",
        title="Cases at score 0.5; n/a not assessed; px: residual against measured transform",
    )  # fmt: skip
    for name, row in document["cases"].items():
        registration = row["registration"] or {"median_px": None, "p95_px": None}
        table.add_row(
            name[:26],
            (row["place"] or "-")[:8],
            str(row["n"]),
            number(row["Pd"], 2) if row["assessed"] else "n/a",
            number(row["kind"], 2),
            str(row["false_alarms"]),
            str(row["fragments"]),
            number(registration["median_px"], 2),
            number(registration["p95_px"], 2),
        )
    return table
