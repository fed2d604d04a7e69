"""Where a running ``sitewatch serve`` can be found from its output folder."""

import fcntl
from pathlib import Path

from flows.work import read_json, work_folder

STATE = "serve.json"


def serve_folder(out: Path) -> Path:
    """``<out>/.work/prefect``: Prefect's database, logs and settings."""
    return work_folder(out, "prefect").resolve()


def running_api(out: Path) -> str | None:
    """Address of the Prefect API of a ``serve`` that is running for this folder, None where there is none."""
    folder = out / ".work" / "prefect"
    state = read_json(folder / STATE)
    try:
        with (folder / "serve.lock").open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None if state is None else str(state["api"])
    except OSError:
        return None
    return None
