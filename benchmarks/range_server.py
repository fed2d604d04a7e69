"""A loopback file server that answers byte ranges and counts what it sends.

The standard library's handler ignores ranges, so a reader of a Cloud-Optimized GeoTIFF would fetch whole files.
"""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

RANGE = re.compile(r"bytes=(\d+)-(\d*)$")


@dataclass(kw_only=True)
class Traffic:
    """What was sent so far.

    Parameters
    ----------
    requests : int
        GET requests answered; HEAD is not counted, it carries no bytes.
    bytes : int
        Of bodies.
    """

    requests: int = 0
    bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, sent: int) -> None:
        """Count one answer."""
        with self.lock:
            self.requests += 1
            self.bytes += sent

    def clear(self) -> None:
        """Start again from zero."""
        with self.lock:
            self.requests = self.bytes = 0


def _handler(folder: Path, traffic: Traffic, delay_s: float) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _file(self) -> Path | None:
            path = (folder / self.path.lstrip("/").split("?")[0]).resolve()
            return path if path.is_file() and folder.resolve() in path.parents else None

        def _answer(self, *, body: bool) -> None:
            time.sleep(delay_s)
            path = self._file()
            if path is None:
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            size = path.stat().st_size
            first, last, status = 0, size - 1, 200
            if asked := RANGE.match(self.headers.get("Range", "")):
                first, last, status = int(asked[1]), min(int(asked[2] or size - 1), size - 1), 206
            if first > last:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{size}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(status)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(last - first + 1))
            self.send_header("ETag", f'"{path.stat().st_mtime_ns:x}-{size:x}"')
            if status == 206:
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            self.end_headers()
            if body:
                with path.open("rb") as file:
                    file.seek(first)
                    sent = file.read(last - first + 1)
                traffic.add(len(sent))
                self.wfile.write(sent)

        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class names it)
            """Keep quiet."""

    return Handler


@contextmanager
def serve(folder: Path, port: int = 0, *, delay_s: float = 0.0) -> Iterator[tuple[str, Traffic]]:
    """Serve `folder` on a loopback port, by default a free one.

    Gives the URL without a closing slash, and the counter. Every answer is held back for `delay_s`, as a server far
    away would.
    """
    traffic = Traffic()
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(folder, traffic, delay_s))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", traffic
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
