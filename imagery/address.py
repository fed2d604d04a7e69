"""Addresses of images: remote or local, and how they are written where people and files see them."""

import hashlib
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit, urlunsplit

from imagery.errors import RefusedAddress

REMOTE = frozenset({"http", "https", "s3"})

_SIGNATURES = frozenset({"awsaccesskeyid", "signature", "expires", "key-pair-id", "policy", "googleaccessid",
                         "token", "access_token"})  # fmt: skip
_SIGNATURE_PREFIXES = ("x-amz-", "x-goog-")
_AZURE = frozenset({"se", "sig", "sip", "ske", "skoid", "sks", "skt", "sktid", "skv", "sp", "spr", "sr", "srt", "ss",
                    "st", "sv", "saoid", "suoid", "scid", "sdd"})  # fmt: skip
_SAFE = "%/:@!$&'()*+,;=~-._"
_KEYS = frozenset({"key", "api_key", "apikey", "api-key", "auth", "subscription-key"})


def is_remote(href: str) -> bool:
    """Whether `href` is fetched over a network."""
    return urlsplit(href).scheme.lower() in REMOTE


def local_path(href: str) -> Path:
    """The file that a path or ``file://`` URL names."""
    parts = urlsplit(href)
    return Path(unquote(parts.path)) if parts.scheme == "file" else Path(href)


def public_href(href: str) -> str:
    """`href` without passwords, signatures and keys: what copies, reports, logs and messages say."""
    if not is_remote(href):
        return href
    parts = urlsplit(href)
    pairs = [pair for pair in parts.query.split("&") if pair]
    names = [
        next((name.lower() for name, _ in parse_qsl(pair, keep_blank_values=True)), "") for pair in pairs
    ]
    azure = "sig" in names
    kept = [
        _hidden(pair) if name in _KEYS else pair
        for name, pair in zip(names, pairs, strict=True)
        if not (name in _SIGNATURES or name.startswith(_SIGNATURE_PREFIXES) or (azure and name in _AZURE))
    ]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "&".join(kept), ""))


def _hidden(pair: str) -> str:
    """What is called a key may also be the name of a file: hidden, and still different for each."""
    return f"{pair.partition('=')[0]}=hidden-{hashlib.sha256(pair.encode()).hexdigest()[:6]}"


def sendable(url: str) -> str:
    """`url` as it may stand in a request: what is not ASCII, and spaces, percent-encoded."""
    parts = urlsplit(url)
    netloc = parts.netloc.rpartition("@")[2]
    path, query = quote(parts.path, safe=_SAFE), quote(parts.query, safe=_SAFE + "?")
    return urlunsplit((parts.scheme, netloc, path or "/", query, ""))


def login_of(url: str) -> str | None:
    """``user:password`` that an address holds."""
    login = urlsplit(url).netloc.rpartition("@")[0]
    return unquote(login) or None


def host_and_port(href: str) -> tuple[str, int]:
    """Host, in lower case and without a closing dot, and port of an http(s) address.

    Raises
    ------
    RefusedAddress
        It has no host, or no such port.
    """
    parts = urlsplit(href)
    host = (parts.hostname or "").lower().rstrip(".")
    try:
        port = parts.port
    except ValueError as error:
        raise RefusedAddress(f"{public_href(href)}: {error}; correct the address") from error
    if not host:
        raise RefusedAddress(f"{public_href(href)}: names no host; correct the address")
    return host, port or _default_port(parts)


def _default_port(parts: SplitResult) -> int:
    return 80 if parts.scheme.lower() == "http" else 443
