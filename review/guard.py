"""What every request and every response goes through, whatever is behind it."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST_BODY_BYTES = 256 * 1024
LONGEST_TARGET = 4096
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""On every response. Scripts and styles are files of the desk; nothing is loaded from anywhere else.

The referrer stays within the desk: with ``no-referrer`` browsers send forms with ``Origin: null``, which is refused.
"""


class TooLarge(HTTPException):
    """More of a body arrived than is taken."""

    def __init__(self) -> None:
        super().__init__(413, f"at most {LARGEST_BODY_BYTES} bytes are taken")


class Guard:
    """ASGI middleware: refuses foreign hosts and oversized input, and sets the headers of all responses.

    Parameters
    ----------
    app : App
    hosts : frozenset of str
        What the Host header may say: a page elsewhere that has its name point to this machine is not answered.
    """

    def __init__(self, app: App, *, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, guarded_send)
            return
        await self._app(scope, _limited(receive), guarded_send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return PlainTextResponse("This desk is not reached by that name.", status_code=421)
        if len(scope.get("raw_path", b"")) + len(scope.get("query_string", b"")) > LONGEST_TARGET:
            return PlainTextResponse("This address is too long.", status_code=414)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY_BYTES:
            return _too_large()
        return None


def _too_large() -> Response:
    return PlainTextResponse(f"At most {LARGEST_BODY_BYTES} bytes are taken.", status_code=413)


def _limited(receive: Receive) -> Receive:
    """A body sent in pieces has no announced length: it is counted as it comes."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > LARGEST_BODY_BYTES:
            raise TooLarge
        return message

    return counted
