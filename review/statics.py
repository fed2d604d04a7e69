"""Scripts and styles: under an address that names what is in them, so that browsers keep them and never ask again."""

import hashlib
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

STATIC = Path(str(files("review"))) / "static"
VENDOR = "vendor"
FOREVER = "public, max-age=31536000, immutable"

_EDITION = re.compile(r"[0-9a-f]{16}")
_IMPORTED = re.compile(r'(?:^import|\bfrom)\s+"\./([\w/.-]+)"', re.MULTILINE)


@cache
def edition() -> str:
    """Short, and another for every content of the files; they are looked at once for a process."""
    summed = hashlib.sha256()
    for path in sorted(path for path in STATIC.rglob("*") if path.is_file()):
        summed.update(path.relative_to(STATIC).as_posix().encode() + b"\0")
        summed.update(hashlib.sha256(path.read_bytes()).digest())
    return summed.hexdigest()[:16]


def base() -> str:
    """Address below which the files are, without a slash at the end."""
    return f"/static/{edition()}"


@cache
def modules(*entries: str) -> tuple[str, ...]:
    """Some scripts and those that they need: browsers are told of all at once, or they would find them one by one."""
    found: dict[str, None] = {}
    waiting = list(entries)
    while waiting:
        name = waiting.pop(0)
        path = STATIC / name
        if name in found or not path.is_file():
            continue
        found[name] = None
        if not name.startswith(VENDOR):
            waiting += _IMPORTED.findall(path.read_text(encoding="utf-8"))
    return tuple(found)


class Statics(StaticFiles):
    """The files; under their edition for ever, under any other address asked about each time."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    def get_path(self, scope: Scope) -> str:
        """Without the edition: a page that was open while the desk was replaced still finds its files."""
        path = super().get_path(scope)
        first, slash, rest = path.partition("/")
        return rest if slash and _EDITION.fullmatch(first) else path

    def file_response(
        self, full_path: Any, stat_result: Any, scope: Scope, status_code: int = 200
    ) -> Response:
        """A file, with how long it may be kept."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        kept = f"/{edition()}/" in scope["path"]
        response.headers["Cache-Control"] = FOREVER if kept else "no-cache"
        return response
