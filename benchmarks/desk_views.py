"""How soon a change is on the screen, in a real browser."""

import contextlib
import shutil
import time
from collections.abc import Iterator
from urllib.parse import quote

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from benchmarks.desk_http import Person

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
SIZE = {"width": 1280, "height": 720}
QUIET_S = 0.4
"""Nothing was asked for so long: what is fetched beforehand is there."""

WATCH = """
(() => {
  const seen = window.benchmark = { key: null, shown: [] };
  const look = () => {
    const sides = [...document.querySelectorAll('.map:not([hidden])')];
    if (!sides.length || sides.some((map) => map.dataset.rendered !== 'yes' || !map.dataset.shown)) return;
    const subject = sides[0].dataset.shown;
    if (seen.shown.at(-1)?.subject !== subject) seen.shown.push({ subject, at: performance.now() });
  };
  addEventListener('keydown', (event) => { seen.key = event.timeStamp; }, true);
  new MutationObserver(look).observe(document, { subtree: true, attributes: true, attributeFilter: ['data-rendered'] });
})();
"""
"""Notes when both maps show all of a change, in milliseconds since the page was asked for."""


@contextlib.contextmanager
def browser() -> Iterator[Browser | None]:
    """Chromium, None where there is none."""
    program = shutil.which("chromium")
    if program is None:
        yield None
        return
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield found
        found.close()


def first_views(
    chromium: Browser, person: Person, subjects: list[str], *, by_queue: bool, filters: str
) -> list[float]:
    """Milliseconds from asking for a change to both dates on the screen, each time in a browser that was never here.

    Parameters
    ----------
    chromium : Browser
    person : Person
    subjects : list of str
        One for each time.
    by_queue : bool
        From the queue, where a reviewer comes from; otherwise by a link to the change itself, nothing kept beforehand.
    filters : str
        Of the address.
    """
    found = []
    for subject in subjects:
        with _Visit(chromium, person) as visit:
            page = visit.page
            if by_queue:
                page.goto(f"{_address(person)}/?{filters}")
                page.wait_for_selector("body[data-ready]")
                visit.quiet()
                page.locator(f'a.change[href*="{quote(subject, safe="")}"]').first.focus()
                page.keyboard.press("Enter")
            else:
                page.goto(
                    f"{_address(person)}/review?{filters}&subject={quote(subject, safe='')}", wait_until="commit"
                )  # fmt: skip
            page.wait_for_function(
                "() => window.benchmark?.shown.length > 0 && location.pathname === '/review'"
            )
            found.append(page.evaluate("() => window.benchmark.shown[0].at"))
    return found


def next_views(
    chromium: Browser, person: Person, subject: str, *, key: str, times: int, filters: str
) -> list[float]:
    """Milliseconds from a key to both dates of the change that comes next, with what is fetched beforehand there."""
    found = []
    with _Visit(chromium, person) as visit:
        page = visit.page
        page.goto(f"{_address(person)}/review?{filters}&subject={quote(subject, safe='')}")
        page.wait_for_function("() => window.benchmark.shown.length > 0")
        for _ in range(times):
            visit.quiet()
            before = page.evaluate("() => window.benchmark.shown.length")
            page.keyboard.press(key)
            page.wait_for_function(f"() => window.benchmark.shown.length > {before}")
            found.append(page.evaluate(f"() => window.benchmark.shown[{before}].at - window.benchmark.key"))
    return found


class _Visit:
    """A page of a browser that keeps nothing of an earlier visit, signed in."""

    def __init__(self, chromium: Browser, person: Person) -> None:
        name, value = person.cookie.split("=", 1)
        self._context: BrowserContext = chromium.new_context(viewport=SIZE)
        self._context.add_cookies([{"name": name, "value": value, "url": _address(person)}])
        self._context.add_init_script(WATCH)
        self.page: Page = self._context.new_page()
        self._open, self._last = 0, time.monotonic()
        self.page.on("request", lambda _: self._count(1))
        for ended in ("requestfinished", "requestfailed"):
            self.page.on(ended, lambda _: self._count(-1))

    def __enter__(self) -> "_Visit":
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()

    def quiet(self) -> None:
        """Wait until nothing has been fetched for a while."""
        while self._open > 0 or time.monotonic() - self._last < QUIET_S:
            self.page.wait_for_timeout(50)

    def _count(self, change: int) -> None:
        self._open += change
        self._last = time.monotonic()


def _address(person: Person) -> str:
    return f"http://127.0.0.1:{person.port}"
