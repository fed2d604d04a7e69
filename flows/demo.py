"""What the demo watches, and the archive it watches it on."""

import threading
from contextlib import suppress
from datetime import UTC, datetime

from flows import progress
from imagery.errors import SitewatchError
from imagery.sources.demo import cache_folder, ready_archive

DEMO_SITES = ("khmeimim", "tartus")


def demo_period() -> tuple[datetime, datetime]:
    """The events of the winter of 2024 to 2025 that the simulated archive follows."""
    return datetime(2024, 11, 1, tzinfo=UTC), datetime(2025, 3, 31, 23, 59, 59, tzinfo=UTC)


def draw_archive() -> threading.Thread:
    """Begin to draw the archive where it is not there yet, to be waited for while something else is started.

    What goes wrong is told by the step that then wants to read it.
    """

    def draw() -> None:
        with suppress(SitewatchError):
            ready_archive(cache_folder())

    progress.step("Drawing the SIMULATED images, once")
    drawing = threading.Thread(target=draw, daemon=True)
    drawing.start()
    return drawing
