"""What the file names of known deliveries say; see `names_sentinel` and `names_commercial` for the patterns.

A name that is not known says nothing: nothing is guessed from it.
"""

import re
from collections.abc import Callable
from pathlib import PurePath

from imagery.sources.facts import NameFacts
from imagery.sources.names_commercial import maxar, planet
from imagery.sources.names_sentinel import sentinel1, sentinel2

_PREVIEW = re.compile(r"browse|preview|thumb|quick-?look|overview|_pvi\b|_ql\b", re.IGNORECASE)

_READERS: tuple[Callable[[PurePath], NameFacts | None], ...] = (sentinel2, sentinel1, planet, maxar)


def read_name(path: PurePath) -> NameFacts:
    """What `path` (its name, and the folders of a product around it) says."""
    if _PREVIEW.search(path.stem) or {"QI_DATA", "preview"} & set(path.parts[:-1]):
        return NameFacts(key=path.stem, role="ignored")
    for reader in _READERS:
        found = reader(path)
        if found is not None:
            return found
    return NameFacts(key=path.stem, known=False)
