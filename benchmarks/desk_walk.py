"""A walk through every view of the review desk, by keyboard, that has a picture taken of each; see
`benchmarks.desk_pictures`.

It needs what `sitewatch demo` finds, and names changes by what they are, not by their ids. Answers given here are made
up: they show what the desk makes of answers.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pypdfium2
from PIL import Image
from playwright.sync_api import Page

from catalog import reviewers

SECOND_LABEL = "aircraft (medium)"
"""Goes blind to a second reviewer."""

AIRCRAFT = {"site": "khmeimim", "kind": "moved", "label": "aircraft (medium)"}
SHIPS = {
    "zone": "concrete_pier_berth",
    "label": "ship-like object",
    "kind": "vanished",
    "until": "2024-12-10",
}
DECIDED = {"run": "tartus/optical-10m_20241205T082147Z_20241210T082131Z"}
CLOUDED = {"run": "tartus/optical-10m_20241210T082131Z_20241215T082122Z"}
SHOWN_DAY = "2025-02-03"
"""Stands in the pictures for the day on which they were taken."""

BRIEF_PAGE = 1
PDF_DPI = 80
SLOWEST = 4
"""Steps that the pace of blinking has, at most."""


@dataclass(frozen=True, kw_only=True)
class Studio:
    """What a walk needs.

    Parameters
    ----------
    root : Path
        Outputs folder of the desk.
    address : str
        Of the desk.
    scratch : Path
        Folder for what is made on the way.
    open_page : callable
        Gives a page of a browser that was never here.
    shoot : callable
        Takes a picture of a page, under a name.
    keep : callable
        Keeps a picture, under a name.
    """

    root: Path
    address: str
    scratch: Path
    open_page: Callable[[], Page]
    shoot: Callable[[str, Page], None]
    keep: Callable[[str, Image.Image], None]

    def signed_in(self, name: str, role: reviewers.Role) -> Page:
        """The queue of somebody."""
        token = reviewers.invite(self.root, name, role, given_by="Lena", kind="start")
        page = self.open_page()
        page.goto(f"{self.address}/signin?token={token}")
        listed(page)
        return page

    def listed(self, page: Page, **filters: str) -> None:
        """Go to the queue, filtered."""
        page.goto(f"{self.address}/?{urlencode(filters)}")
        listed(page)

    def first(self, page: Page, filters: Mapping[str, str]) -> None:
        """Open the first of what fits, by Enter."""
        self.listed(page, **filters)
        page.keyboard.press("Enter")
        opened(page)


def walk(studio: Studio) -> None:
    """Every view, in the order of the user guide."""
    arrive(studio)
    lena = studio.signed_in("Lena", "lead")
    look_through(studio, lena)
    compare(studio, lena)
    look_closer(studio, lena)
    tools(studio, lena)
    dialogs(studio, lena)
    decide(studio)
    lead(studio, lena)
    brief(studio)


def arrive(studio: Studio) -> None:
    """An invitation, and the desk without one."""
    page = studio.open_page()
    token = reviewers.invite(studio.root, "Omar", "reviewer", given_by="Lena")
    page.goto(f"{studio.address}/signin?token={token}")
    studio.shoot("invitation", page)
    page = studio.open_page()
    page.goto(studio.address)
    studio.shoot("sign-in", page)


def look_through(studio: Studio, page: Page) -> None:
    """The queue, what could not be assessed, and a tile in which nothing was found."""
    studio.shoot("queue", page)
    studio.listed(page, what="unseen")
    studio.shoot("not-assessable", page)
    studio.first(page, {"what": "blank", "site": "khmeimim"})
    studio.shoot("blank-tile", page)


def compare(studio: Studio, page: Page) -> None:
    """The ways to compare two dates, and the evidence."""
    studio.first(page, AIRCRAFT)
    studio.shoot("side-by-side", page)
    press(page, "5")
    studio.shoot("difference", page)
    press(page, "1", "e")
    studio.shoot("evidence", page)
    studio.first(page, SHIPS)
    press(page, "2")
    studio.shoot("swipe", page)
    press(page, "3", *"[" * SLOWEST)
    page.wait_for_function("() => document.querySelector('#tag-left b')?.textContent === 'after'")
    studio.shoot("blink", page)
    press(page, "4")
    studio.shoot("fade", page)


def look_closer(studio: Studio, page: Page) -> None:
    """Scales, layers, bands, other dates and contrast."""
    studio.first(page, AIRCRAFT)
    press(page, "s", "d")
    studio.shoot("detectability", page)
    press(page, "p", "p")
    studio.shoot("detectability-size", page)
    press(page, "p", *"p" * (page.locator(".legend option").count() - 3), "d", "y")
    studio.shoot("scale-tile", page)
    press(page, "s")
    studio.shoot("scale-scene", page)
    studio.first(page, CLOUDED)
    press(page, "v")
    studio.shoot("validity", page)
    studio.first(page, SHIPS)
    press(page, "b")
    studio.shoot("bands", page)
    studio.first(page, SHIPS)
    press(page, ".", ".")
    studio.shoot("other-dates", page)
    press(page, "0", "w", "Tab", *["ArrowLeft"] * 100)
    studio.shoot("contrast", page)


def tools(studio: Studio, page: Page) -> None:
    """What is drawn on the map."""
    studio.first(page, SHIPS)
    press(page, "m")
    box = page.locator("#left").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(x - 80, y + 10)
    page.mouse.move(x + 70, y - 30, steps=4)
    settled(page)
    studio.shoot("measure", page)
    press(page, "Escape", "o", *["ArrowRight"] * 2)
    studio.shoot("outline", page)
    press(page, "Escape", "a", *["ArrowDown"] * 8)
    studio.shoot("missed", page)
    press(page, "Escape")


def dialogs(studio: Studio, page: Page) -> None:
    """Short questions, each left again without an answer."""
    for name, key in (("label", "l"), ("reject", "r"), ("keys", "?")):
        press(page, key)
        studio.shoot(name, page)
        press(page, "Escape")
    press(page, "t")
    page.keyboard.type("Lay there since November; the berth is empty now.")
    studio.shoot("note", page)
    press(page, "Escape")
    page = studio.signed_in("Lena", "lead")
    page.clock.set_fixed_time(SHOWN_DAY)  # the days that are offered count from it
    studio.first(page, SHIPS)
    press(page, "n")
    studio.shoot("suppress", page)
    studio.listed(page, **DECIDED)
    page.keyboard.press("f")
    page.wait_for_selector("dialog.hand-over")
    studio.shoot("hand-over", page)


def decide(studio: Studio) -> None:
    """Ana answers; Omar sees none of it and says otherwise."""
    ana = studio.signed_in("Ana", "reviewer")
    studio.listed(ana, **DECIDED)
    count = ana.locator("a.change").count()
    ana.keyboard.press("Enter")
    opened(ana)
    for number in range(count):
        press(ana, *("r", "6") if number % 4 == 3 else ("c",))
    saved(ana)
    studio.first(ana, AIRCRAFT)
    press(ana, "c")
    saved(ana)
    omar = studio.signed_in("Omar", "reviewer")
    studio.first(omar, AIRCRAFT)
    studio.shoot("second-review", omar)
    press(omar, "r", "6")
    saved(omar)


def lead(studio: Studio, page: Page) -> None:
    """What only a lead sees, and the figures."""
    for name in ("disagreements", "figures", "reviewers"):
        page.goto(f"{studio.address}/{name}")
        page.wait_for_selector("main")
        studio.shoot(name, page)


def brief(studio: Studio) -> None:
    """A run handed over."""
    to = studio.scratch / "handover"
    sitewatch(
        "export", DECIDED["run"], "--out", str(studio.root), "--format", "html,pdf", "--to", str(to), "--json"
    )
    page = studio.open_page()
    page.goto(next(to.glob("*.html")).as_uri())
    studio.shoot("brief-html", page)
    document = pypdfium2.PdfDocument(next(to.glob("*.pdf")))
    studio.keep("brief-pdf", document[BRIEF_PAGE].render(scale=PDF_DPI / 72).to_pil())
    document.close()


def sitewatch(*args: str) -> None:
    """Run the program of this checkout; what it could not assess is no failure."""
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *args], capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 3):
        raise SystemExit(f"`sitewatch {args[0]}` ended with {done.returncode}: {done.stderr}")


def press(page: Page, *keys: str) -> None:
    """One key after the other, each when the page shows what the one before it did."""
    for key in keys:
        page.keyboard.press(key)
        settled(page)


def listed(page: Page) -> None:
    """Wait until a list is there, with the pictures that fit on the screen."""
    page.wait_for_selector("body[data-ready]")
    pictures(page)


def opened(page: Page) -> None:
    """Wait until a change is on the screen, with the strip of its other dates."""
    page.wait_for_selector("body.compare[data-ready]")
    settled(page)
    page.wait_for_selector(".film button")
    pictures(page)


def settled(page: Page) -> None:
    """Wait until both maps show everything that they want to show, and go on doing so."""
    page.wait_for_timeout(150)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.map:not([hidden])')].every((map) => map.dataset.rendered === 'yes')"
    )


def pictures(page: Page) -> None:
    """Wait until what is on the screen has its pictures."""
    page.wait_for_function(
        "() => [...document.images].every((i) => i.complete || i.getBoundingClientRect().top > innerHeight)"
    )


def saved(page: Page) -> None:
    """Wait until every answer has arrived."""
    page.wait_for_function("() => document.querySelector('.outbox').dataset.state === 'saved'")
