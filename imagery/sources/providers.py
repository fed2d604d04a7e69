"""Providers: STAC APIs known by name, with what may be asked of them and where their pixels may lie.

The built-in ones are in ``imagery/data/providers.toml``. A file of the user's own, named by the environment variable
``SITEWATCH_PROVIDERS`` so that worker processes know it too, adds to them or replaces entries of the same name.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal
from urllib.parse import urlsplit

from imagery.raster import Quantity, Sensor
from imagery.sources.addresses import is_inside

VARIABLE = "SITEWATCH_PROVIDERS"

Signing = Literal["none", "planetary-computer"]


@dataclass(frozen=True, kw_only=True)
class Offered:
    """A collection of a provider.

    Parameters
    ----------
    id : str
    sensor : {"optical", "sar"}
    quantity : Quantity or None
        What its pixels measure, where its items do not say; None where they do.
    in_db : bool
        Whether `quantity` is stored in decibels.
    """

    id: str
    sensor: Sensor
    quantity: Quantity | None = None
    in_db: bool = False


@dataclass(frozen=True, kw_only=True)
class ObjectStore:
    """How ``s3://`` addresses of a provider are read.

    Parameters
    ----------
    endpoint : str or None
        Address of the store; None for Amazon's own.
    region : str or None
    path_style : bool
        Whether the bucket is the first part of the path rather than of the host's name.
    unsigned : bool
        Whether it is read without credentials.
    access_key, secret_key, session_token : str or None
        Names of the environment variables that hold the credentials; the credentials themselves are never in a file.
    account : str or None
        Where an account can be had, for messages.
    """

    endpoint: str | None = None
    region: str | None = None
    path_style: bool = True
    unsigned: bool = False
    access_key: str | None = None
    secret_key: str | None = None
    session_token: str | None = None
    account: str | None = None


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A STAC API and the rules for its use.

    Parameters
    ----------
    name : str
        What ``--source`` and scenes call it.
    url : str
        Landing page of the API.
    collections : tuple of Offered
        In order of preference within a sensor; empty for whatever the API holds.
    title : str
        For people.
    schemes : tuple of str
        Of addresses of pixels, in order of preference.
    hosts : tuple of str
        Hosts (of ``s3`` addresses: buckets) that pixels may lie on, ``*`` stands for any part of a name; empty for any
        public host and the API's own.
    private : bool or tuple of str
        Whether addresses in this machine's or a private network may be read; or those that may: networks
        (``10.0.0.0/8``), hosts (``localhost``), or hosts with a port (``127.0.0.1:8080``).
    signing : {"none", "planetary-computer"}
        How addresses are signed when pixels are read; those in scenes never are.
    s3 : ObjectStore or None
    requests_per_second : float
        To the API, by all processes that share the cache folder.
    connections : int
        To where the pixels are, at a time, likewise.
    page_size : int
        Items asked for at a time.
    licence, attribution : str or None
        For items that state none.
    """

    name: str
    url: str
    collections: tuple[Offered, ...] = ()
    title: str = ""
    schemes: tuple[str, ...] = ("https", "http")
    hosts: tuple[str, ...] = ()
    private: bool | tuple[str, ...] = False
    signing: Signing = "none"
    s3: ObjectStore | None = None
    requests_per_second: float = 2.0
    connections: int = 8
    page_size: int = 100
    licence: str | None = None
    attribution: str | None = None

    @property
    def preference(self) -> tuple[str, ...]:
        """Ids of its collections, most preferred first."""
        return tuple(offered.id for offered in self.collections)

    def offered(self, collection: str) -> Offered | None:
        """What is said of a collection."""
        return next((offered for offered in self.collections if offered.id == collection), None)

    def forbids(self, href: str) -> str | None:
        """Why pixels may not be read from an address; None where they may. Names are not looked up here."""
        parts = urlsplit(href)
        scheme, host = parts.scheme.lower(), (parts.hostname or "").rstrip(".").lower()
        if scheme not in self.schemes:
            return f"{self.name} reads {' and '.join(self.schemes)} addresses only"
        if self.hosts and not any(fnmatchcase(host, pattern.lower()) for pattern in self.hosts):
            return (
                f"{self.name} keeps no images on {host or 'no host'}; its hosts are {', '.join(self.hosts)}"
            )
        own = not self.hosts and host == urlsplit(self.url).hostname
        if scheme != "s3" and not own and is_inside(href) and not self._lets_in(host, parts.netloc.lower()):
            return f"{host} lies in a private network, which {self.name} does not list"
        return None

    def _lets_in(self, host: str, with_port: str) -> bool:
        if isinstance(self.private, bool):
            return self.private
        return any(entry in {host, with_port} or _within(host, entry) for entry in self.private)

    def access(self) -> dict[str, Any]:
        """How its pixels are read: the keyword arguments of `imagery.access.Access`."""
        return {
            "schemes": self.schemes, "hosts": self.hosts, "private": self.private, "signing": self.signing,
            "s3": self.s3, "connections": self.connections,
        }  # fmt: skip


def _within(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network)
    except ValueError:
        return False


def provider_named(name: str) -> Provider | None:
    """The provider of this name.

    Raises
    ------
    BadProviders
        The user's file is wrong.
    """
    return known_providers().get(name)


def provider_at(url: str) -> Provider | None:
    """The provider whose API has this address; raises as `provider_named` does."""
    return next((found for found in known_providers().values() if _plain(found.url) == _plain(url)), None)


def _plain(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def known_providers() -> Mapping[str, Provider]:
    """Every provider by name, the user's own over the built-in ones; raises as `provider_named` does."""
    from imagery.sources.provider_file import built_in_providers, providers_in  # noqa: PLC0415 - it needs the nouns

    own = os.environ.get(VARIABLE, "")
    return {**built_in_providers(), **(providers_in(own) if own else {})}


def ad_hoc(url: str) -> Provider:
    """A provider for an API that is named by its address alone."""
    return Provider(name=re.sub(r"/+$", "", url), url=url)
