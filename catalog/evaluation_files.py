"""What an evaluation leaves in its folder.

::

    OUT/predictions/<case>.json    what was claimed, as `sitewatch diff --json` prints it
    OUT/sheets/*.png               contact sheets (catalog/contact_sheet.py)
    OUT/plots/*.png                Pd against false alarms, reliability (catalog/evaluation_plots.py)
    OUT/summary.json               all figures
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_prediction(out: Path, case: str, document: Mapping[str, Any]) -> Path:
    """Keep what was claimed about a case."""
    return _write(_prediction(out, case), document)


def clear_prediction(out: Path, case: str) -> None:
    """Remove what an earlier evaluation claimed about a case that has failed now."""
    _prediction(out, case).unlink(missing_ok=True)


def write_summary(out: Path, document: Mapping[str, Any]) -> Path:
    """Keep the figures."""
    return _write(out / "summary.json", document)


def _prediction(out: Path, case: str) -> Path:
    return out / "predictions" / f"{case}.json"


def _write(path: Path, document: Mapping[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    try:
        partial.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path
