"""A web server that does what a test tells it, one answer per request, so that faults can be forced."""

import contextlib
import http.server
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Handler = http.server.BaseHTTPRequestHandler
Answer = Callable[[Handler], None]


@dataclass(kw_only=True)
class Scripted:
    """A running server: its URL, and when it was asked for what."""

    url: str = ""
    asked: list[tuple[float, str, str]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Requests so far."""
        return len(self.asked)


def says(status: int, body: bytes = b"{}", headers: Mapping[str, str] | None = None) -> Answer:
    """An ordinary answer."""

    def answer(request: Handler) -> None:
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def trickles(seconds: float) -> Answer:
    """Headers, then a byte now and then."""

    def answer(request: Handler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000000")
        request.end_headers()
        until = time.monotonic() + seconds
        with contextlib.suppress(OSError):
            while time.monotonic() < until:
                request.wfile.write(b" ")
                request.wfile.flush()
                time.sleep(0.05)

    return answer


def trickles_headers(seconds: float) -> Answer:
    """Never comes to the end of its headers."""

    def answer(request: Handler) -> None:
        until = time.monotonic() + seconds
        with contextlib.suppress(OSError):
            request.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while time.monotonic() < until:
                request.wfile.write(b"X-Wait: 1\r\n")
                request.wfile.flush()
                time.sleep(0.05)

    return answer


def breaks_off(request: Handler) -> None:
    """Half a body."""
    request.send_response(200)
    request.send_header("Content-Length", "100")
    request.end_headers()
    request.wfile.write(b"half")
    request.wfile.flush()
    request.close_connection = True


@contextlib.contextmanager
def scripted(*answers: Answer, last: Answer | None = None) -> Iterator[Scripted]:
    """Serve `answers` in order; afterwards `last`, by default the last of them."""
    state = Scripted()
    waiting: list[Answer] = list(answers)
    finally_: Sequence[Any] = [last or answers[-1]]

    class Here(Handler):
        def do_GET(self) -> None:  # noqa: N802
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            state.asked.append((time.monotonic(), self.command, self.path))
            (waiting.pop(0) if waiting else finally_[0])(self)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Clients that leave are what these tests are about."""

    server = Server(("127.0.0.1", 0), Here)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
