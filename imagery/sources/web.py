"""Requests to one server over HTTP, with patience that ends.

Faults that may pass (no connection, no answer, 408, 425, 429 and 5xx) are tried again after a pause that grows, is
drawn at random within bounds, and is never shorter than the server's ``Retry-After``; refusals (400, 401, 403, 404)
never. All of it ends some seconds after the last good answer, and nothing larger than a limit is kept.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx

from imagery.access import Access
from imagery.checked_transport import CheckedTransport
from imagery.errors import SourceUnreachable
from imagery.sources.addresses import is_inside
from imagery.sources.pace import Pace
from imagery.within import TookTooLong, within

_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_TOO_MANY = 429
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5
_LONG_S = 10.0
_REMEMBERED_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a server is waited for.

    Parameters
    ----------
    attempts : int
        For one request.
    connect_s, read_s : float
        For a connection, and for the next part of an answer.
    pause_s : float
        Before the second attempt; it doubles with every further one.
    total_s : float
        Since the last good answer. With it, two sites in one run and a source that is down, the run ends within a
        minute, most of which a busy machine may need to start it.
    """

    attempts: int = 4
    connect_s: float = 5.0
    read_s: float = 15.0
    pause_s: float = 0.5
    total_s: float = 15.0

    @property
    def brief(self) -> "Patience":
        """For a server that was waited for in vain a moment ago."""
        return replace(
            self, attempts=min(2, self.attempts), connect_s=min(3.0, self.connect_s), total_s=min(4.0, self.total_s)
        )  # fmt: skip


class Refused(Exception):
    """The server answers with a status that asking again does not change."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status
        self.text = text


class TooLarge(Exception):
    """The answer is larger than allowed."""


class _Passing(Exception):
    """A fault that may pass by itself."""

    def __init__(self, what: str, *, wait_s: float = 0.0) -> None:
        super().__init__(what)
        self.wait_s = wait_s


class Web:
    """Asks servers, one request at a time or from several threads; a context manager that holds one client.

    Parameters
    ----------
    who : str or None
        Begins every error; None for the address that was asked.
    advice : str
        Ends every error of a server that does not answer.
    patience : Patience
    pace : Pace, optional
    forbids : callable, optional
        Says why an address may not be asked, or None.
    access : Access, optional
        Rules for every address that is asked, and for those that names and redirects lead to.
    """

    def __init__(
        self,
        *,
        who: str | None = None,
        advice: str = "check the address and the connection, or try again later",
        patience: Patience | None = None,
        pace: Pace | None = None,
        forbids: Callable[[str], str | None] | None = None,
        access: Access | None = None,
    ) -> None:
        self._who, self._advice = who, advice
        self._patience = patience or Patience()
        self._pace, self._forbids = pace, forbids
        self._access = access
        self._client = httpx.Client(
            headers={"User-Agent": "sitewatch"},
            transport=None if access is None else CheckedTransport(access),
        )
        self._answered = time.monotonic()

    def __enter__(self) -> "Web":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def fetch(
        self,
        url: str,
        *,
        limit: int,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> bytes:
        """The bytes the server answers.

        Raises
        ------
        Refused
            A status other than 2xx that is final.
        TooLarge
        RefusedAddress
            `access` does not allow the address, or one that it leads to.
        SourceUnreachable
            No good answer came, however patiently it was asked for.
        """
        request = self._client.build_request(
            method, url, headers=dict(headers or {}), params=dict(params) if params else None, json=body
        )
        patience = self._patience.brief if _was_down(url) else self._patience
        begun = time.monotonic()
        for attempt in range(1, patience.attempts + 1):
            if self._pace is not None:
                # Waiting for one's turn is no fault of the server's.
                self._answered += self._pace.wait()
            try:
                found = self._answer(request, patience, limit)
            except _Passing as problem:
                jitter = random.uniform(0.5, 1.5)  # noqa: S311 - spreads clients in time, no secret
                pause = max(problem.wait_s, patience.pause_s * 2 ** (attempt - 1) * jitter)
                if attempt == patience.attempts or self._left(patience) <= pause:
                    if time.monotonic() - begun > _LONG_S:
                        _remember(url)
                    raise self._unreachable(url, str(problem), attempt) from problem
                time.sleep(pause)
            else:
                self._answered = time.monotonic()
                _forget(url)
                return found
        raise AssertionError  # the last attempt returned or raised

    def _left(self, patience: Patience) -> float:
        return self._answered + patience.total_s - time.monotonic()

    def _answer(self, request: httpx.Request, patience: Patience, limit: int) -> bytes:
        for _ in range(_MAX_REDIRECTS + 1):
            self._check(str(request.url))
            try:
                status, headers, content = within(
                    max(0.1, self._left(patience)), lambda: self._once(request, patience, limit)  # noqa: B023
                )  # fmt: skip
            except (httpx.TimeoutException, httpcore.TimeoutException, TookTooLong) as error:
                raise _Passing("no answer in time") from error
            except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
                raise self._unreachable(str(request.url), str(error), 1) from error
            except (httpx.HTTPError, httpcore.NetworkError, httpcore.ProtocolError, RuntimeError) as error:
                raise _Passing(f"cannot be reached ({error or type(error).__name__})") from error
            if status in _REDIRECTS and headers.get("Location"):
                request = self._redirected(request, status, headers["Location"])
                continue
            if status in _TRY_AGAIN:
                raise _asked_to_wait(status, headers)
            if not 200 <= status < 300:
                raise Refused(status, content[:300].decode(errors="replace"))
            return content
        what = f"sends from one address to the next {_MAX_REDIRECTS} times"
        raise self._unreachable(str(request.url), what, 1)

    def _once(
        self, request: httpx.Request, patience: Patience, limit: int
    ) -> tuple[int, httpx.Headers, bytes]:
        timeout = httpx.Timeout(patience.read_s, connect=patience.connect_s)
        request.extensions["timeout"] = timeout.as_dict()
        response = self._client.send(request, stream=True)
        try:
            parts, length = [], 0
            for part in response.iter_bytes():
                length += len(part)
                if length > limit:
                    raise TooLarge(f"larger than {limit / 1e6:g} MB")
                parts.append(part)
            return response.status_code, response.headers, b"".join(parts)
        finally:
            response.close()

    def _redirected(self, request: httpx.Request, status: int, location: str) -> httpx.Request:
        target = urljoin(str(request.url), location)
        if self._access is None and is_inside(target) and not is_inside(str(request.url)):
            raise self._unreachable(
                str(request.url), f"sends on to {target}, which lies inside this network", 1, advice="check the address"
            )  # fmt: skip
        method = "GET" if status == 303 else request.method
        return self._client.build_request(method, target, headers=_portable(request, target),
                                          content=None if status == 303 else request.content)  # fmt: skip

    def _check(self, url: str) -> None:
        if self._access is not None:
            self._access.check(url)
        reason = self._forbids(url) if self._forbids is not None else None
        if reason is not None:
            raise self._unreachable(url, reason, 1, advice="check the address")

    def _unreachable(
        self, url: str, what: str, attempts: int, advice: str | None = None
    ) -> SourceUnreachable:
        who = self._who or url
        tried = f" ({attempts} times)" if attempts > 1 else ""
        return SourceUnreachable(f"{who}: {what}{tried}; {advice or self._advice}", retried=True)


def _portable(request: httpx.Request, target: str) -> dict[str, str]:
    """Headers that may go along to another server."""
    kept = {"accept", "content-type", "user-agent"}
    same = urlsplit(target).netloc == urlsplit(str(request.url)).netloc
    return {
        name: value
        for name, value in request.headers.items()
        if name.lower() not in {"host", "content-length", "transfer-encoding"} and (same or name.lower() in kept)
    }  # fmt: skip


def _asked_to_wait(status: int, headers: httpx.Headers) -> _Passing:
    text, wait_s = f"the server answers {status}", _retry_after(headers)
    if status == _TOO_MANY:
        text += " (too many requests)"
    return _Passing(f"{text} and asks to wait {wait_s:.0f} s" if wait_s else text, wait_s=wait_s)


def _retry_after(headers: httpx.Headers) -> float:
    """Seconds a server asks to wait, from seconds or an HTTP date; 0 where it says nothing that can be read."""
    text = str(headers.get("Retry-After") or "").strip()
    if text.isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


_down: dict[tuple[str, str], float] = {}
"""Addresses (host, path) that were waited for in vain, and when: the next site of a run need not wait as long again."""


def _was_down(url: str) -> bool:
    """Whether anything of its server was; a landing page that answers says nothing about the search."""
    since = [when for (host, _), when in list(_down.items()) if host == urlsplit(url).netloc]
    return any(time.monotonic() - when < _REMEMBERED_S for when in since)


def _remember(url: str) -> None:
    _down[urlsplit(url)[1:3]] = time.monotonic()


def _forget(url: str) -> None:
    _down.pop(urlsplit(url)[1:3], None)
