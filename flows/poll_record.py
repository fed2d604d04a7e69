"""What scheduled runs remember of a site: which scenes were dealt with, and whether the source answers.

One small JSON file per site and source below ``<out>/.work/polls``, replaced whole. Deleting it costs repeated work,
never a result: runs that come to the same are left alone.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

from flows import wire
from flows.serve_state import POLLS, poll_documents
from flows.work import read_json, work_folder, write_json
from imagery.scene import Scene
from imagery.sources.fetch import is_url

Outcome = Literal["never", "nothing new", "done", "no pair", "degraded", "source down", "refused", "failed"]


@dataclass(frozen=True, kw_only=True)
class PollRecord:
    """The memory of one site and source.

    Parameters
    ----------
    site, source : str
    purpose : str
        "poll", or what tells several replays of one site apart.
    scenes : mapping of scene id to fingerprint
        Scenes that were dealt with: compared, or left out for good.
    checked : str or None
        When the source was last asked, ISO 8601 UTC.
    outcome : str
        What came of that.
    message : str
        The same for people, in one line.
    newest : str or None
        Acquisition time of the newest scene that was seen.
    failing_since : str or None
        First of the polls in a row that the source did not answer.
    """

    site: str
    source: str
    purpose: str = "poll"
    scenes: Mapping[str, str] = field(default_factory=dict)
    checked: str | None = None
    outcome: Outcome = "never"
    message: str = ""
    newest: str | None = None
    failing_since: str | None = None

    def fresh(self, scenes: Iterable[Scene]) -> tuple[Scene, ...]:
        """Those that are not known yet, or not as they are now: new, late, reprocessed or replaced."""
        return tuple(scene for scene in scenes if self.scenes.get(scene.id) != scene_fingerprint(scene))

    def polled(self, now: datetime, outcome: Outcome, message: str, scenes: Iterable[Scene] = ()) -> Self:
        """After a poll at which the source answered and `scenes` were dealt with."""
        known = {**self.scenes, **{scene.id: scene_fingerprint(scene) for scene in scenes}}
        return replace(
            self, scenes=known, checked=stamp(now), outcome=outcome, message=message, failing_since=None
        )

    def unanswered(self, now: datetime, message: str) -> Self:
        """After a poll at which the source did not answer."""
        return replace(
            self,
            checked=stamp(now),
            outcome="source down",
            message=message,
            failing_since=self.failing_since or stamp(now),
        )

    def only(self, scenes: Iterable[Scene]) -> Self:
        """Forget the scenes that are no longer looked at, so that the record stays small."""
        kept = {scene.id for scene in scenes}
        return replace(self, scenes={id_: print_ for id_, print_ in self.scenes.items() if id_ in kept})


def load_record(out: Path, site: str, source: str, purpose: str = "poll") -> PollRecord:
    """The record of a site and source; an empty one where there is none or it is damaged."""
    empty = PollRecord(site=site, source=source, purpose=purpose)
    document = read_json(_path(out, empty))
    if document is None:
        return empty
    try:
        return PollRecord(**{**document, "scenes": dict(document["scenes"])})
    except (TypeError, KeyError, ValueError):
        return empty


def save_record(out: Path, record: PollRecord) -> None:
    """Replace the record whole."""
    document = {**asdict(replace(record, scenes={})), "scenes": dict(record.scenes)}
    write_json(_path(out, record), document)


def all_records(out: Path) -> list[PollRecord]:
    """Every record of scheduled polls below `out`, by site."""
    return [
        load_record(out, str(document.get("site")), str(document.get("source")))
        for document in poll_documents(out)
    ]


def _path(out: Path, record: PollRecord) -> Path:
    what = hashlib.sha256(f"{record.source}\n{record.purpose}".encode()).hexdigest()[:10]
    return work_folder(out, POLLS) / f"{record.site}-{what}.json"


def scene_fingerprint(scene: Scene) -> str:
    """What tells a scene from a later processing of it or from a file put in its place; no pixel is read."""
    files = [_file_state(asset.href) for _, asset in sorted(scene.assets.items())]
    return wire.fingerprint([wire.scene_to_dict(scene), files])


def is_local(scene: Scene) -> bool:
    """Whether all its files are on this machine."""
    return all(not is_url(asset.href) and "://" not in asset.href for asset in scene.assets.values())


def _file_state(href: str) -> list[Any]:
    if is_url(href) or "://" in href:
        return []
    try:
        state = Path(href).stat()
    except OSError:
        return ["missing"]
    return [state.st_size, state.st_mtime_ns]


def stamp(moment: datetime) -> str:
    """ISO 8601, UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
