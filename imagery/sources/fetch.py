"""Documents (JSON, XML) from files or over HTTP, with limits on time and size."""

import json
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from imagery.errors import SourceUnreachable

MAX_BYTES = 50_000_000
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_ATTEMPTS = 3
_PAUSE_S = 0.5
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class MissingDocument(Exception):
    """One document is not there, or is not what it should be, while its server or disk answers."""


def is_url(address: str) -> bool:
    """Whether `address` is fetched over HTTP."""
    return urlsplit(address).scheme.lower() in {"http", "https"}


class Documents:
    """Reads documents; a context manager that holds one HTTP client."""

    def __init__(self) -> None:
        self._client = httpx.Client(
            timeout=_TIMEOUT, follow_redirects=True, headers={"User-Agent": "sitewatch"}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def json(self, address: str) -> Any:
        """The JSON at a path or URL.

        Raises
        ------
        MissingDocument
            It does not exist, is too large or is not JSON.
        SourceUnreachable
            The server does not answer, refuses, or fails again and again.
        """
        try:
            return json.loads(self.read(address))
        except (ValueError, RecursionError) as error:
            raise MissingDocument(f"not JSON ({error})") from error

    def read(self, address: str, *, limit: int = MAX_BYTES) -> bytes:
        """The bytes at a path or URL; raises as `json` does."""
        return self._download(address, limit) if is_url(address) else _from_disk(Path(address), limit)

    def _download(self, url: str, limit: int) -> bytes:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._once(url, limit)
            except (httpx.HTTPStatusError, httpx.TransportError) as error:
                if attempt == _ATTEMPTS or not _worth_another(error):
                    raise _unreachable(url, error) from error
                time.sleep(_PAUSE_S * 2 ** (attempt - 1))
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise _unreachable(url, error) from error
        raise AssertionError  # the last attempt returned or raised

    def _once(self, url: str, limit: int) -> bytes:
        with self._client.stream("GET", url) as response:
            if response.status_code in {404, 410}:
                raise MissingDocument(f"the server answers {response.status_code}")
            response.raise_for_status()
            parts, length = [], 0
            for part in response.iter_bytes():
                length += len(part)
                if length > limit:
                    raise MissingDocument(f"larger than {limit // 1_000_000} MB")
                parts.append(part)
            return b"".join(parts)


def _worth_another(error: httpx.HTTPError) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in _TRY_AGAIN
    return not isinstance(error, httpx.UnsupportedProtocol)


def _unreachable(url: str, error: Exception) -> SourceUnreachable:
    if isinstance(error, httpx.HTTPStatusError):
        status = error.response.status_code
        if status in {401, 403}:
            return SourceUnreachable(
                f"{url}: the server refuses ({status}); it needs a login or a signed address"
            )
        return SourceUnreachable(f"{url}: the server answers {status}; try again later")
    if isinstance(error, httpx.TimeoutException):
        return SourceUnreachable(f"{url}: no answer in time; check the connection, or try again later")
    what = str(error) or type(error).__name__
    return SourceUnreachable(f"{url}: cannot be reached ({what}); check the address and the connection")


def _from_disk(path: Path, limit: int) -> bytes:
    try:
        if path.stat().st_size > limit:
            raise MissingDocument(f"larger than {limit // 1_000_000} MB")
        return path.read_bytes()
    except OSError as error:
        raise MissingDocument(error.strerror or str(error)) from error
