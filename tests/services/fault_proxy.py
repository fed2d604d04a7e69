"""A loopback HTTP server that does to its clients what providers do: on the n-th request for a path, on purpose.

In front of a folder it serves files in ranges, with ETags; in front of another server it passes requests on. What
goes wrong is said in rules; the first rule that applies to a request is carried out, everything else is answered
as it should be.

>>> with FaultProxy(folder=images) as proxy:
...     proxy.fail("*.tif", Status(code=429, retry_after=1), times=2)
...     fetch(f"{proxy.url}/red.tif")
"""

import http.client
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

_RANGE = re.compile(r"bytes=(\d+)-(\d*)$")
_PASSED_ON = ("authorization", "content-type", "if-none-match", "accept", "range")
_HOP = frozenset({"connection", "transfer-encoding", "keep-alive", "content-length", "server", "date"})


@dataclass(frozen=True, kw_only=True)
class Status:
    """Answer with a status, and a body."""

    code: int
    body: bytes = b""
    content_type: str = "text/plain"
    retry_after: str | int | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Delay:
    """Answer properly, after a while."""

    seconds: float


@dataclass(frozen=True, kw_only=True)
class Truncated:
    """Promise the whole body, send a part of it and close the connection."""

    share: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Short:
    """Send a part of the body, as if it were all of it."""

    share: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Drip:
    """Send the body a few bytes at a time; with `headers` already the answer's head."""

    bytes_per_s: float = 20.0
    headers: bool = False


@dataclass(frozen=True, kw_only=True)
class Drop:
    """Close the connection without a word."""


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """Answer properly, with other headers (None leaves one out)."""

    headers: dict[str, str | None]


Fault = Status | Delay | Truncated | Short | Drip | Drop | Tagged


@dataclass(kw_only=True)
class _Rule:
    pattern: str
    fault: Fault
    after: int
    times: int | None
    query: str
    seen: int = 0

    def applies(self, path: str, query: str) -> bool:
        if not fnmatch(path, self.pattern) or self.query not in query:
            return False
        self.seen += 1
        return self.seen > self.after and (self.times is None or self.seen <= self.after + self.times)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request that was answered, and with how many bytes of body."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    status: int
    sent: int


@dataclass(frozen=True, kw_only=True)
class _Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class FaultProxy:
    """A context manager.

    Parameters
    ----------
    folder : Path or None
        Files to serve.
    upstream : str or None
        URL of a server to pass requests on to, in place of a folder.
    """

    def __init__(self, *, folder: Path | None = None, upstream: str | None = None) -> None:
        self.folder, self.upstream = folder, upstream
        self.requests: list[Request] = []
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Without a closing slash."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def bytes_sent(self) -> int:
        """Of bodies, so far."""
        with self._lock:
            return sum(request.sent for request in self.requests)

    def fail(
        self, pattern: str, fault: Fault, *, after: int = 0, times: int | None = None, query: str = ""
    ) -> None:
        """From the (after + 1)-th request on whose path matches and whose query holds `query`, for `times` requests."""
        with self._lock:
            self._rules.append(_Rule(pattern=pattern, fault=fault, after=after, times=times, query=query))

    def heal(self) -> None:
        """Answer everything properly again, and count from zero."""
        with self._lock:
            self._rules.clear()
            self.requests.clear()

    def seen(self, pattern: str = "*") -> list[Request]:
        """Requests so far whose path matches."""
        with self._lock:
            return [request for request in self.requests if fnmatch(request.path, pattern)]

    @contextmanager
    def down(self) -> Iterator[None]:
        """Nobody listens at the address while the block runs."""
        self._stop()
        try:
            yield
        finally:
            self._start()

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _stop(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            server.shutdown()
            server.server_close()

    def fault_for(self, path: str, query: str) -> Fault | None:
        with self._lock:
            return next((rule.fault for rule in self._rules if rule.applies(path, query)), None)

    def note(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> _Answer:
        """The proper answer."""
        if self.upstream is not None:
            return _passed_on(self.upstream, handler, body)
        return _from_folder(self.folder or Path(), handler)


def _from_folder(folder: Path, handler: BaseHTTPRequestHandler) -> _Answer:
    path = (folder / unquote(urlsplit(handler.path).path).lstrip("/")).resolve()
    if not path.is_file() or folder.resolve() not in path.parents:
        return _Answer(status=404, headers={}, body=b"not here")
    stat = path.stat()
    etag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
    kind = {".json": "application/json", ".tif": "image/tiff"}.get(path.suffix, "application/octet-stream")
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Content-Type": kind}
    if handler.headers.get("If-None-Match") == etag:
        return _Answer(status=304, headers=headers, body=b"")
    body = path.read_bytes()
    asked = _RANGE.match(handler.headers.get("Range", ""))
    if asked is None:
        return _Answer(status=200, headers=headers, body=body)
    first, last = int(asked[1]), min(int(asked[2] or len(body)), len(body) - 1)
    if first > last:
        return _Answer(status=416, headers={"Content-Range": f"bytes */{len(body)}"}, body=b"")
    headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
    return _Answer(status=206, headers=headers, body=body[first : last + 1])


def _passed_on(upstream: str, handler: BaseHTTPRequestHandler, body: bytes) -> _Answer:
    target = urlsplit(upstream)
    connection = http.client.HTTPConnection(target.hostname or "", target.port or 80, timeout=60)
    headers = {name: value for name, value in handler.headers.items() if name.lower() in _PASSED_ON}
    # An API makes its links from the address it was called by: the client must stay on this side.
    headers["Host"] = handler.headers.get("Host", "")
    try:
        connection.request(
            handler.command,
            target.path + handler.path,
            body=body or None,
            headers=headers,
        )
        answer = connection.getresponse()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
        return _Answer(status=answer.status, headers=kept, body=answer.read())
    finally:
        connection.close()


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            # Read whatever the answer will be: what is left of it would be taken for the next request.
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fault = proxy.fault_for(parts.path, parts.query)
            if isinstance(fault, Drop):
                self._note(0, 0)
                self.close_connection = True
                return
            if isinstance(fault, Delay):
                time.sleep(fault.seconds)
            answer = _stated(fault) if isinstance(fault, Status) else proxy.answer(self, body)
            if isinstance(fault, Tagged):
                changed = {**answer.headers, **fault.headers}
                answer = _Answer(
                    status=answer.status, body=answer.body,
                    headers={name: value for name, value in changed.items() if value is not None},
                )  # fmt: skip
            # The client may have lost patience, as it should.
            with suppress(BrokenPipeError, ConnectionResetError):
                self._send(answer, fault)

        def _send(self, answer: _Answer, fault: Fault | None) -> None:
            body = b"" if self.command == "HEAD" else answer.body
            sent = body
            if isinstance(fault, Truncated | Short):
                sent = body[: int(len(body) * fault.share)]
                self.close_connection = True
            promised = len(sent) if isinstance(fault, Short) else len(answer.body)
            self._note(answer.status, len(sent))
            if isinstance(fault, Drip) and fault.headers:
                self._drip(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 10_000, fault)
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 304:
                self.send_header("Content-Length", str(promised))
            self.end_headers()
            if isinstance(fault, Drip):
                self._drip(sent, fault)
            else:
                self.wfile.write(sent)

        def _drip(self, data: bytes, fault: Drip) -> None:
            size = max(1, int(fault.bytes_per_s / 10))
            for start in range(0, len(data), size):
                self.wfile.write(data[start : start + size])
                self.wfile.flush()
                time.sleep(size / fault.bytes_per_s)

        def _note(self, status: int, sent: int) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            proxy.note(
                Request(
                    method=self.command, path=parts.path, query=parts.query, headers=headers, status=status,
                    sent=sent,
                )
            )  # fmt: skip

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 (the base class names them)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class names it)
            """Keep quiet."""

    return Handler


def _stated(fault: Status) -> _Answer:
    headers = {"Content-Type": fault.content_type, **fault.headers}
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    return _Answer(status=fault.code, headers=headers, body=fault.body)
