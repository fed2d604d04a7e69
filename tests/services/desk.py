"""A review desk as users start it, and a browser to look at it with."""

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import uvicorn
from numpy.typing import NDArray
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from review.app import create_app
from review.server import sign_in_link
from review.settings import DeskSettings
from tests.services.processes import START_S, free_port, stop

CHROMIUM = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-quic", "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DeskProcess:
    """A running ``sitewatch review``."""

    link: str
    address: str
    root: Path
    process: subprocess.Popen[str]

    @property
    def settings(self) -> DeskSettings:
        """As the desk has them, to make further links."""
        return DeskSettings(root=self.root, port=int(self.address.rsplit(":", 1)[1]))


@dataclass(frozen=True, kw_only=True)
class DeskThread:
    """A desk that listens in this process; otherwise as users have it."""

    settings: DeskSettings
    app: Any = field(repr=False)

    @property
    def link(self) -> str:
        """A link that signs in as lead."""
        return sign_in_link(self.settings)

    @property
    def address(self) -> str:
        return self.settings.url

    @property
    def root(self) -> Path:
        return self.settings.root


@dataclass(kw_only=True)
class Watched:
    """A page, and everything that went wrong in it."""

    page: Page
    faults: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


SITEWATCH = (sys.executable, "-m", "flows.cli")
"""How the program of this checkout is started."""


@contextlib.contextmanager
def running_desk(
    root: Path, *options: str, program: Sequence[str | Path] = SITEWATCH, **started: Any
) -> Iterator[DeskProcess]:
    """A desk on an outputs folder for as long as the block lasts; `started` goes to `subprocess`."""
    port = free_port()
    process = subprocess.Popen(
        [*program, "review", "--no-browser", "--port", str(port), "--out", str(root), *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **started,
    )  # fmt: skip
    timer = threading.Timer(START_S, process.kill)
    timer.start()
    try:
        line = process.stdout.readline()
        timer.cancel()
        if "http" not in line:
            process.kill()
            raise AssertionError(f"the desk did not start: {line}{process.stderr.read()}")
        link = line[line.index("http") :].strip()
        yield DeskProcess(link=link, address=f"http://127.0.0.1:{port}", root=root, process=process)
    finally:
        timer.cancel()
        stop(process)


@contextlib.contextmanager
def threaded_desk(root: Path, **given: Any) -> Iterator[DeskThread]:
    """A desk on an outputs folder for as long as the block lasts; there at once, unlike a program that starts."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        settings = DeskSettings(root=root, port=listening.getsockname()[1], **given)
        app = create_app(settings)
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=2)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            until = time.monotonic() + START_S
            while not server.started:
                assert thread.is_alive(), "the desk did not start"
                assert time.monotonic() < until, "the desk did not start"
                time.sleep(0.01)
            yield DeskThread(settings=settings, app=app)
        finally:
            server.should_exit = True
            thread.join(START_S)


@pytest.fixture(scope="module")
def chromium(requires: Callable[..., Path]) -> Iterator[Browser]:
    """A browser that reaches nothing but this machine.

    One for each module: while it is there its event loop runs in this thread, and nothing else can run one.
    """
    program = requires("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM))
        yield browser
        browser.close()


@contextlib.contextmanager
def looking_at(browser: Browser, address: str, *, width: int = 1280, height: int = 720) -> Iterator[Watched]:
    """A page of its own, with everything noted that a user would never be told."""
    context = browser.new_context(viewport={"width": width, "height": height})
    watched = Watched(page=context.new_page())

    def console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            watched.faults.append(message.text)

    def asked(request: Request) -> None:
        watched.asked.append(request.url)

    watched.page.on("console", console)
    watched.page.on("pageerror", lambda problem: watched.faults.append(str(problem)))
    watched.page.on("request", asked)
    try:
        watched.page.goto(address)
        yield watched
    finally:
        context.close()


def shot(page: Page, selector: str | None = None) -> NDArray[np.uint8]:
    """What is on the screen, red, green, blue (row, col, 3); of one element where a selector is given."""
    data = page.locator(selector).screenshot() if selector else page.screenshot()
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def settled(page: Page, **options: Any) -> None:
    """Wait until the maps show everything that they want to show."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('.map:not([hidden])')].every((map) => map.dataset.rendered === 'yes')",
        **options,
    )
