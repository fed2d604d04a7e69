"""How a desk is opened: where it listens and who may come in."""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from catalog.second_review import SecondRule
from review.errors import CannotOpen

Authentication = Literal["start-link", "invitations"]

DEFAULT_PORT = 8741


@dataclass(frozen=True, kw_only=True)
class DeskSettings:
    """Settings of one desk.

    Parameters
    ----------
    root : Path
        The outputs folder.
    host : str
        Address to listen on.
    port : int
    authentication : {"start-link", "invitations"} or None
        ``start-link``: whoever starts the desk gets a link that signs in as lead; only on loopback.
        ``invitations``: nobody gets in but by an invitation that was made beforehand. None: ``start-link`` on
        loopback, refused beyond it and where `public_url` leads there from other machines.
    public_url : str or None
        Address under which browsers reach the desk, where that is not `host` and `port`.
    second : SecondRule
        Which changes go to a second reviewer, blind.

    Raises
    ------
    CannotOpen
        Beyond loopback, or published under another name, without ``invitations``; beyond loopback without an address
        that browsers can name.
    """

    root: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    authentication: Authentication | None = None
    public_url: str | None = None
    second: SecondRule = field(default_factory=SecondRule)

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise CannotOpen(f"port {self.port} does not exist; give one from 1 to 65535")
        if self.public_url is not None:
            _check_url(self.public_url)
        if self.is_loopback:
            if self.public_url is not None and self.authentication != "invitations":
                _check_private(self.public_url)
            return
        if self.authentication != "invitations":
            raise CannotOpen(
                f"{self.host} can be reached from other machines: say who may come in with --auth invitations, and "
                "invite them with `sitewatch review --invite NAME`; or leave --host out"
            )
        if self.public_url is None and _is_any(self.host):
            raise CannotOpen(
                f"{self.host} is no address that a browser can name: say how the desk is reached, for example "
                "--public-url https://desk.example.org"
            )

    @property
    def is_loopback(self) -> bool:
        """Whether nobody beyond this machine can connect."""
        return is_loopback(self.host)

    @property
    def start_link(self) -> bool:
        """Whether whoever starts the desk gets a link that signs in."""
        return self.is_loopback and self.authentication != "invitations"

    @property
    def url(self) -> str:
        """Where a browser finds the desk, without a slash at the end."""
        if self.public_url is not None:
            return self.public_url.rstrip("/")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def secure(self) -> bool:
        """Whether browsers come by https, so that cookies travel by nothing else."""
        return self.url.startswith("https://")

    @property
    def hosts(self) -> frozenset[str]:
        """What the Host header of a request may say."""
        named = {urlsplit(self.url).netloc.lower()}
        if self.is_loopback:
            named |= {f"{name}:{self.port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        elif not _is_any(self.host):
            named.add(
                f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}".lower()
            )
        return frozenset(named)

    @property
    def origins(self) -> frozenset[str]:
        """What the Origin header of a request that changes something may say."""
        schemes = ("https",) if self.secure else ("http",)
        return frozenset(f"{scheme}://{host}" for scheme in schemes for host in self.hosts)


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is this machine's own."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return host == ""


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise CannotOpen(
            f"--public-url {url!r}: give scheme and host alone, such as https://desk.example.org"
        )


def _check_private(url: str) -> None:
    host = urlsplit(url).hostname or ""
    if not is_loopback(host):
        raise CannotOpen(
            f"--public-url {url}: {host} can be reached from other machines, and the link that is printed on start "
            "would sign in whoever follows it first; say who may come in with --auth invitations, and invite them with "
            "`sitewatch review --invite NAME`"
        )
