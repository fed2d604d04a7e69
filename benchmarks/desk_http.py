"""Asking a review desk over HTTP: one request after another, or many people at once, with as little of our own time in
it as can be.
"""

import http.client
import json
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from catalog import reviewers
from review.admission import cookie_name
from review.settings import DeskSettings

ANSWER_S = 60.0
KEPT_S = 3.0
"""A connection that was idle for longer may be closed by the desk."""


@dataclass(kw_only=True)
class Person:
    """Somebody who has signed in at a desk.

    Parameters
    ----------
    name : str
    cookie : str
        Name and value.
    port : int
    csrf : str
        What its pages send along with an answer.
    """

    name: str
    cookie: str
    port: int
    csrf: str = ""
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)
    _used: float = field(default=0.0, repr=False)

    def get(self, target: str) -> tuple[float, bytes]:
        """Milliseconds until the last byte, and the body; raises unless the desk answered 200."""
        if self._connection is None or time.perf_counter() - self._used > KEPT_S:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)
            self._connection.connect()
            self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start = time.perf_counter()
        self._connection.request("GET", target, headers={"Cookie": self.cookie})
        answer = self._connection.getresponse()
        body = answer.read()
        self._used = time.perf_counter()
        took = 1000 * (self._used - start)
        if answer.status != 200:
            raise RuntimeError(f"{target}: {answer.status} {body[:200]!r}")
        return took, body

    def answer(self, subject: str, act: str, body: dict[str, object]) -> bytes:
        """The bytes of a request that gives an answer, as a page sends it that goes on to the next change."""
        answer = {"key": uuid4().hex, "act": act, "subject": subject, "body": body, "show": False}
        document = json.dumps(answer).encode()
        head = (
            f"POST /api/answers HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nCookie: {self.cookie}\r\n"
            f"X-CSRF-Token: {self.csrf}\r\nOrigin: http://127.0.0.1:{self.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(document)}\r\n\r\n"
        )
        return head.encode() + document


def sign_in(root: Path, port: int, name: str) -> Person:
    """A person with a session, made as the desk makes it."""
    settings = DeskSettings(root=root, port=port)
    _, secret = reviewers.accept(root, reviewers.invite(root, name, "reviewer", given_by="benchmark"))
    person = Person(name=name, cookie=f"{cookie_name(settings)}={secret}", port=port)
    _, page = person.get("/?what=unseen")
    person.csrf = page.decode().split('<meta name="csrf-token" content="', 1)[1].split('"', 1)[0]
    return person


@dataclass(kw_only=True)
class _Line:
    """A connection with what is still to be sent on it."""

    link: socket.socket
    requests: Iterator[bytes]
    began: float = 0.0
    received: bytes = b""


def all_at_once(port: int, asked: Sequence[Sequence[bytes]], pause_s: float = 0.0) -> list[float]:
    """Send each person's requests one after the other, everybody's at the same time.

    Parameters
    ----------
    port : int
    asked : sequence of sequence of bytes
        For each person the requests.
    pause_s : float
        Everybody thinks so long before the next one; the first ones are then spread over as long.

    Returns
    -------
    list of float
        Milliseconds that each answer took.
    """
    ready = selectors.DefaultSelector()
    lines = []
    for requests in asked:
        link = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.setblocking(False)
        lines.append(_Line(link=link, requests=iter(requests)))
    start = time.perf_counter()
    due = [(start + pause_s * i / len(lines), line) for i, line in enumerate(lines)]
    took: list[float] = []
    waiting = 0
    while due or waiting:
        now = time.perf_counter()
        for line in [line for at, line in due if at <= now]:
            waiting += _sent(line, ready)
        due = [(at, line) for at, line in due if at > now]
        until = min((at for at, _ in due), default=now + ANSWER_S) - now
        for key, _ in ready.select(max(0.0, until)) if waiting else ():
            if _answered(key.data):
                took.append(1000 * (time.perf_counter() - key.data.began))
                ready.unregister(key.data.link)
                waiting -= 1
                due.append((time.perf_counter() + pause_s, key.data))
        if not waiting and due and until > 0:
            time.sleep(min(until, 0.01))
    for line in lines:
        line.link.close()
    return took


def _sent(line: _Line, ready: selectors.DefaultSelector) -> int:
    """Send the next request, if there is one: 1, or 0."""
    request = next(line.requests, None)
    if request is None:
        return 0
    line.received, line.began = b"", time.perf_counter()
    if line.link.send(request) != len(request):
        raise RuntimeError("a request did not go out in one piece")
    ready.register(line.link, selectors.EVENT_READ, line)
    return 1


def _answered(line: _Line) -> bool:
    """Whether all of an answer is there; raises where it is not 200."""
    part = line.link.recv(1 << 20)
    line.received += part
    head, found, body = line.received.partition(b"\r\n\r\n")
    if not part or (found and b" 200 " not in head[:16]):
        raise RuntimeError(f"the desk answered {line.received[:400]!r}")
    if not found:
        return False
    length = next(row for row in head.lower().split(b"\r\n") if row.startswith(b"content-length:"))
    return len(body) >= int(length.split(b":")[1])
