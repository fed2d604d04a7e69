"""Pictures of an evaluation's figures: Pd against false alarms, and whether scores are probabilities.

One pair of PNG files per origin of the cases: ``OUT/plots/real_detection.png``, ``OUT/plots/real_reliability.png``.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from PIL import Image, ImageDraw

from catalog.plot import Axis, Diagram, diagram
from models.evaluation import Detail, Origin, Summary

_SHARE = Axis(title="Pd", low=0.0, high=1.0, ticks=(0, 0.2, 0.4, 0.6, 0.8, 1))
_ALARMS = "false alarms per km2 (upper bound: labels are incomplete)"
_LEAST_CLAIMS = 20
_RATES = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
_TITLES: Mapping[Origin, str] = {
    "real": "real changes",
    "implant": "IMPLANTS in real images",
    "simulated": "SIMULATED images",
}


def write_plots(summary: Summary, folder: Path) -> tuple[Path, ...]:
    """Draw both diagrams for every origin that has labelled changes; those of an earlier evaluation are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for origin in get_args(Origin):
        for what in ("detection", "reliability"):
            (folder / f"{origin}_{what}.png").unlink(missing_ok=True)
    paths = []
    for one in (summary, *summary.others):
        if one.details:
            paths.append(_save(detection_plot(one), folder / f"{one.origin}_detection.png"))
            paths.append(_save(reliability_plot(one), folder / f"{one.origin}_reliability.png"))
    return tuple(paths)


def detection_plot(summary: Summary) -> Image.Image:
    """Pd at every score against false alarms per km2, one line per class."""
    found = diagram(
        f"Detection against false alarms: {_TITLES[summary.origin]}{_in_sample(summary)}",
        Axis(
            title="false alarms per km2 (upper bound: labels are incomplete)",
            low=_RATES[0],
            high=_RATES[-1],
            ticks=_RATES,
            log=True,
        ),
        _SHARE,
        note=f"Each line runs over all scores. Bars: 90 % over places at {_budgets(summary)} per km2, the threshold "
        f"chosen within the budget. Rates below {_RATES[0]:g} are drawn at the left edge.",
    )
    for series, (group, detail) in enumerate(summary.details.items()):
        points = list(zip(detail.curve.false_alarms_per_km2, detail.curve.pd, strict=True))
        found.draw_line(
            [(float(x), float(y)) for x, y in points], series, f"{group}, {_truths(detail)} changes"
        )
        for budget in detail.budgets:
            low, high = budget.interval
            reached = budget.budget_per_km2 <= max(x for x, _ in points) if points else False
            if budget.threshold is not None and reached and not math.isnan(low):
                found.draw_point(budget.budget_per_km2, budget.pd, series, low=low, high=high)
    found.draw_legend(640, 420)
    return found.image


def reliability_plot(summary: Summary) -> Image.Image:
    """Share of true claims against score, one line per class, with Wilson intervals."""
    found = diagram(
        f"Are scores probabilities? {_TITLES[summary.origin]}{_in_sample(summary)}",
        Axis(title="score", low=0.0, high=1.0, ticks=_SHARE.ticks),
        Axis(title="share of claims that are labelled changes", low=0.0, high=1.0, ticks=_SHARE.ticks),
        note="Hits over hits and false alarms per tenth of score; fragments left out. Bars: 90 %, claims taken as "
        "independent, so too narrow. Grey: a perfect score. Error: mean distance to it, weighted by claims. "
        f"Classes with fewer than {_LEAST_CLAIMS} claims are left out.",
    )
    _diagonal(found)
    for series, (group, detail) in enumerate(summary.details.items()):
        bins = [b for b in detail.reliability if b.claims]
        if sum(b.claims for b in bins) < _LEAST_CLAIMS:
            continue
        error = detail.calibration_error
        name = f"{group}, {sum(b.claims for b in bins)} claims, error {error:.3f}"
        found.draw_line([(b.mean_score, b.observed) for b in bins], series, name)
        for b in bins:
            low, high = b.interval
            found.draw_point(b.mean_score, b.observed, series, low=low, high=high)
    found.draw_legend(520, 430)
    return found.image


def _diagonal(found: Diagram) -> None:
    ImageDraw.Draw(found.image).line([found.at(0, 0), found.at(1, 1)], fill=(170, 176, 184), width=2)


def _truths(detail: Detail) -> int:
    return int(detail.curve.truths.sum())


def _budgets(summary: Summary) -> str:
    detail = next(iter(summary.details.values()))
    return ", ".join(f"{b.budget_per_km2:g}" for b in detail.budgets)


def _in_sample(summary: Summary) -> str:
    return " (IN-SAMPLE)" if summary.in_sample else ""


def _save(image: Image.Image, path: Path) -> Path:
    partial = path.with_suffix(".partial")
    try:
        image.save(partial, format="PNG", compress_level=6)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path
