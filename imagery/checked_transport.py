"""How httpx connects by the rules of a source: every name that it resolves is checked, as for pixels."""

import threading
from collections.abc import Iterator

import httpcore
import httpx

from imagery.access import Access
from imagery.connect import new_pool


class CheckedTransport(httpx.BaseTransport):
    """Sends requests over the connections of a source; faults are httpcore's.

    Parameters
    ----------
    access : Access
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._pools: dict[str, httpcore.ConnectionPool] = {}
        self._making = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises RefusedAddress where the host leads to an address that may not be used."""
        with self._making:
            # A proxy of the environment may be for one scheme only.
            pool = self._pools.setdefault(request.url.scheme, new_pool(str(request.url), self._access))
        response = pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw, content=request.read(), extensions=request.extensions,
            )
        )  # fmt: skip
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()
