"""A server that takes every connection and never says a word."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Silent:
    """Its URL, and when it was connected to (`time.monotonic`)."""

    url: str
    connected: list[float] = field(default_factory=list)


@contextmanager
def silent_server() -> Iterator[Silent]:
    """Listen on loopback while the block runs."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(100)
        server = Silent(url=f"http://127.0.0.1:{listening.getsockname()[1]}")
        kept: list[socket.socket] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    server.connected.append(time.monotonic())
                    kept.append(connection)

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield server
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            for connection in kept:
                connection.close()
