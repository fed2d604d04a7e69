"""Recorded answers of public STAC APIs, served over HTTP on loopback.

What was recorded is sent as it was, but for the API's own address, which becomes this server's. What was not recorded
(an envelope around a single item, a page after the last) is made here as the STAC API specification words it.
"""

import contextlib
import gzip
import http.server
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Document = dict[str, Any]


@dataclass(kw_only=True)
class Replay:
    """A running server: its URL, what it was asked (method, path, body), and the headers of each request."""

    url: str = ""
    asked: list[tuple[str, str, Any]] = field(default_factory=list)


def recorded(cassette: Path) -> list[tuple[Mapping[str, Any], Any]]:
    """The requests of a VCR cassette, each with the JSON that was answered (None where it was none)."""
    found = []
    # The loader in C, where there is one: some recordings are megabytes of text.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for exchange in yaml.load(cassette.read_text(), Loader=loader)["interactions"]:
        body = exchange["response"]["body"]["string"]
        if isinstance(body, bytes):
            with contextlib.suppress(gzip.BadGzipFile):
                body = gzip.decompress(body)
        try:
            found.append((exchange["request"], json.loads(body)))
        except ValueError:
            found.append((exchange["request"], None))
    return found


def pages_of(cassette: Path) -> tuple[str, Document, list[Document]]:
    """The API's address, its landing page and the pages of the search that a cassette recorded."""
    exchanges = recorded(cassette)
    landing = next(answer for _, answer in exchanges if answer and answer.get("type") == "Catalog")
    address = next(request["uri"] for request, answer in exchanges if answer is landing).rstrip("/")
    pages = [answer for _, answer in exchanges if answer and answer.get("type") == "FeatureCollection"]
    return address, landing, pages


def landing_page(address: str, **more: Any) -> Document:
    """The least a STAC API says of itself; made here."""
    return {
        "type": "Catalog", "id": "replay", "stac_version": "1.0.0", "description": "Recorded items.",
        "conformsTo": ["https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/item-search"],
        "links": [
            {"rel": "self", "href": address, "type": "application/json"},
            {"rel": "root", "href": address, "type": "application/json"},
            *({"rel": "search", "href": f"{address}/search", "type": "application/geo+json", "method": method}
              for method in ("GET", "POST")),
        ],
        **more,
    }  # fmt: skip


def page(features: Sequence[Mapping[str, Any]], *, following: Mapping[str, Any] | None = None) -> Document:
    """An answer of the search; made here. `following` is the body that asks for the next one."""
    links = []
    if following is not None:
        links = [
            {
                "rel": "next",
                "method": "POST",
                "href": "ADDRESS/search",
                "body": dict(following),
                "merge": True,
            }
        ]
    return {"type": "FeatureCollection", "features": list(features), "links": links}


@contextlib.contextmanager
def replaying(
    pages: Sequence[Document], *, address: str = "ADDRESS", landing: Document | None = None
) -> Iterator[Replay]:
    """Serve a landing page and the pages of one search.

    A search without a token gets the first page. Whatever the link of a page asks for gets the page after it, and
    what the last page's asks for gets an empty one.
    """
    replay = Replay()
    tokens: dict[str | None, int] = {}
    for number, document in enumerate(pages, start=1):
        tokens.setdefault(_token(_next_body(document)), number)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            replay.asked.append(("GET", self.path, None))
            self.answer(landing if landing is not None else landing_page(address))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            replay.asked.append(("POST", self.path, body))
            number = tokens.get(_token(body), 0) if _token(body) is not None else 0
            self.answer(pages[number] if number < len(pages) else page([]))

        def answer(self, document: Document) -> None:
            data = json.dumps(document).replace(address, replay.url).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/geo+json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    replay.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield replay
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _next_body(document: Mapping[str, Any]) -> Any:
    return next((link.get("body") for link in document.get("links", []) if link.get("rel") == "next"), None)


def _token(body: Any) -> str | None:
    return None if body is None else body.get("next") or body.get("token")
