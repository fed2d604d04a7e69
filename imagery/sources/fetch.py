"""Documents (JSON, XML) from files or over HTTP, with limits on time and size."""

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from imagery.access import Access
from imagery.errors import AccessDenied, RefusedAddress, SourceUnreachable
from imagery.sources.web import Patience, Refused, TooLarge, Web

MAX_BYTES = 50_000_000
PATIENCE = Patience(attempts=3)


class MissingDocument(Exception):
    """One document is not there, or is not what it should be, while its server or disk answers."""


def is_url(address: str) -> bool:
    """Whether `address` is fetched over HTTP."""
    return urlsplit(address).scheme.lower() in {"http", "https"}


class Documents:
    """Reads documents; a context manager that holds one HTTP client.

    Parameters
    ----------
    access : Access
        Rules for addresses, most of which stand in documents that others wrote.
    """

    def __init__(self, access: Access) -> None:
        self._web = Web(patience=PATIENCE, access=access)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._web.close()

    def json(self, address: str) -> Any:
        """The JSON at a path or URL.

        Raises
        ------
        MissingDocument
            It does not exist, is too large or is not JSON, or its address is not allowed.
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
        try:
            return self._web.fetch(url, limit=limit)
        except (TooLarge, RefusedAddress) as error:
            raise MissingDocument(str(error)) from error
        except Refused as refused:
            if refused.status in {404, 410}:
                raise MissingDocument(f"the server answers {refused.status}") from refused
            raise _refusal(url, refused.status) from refused


def _refusal(url: str, status: int) -> SourceUnreachable:
    if status in {401, 403}:
        return AccessDenied(
            f"{url}: the server refuses ({status}); it needs a login or a signed address", retried=True
        )
    return SourceUnreachable(f"{url}: the server answers {status}; check the address", retried=True)


def _from_disk(path: Path, limit: int) -> bytes:
    try:
        if path.stat().st_size > limit:
            raise MissingDocument(f"larger than {limit // 1_000_000} MB")
        return path.read_bytes()
    except OSError as error:
        raise MissingDocument(error.strerror or str(error)) from error
