"""A ``sitewatch serve`` that was started, and what can be seen of it."""

import json
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flows.poll_record import PollRecord, all_records
from flows.status import status_document
from tests.services import prefect_server as service

PATIENCE_S = 420
"""On a busy machine; a minute or so on a free one."""

EVERY_MINUTE = "* * * * *"


class Serving:
    """A ``sitewatch serve`` that was started, and what can be seen of it."""

    def __init__(self, process: subprocess.Popen[str], out: Path, alerts: Path) -> None:
        self.process, self.out, self.alerts = process, out, alerts
        self.lines: list[str] = []
        self.state: dict[str, Any] = {}
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())

    def ready(self) -> dict[str, Any]:
        if not self.state:
            assert self.process.stdout is not None
            self.state = json.loads(self.process.stdout.readline() and self._rest())
        return self.state

    def _rest(self) -> str:
        text = "{"
        assert self.process.stdout is not None
        while not text.endswith("\n}\n"):
            line = self.process.stdout.readline()
            assert line, self.lines
            text += line
        return text

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        def alive() -> Any:
            assert self.process.poll() is None, self.lines
            return condition()

        try:
            return service.until(alive, PATIENCE_S, what)
        except AssertionError as problem:
            log = self.out / ".work" / "prefect" / "runner.log"
            tail = log.read_text().splitlines()[-15:] if log.is_file() else []
            raise AssertionError("\n".join([str(problem), *self.lines, *tail])) from problem

    def record(self, site: str) -> PollRecord | None:
        return next((record for record in all_records(self.out) if record.site == site), None)

    def told(self, event: str, site: str = "field") -> list[dict[str, Any]]:
        if not self.alerts.is_file():
            return []
        documents = [json.loads(line) for line in self.alerts.read_text().splitlines()]
        return [d for d in documents if d["event"] == event and d["site"] == site]

    def runs(self, site: str = "field") -> list[Path]:
        return sorted(path.parent for path in self.out.glob(f"{site}/*/item.json"))

    def status(self, site: str) -> dict[str, Any]:
        """What ``sitewatch status --json`` says of a site."""
        found: dict[str, Any] = status_document(self.out, [site])["sites"][0]
        return found
