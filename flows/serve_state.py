"""What a ``sitewatch serve`` leaves in its output folder for others to read: where it runs, what its polls came to."""

import fcntl
from pathlib import Path
from typing import Any

from flows.work import read_json, work_folder

STATE = "serve.json"
POLLS = "polls"


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


def poll_documents(out: Path) -> list[dict[str, Any]]:
    """The records of scheduled polls below `out` (see `flows.poll_record`), by site; damaged ones are passed over."""
    found = [read_json(path) or {} for path in sorted((out / ".work" / POLLS).glob("*.json"))]
    return [document for document in found if document.get("purpose") == "poll" and "outcome" in document]
