"""Connections that know the rules of their source: resolved addresses are checked, and slow servers are dropped."""

import socket
import ssl
import time
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from imagery.access import Access
from imagery.within import TookTooLong, within

MIN_BYTES_PER_S = 1_000
"""A server that sends less over `RATE_WINDOW_S` is given up: it would hold a run for hours."""

RATE_WINDOW_S = 10.0

RESOLVE_S = 5.0
"""The system itself may wait for half a minute for name servers that are not there."""


class TooSlow(httpcore.ReadTimeout):
    """A server sends, but next to nothing."""


class _Stream(httpcore.NetworkStream):
    """Another stream, with a lowest speed for what is received after each request."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._since: float | None = None
        self._received = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._inner.read(max_bytes, timeout)
        now = time.monotonic()
        if self._since is None:
            self._since, self._received = now, 0
        self._received += len(data)
        if now - self._since > RATE_WINDOW_S:
            if self._received < MIN_BYTES_PER_S * (now - self._since):
                raise TooSlow(f"sent {self._received} bytes in {now - self._since:.0f} s")
            self._since, self._received = now, 0
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._since = None
        self._inner.write(buffer, timeout)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    """Connects only to addresses that the source may use, and to the very address that was checked."""

    def __init__(self, access: Access, *, proxied: bool) -> None:
        self._access = access
        self._proxied = proxied

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Raises RefusedAddress where one of the host's addresses may not be used."""
        last: Exception = httpcore.ConnectError(f"{host} has no address")
        addresses = [host] if self._proxied else self._addresses(host, port)
        # All of them together may take the time, and one that is silent not that of the others.
        share_s = None if timeout is None else timeout / max(1, len(addresses))
        for address in addresses:
            try:
                return _Stream(super().connect_tcp(address, port, share_s, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last

    def _addresses(self, host: str, port: int) -> list[str]:
        found = resolve(host, port)
        for text in found:
            address = ip_address(text.partition("%")[0])
            if not self._access.may_connect(host.lower().rstrip("."), port, address):
                raise self._access.refuse_resolved(host, address)
        return found


def resolve(host: str, port: int) -> list[str]:
    """Addresses of a host, each once, in the system's order.

    Raises
    ------
    httpcore.ConnectError
        The name is not known, or no name server answers within `RESOLVE_S`.
    """
    try:
        answers = within(RESOLVE_S, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except TookTooLong as error:
        raise httpcore.ConnectError(
            f"the name {host} cannot be resolved (no name server answers within {RESOLVE_S:.0f} s)"
        ) from error
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"the name {host} cannot be resolved ({error})") from error
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def new_pool(url: str, access: Access, *, connections: int | None = None) -> httpcore.ConnectionPool:
    """Connections by the rules of a source, by way of the environment's proxy where there is one for `url`."""
    proxy = _proxy(url)
    options: dict[str, Any] = {
        "ssl_context": _ssl(), "max_connections": connections or access.connections, "keepalive_expiry": 15.0,
        "network_backend": _Backend(access, proxied=proxy is not None),
    }  # fmt: skip
    return (
        httpcore.ConnectionPool(**options)
        if proxy is None
        else httpcore.HTTPProxy(proxy_url=proxy, **options)
    )


@lru_cache(maxsize=1)
def _ssl() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _proxy(url: str) -> str | None:
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    if proxy is None or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
