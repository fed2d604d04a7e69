"""What a server answers to a request for a part of a file: read, checked, and said what is wrong with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpcore

from imagery import refusals
from imagery.access import Access
from imagery.address import public_href
from imagery.errors import ChangedContent, UnreadableRaster

MAX_WHOLE_BYTES = 1_000_000_000
"""Of a file on a server that cannot send parts of it."""

_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)$")


@dataclass(frozen=True, kw_only=True)
class Version:
    """What tells one content of an address from another.

    Parameters
    ----------
    length : int
        Bytes of the whole file.
    etag, modified : str or None
        As the server states them.
    """

    length: int
    etag: str | None = None
    modified: str | None = None

    def same(self, other: "Version") -> bool:
        """Whether both are of the same content, by whatever both of them state."""
        if self.length != other.length:
            return False
        if self.etag and other.etag:
            return self.etag.removeprefix("W/") == other.etag.removeprefix("W/")
        return not (self.modified and other.modified) or self.modified == other.modified

    def __str__(self) -> str:
        stated = self.etag or self.modified
        return f"{self.length} bytes" + (f", {stated}" if stated else "")


@dataclass(frozen=True, kw_only=True)
class Part:
    """Bytes of a file.

    Parameters
    ----------
    start : int
        Position of the first; a server that sends no parts sends all from 0.
    data : bytes
        Empty where `unchanged`.
    version : Version or None
        None where `unchanged`.
    unchanged : bool
        Whether the server says that the file is still of the version that was asked about.
    """

    start: int
    data: bytes = b""
    version: Version | None = None
    unchanged: bool = False


class Again(Exception):
    """A failure that may pass.

    Attributes
    ----------
    wait_s : float or None
        How long the server asks to wait.
    silent : bool
        Whether the server did not answer at all, so that its other files need not be tried for long.
    """

    def __init__(self, text: str, *, wait_s: float | None = None, silent: bool = False) -> None:
        super().__init__(text)
        self.wait_s = wait_s
        self.silent = silent


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request, before it is signed.

    Parameters
    ----------
    href : str
    access : Access
    headers : mapping
    """

    href: str
    access: Access
    headers: Mapping[str, str]

    @property
    def name(self) -> str:
        """For messages."""
        return public_href(self.href)


def changed(href: str, known: Version, found: Version) -> ChangedContent:
    """The error for a file that became another one."""
    return ChangedContent(
        f"{public_href(href)}: the server now sends another file ({found}) than the one whose first part was read "
        f"({known}); nothing of the two is mixed, run again to read the new one"
    )


def part_of(asked: Asked, response: httpcore.Response, start: int, stop: int, *, ask: bool) -> Part:
    """The part that was asked for, checked against what the server says that it sends.

    Raises
    ------
    Again
        Less, or something else, was sent.
    UnreadableRaster
        The file is empty, a page, or cannot be had in parts.
    """
    headers = headers_of(response)
    if response.status == 304:
        return Part(start=start, unchanged=True)
    etag, modified = headers.get("etag"), headers.get("last-modified")
    if response.status == 416:
        return _beyond(asked, headers, start)
    if response.status == 200:
        refusals.refuse_page(asked.href, headers)
    if response.status == 200 and ask and headers.get("content-length", "").isdigit():
        # It cannot send parts; to know its version, nothing of it is needed.
        return Part(
            start=0, version=Version(length=int(headers["content-length"]), etag=etag, modified=modified)
        )
    if response.status == 200:
        data = body_of(asked, response, MAX_WHOLE_BYTES)
        return Part(start=0, data=data, version=Version(length=len(data), etag=etag, modified=modified))
    match = _RANGE.match(headers.get("content-range", ""))
    if response.status != 206 or match is None:
        raise Again(
            f"the server answers {response.status} to a request for a part; it cannot be read from there"
        )
    first, last, length = (int(group) for group in match.groups())
    if first != start or last != min(stop, length) - 1:
        raise Again(f"the server sends bytes {first} to {last} where {start} to {stop - 1} were asked for")
    data = body_of(asked, response, stop - start)
    if len(data) != last - first + 1:
        raise Again(f"the server sent {len(data)} of {last - first + 1} bytes; try again later")
    return Part(start=start, data=data, version=Version(length=length, etag=etag, modified=modified))


def _beyond(asked: Asked, headers: Mapping[str, str], start: int) -> Part:
    stated = headers.get("content-range", "").rpartition("/")[2]
    if start == 0:
        raise UnreadableRaster(f"{asked.name}: the file is empty")
    length = int(stated) if stated.isdigit() else 0
    return Part(start=start, version=Version(length=length, etag=headers.get("etag")))


def body_of(asked: Asked, response: httpcore.Response, limit: int) -> bytes:
    """The whole body of an answer, as it was sent."""
    headers = headers_of(response)
    if headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
        raise UnreadableRaster(
            f"{asked.name}: the server sends it compressed ({headers['content-encoding']}), which was not asked for"
        )
    if int(headers.get("content-length") or 0) > limit:
        raise _too_large(asked, int(headers["content-length"]), limit)
    data = bytearray()
    for chunk in response.iter_stream():
        data += chunk
        if len(data) > limit:
            raise _too_large(asked, len(data), limit)
    return bytes(data)


def _too_large(asked: Asked, length: int, limit: int) -> Exception:
    if limit == MAX_WHOLE_BYTES:
        return UnreadableRaster(
            f"{asked.name}: the server cannot send parts of a file, and this one is larger than "
            f"{limit // 1_000_000} MB; fetch it by hand and give the file"
        )
    return Again(f"the server sends {length} bytes where {limit} were asked for")


def beginning(response: httpcore.Response) -> bytes:
    """The beginning of an error's body."""
    found = b""
    try:
        for chunk in response.iter_stream():
            found += chunk
            if len(found) > 4096:
                break
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError):
        pass
    return found


def headers_of(response: httpcore.Response) -> dict[str, str]:
    """By lower-case name."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}


def retry_after(stated: str | None) -> float | None:
    """Seconds, from a number or a date."""
    if stated is None:
        return None
    if stated.strip().isdigit():
        return float(stated)
    try:
        return max(0.0, (parsedate_to_datetime(stated) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
