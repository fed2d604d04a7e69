"""Signatures for one request, made when pixels are read and kept nowhere.

Planetary Computer: a token per storage container, fetched from its token service by the rules of the provider's
own package, which keeps tokens until a minute before they expire. S3: version 4 of Amazon's signature, in headers,
so that no address ever carries one (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
"""

import base64
import hashlib
import hmac
import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from imagery.access import Access, S3Options
from imagery.address import login_of, public_href
from imagery.errors import AccessDenied, MissingCredentials, SourceUnreachable

_BLOB_HOSTS = ".blob.core.windows.net"
_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
_REFRESH_S = 60

_tokens = threading.Lock()

FetchDocument = Callable[[str, Mapping[str, str]], bytes]
"""Gets the bytes at an URL with these headers, with the retries and limits of every transfer."""


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A request that may be sent.

    Parameters
    ----------
    url : str
        With a signature where one goes there: never to be shown or stored.
    headers : mapping
    renewable : bool
        Whether `renew` can get a fresh signature.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    renewable: bool = False


def signed(
    href: str, access: Access, fetch: FetchDocument, *, headers: Mapping[str, str], refused: str | None = None
) -> Signed:
    """`href` as it is sent.

    Parameters
    ----------
    fetch : FetchDocument
        For tokens.
    headers : mapping
        Sent with the request.
    refused : str or None
        The same address as it was sent before, with a signature that its server did not accept.

    Raises
    ------
    MissingCredentials
        The variables that the source names are not set.
    SourceUnreachable
        No token can be had.
    """
    parts = urlsplit(href)
    if parts.scheme.lower() == "s3":
        return _s3(href, access.s3 or S3Options(), headers)
    host = (parts.hostname or "").lower()
    if access.signing == "planetary-computer" and host.endswith(_BLOB_HOSTS):
        if "sig=" in parts.query:
            return Signed(url=href, headers=headers)
        return Signed(url=_with_token(href, fetch, refused=refused), headers=headers, renewable=True)
    login = login_of(href)
    if login:
        headers = {**headers, "Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}
    return Signed(url=href, headers=headers)


def _with_token(href: str, fetch: FetchDocument, *, refused: str | None) -> str:
    # Slow to import, and needed by one source only.
    from planetary_computer.sas import TOKEN_CACHE, SASToken  # type: ignore[import-untyped]  # noqa: PLC0415
    from planetary_computer.settings import Settings  # type: ignore[import-untyped]  # noqa: PLC0415
    from planetary_computer.utils import parse_blob_url  # type: ignore[import-untyped]  # noqa: PLC0415

    settings = Settings.get()
    account, container = parse_blob_url(urlsplit(href))
    endpoint = os.environ.get("PC_SDK_SAS_URL") or settings.sas_url
    address = f"{endpoint}/{account}/{container}"
    with _tokens:
        token = TOKEN_CACHE.get(address)
        # Where many were refused at a time, the first of them has fetched another token already.
        if token is None or token.ttl() < _REFRESH_S or token.sign(href).href == refused:
            key = settings.subscription_key
            token = SASToken(
                **_token_document(address, fetch, {"Ocp-Apim-Subscription-Key": key} if key else {})
            )
            TOKEN_CACHE[address] = token
    return str(token.sign(href).href)


def _token_document(address: str, fetch: FetchDocument, headers: Mapping[str, str]) -> dict[str, Any]:
    try:
        document = json.loads(fetch(address, headers))
        return {"msft:expiry": document["msft:expiry"], "token": str(document["token"])}
    except AccessDenied as error:
        raise AccessDenied(
            f"{address}: no token without an account (or a wrong one); set PC_SDK_SUBSCRIPTION_KEY"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise SourceUnreachable(
            f"{address}: the token service sent no token; try again later, or see PC_SDK_SAS_URL"
        ) from error


def _s3(href: str, options: S3Options, headers: Mapping[str, str]) -> Signed:
    url = s3_url(href, options)
    if options.unsigned:
        return Signed(url=url, headers=headers)
    names = (options.access_key, options.secret_key)
    key, secret = (os.environ.get(name, "") for name in names)
    if not key or not secret:
        where = f"; an account is to be had at {options.account}" if options.account else ""
        raise MissingCredentials(
            f"{public_href(href)}: needs an account; set {names[0]} and {names[1]} to its S3 keys{where}"
        )
    token = os.environ.get(options.session_token) or None
    return Signed(
        url=url,
        headers=sigv4_headers(url, headers, key=key, secret=secret, token=token, region=options.region),
    )


def s3_url(href: str, options: S3Options) -> str:
    """The http(s) address of ``s3://bucket/key``."""
    parts = urlsplit(href)
    bucket, key = parts.netloc, quote(parts.path.lstrip("/"), safe="/~-_.")
    base = (options.endpoint or f"https://s3.{options.region}.amazonaws.com").rstrip("/")
    if options.path_style:
        return f"{base}/{bucket}/{key}"
    scheme, _, host = base.partition("://")
    return f"{scheme}://{bucket}.{host}/{key}"


def sigv4_headers(
    url: str,
    headers: Mapping[str, str],
    *,
    key: str,
    secret: str,
    region: str,
    token: str | None = None,
    now: datetime | None = None,
) -> dict[str, str]:
    """`headers` of a GET request and those that sign it.

    Parameters
    ----------
    url : str
        With the path already percent-encoded and without a query.
    """
    parts = urlsplit(url)
    stamp = f"{now or datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    sent = {**headers, "x-amz-content-sha256": _EMPTY_SHA256, "x-amz-date": stamp}
    if token:
        sent["x-amz-security-token"] = token
    signing = {"host": parts.netloc, **{name.lower(): value.strip() for name, value in sent.items()}}
    names = ";".join(sorted(signing))
    lines = "".join(f"{name}:{signing[name]}\n" for name in sorted(signing))
    request = f"GET\n{parts.path or '/'}\n{parts.query}\n{lines}\n{names}\n{_EMPTY_SHA256}"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = f"AWS4{secret}".encode()
    for step in (*scope.split("/"), text):
        signature = hmac.new(signature, step.encode(), hashlib.sha256).digest()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={key}/{scope},SignedHeaders={names},Signature={signature.hex()}"
    )
    return {**sent, "Authorization": authorization}
