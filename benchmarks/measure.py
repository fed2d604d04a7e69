"""Time and peak memory, of a child process as a whole and of the stages inside a process."""

import os
import platform
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

SAMPLE_S = 0.005


@dataclass(frozen=True, kw_only=True)
class ProcessCost:
    """What one child process took.

    Parameters
    ----------
    seconds : float
        Wall clock from start to end, with the interpreter's start.
    cpu_seconds : float
        User and system time over all threads.
    peak_mb : float
        Largest resident set of it or of one of its own children, in 10^6 bytes.
    output : str
        Standard output.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str


def run_process(
    command: Sequence[str | Path],
    *,
    folder: Path,
    env: Mapping[str, str] | None = None,
    ok: Sequence[int] = (0,),
) -> ProcessCost:
    """Run `command` and measure it; raises RuntimeError with its last output if it ends in none of `ok`."""
    log, err = folder / "stdout.txt", folder / "stderr.txt"
    start = time.perf_counter()
    with log.open("wb") as out, err.open("wb") as errors:
        child = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
            env={**os.environ, **(env or {})},
        )  # fmt: skip
        with _watched(child.pid) as peak_kb:
            _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    output = log.read_text(errors="replace")
    if child.returncode not in ok:
        tail = (output + err.read_text(errors="replace"))[-2000:]
        raise RuntimeError(f"{command[0]} ended with {child.returncode}:\n{tail}")
    return ProcessCost(
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_mb=max(peak_kb, default=0) * 1024 / 1e6,
        output=output,
    )


@contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """Collect high-water marks (KiB) of a process and its children while the block runs.

    ``ru_maxrss`` will not do: across fork and exec it starts from what the *parent* had used.
    """
    marks, done = list[int](), threading.Event()

    def look() -> None:
        while not done.wait(SAMPLE_S):
            try:
                process = psutil.Process(pid)
                marks.append(max(_high_water_kb(p.pid) for p in (process, *process.children(recursive=True))))
            except psutil.NoSuchProcess:
                return

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield marks
    finally:
        done.set()
        watcher.join()


def _high_water_kb(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)


@dataclass(kw_only=True)
class Stages:
    """Wall time and peak resident memory of named stages of this process."""

    seconds: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the block; the same name twice adds time and keeps the higher peak."""
        process, done = psutil.Process(), threading.Event()
        peak = [process.memory_info().rss]

        def sample() -> None:
            while not done.wait(SAMPLE_S):
                peak[0] = max(peak[0], process.memory_info().rss)

        sampler = threading.Thread(target=sample, daemon=True)
        sampler.start()
        start = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - start
            done.set()
            sampler.join()
            self.seconds[name] = self.seconds.get(name, 0.0) + seconds
            self.peak_mb[name] = max(self.peak_mb.get(name, 0.0), peak[0] / 1e6)


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    model = platform.processor() or "unknown"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip()
            for line in cpuinfo.read_text().splitlines()
            if line.startswith("model name")
        ]
        model = names[0] if names else model
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_1min": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
