"""Where the limits of providers are kept: files in the cache folder, so that all processes keep them together.

::

    <folder>/limits/<name>-<first 8 of SHA-256>/
        pace                when the next request is due, see `imagery.sources.pace`
        slot-0, slot-1, ... one for each connection, see `imagery.slots`
        waiting             locked by whoever waits for one

Locks are `flock`: the system gives them back when a process ends, however it ends.
"""

import hashlib
import os
import re
from pathlib import Path

from imagery.cache import FOLDER, cache_folder
from imagery.errors import ImageryError


def opened(name: str, file: str) -> int:
    """Descriptor of a file of the limits of `name`, made where there is none.

    Raises
    ------
    ImageryError
        It cannot be written: what was asked by others is not known then, and nothing is asked.
    """
    folder = limits_folder(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise ImageryError(
            f"{folder}: {error.strerror}; all processes together keep the limits of {name} there. Make it writable, or "
            f"name another folder with {FOLDER}"
        ) from error


def limits_folder(name: str) -> Path:
    """Of one provider."""
    readable = re.sub(r"[^a-z0-9.-]+", "-", name.lower())[:40].strip("-.")
    return cache_folder() / "limits" / f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
