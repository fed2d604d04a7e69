"""The token bucket: it really limits, whatever the number of threads."""

import threading
import time

import pytest

from imagery.sources.pace import Pace, shared_pace


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_requests_are_spaced_after_a_burst() -> None:
    clock = Clock()
    pace = Pace("a", 2.0, burst=3, clock=clock, sleep=clock.sleep)
    clock.now += 60.0  # a pause saves up no more than the burst
    times = []
    for _ in range(7):
        pace.wait()
        times.append(clock.now - 160.0)
    assert times == pytest.approx([0, 0, 0, 0.5, 1.0, 1.5, 2.0])


def test_a_slow_caller_is_not_held_up() -> None:
    clock = Clock()
    pace = Pace("a", 2.0, clock=clock, sleep=clock.sleep)
    for _ in range(5):
        assert pace.wait() == 0
        clock.now += 0.6


def test_threads_share_it() -> None:
    begun = time.monotonic()
    pace = Pace("a", 40.0, burst=2)
    moments: list[float] = []

    def ask() -> None:
        for _ in range(5):
            pace.wait()
            moments.append(time.monotonic())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(moments) == 40
    # A busy machine only makes it slower.
    assert max(moments) - begun >= (40 - 2) / 40.0


def test_one_provider_has_one_pace() -> None:
    assert [shared_pace("a", 1.0).wait() for _ in range(2)] == pytest.approx([0, 1], abs=0.9)
    assert shared_pace("b", 1.0).wait() == 0


def test_a_clock_that_is_set_back_holds_nobody_up() -> None:
    clock = Clock()
    pace = Pace("a", 2.0, clock=clock, sleep=clock.sleep)
    pace.wait()
    clock.now -= 3600
    assert pace.wait() == 0
    assert pace.wait() == pytest.approx(0.5)


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_pace_that_is_none(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        Pace("a", rate, burst=burst)
