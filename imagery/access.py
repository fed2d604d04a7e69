"""What a source may reach over the network: schemes, hosts, private addresses, signatures, how many at a time.

An href in a catalogue is written by others. It is checked before anything is opened, every redirect is checked
again, and the addresses that a name resolves to are checked at the moment of connecting, so that nothing in a
catalogue can make this machine read its own network or a cloud's metadata service.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Literal
from urllib.parse import urlsplit

from imagery.address import host_and_port, public_href
from imagery.errors import RefusedAddress
from imagery.scene import Scene
from imagery.sources.providers import provider_named

ALLOW_PRIVATE = "SITEWATCH_ALLOW_PRIVATE"
"""Environment variable with hosts and networks, by commas, that any source may use although they are private."""

PRIVATE_NETWORKS = (
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7",
)  # fmt: skip
"""What ``private=True`` lists. Link-local addresses are not among them: clouds keep their secrets there."""

_PRIVATE_ADVICE = f"list it for the source or in {ALLOW_PRIVATE}"
_NAT64 = ip_network("64:ff9b::/96")

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, kw_only=True)
class S3Options:
    """How ``s3://bucket/key`` is fetched.

    Parameters
    ----------
    endpoint : str or None
        Base URL of the server; None for Amazon's in `region`.
    region : str
    path_style : bool
        Whether the bucket is the first part of the path rather than of the host's name.
    unsigned : bool
        Whether requests carry no signature at all (public buckets).
    access_key, secret_key, session_token : str
        Names of the environment variables with the key, its secret and, where there is one, the session token.
    account : str or None
        Where an account can be had; for messages.
    """

    endpoint: str | None = None
    region: str = "us-east-1"
    path_style: bool = True
    unsigned: bool = False
    access_key: str = "AWS_ACCESS_KEY_ID"
    secret_key: str = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 (a name, no secret)
    session_token: str = "AWS_SESSION_TOKEN"  # noqa: S105 (a name, no secret)
    account: str | None = None


@dataclass(frozen=True, kw_only=True)
class Access:
    """The rules of one source.

    Parameters
    ----------
    source : str
        Name of the source, for messages.
    schemes : tuple of str
        "file", "http", "https", "s3".
    hosts : tuple of str
        Patterns such as ``*.blob.core.windows.net``, for S3 of buckets; none for any host.
    private : bool or tuple of str
        Addresses that are allowed although they are not public: hosts (``localhost``), hosts with a port
        (``127.0.0.1:8080``) or networks (``10.1.0.0/16``). True stands for `PRIVATE_NETWORKS`.
    signing : {"none", "planetary-computer"}
        How http(s) addresses are signed when they are read.
    s3 : S3Options or None
        None where the source has nothing on S3.
    connections : int
        At a time.
    shared : bool
        Whether by all processes together, or by each of them.
    """

    source: str
    schemes: tuple[str, ...] = ("file", "http", "https")
    hosts: tuple[str, ...] = ()
    private: bool | tuple[str, ...] = ()
    signing: Literal["none", "planetary-computer"] = "none"
    s3: S3Options | None = None
    connections: int = 8
    shared: bool = False

    def __post_init__(self) -> None:
        for name in ("schemes", "hosts", "private"):
            value = getattr(self, name)
            if not isinstance(value, bool):
                object.__setattr__(self, name, tuple(str(one).lower() for one in value))
        if self.connections < 1:
            raise ValueError(f"{self.source}: connections must be at least 1, got {self.connections}")

    def check(self, href: str) -> None:
        """Refuse an address that this source may not use; names are not resolved here.

        Raises
        ------
        RefusedAddress
            The message names the address, the source and the rule.
        """
        scheme = urlsplit(href).scheme.lower() if "://" in href else "file"
        if scheme not in self.schemes:
            raise self._refusal(href, f"reads {', '.join(self.schemes)} only, not {scheme}")
        if scheme == "file":
            return
        if scheme == "s3":
            if self.s3 is None:
                raise self._refusal(href, "says nothing about S3 (endpoint, region, credentials)")
            self._check_host(href, urlsplit(href).netloc.lower(), "buckets")
            return
        host, port = host_and_port(href)
        if not self.lists(host, port):
            self._check_host(href, host, "hosts")
        address = _literal(host)
        if address is not None and not self.may_connect(host, port, address):
            raise self._refusal(href, f"does not list the private address {host}", _PRIVATE_ADVICE)

    def _check_host(self, href: str, host: str, kind: str) -> None:
        if self.hosts and not any(fnmatchcase(host, pattern) for pattern in self.hosts):
            raise self._refusal(href, f"lists the {kind} {', '.join(self.hosts)}, and not {host}")

    def may_connect(self, host: str, port: int, address: Address) -> bool:
        """Whether `address`, which `host` resolved to, may be connected to."""
        return _public(address) or self.lists(host, port) or self.lists(str(address), port)

    def lists(self, host: str, port: int) -> bool:
        """Whether a host is listed by name, by name and port, or by network."""
        entries = PRIVATE_NETWORKS if self.private is True else self.private or ()
        return any(entry in (host, _with_port(host, port)) or _within(host, entry) for entry in entries)

    def refuse_resolved(self, host: str, address: Address) -> RefusedAddress:
        """The error for a name that resolves to an address that may not be connected to."""
        rule = f"does not list the private address {address}, to which it leads"
        return self._refusal(host, rule, _PRIVATE_ADVICE)

    def _refusal(self, href: str, rule: str, advice: str = "list it for the source") -> RefusedAddress:
        return RefusedAddress(
            f"{public_href(href)}: not opened, because the source {public_href(self.source)} {rule}; if you trust it, "
            f"{advice}"
        )


def access_of(scene: Scene) -> Access:
    """The rules for the files of a scene: its provider's, or `default_access`.

    Raises
    ------
    BadProviders
        The user's file of providers is wrong.
    """
    provider = provider_named(scene.source)
    if provider is not None:
        return made_access(provider.name, provider.url, provider.access())
    return default_access(scene.source)


def made_access(source: str, url: str, facts: Mapping[str, Any]) -> Access:
    """Rules from what a provider's description says, which is the keyword arguments of `Access`.

    Parameters
    ----------
    url : str
        Of its API, whose own host and port are listed.
    facts : mapping
        An ``s3`` in it may be any dataclass with fields of `S3Options`; None stands for the default.
    """
    listed = facts.get("private") or ()
    private = (
        *(PRIVATE_NETWORKS if listed is True else listed),
        _with_port(*host_and_port(url)),
        *_listed_by_user(),
    )
    store = facts.get("s3")
    s3 = None
    if store is not None:
        s3 = S3Options(**{name: value for name, value in asdict(store).items() if value is not None})
    return Access(source=source, shared=True, **{**facts, "private": private, "s3": s3})


def default_access(source: str) -> Access:
    """Rules for a source of which nothing is known but its name: files, and any public host.

    A source, or a single image, that a person named by its URL has listed its own host and port by that, also
    where they are private; other ports of the same host have to be listed.
    """
    own: tuple[str, ...] = ()
    if urlsplit(source).scheme.lower() in {"http", "https"}:
        own = (_with_port(*host_and_port(source)),)
    return Access(source=source, private=(*own, *_listed_by_user()))


def _listed_by_user() -> Iterable[str]:
    return [entry.strip() for entry in os.environ.get(ALLOW_PRIVATE, "").split(",") if entry.strip()]


def _public(address: Address) -> bool:
    inner = address
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or address
        if address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return inner.is_global and not inner.is_multicast


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _within(host: str, entry: str) -> bool:
    address = _literal(host)
    try:
        return address is not None and address in ip_network(entry)
    except ValueError:
        return False


def _with_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
