"""How often a server is asked: a token bucket that all threads and processes share."""

import fcntl
import math
import os
import time
from collections.abc import Callable

from imagery import limits

_LONGEST_S = 120.0
"""No queue is so long: a time further ahead is that of a clock that was set back since."""


class Pace:
    """Lets requests through at a rate, whatever the number of threads and processes.

    Every caller takes its place in the queue at once and then waits for its turn, so that none is passed over. Only
    when the next one is due is kept, so that a process that is killed leaves nothing to clear up.

    Parameters
    ----------
    name : str
        Of whom is asked; the same for all that share it.
    per_second : float
        Requests that are let through in a second, in the long run.
    burst : int
        Requests that may come at once after a pause.
    clock, sleep : callable
        For tests.
    """

    def __init__(
        self,
        name: str,
        per_second: float,
        *,
        burst: int = 1,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not per_second > 0 or burst < 1:
            raise ValueError(f"a pace needs a positive rate and burst, got {per_second} and {burst}")
        self._name = name
        self._interval_s = 1.0 / per_second
        self._burst = burst
        self._clock, self._sleep = clock, sleep

    def wait(self) -> float:
        """Return when it is the caller's turn; how many seconds that took.

        Raises
        ------
        ImageryError
            The cache folder, where the queue is kept, cannot be written.
        """
        pause = self._place()
        if pause:
            self._sleep(pause)
        return pause

    def _place(self) -> float:
        """Take the next place; in how many seconds it is due."""
        descriptor = limits.opened(self._name, "pace")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            now = self._clock()
            due = _number(os.pread(descriptor, 32, 0))
            if due > now + max(_LONGEST_S, 100 * self._interval_s):
                due = now
            # Tokens saved up during a pause: no more than the burst.
            due = max(due, now - (self._burst - 1) * self._interval_s)
            # One write of one length: no kill leaves half a number.
            os.pwrite(descriptor, f"{due + self._interval_s:032.6f}".encode(), 0)
        finally:
            os.close(descriptor)
        return max(0.0, due - now)


def _number(text: bytes) -> float:
    try:
        number = float(text)
    except ValueError:
        return -math.inf
    return number if math.isfinite(number) else -math.inf


def shared_pace(name: str, per_second: float) -> Pace:
    """The pace of a provider, the same for all that ask it from this cache folder."""
    return Pace(name, per_second, burst=max(1, int(per_second // 2)))
