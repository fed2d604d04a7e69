"""``make bench``: every speed figure of docs/results.md, as tables and as JSON under benchmarks/results/."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import desk, diff_speed, fetch, large_pair, orfeo, planning, reads, registration
from benchmarks.measure import machine, run_process
from benchmarks.pair import generated_pair
from imagery.tile import TILE_PX

RESULTS = Path(__file__).resolve().parent / "results"
CI = os.environ.get("CI", "").lower() not in ("", "0", "false")

console = Console(width=100)


def bench_diff(options: argparse.Namespace) -> dict[str, Any]:
    """(a) `sitewatch diff` end to end and by stage."""
    found = diff_speed.measure(repeats=options.repeats, generated=options.generated)
    table = Table(
        "", "seconds", "CPU s", "Mpx/s", "peak MB", title=f"diff: {found['pair']}, best of {found['repeats']}"
    )
    rows = {"sitewatch diff, end to end": found["diff"], "Orfeo ToolBox MAD": found["mad"]}
    for name, cost in rows.items():
        if cost is not None:
            cells = [f"{cost[key]:.2f}" for key in ("seconds", "cpu_seconds", "mpx_per_s")]
            table.add_row(name, *cells, f"{cost['peak_mb']:.0f}")
    if ratio := found["ratio"]:
        table.add_row(
            "ratio", f"{ratio['seconds']:.2f}", f"{ratio['cpu_seconds']:.2f}", f"{1 / ratio['seconds']:.2f}",
            f"{ratio['peak_mb']:.2f}",
        )  # fmt: skip
    console.print(table)
    stages = found["stages"]
    table = Table(
        "stage", "seconds", "share", "Mpx/s", "peak MB", title=f"by stage, {stages['blocks']} block(s)"
    )
    whole = sum(stages["seconds"].values())
    for name, seconds in stages["seconds"].items():
        peak = stages["peak_mb"].get(name)
        speed = f"{found['megapixels'] / seconds:.1f}" if seconds > 1e-3 else ""
        table.add_row(name, f"{seconds:.2f}", f"{seconds / whole:.0%}", speed, f"{peak:.0f}" if peak else "")
    console.print(table)
    return found


def bench_reads(_options: argparse.Namespace) -> dict[str, Any]:
    """(b) Bytes read over bytes of the area's blocks."""
    found = reads.measure()
    table = Table(
        show_header=False,
        title=f"{found['site']} out of {found['files_mb']:.0f} MB in {found['bands']} files over HTTP",
    )
    table.add_row(f"bytes of the {found['blocks']} blocks that hold it", f"{found['block_mb']:.2f} MB")
    table.add_row(
        "bytes fetched",
        f"{found['fetched_mb']:.2f} MB in {found['requests']} requests, {found['seconds']:.1f} s",
    )
    table.add_row("fetched / blocks", f"{found['fetched_over_blocks']:.3f}")
    table.add_row("fetched / files", f"{found['fetched_over_files']:.4f}")
    console.print(table)
    return found


def bench_fetch(_options: argparse.Namespace) -> dict[str, Any]:
    """(c) Both areas of one pass over HTTP, beside odc-stac."""
    found = fetch.measure()
    table = Table(
        "", "MB", "of blocks", "requests", "seconds",
        title=f"{' and '.join(found['sites'])}, {found['bands']} bands each, {found['delay_ms']:.0f} ms per answer",
    )  # fmt: skip
    names = {"memory": "sitewatch, into memory", "copies": "sitewatch, as copies"}
    for name, cost in found["costs"].items():
        cells = [f"{cost['mb']:.2f}", f"{cost['over_blocks']:.3f}"]
        table.add_row(names.get(name, name), *cells, f"{cost['requests']:.0f}", f"{cost['seconds']:.2f}")
    ratio = found["ratio"]
    cells = [f"{ratio['bytes']:.2f}", "", f"{ratio['requests']:.2f}", f"{ratio['seconds']:.2f}"]
    table.add_row("into memory / odc-stac", *cells)
    console.print(table)
    return found


def bench_flow(_options: argparse.Namespace) -> dict[str, Any]:
    """(d) What Prefect adds per tile, and how much that is of the work."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cost = run_process(
            [sys.executable, "-m", "benchmarks.flow_overhead"], folder=folder, env=_prefect_env(folder)
        )
        found: dict[str, Any] = json.loads(cost.output.splitlines()[-1])
        pair = generated_pair(folder)
        stages = run_process(
            [
                sys.executable, "-m", "benchmarks.diff_stages", pair.before, pair.after, str(pair.gsd_m),
                folder / "out",
            ],
            folder=folder,
        )  # fmt: skip
    work_s: float = json.loads(stages.output.splitlines()[-1])["seconds"]["compare tiles"]
    found["work_ms_per_tile"] = work_s / (pair.pixels / TILE_PX**2) * 1e3
    found["share_of_work"] = found["ms_per_tile_batched"] / found["work_ms_per_tile"]
    table = Table(
        show_header=False,
        title=f"flow overhead, {found['tiles']} tiles in {found['tasks']} tasks, {found['workers']} threads",
    )
    for what in ("alone", "batched"):
        table.add_row(
            f"per tile, {what}: computed / from the cache",
            f"{found[f'ms_per_tile_{what}']:.2f} / {found[f'ms_per_cached_tile_{what}']:.2f} ms",
        )
    table.add_row("work per tile of 512 px, three bands", f"{found['work_ms_per_tile']:.0f} ms")
    table.add_row("overhead as a share of the work, batched", f"{found['share_of_work']:.2%}")
    table.add_row("empty flow", f"{found['empty_flow_s']:.2f} s")
    table.add_row("first flow of a process (starts the server)", f"{found['first_flow_s']:.1f} s")
    console.print(table)
    return found


def bench_workers(_options: argparse.Namespace) -> dict[str, Any]:
    """(e) Threads against worker processes through Dask."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cost = run_process(
            [sys.executable, "-m", "benchmarks.workers", folder], folder=folder, env=_prefect_env(folder)
        )
    found: dict[str, Any] = json.loads(cost.output.splitlines()[-1])
    table = Table(
        show_header=False,
        title=f"{found['pairs']} pairs of {found['megapixels']:.0f} Mpx, {found['tiles']} tiles",
    )
    for workers, seconds in found["seconds"].items():
        name = "threads" if workers == "0" else f"{workers} worker process{'es' if workers != '1' else ''}"
        table.add_row(name, f"{seconds:.1f} s")
    table.add_row("two processes over one", f"{found['two_over_one']:.2f} x")
    table.add_row("two processes over threads", f"{found['two_over_threads']:.2f} x")
    table.add_row(f"the same bytes in {found['files']} files", "yes" if found["same_bytes"] else "NO")
    console.print(table)
    return found


def bench_planning(_options: argparse.Namespace) -> dict[str, Any]:
    """(f) Search and planning for a year of scenes, beside pystac-client alone."""
    found = planning.measure()
    table = Table(
        show_header=False,
        title=f"a year of one site: {found['items']} items, {found['passes']} passes, {found['pairs']} pairs",
    )
    table.add_row("sitewatch, search and planning", f"{found['seconds']['sitewatch']:.2f} s")
    table.add_row("pystac-client, search alone", f"{found['seconds']['pystac-client']:.2f} s")
    table.add_row("ratio", f"{found['ratio']:.1f}")
    console.print(table)
    return found


def bench_start(options: argparse.Namespace) -> dict[str, Any]:
    """(g) How long `sitewatch --help` takes, beside Python's own start."""
    commands = {"help": ["-m", "flows.cli", "--help"], "python": ["-c", "pass"]}
    with tempfile.TemporaryDirectory() as name:
        found = {
            key: min(
                run_process([sys.executable, *command], folder=Path(name)).seconds
                for _ in range(options.repeats + 1)  # the first may have to compile
            )
            for key, command in commands.items()
        }
    table = Table(show_header=False, title="start")
    table.add_row("sitewatch --help", f"{found['help']:.2f} s")
    table.add_row("python -c pass", f"{found['python']:.2f} s")
    console.print(table)
    return found


def bench_registration(_options: argparse.Namespace) -> dict[str, Any]:
    """(h) Residual of registration against measured transforms; needs the labelled cases."""
    if not (registration.data_folder() / "cases" / "public").is_dir():
        console.print("registration: no labelled cases here (SITEWATCH_SHARED), not measured")
        return {"measured": False}
    found = registration.measure()
    for name, methods in found["sets"].items():
        pairs = max(cost["n"] for cost in methods.values())
        table = Table(
            "", "median px", "95 % px", "pairs off by > 3 px", "of these called ok", "seconds",
            title=f"{name}: {pairs} pairs",
        )  # fmt: skip
        for method, cost in methods.items():
            cells = [f"{cost['median_px']:.2f}", f"{cost['p95_px']:.2f}", str(cost["wrong"])]
            table.add_row(method, *cells, str(cost["silent_failures"]), f"{cost['seconds']:.0f}")
        console.print(table)
    bare = found["nothing_to_register"]
    kinds = list(next(iter(bare.values())))
    table = Table("", *kinds, title="nothing to register: shifts of more than 3 px believed, largest")
    for method, shifts in bare.items():
        cells = [
            f"{shifts[k]['invented']} of {shifts[k]['n']}, {shifts[k]['largest_px']:g} px" for k in kinds
        ]
        table.add_row(method, *cells)
    console.print(table)
    console.print(f"arosics: {found['arosics']}", style="dim")
    return found


def bench_large(_options: argparse.Namespace) -> dict[str, Any]:
    """(i) `sitewatch diff` on a pair as large as a Sentinel-2 granule."""
    found = large_pair.measure()
    table = Table(show_header=False, title=f"{found['bands']} bands, {found['megapixels']:.0f} Mpx")
    for name, cell in {
        "the whole command": f"{found['seconds']:.0f} s, {found['cpu_seconds']:.0f} s of processor time",
        "of which comparing": f"{found['compare_seconds']:.0f} s",
        "speed": f"{found['mpx_per_s']:.2f} Mpx/s",
        "peak memory": f"{found['peak_mb']:.0f} MB",
        "changes": str(found["changes"]),
    }.items():
        table.add_row(name, cell)
    console.print(table)
    return found


def bench_desk(_options: argparse.Namespace) -> dict[str, Any]:
    """(j) The review desk: a running one, with 100,000 changes in its records, in a real browser."""
    found = desk.measure()
    table = Table(
        "", "samples", "median ms", "95 % ms", "worst ms", "bar ms",
        title=f"review desk, {found['changes']:,} changes, {found['events']:,} events, "
        f"opened in {found['opened_s']:.1f} s",
    )  # fmt: skip
    for name, cost in found["figures"].items():
        cells = [str(cost["n"]), *(f"{cost[key]:.0f}" for key in ("median_ms", "p95_ms", "worst_ms"))]
        table.add_row(name, *cells, str(found["bars_ms"].get(name, "")))
    console.print(table)
    if "next change" not in found["figures"]:
        console.print("views: no chromium here, not measured")
    kept = "is intact" if found["journal_intact"] else "IS NOT INTACT"
    console.print(f"{found['lost']} answers lost, the journal {kept}")
    return found


def _prefect_env(folder: Path) -> dict[str, str]:
    return {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    }


BENCHMARKS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "diff": bench_diff,
    "reads": bench_reads,
    "fetch": bench_fetch,
    "flow": bench_flow,
    "planning": bench_planning,
    "registration": bench_registration,
    "start": bench_start,
    "large": bench_large,
    "workers": bench_workers,
    "desk": bench_desk,
}


def main() -> int:
    """Run what was asked for; 1 where CI is set and Orfeo ToolBox is missing."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--only", choices=BENCHMARKS, action="append", help="one benchmark; may be repeated")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each program, the best counts")
    parser.add_argument(
        "--generated", action="store_true", help="a generated pair even where a real one is at hand"
    )
    options = parser.parse_args()
    on = machine()
    console.print(", ".join(f"{key} {value}" for key, value in on.items()), style="dim")
    RESULTS.mkdir(parents=True, exist_ok=True)
    chosen = options.only or list(BENCHMARKS)
    for name in chosen:
        document = {
            "benchmark": name,
            "measured": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": on,
        }
        document |= BENCHMARKS[name](options)
        (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    console.print(
        f"written to {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS}"
    )
    if "diff" in chosen and not orfeo.available():
        console.print(f"Orfeo ToolBox is not installed, so diff stands alone here. Debian: {orfeo.INSTALL}")
        return 1 if CI else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
