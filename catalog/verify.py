"""Whether a run is still what was written: every byte of every file, nothing missing, nothing added."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from catalog import layout, report, stac
from catalog.errors import BrokenRecord
from catalog.reader import needs_item
from catalog.versions import earlier
from imagery.copies import sha256_of

Fault = Literal["changed", "missing", "extra"]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One file that is not as written.

    Parameters
    ----------
    path : str
        Relative to the run.
    fault : {"changed", "missing", "extra"}
    detail : str
        What was expected and what was found.
    """

    path: str
    fault: Fault
    detail: str


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What checking a run found.

    Parameters
    ----------
    folder : Path
    checked : int
        Files whose bytes were compared, earlier versions included.
    problems : tuple of Problem
        Empty when the run is exactly as written.
    """

    folder: Path
    checked: int
    problems: tuple[Problem, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        problems = [dict(problem.__dict__) for problem in self.problems]
        return {
            "run": str(self.folder), "intact": self.intact, "checked": self.checked, "problems": problems,
        }  # fmt: skip


def verify(folder: Path) -> Verification:
    """Recompute every checksum of a run and of its earlier versions.

    Raises
    ------
    BrokenRecord
        There is no run in `folder` at all.
    """
    if not (folder / layout.REPORT).is_file() and not (folder / layout.ITEM).is_file():
        raise BrokenRecord(f"{folder} holds no run: neither {layout.REPORT} nor {layout.ITEM} is there")
    problems = list(_run_problems(folder))
    checked = len(layout.files_below(folder))
    for old in earlier(folder):
        prefix = old.relative_to(folder).as_posix()
        problems += [
            Problem(path=f"{prefix}/{p.path}", fault=p.fault, detail=p.detail) for p in _run_problems(old)
        ]
        checked += len(layout.files_below(old))
    problems += _strays(folder)
    return Verification(folder=folder, checked=checked, problems=tuple(problems))


def _run_problems(folder: Path) -> Iterator[Problem]:
    """Problems of one result, its earlier versions aside."""
    expected: dict[str, tuple[int, str]] = {}
    document, damage = _sealed_document(folder / layout.REPORT, report.SELF_DIGEST, inside=None)
    if damage:
        yield damage
    if document is not None:
        expected |= {str(e["path"]): (e["size"], e["sha256"]) for e in document.get("files", [])}
    known = {layout.REPORT}
    if document is None or needs_item(document) or (folder / layout.ITEM).is_file():
        known.add(layout.ITEM)
        item, fault = _sealed_document(folder / layout.ITEM, stac.SELF_DIGEST, inside="properties")
        if fault:
            yield fault
        if item is not None:
            expected = _from_item(item) | expected
    yield from _compare(folder, expected, reported=damage is not None)
    for path in layout.files_below(folder):
        relative = path.relative_to(folder).as_posix()
        if relative not in expected and relative not in known:
            yield Problem(path=relative, fault="extra", detail="was not there when the run was written")


def _compare(folder: Path, expected: Mapping[str, tuple[int, str]], *, reported: bool) -> Iterator[Problem]:
    for relative, (size, sha256) in sorted(expected.items()):
        path = folder / relative
        if relative == layout.REPORT and reported:
            continue
        if path.is_symlink() or not path.is_file():
            yield Problem(path=relative, fault="missing", detail=f"{size} bytes were written")
        elif path.stat().st_size != size:
            found = path.stat().st_size
            yield Problem(
                path=relative, fault="changed", detail=f"{size} bytes were written, {found} are there"
            )
        elif (found_sha256 := sha256_of(path)) != sha256:
            detail = f"SHA-256 was {sha256}, is {found_sha256}"
            yield Problem(path=relative, fault="changed", detail=detail)


def _sealed_document(
    path: Path, field: str, *, inside: str | None
) -> tuple[dict[str, Any] | None, Problem | None]:
    """A JSON document that carries its own digest, and what is wrong with it.

    Its bytes must be exactly what writing the document gives, so that no byte can change unseen.
    """
    if not path.is_file():
        return None, Problem(path=path.name, fault="missing", detail="the run is not complete without it")
    data = path.read_bytes()
    try:
        document = json.loads(data)
        holder = document if inside is None else document[inside]
        stated = holder[field]
        bare_holder = {name: value for name, value in holder.items() if name != field}
        bare = bare_holder if inside is None else {**document, inside: bare_holder}
        whole = layout.digest(bare) == stated and layout.is_written(document, data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return None, Problem(path=path.name, fault="changed", detail=f"cannot be read as written: {error!r}")
    if whole:
        return document, None
    return document, Problem(path=path.name, fault="changed", detail="its own digest does not fit its bytes")


def _from_item(item: Mapping[str, Any]) -> dict[str, tuple[int, str]]:
    found = {}
    for asset in item.get("assets", {}).values():
        if "file:checksum" in asset and str(asset.get("href", "")).startswith("./"):
            sha256 = str(asset["file:checksum"]).removeprefix(layout.multihash(""))
            found[asset["href"].removeprefix("./")] = (asset["file:size"], sha256)
    return found


def _strays(folder: Path) -> Iterator[Problem]:
    """Files lying loose among the earlier versions."""
    home = folder / layout.VERSIONS
    if home.is_dir():
        for path in sorted(home.iterdir()):
            if not path.is_dir():
                relative = path.relative_to(folder).as_posix()
                yield Problem(path=relative, fault="extra", detail="was not there when the run was written")
