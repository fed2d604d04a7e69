"""Child processes that are kept running, and are all gone when their parent is, however it ends. No Prefect here."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LOG_BYTES = 10_000_000
"""A log longer than this is set aside when its program is started again; the one before goes."""

QUIET_S = 120.0
"""A child that ran this long has recovered: the next failure is waited for as shortly as a first one."""

LONGEST_PAUSE_S = 60.0
_TAIL_BYTES = 2000


@dataclass(kw_only=True)
class Child:
    """A program that is started again when it ends.

    Parameters
    ----------
    name : str
        For people.
    command : sequence of str
    env : mapping of str to str
        All of its environment.
    log : Path
        What it writes.
    grace_s : float
        How long it may take to stop.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    grace_s: float = 20.0
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    _watcher: subprocess.Popen[bytes] | None = None
    _failures: int = 0
    _since: float = field(default=0.0)

    @property
    def running(self) -> bool:
        """Whether it is there."""
        return self.process is not None and self.process.poll() is None

    @property
    def pause_s(self) -> float:
        """How long to wait before starting it again; longer each time that it ends soon."""
        return 0.0 if self._failures == 0 else min(2.0 ** (self._failures - 1), LONGEST_PAUSE_S)

    def start(self) -> None:
        """Start it in a session of its own: a terminal's Ctrl-C reaches the parent alone, which stops in order."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.is_file() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".1.log"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - commands of our own
                list(self.command),
                env=dict(self.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._watcher = _end_group_with_us(self.process.pid)
        self._since = time.monotonic()
        self.starts += 1

    def ended(self) -> int:
        """Note that it ended by itself; returns its exit code. What it had started itself is ended too."""
        process = self.process
        code = 0 if process is None else process.wait()
        self._failures = 1 if time.monotonic() - self._since > QUIET_S else self._failures + 1
        self._clear(signal.SIGKILL)
        return code

    def stop(self) -> None:
        """TERM to the program, wait, then KILL to all that is left of its group."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(self.grace_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._clear(signal.SIGKILL)

    def _clear(self, how: signal.Signals) -> None:
        if self.process is not None:
            # Its number stays taken as the group's for as long as a member of the group lives.
            _signal_group(self.process.pid, how)
        if self._watcher is not None:
            self._watcher.kill()
            self._watcher.wait()
            if self._watcher.stdin is not None:
                self._watcher.stdin.close()
        self.process = self._watcher = None

    def tail(self) -> str:
        """The end of its log on one line, for a message."""
        try:
            text = self.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
        except OSError:
            return ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1] if lines else ""


def _signal_group(group: int, how: signal.Signals) -> None:
    try:
        os.killpg(group, how)
    except (ProcessLookupError, PermissionError):
        return


def _end_group_with_us(group: int) -> subprocess.Popen[bytes]:
    """Stop a process group when this process is gone, even if it is killed: a shell waits for the pipe to close."""
    return subprocess.Popen(  # noqa: S603 - a number of our own is all that goes in
        ["/bin/sh", "-c", f"read _; kill -TERM -{group}; sleep 10; kill -KILL -{group}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@dataclass
class Stopper:
    """Turns SIGTERM, SIGINT and SIGHUP into a wish that loops look at."""

    wanted: bool = False

    def install(self) -> None:
        """Take over the signals of this process."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, _number: int, _frame: object) -> None:
        self.wanted = True

    def sleep(self, seconds: float) -> bool:
        """Sleep; returns early, with True, when a stop is wanted."""
        return wait_for(lambda: self.wanted, seconds)


def wait_for(condition: Callable[[], bool], seconds: float, *, poll_s: float = 0.1) -> bool:
    """Whether a condition comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(poll_s)
    return True
