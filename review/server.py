"""Opening a desk: a port, a link that signs in, and the server until it is stopped."""

import getpass
import socket
import threading
import time
import webbrowser
from collections.abc import Callable
from dataclasses import replace

import uvicorn

from catalog import reviewers
from catalog.errors import NotAdmitted
from review.app import create_app
from review.errors import CannotOpen
from review.settings import DEFAULT_PORT, DeskSettings
from review.statics import STATIC

BACKLOG = 256
GRACE_S = 5
STARTED_BY = "sitewatch review"


def serve(
    settings: DeskSettings, *, browser: bool, say: Callable[[str], None], any_port: bool = False
) -> None:
    """Open a desk and answer until somebody stops it.

    Parameters
    ----------
    settings : DeskSettings
    browser : bool
        Open a browser window on it.
    say : callable
        Is told the address once the desk answers.
    any_port : bool
        Take another port where the one in `settings` is in use.

    Raises
    ------
    CannotOpen
        The port cannot be had, or the desk was installed without what its pages need.
    CatalogError
        The records cannot be used.
    """
    if not (STATIC / "vendor" / "ol.js").is_file():
        raise CannotOpen(
            f"{STATIC / 'vendor'} is not there: this installation was made without the map library; in a checkout "
            "`make web` bundles it, a wheel brings it"
        )
    listening, settings = _listen(replace(settings, opened_by=_me()), any_port=any_port)
    with listening:
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(settings), log_level="warning", access_log=False, server_header=False, lifespan="on",
                timeout_graceful_shutdown=GRACE_S, proxy_headers=False, limit_concurrency=500,
            )
        )  # fmt: skip
        threading.Thread(target=_announce, args=(server, settings, browser, say), daemon=True).start()
        server.run(sockets=[listening])


def sign_in_link(settings: DeskSettings) -> str:
    """A link that signs whoever started the desk in, once."""
    token = reviewers.invite(settings.root, _me(), "lead", given_by=STARTED_BY, kind="start")
    return f"{settings.url}/signin?token={token}"


def invitation_link(settings: DeskSettings, name: str, role: reviewers.Role) -> str:
    """A link that lets somebody in, once, after asking."""
    token = reviewers.invite(settings.root, name, role, given_by=_me())
    return f"{settings.url}/signin?token={token}"


def _announce(
    server: uvicorn.Server, settings: DeskSettings, browser: bool, say: Callable[[str], None]
) -> None:
    while not server.started:
        if server.should_exit:
            return
        time.sleep(0.02)
    if not settings.start_link:
        say(settings.url)
        return
    say(sign_in_link(settings))
    if browser:
        webbrowser.open(sign_in_link(settings))


def _listen(settings: DeskSettings, *, any_port: bool) -> tuple[socket.socket, DeskSettings]:
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
    except OSError as problem:
        raise CannotOpen(f"--host {settings.host}: {problem}") from problem
    tries = [settings.port, 0] if any_port else [settings.port]
    for port in tries:
        # With the protocol named, asyncio sets TCP_NODELAY; else the body of an answer waits 40 ms behind its head.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((settings.host, port))
            listening.listen(BACKLOG)
        except OSError as problem:
            listening.close()
            if port == tries[-1]:
                raise CannotOpen(
                    f"port {settings.port} of {settings.host} cannot be used: {problem.strerror or problem}; "
                    "give another with --port"
                ) from problem
            continue
        return listening, replace(settings, port=listening.getsockname()[1])
    raise CannotOpen(f"no port of {settings.host} can be used")


def _me() -> str:
    """Whoever runs this, as the system calls them."""
    try:
        return reviewers.clean_name(getpass.getuser())
    except (OSError, KeyError, NotAdmitted):  # no name, or none that a reviewer can have
        return "lead"


__all__ = ["DEFAULT_PORT", "invitation_link", "serve", "sign_in_link"]
