"""How often a server is asked: a token bucket that all threads of a process share."""

import threading
import time
from collections.abc import Callable


class Pace:
    """Lets requests through at a rate, whatever the number of threads.

    Every caller takes its place in the queue at once and then waits for its turn, so that none is passed over.

    Parameters
    ----------
    per_second : float
        Requests that are let through in a second, in the long run.
    burst : int
        Requests that may come at once after a pause.
    clock, sleep : callable
        For tests.
    """

    def __init__(
        self,
        per_second: float,
        *,
        burst: int = 1,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not per_second > 0 or burst < 1:
            raise ValueError(f"a pace needs a positive rate and burst, got {per_second} and {burst}")
        self._interval_s = 1.0 / per_second
        self._burst = burst
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._next = clock()
        """When the next token that is not yet given away is there, were there no burst."""

    def wait(self) -> float:
        """Return when it is the caller's turn; how many seconds that took."""
        with self._lock:
            now = self._clock()
            # Tokens saved up during a pause: no more than the burst.
            self._next = max(self._next, now - (self._burst - 1) * self._interval_s)
            pause = max(0.0, self._next - now)
            self._next += self._interval_s
        if pause:
            self._sleep(pause)
        return pause


_shared: dict[tuple[str, float], Pace] = {}
_sharing = threading.Lock()


def shared_pace(name: str, per_second: float) -> Pace:
    """The one pace of this process for a provider."""
    with _sharing:
        return _shared.setdefault((name, per_second), Pace(per_second, burst=max(1, int(per_second // 2))))
