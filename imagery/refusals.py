"""What a server means when it refuses, or sends a page where a file should be."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from imagery.address import public_href
from imagery.errors import AccessDenied, MissingFile, SourceUnreachable, UnreadableRaster

_EXPIRED = re.compile(
    rb"(?i)expired|ExpiredToken|not valid in the specified time frame|RequestTimeTooSkewed|token is no longer valid"
)
_WRONG = re.compile(rb"(?i)SignatureDoesNotMatch|InvalidAccessKeyId|AuthenticationFailed|InvalidToken")
_PAGES = ("text/html", "application/xhtml", "application/json", "application/geo+json", "application/problem+json",
          "application/xml", "text/xml")  # fmt: skip


class Expired(Exception):
    """The signature has expired; a fresh one may help.

    Attributes
    ----------
    error : AccessDenied
        What to say if it does not.
    """

    def __init__(self, error: AccessDenied) -> None:
        super().__init__(str(error))
        self.error = error


def refused(href: str, url: str, status: int, headers: Mapping[str, str], body: bytes) -> Exception:
    """The error for a status of 400 or more that no retry will change.

    Parameters
    ----------
    url : str
        As it was sent, with its signature.
    body : bytes
        Beginning of what the server sent with the refusal.
    """
    name = public_href(href)
    if status in {404, 410}:
        return MissingFile(
            f"{name}: the server has no such file ({status}); it may have been moved or withdrawn"
        )
    if status in {400, 401, 403}:
        end = expiry_of(url)
        if (end is not None and end < datetime.now(UTC)) or _EXPIRED.search(body):
            when = f" at {end:%Y-%m-%d %H:%M} UTC" if end is not None else ""
            text = (
                f"{name}: the signature of the link expired{when} ({status}); get a new link from its source"
            )
            return Expired(AccessDenied(text))
    if status == 401:
        return AccessDenied(f"{name}: the server wants a login (401); check the account or key of its source")
    if status == 403:
        if _WRONG.search(body):
            return AccessDenied(
                f"{name}: the server does not accept the signature (403); check the keys of its source and the clock"
            )
        return AccessDenied(
            f"{name}: no permission (403); it needs a signed link or an account that may read it"
        )
    return SourceUnreachable(f"{name}: the server answers {status}; check the address")


def expiry_of(url: str) -> datetime | None:
    """When a signed address ends, as it says itself (Azure, Amazon, Google, CloudFront); None where it says nothing."""
    query = {name.lower(): values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    try:
        if "se" in query and "sig" in query:
            found = datetime.fromisoformat(query["se"].replace("Z", "+00:00"))
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        for maker in ("x-amz", "x-goog"):
            if f"{maker}-expires" in query:
                begun = datetime.strptime(query[f"{maker}-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
                return begun + timedelta(seconds=int(query[f"{maker}-expires"]))
        if "expires" in query:
            return datetime.fromtimestamp(int(query["expires"]), UTC)
    except (ValueError, KeyError, OverflowError, OSError):
        return None
    return None


def refuse_page(href: str, headers: Mapping[str, str]) -> None:
    """Refuse a page that is sent, with success, where an image should be.

    Raises
    ------
    UnreadableRaster
        The server says that it sends HTML, JSON or XML.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith(_PAGES):
        raise UnreadableRaster(
            f"{public_href(href)}: the server sent a page ({kind}) and not an image: a login, an error or a notice. "
            "Open the address in a browser to see it"
        )
