"""One range of bytes of one file, fetched: by the rules of its source, with retries, and with faults by name."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import httpcore

from imagery import refusals
from imagery.access import Access
from imagery.address import host_and_port, public_href, sendable
from imagery.answers import (
    Again,
    Asked,
    Part,
    Version,
    beginning,
    body_of,
    changed,
    headers_of,
    part_of,
    retry_after,
)
from imagery.connect import TooSlow
from imagery.errors import RefusedAddress, SourceUnreachable
from imagery.signing import Signed, signed
from imagery.slots import slots_of

ATTEMPTS = 4
PAUSE_S = 0.5
PATIENCE_S = 20.0
"""A server is waited for no longer than this, all attempts together; what keeps coming may take longer."""

TIMEOUTS = {"connect": 5.0, "read": 15.0, "write": 15.0, "pool": 5.0}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_DOWN_S = 60.0
"""A server that was waited for in vain is not asked again so soon: its many files would add up to hours."""

_T = TypeVar("_T")

_down: dict[str, tuple[float, str]] = {}
"""When, and what was wrong."""

_hold: dict[str, float] = {}


def fetch_range(
    href: str, access: Access, start: int, stop: int, *, known: Version | None = None, ask: bool = False
) -> Part:
    """Bytes `start` to `stop` (not included) of a file.

    Parameters
    ----------
    known : Version or None
        What the file has to be.
    ask : bool
        Only ask whether the file is still `known`; another version is an answer then, and no error.

    Raises
    ------
    RefusedAddress
        The address, or where it leads, is not allowed.
    AccessDenied, MissingCredentials, MissingFile, ChangedContent, UnreadableRaster
        What the server says or sends.
    SourceUnreachable
        It does not answer, or not properly, again and again.
    """
    access.check(href)
    headers = {"Range": f"bytes={start}-{stop - 1}"}
    if ask and known is not None and known.etag:
        headers["If-None-Match"] = known.etag
    asked = Asked(href=href, access=access, headers=headers)

    def take(response: httpcore.Response) -> Part:
        part = part_of(asked, response, start, stop, ask=ask)
        if not ask and known is not None and part.version is not None and not known.same(part.version):
            raise changed(href, known, part.version)
        return part

    return _patient(asked, take)


def fetch_document(url: str, access: Access, headers: Mapping[str, str], *, limit: int = 1_000_000) -> bytes:
    """A small document, whole; raises as `fetch_range` does."""
    access.check(url)
    asked = Asked(href=url, access=access, headers=headers)

    def take(response: httpcore.Response) -> bytes:
        if response.status != 200:
            raise refusals.refused(url, url, response.status, headers_of(response), beginning(response))
        return body_of(asked, response, limit)

    return _patient(asked, take)


def forget() -> None:
    """Take every server for one that answers."""
    _down.clear()
    _hold.clear()


class _Clock:
    """How long a server may still be waited for; neither a pause that it asked for nor one's turn counts."""

    def __init__(self) -> None:
        self.paused_s = 0.0
        self._end = time.monotonic() + PATIENCE_S

    @property
    def left_s(self) -> float:
        """Not less than a second, which a request that is allowed at all may take."""
        return max(1.0, self._end - time.monotonic())

    def allows(self, pause_s: float) -> bool:
        """Whether there is time for another attempt after a pause."""
        return time.monotonic() + pause_s < self._end

    def wait_for(self, host: str) -> None:
        """Wait while a server has asked for a pause; it counts for everybody who asks there."""
        pause = _hold.get(host, 0.0) - time.monotonic()
        if pause > 0:
            pause += random.uniform(0, 0.1 * pause)  # noqa: S311 (no secret)
            time.sleep(pause)
            self.paused_s += pause
            self.stood_still(pause)

    def stood_still(self, seconds: float) -> None:
        """Do not count a time in which nothing was asked."""
        self._end += seconds


def _patient(asked: Asked, take: Callable[[httpcore.Response], _T]) -> _T:
    """The answer, asked for again while a failure may pass; what ends a run names the source before the address."""
    try:
        return _asked_for(asked, take)
    except SourceUnreachable as error:
        source = public_href(asked.access.source)
        if str(error).startswith(f"{source}: "):
            raise
        raise type(error)(f"{source}: {error}", retried=error.retried) from error


def _asked_for(asked: Asked, take: Callable[[httpcore.Response], _T]) -> _T:
    clock, host = _Clock(), urlsplit(asked.href).netloc
    tried = 0
    while True:
        clock.wait_for(host)
        _refuse_down(asked, host)
        try:
            answer = _once(asked, take, clock)
        except Again as problem:
            if problem.wait_s is None:
                tried += 1
                pause = PAUSE_S * 2 ** (tried - 1) * random.uniform(0.5, 1.5)  # noqa: S311 (no secret)
                over = tried >= ATTEMPTS or not clock.allows(pause)
            else:
                # A server that says when to come back is not failing: it has an allowance of its own.
                pause = max(problem.wait_s, PAUSE_S)
                over = clock.paused_s + pause > PATIENCE_S
            if over:
                if problem.silent or problem.wait_s is not None:
                    _down[host] = time.monotonic(), str(problem)
                raise SourceUnreachable(f"{asked.name}: {problem}", retried=True) from problem
            if problem.wait_s is None:
                time.sleep(pause)
            else:
                _hold[host] = time.monotonic() + pause
        else:
            _down.pop(host, None)
            return answer


def _refuse_down(asked: Asked, host: str) -> None:
    since, problem = _down.get(host, (-_DOWN_S, ""))
    if time.monotonic() - since < _DOWN_S:
        raise SourceUnreachable(
            f"{asked.name}: {problem} (seen a moment ago, and not asked again so soon)", retried=True
        )


def _once(asked: Asked, take: Callable[[httpcore.Response], _T], clock: _Clock) -> _T:
    request = _sign(asked)
    try:
        return _followed(asked, request, take, clock)
    except refusals.Expired as problem:
        if not request.renewable:
            raise problem.error from None
        try:
            return _followed(asked, _sign(asked, refused=request.url), take, clock)
        except refusals.Expired as again:
            raise again.error from None


def _sign(asked: Asked, *, refused: str | None = None) -> Signed:
    headers = {"User-Agent": "sitewatch", "Accept": "*/*", "Accept-Encoding": "identity", **asked.headers}

    def token(url: str, more: Mapping[str, str]) -> bytes:
        # The token service is named by the installation, not by a catalogue.
        host, port = host_and_port(url)
        own = replace(
            asked.access,
            schemes=("http", "https"),
            hosts=(host,),
            private=(host, f"{host}:{port}"),
            signing="none",
        )
        return fetch_document(url, own, more)

    return signed(asked.href, asked.access, token, headers=headers, refused=refused)


def _followed(asked: Asked, request: Signed, take: Callable[[httpcore.Response], _T], clock: _Clock) -> _T:
    """The answer to a request, after redirects that the source's rules allow."""
    url, headers = sendable(request.url), dict(request.headers)
    for _ in range(_MAX_REDIRECTS + 1):
        access = _for_endpoint(asked.access, asked.href, url)
        try:
            with slots_of(access).one() as slot:
                clock.stood_still(slot.waited_s)
                _refuse_down(asked, urlsplit(asked.href).netloc)
                with slot.pool(url, access).stream(
                    "GET", url, headers=list(headers.items()), extensions={"timeout": _timeouts(clock)}
                ) as response:
                    if response.status not in _REDIRECTS:
                        return _taken(asked, url, response, take)
                    url, headers = _next(asked, url, headers, response)
        except RefusedAddress as error:
            # What a name resolved to is known only here; say where it was met.
            raise RefusedAddress(
                f"{asked.name}: {error}" if asked.name not in str(error) else str(error)
            ) from None
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            raise _failure(asked, error) from None
    raise SourceUnreachable(f"{asked.name}: redirected more than {_MAX_REDIRECTS} times; correct the address")


def _timeouts(clock: _Clock) -> dict[str, float]:
    return {what: min(seconds, clock.left_s) for what, seconds in TIMEOUTS.items()}


def _for_endpoint(access: Access, href: str, url: str) -> Access:
    """For S3 the rules of its endpoint, which the source itself names."""
    if urlsplit(href).scheme.lower() != "s3":
        return access
    host, port = host_and_port(url)
    return replace(access, schemes=("http", "https"), hosts=(host,), private=(host, f"{host}:{port}"))


def _next(
    asked: Asked, url: str, headers: dict[str, str], response: httpcore.Response
) -> tuple[str, dict[str, str]]:
    stated = headers_of(response)
    if urlsplit(asked.href).scheme.lower() == "s3":
        region = stated.get("x-amz-bucket-region")
        raise SourceUnreachable(
            f"{asked.name}: the bucket lies elsewhere ({response.status}"
            + (f", region {region}" if region else "")
            + "); correct the region or endpoint of the source"
        )
    target = urljoin(url, stated.get("location", ""))
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme == "http":
        raise RefusedAddress(
            f"{asked.name}: redirected from https to http ({public_href(target)}), not followed"
        )
    if urlsplit(target).scheme not in {"http", "https"}:
        raise RefusedAddress(f"{asked.name}: redirected to {public_href(target)}, and not followed")
    try:
        asked.access.check(target)
    except RefusedAddress as error:
        raise RefusedAddress(f"{asked.name}: redirected, and not followed: {error}") from error
    if host_and_port(target) != host_and_port(url):
        headers = {name: value for name, value in headers.items() if name != "Authorization"}
    return sendable(target), headers


def _taken(
    asked: Asked, url: str, response: httpcore.Response, take: Callable[[httpcore.Response], _T]
) -> _T:
    if response.status in _PASSING:
        wait_s = retry_after(headers_of(response).get("retry-after"))
        text = f"the server answers {response.status}"
        if wait_s is not None and wait_s > PATIENCE_S:
            raise SourceUnreachable(
                f"{asked.name}: {text} and asks to wait {wait_s:.0f} s; try again later", retried=True
            )
        if response.status == 429:
            text += " (too many requests)"
        raise Again(f"{text} again and again; try again later", wait_s=wait_s)
    if response.status >= 400 and response.status != 416:
        raise refusals.refused(asked.href, url, response.status, headers_of(response), beginning(response))
    return take(response)


def _failure(asked: Asked, error: Exception) -> Again:
    text = str(error) or type(error).__name__
    if isinstance(error, TooSlow):
        return Again(f"the server is too slow: it {text}; try again later", silent=True)
    if isinstance(error, httpcore.ReadTimeout | httpcore.ConnectTimeout | httpcore.WriteTimeout):
        return Again("no answer in time; check the connection, or try again later", silent=True)
    if isinstance(error, httpcore.ConnectError):
        return Again(f"cannot be fetched: {text}; check the address and the connection", silent=True)
    return Again(f"the transfer broke off: {text}; try again later")
