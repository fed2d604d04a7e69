"""Where `sitewatch diff` spends its time and memory: the same call, with its steps wrapped.

``python -m benchmarks.diff_stages BEFORE AFTER GSD_M OUT`` prints one JSON document. It runs in a process of its own,
so that its memory is its own.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import Stages

STEPS = {
    "open": ("flows.diff", "open_pair"),
    "prepare": ("models.compare", "prepare"),
    "compare tiles": ("models.compare", "compare_block"),
    "conclude": ("models.compare", "conclude"),
    "write": ("flows.diff", "write_run"),
}
"""Stage to the module and name under which its caller looks it up."""


def _wrapped(
    stages: Stages, name: str, step: Callable[..., Any], calls: dict[str, int]
) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        calls[name] = calls.get(name, 0) + 1
        with stages.stage(name):
            return step(*args, **kwargs)

    return run


def main(before: str, after: str, gsd_m: str, out: str) -> None:
    """Compare once and print seconds and peak memory by stage."""
    stages, calls = Stages(), dict[str, int]()
    start = time.perf_counter()
    diff = importlib.import_module("flows.diff")
    imported = time.perf_counter() - start
    for name, (module_name, attribute) in STEPS.items():
        module = importlib.import_module(module_name)
        setattr(module, attribute, _wrapped(stages, name, getattr(module, attribute), calls))
    start = time.perf_counter()
    result = diff.diff_images(Path(before), Path(after), out=Path(out), gsd_m=float(gsd_m))
    whole = time.perf_counter() - start
    if never := STEPS.keys() - calls.keys():
        raise RuntimeError(
            f"the comparison never reached {sorted(never)}: the stages of this benchmark are out of date"
        )
    seconds = {"import": imported, **stages.seconds, "rest": whole - sum(stages.seconds.values())}
    json.dump(
        {
            "status": result.document["status"],
            "changes": len(result.document["changes"]),
            "blocks": calls["compare tiles"],
            "seconds": seconds,
            "peak_mb": stages.peak_mb,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
