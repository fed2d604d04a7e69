"""A picture of every view of the review desk, for the user guide: a real `sitewatch review`, driven by keyboard.

    make pictures [ARGS="--outputs FOLDER"]

FOLDER holds the outputs of `sitewatch demo`, which are simulated, so that no picture shows anybody's images; they are
made first where none is named. They are copied: answers given for a picture never reach the folder.
`benchmarks.desk_walk` has the views. This stands here because it does what `benchmarks.desk` does: it starts a desk and
looks at it.

The same code gives the same pictures: names, order and answers are fixed, and the day on which they are taken is shown
as `SHOWN_DAY`.
"""

import argparse
import contextlib
import io
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import rasterio
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from rasterio.windows import Window
from rasterio.windows import transform as window_transform

from benchmarks.desk import running_desk
from benchmarks.desk_views import FLAGS, SIZE
from benchmarks.desk_walk import SECOND_LABEL, SHOWN_DAY, Studio, sitewatch, walk
from imagery.open import SIMULATED_TAGS

FOLDER = Path(__file__).parents[1] / "docs" / "images" / "desk"
QUALITY = 32
MOST_BYTES = 1_400_000
"""Of all pictures together: they are committed."""

CLOUDED = "tartus/optical-10m_20241210T082131Z_20241215T082122Z"
CLOUD = Window(288, 32, 96, 64)
"""Column, row, width and height of a part of that run that is nearly all cloud on its later date."""

EXACT = (
    "--force-color-profile=srgb", "--hide-scrollbars", "--disable-partial-raster", "--disable-lcd-text",
    "--font-render-hinting=none", "--disable-checker-imaging", "--disable-threaded-animation",
    "--disable-threaded-scrolling",
)  # fmt: skip
"""Without these letters lie a fraction of a pixel elsewhere from one time to the next."""

FIXED = """
([found, shown]) => {
  const clock = new RegExp(`${found}([ T])\\\\d\\\\d:\\\\d\\\\d:\\\\d\\\\d`, "g");
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { data } = texts.currentNode;
    if (clock.test(data)) texts.currentNode.data = data.replace(clock, `${shown}$109:00:00`);
  }
}
"""
"""Shows one moment in place of those of answers given just now."""

PAINTED_ANEW = """
() => {
  for (const part of document.querySelectorAll(".film")) {
    part.style.display = "none";
    part.getBoundingClientRect();
    part.style.display = "";
  }
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 100))));
}
"""
"""The strip of dates is painted as its pictures come in; painted at once, it does not show in which order they came."""


def take(outputs: Path, folder: Path) -> list[Path]:
    """Write pictures of a desk on a copy of outputs; the files, in the order in which they were taken."""
    folder.mkdir(parents=True, exist_ok=True)
    taken: list[Path] = []

    def keep(name: str, image: Image.Image) -> None:
        taken.append(folder / f"{name}.webp")
        image.convert("RGB").save(taken[-1], quality=QUALITY, method=6)
        print(f"{taken[-1].stat().st_size / 1000:6.0f} kB  {name}", flush=True)

    def shoot(name: str, page: Page) -> None:
        page.evaluate(FIXED, [f"{datetime.now(UTC):%Y-%m-%d}", SHOWN_DAY])
        page.evaluate(PAINTED_ANEW)
        keep(name, Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide"))))

    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        root = scratch / "outputs"
        shutil.copytree(outputs, root, ignore=shutil.ignore_patterns(".work", ".locks", "versions"))
        _add_clouded(root, scratch)
        with running_desk(root, "--second-label", SECOND_LABEL, who="Lena") as port, _browser() as browser:
            studio = Studio(
                root=root, address=f"http://127.0.0.1:{port}", scratch=scratch,
                open_page=lambda: _page(browser), shoot=shoot, keep=keep,
            )  # fmt: skip
            walk(studio)
    return taken


def _add_clouded(root: Path, scratch: Path) -> None:
    """A pair that could not be assessed, which the demo itself does not have: a clouded part of one of its own."""
    parts = []
    for date in ("before", "after"):
        parts.append(scratch / f"clouded_{date}.tif")
        with rasterio.open(root / CLOUDED / f"{date}.tif") as whole:
            profile = {
                **whole.profile, "width": CLOUD.width, "height": CLOUD.height, "tiled": False,
                "transform": window_transform(CLOUD, whole.transform),
            }  # fmt: skip
            for given in ("blockxsize", "blockysize"):
                del profile[given]
            with rasterio.open(parts[-1], "w", **profile) as part:
                part.write(whole.read(window=CLOUD))
                part.scales, part.offsets, part.descriptions = whole.scales, whole.offsets, whole.descriptions
                part.update_tags(**SIMULATED_TAGS)
    times = [f"{t[:4]}-{t[4:6]}-{t[6:11]}:{t[11:13]}:{t[13:]}" for t in CLOUDED.split("_")[1:]]
    sitewatch(
        "diff",
        *map(str, parts),
        "--before-time",
        times[0],
        "--after-time",
        times[1],
        "--out",
        str(root),
        "--json",
    )


@contextlib.contextmanager
def _browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("chromium is not installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*FLAGS, *EXACT])
        yield browser
        browser.close()


def _page(browser: Browser) -> Page:
    """A browser that was never here."""
    return browser.new_context(viewport=SIZE, reduced_motion="reduce").new_page()


def _demo(folder: Path) -> Path:
    print("no --outputs: making them by `sitewatch demo`, which takes minutes", flush=True)
    sitewatch("demo", "--out", str(folder), "--json")
    return folder


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument(
        "--outputs", type=Path, help="what `sitewatch demo` left; made in a temporary folder where not given"
    )
    options.add_argument(
        "--to", type=Path, default=FOLDER, help="where the pictures go (default: docs/images/desk)"
    )
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as made:
        outputs = given.outputs or _demo(Path(made) / "outputs")
        if not (outputs / CLOUDED / "report.json").is_file():
            raise SystemExit(f"{outputs} has no run {CLOUDED}: name a folder that `sitewatch demo` wrote")
        taken = take(outputs, given.to)
    size = sum(path.stat().st_size for path in taken)
    print(f"{len(taken)} pictures in {given.to}, {size / 1e6:.2f} MB")
    if size > MOST_BYTES:
        raise SystemExit(f"that is more than {MOST_BYTES / 1e6} MB: too much to commit")


if __name__ == "__main__":
    main()
