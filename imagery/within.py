"""Work that is waited for only so long."""

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class TookTooLong(Exception):
    """The work was not done in time."""


def within(seconds: float, work: Callable[[], T]) -> T:
    """The result of `work`, waited for no longer than `seconds`.

    Time limits of sockets know neither name resolution nor an answer that trickles in; the thread that such work
    holds is abandoned.

    Raises
    ------
    TookTooLong
    """
    box: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            box.put((work(), None))
        except BaseException as error:  # noqa: BLE001, RUF100 - handed to the waiting thread
            box.put((None, error))

    threading.Thread(target=run, name="sitewatch-request", daemon=True).start()
    try:
        found, error = box.get(timeout=seconds)
    except queue.Empty:
        raise TookTooLong from None
    if error is not None:
        raise error
    return found  # type: ignore[return-value]
