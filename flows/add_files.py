"""Writing what `sitewatch add` writes: sidecars and copies, each whole or not at all, nothing overwritten unasked."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import imagery
from flows.add import RETOLD, TOLD, Newcomer
from flows.errors import BadRequest, UnusableOutput
from flows.whole_file import whole_file
from imagery.copies import sha256_of
from imagery.errors import MissingMetadata
from imagery.sources.facts import Facts
from imagery.sources.filenames import read_name
from imagery.sources.folder import asset_of
from imagery.sources.folder_images import FolderImage
from imagery.sources.sidecar import OWN_SUFFIX, OWN_SUFFIX_BESIDE_OTHERS, Sidecar

_CHUNK = 1 << 20
_NOT_FACTS = frozenset({"in_db", "time_known"})
_NOT_COMPARED = frozenset({"added", "written_by", "origins"})


@dataclass(frozen=True, kw_only=True)
class SidecarPlan:
    """A sidecar to write.

    Parameters
    ----------
    path : Path
    document : dict
    differences : tuple of str
        What it would change in the one that is there; empty where there is none, or it says the same.
    same : bool
        Whether one is there that says the same.
    """

    path: Path
    document: dict[str, Any]
    differences: tuple[str, ...]
    same: bool


@dataclass(frozen=True, kw_only=True)
class CopyPlan:
    """A file to copy.

    Parameters
    ----------
    source, target : Path
    sha256 : str
    differs : bool
        Whether another file is there under that name.
    same : bool
        Whether the very file is there already.
    """

    source: Path
    target: Path
    sha256: str
    differs: bool
    same: bool


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What adding one newcomer writes.

    Parameters
    ----------
    newcomer : Newcomer
    folder : Path
        Where its images will be found: what to give as --source.
    sidecars : tuple of SidecarPlan
    copies : tuple of CopyPlan
    sha256 : mapping of file name to str
    """

    newcomer: Newcomer
    folder: Path
    sidecars: tuple[SidecarPlan, ...]
    copies: tuple[CopyPlan, ...]
    sha256: Mapping[str, str]

    @property
    def differences(self) -> tuple[str, ...]:
        """What would be overwritten, for people."""
        found = [f"{s.path}: {line}" for s in self.sidecars for line in s.differences]
        return (
            *found,
            *(f"{c.target}: another file of that name is there" for c in self.copies if c.differs),
        )

    @property
    def nothing_to_do(self) -> bool:
        """Whether everything is as it should be already."""
        return all(s.same for s in self.sidecars) and all(c.same for c in self.copies)


def plan(newcomer: Newcomer, to: Path | None) -> Plan:
    """Decide what is written; reads every file once for its SHA-256.

    Parameters
    ----------
    to : Path or None
        Folder to copy into; None leaves the files where they are.

    Raises
    ------
    BadRequest
        `to` lies in what would be copied.
    """
    if to is not None and to.is_relative_to(newcomer.root) and to != newcomer.root:
        raise BadRequest(
            f"--to {to}: lies inside {newcomer.root}, which is to be copied; give another folder"
        )
    images = (*newcomer.data, *newcomer.quality)
    companions = _companions(newcomer)
    sha256 = {path: sha256_of(path) for path in (*(image.path for image in images), *companions)}
    place = _placer(newcomer, to)
    copies = [] if to is None else [_copy_plan(path, place(path), digest) for path, digest in sha256.items()]
    by_name = {path.name: digest for path, digest in sha256.items()}
    return Plan(
        newcomer=newcomer, folder=newcomer.root if to is None else to,
        sidecars=tuple(_sidecar_plans(newcomer, place, sha256)),
        copies=tuple(copy for copy in copies if copy is not None), sha256=by_name,
    )  # fmt: skip


def _companions(newcomer: Newcomer) -> list[Path]:
    """Files of the vendor that say something about the images; our own sidecars are written anew."""
    found: dict[Path, None] = {}
    for image in newcomer.data:
        paths = [delivered.path for delivered in image.vendor]
        paths += [s.path for s in image.sidecars if not _replaced(s, _stem(newcomer, image))]
        paths += [image.granule] if image.granule is not None else []
        found |= dict.fromkeys(paths)
    return list(found)


def _placer(newcomer: Newcomer, to: Path | None) -> Callable[[Path], Path]:
    """Where each file goes."""
    if to is None:
        return lambda path: path
    first = newcomer.data[0]
    # What is known by the folder it lies in keeps that folder.
    by_folder = read_name(Path(first.path.name)).key != first.name.key
    whole = by_folder or any(image.path.parent != newcomer.root for image in newcomer.data)
    start = newcomer.root.parent if whole else newcomer.root
    return lambda path: to / path.relative_to(start)


def _copy_plan(source: Path, target: Path, sha256: str) -> CopyPlan:
    same = target.is_file() and sha256_of(target) == sha256
    return CopyPlan(
        source=source, target=target, sha256=sha256, same=same, differs=target.exists() and not same
    )


def _sidecar_plans(
    newcomer: Newcomer, place: Callable[[Path], Path], sha256: Mapping[Path, str]
) -> Iterable[SidecarPlan]:
    shared = newcomer.data[:1] if newcomer.in_bands else newcomer.data
    for image in shared:
        stem = _stem(newcomer, image)
        taken = any(s.path.name == f"{stem}{OWN_SUFFIX}" and not _flat(s) for s in image.sidecars)
        name = f"{stem}{OWN_SUFFIX_BESIDE_OTHERS if taken else OWN_SUFFIX}"
        path = place(image.path).with_name(name)
        files = newcomer.data if newcomer.in_bands else (image,)
        quality = [q for q in newcomer.quality if q.name.key == image.name.key]
        described = {
            i.path.name: {"sha256": sha256[i.path], "bytes": i.path.stat().st_size}
            for i in (*files, *quality)
        }
        document = sidecar_document(newcomer, image, described)
        earlier = _earlier(path)
        changes = _differences(earlier, document) if earlier is not None else ()
        yield SidecarPlan(
            path=path, document=document, differences=changes, same=earlier is not None and not changes
        )


def _stem(newcomer: Newcomer, image: FolderImage) -> str:
    return image.name.key if newcomer.in_bands else image.path.stem


def _flat(sidecar: Sidecar) -> bool:
    return sidecar.document.get("type") != "Feature"


def _replaced(sidecar: Sidecar, stem: str) -> bool:
    names = {f"{stem}{OWN_SUFFIX}", f"{stem}{OWN_SUFFIX_BESIDE_OTHERS}"}
    return sidecar.path.name in names and _flat(sidecar)


def _earlier(path: Path) -> Mapping[str, Any] | None:
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MissingMetadata(f"{path}: cannot be read as JSON ({error}); move it away") from error
    return found if isinstance(found, dict) else {}


def sidecar_document(
    newcomer: Newcomer, image: FolderImage, files: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """A sidecar with every known fact, where each comes from, and what the files are."""
    state = newcomer.known_of(image)
    facts = fact_fields(state.facts)
    origins = {name: RETOLD if state.origins[name] == TOLD else state.origins[name] for name in facts}
    if newcomer.in_bands:
        facts.pop("bands", None)
        origins.pop("bands", None)
    elif "bands" not in facts and not any(b.startswith("band") for b in asset_of(image).bands):
        facts["bands"] = list(asset_of(image).bands)
        origins["bands"] = "its file name and number of bands" if image.name.bands_by_count else "the file"
    return {
        **facts,
        "origins": origins,
        "files": {name: dict(entry) for name, entry in files.items()},
        "added": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "written_by": f"sitewatch {imagery.__version__} add",
    }


def fact_fields(facts: Facts) -> dict[str, Any]:
    """Facts as the flat fields that a sidecar holds; the inverse of `facts_from_mapping`."""
    given = {f.name: getattr(facts, f.name) for f in fields(Facts) if f.name not in _NOT_FACTS}
    found = {name: value for name, value in given.items() if value is not None}
    if facts.acquired is not None:
        exact = facts.acquired.isoformat().replace("+00:00", "Z")
        found["acquired"] = exact if facts.time_known is not False else f"{facts.acquired:%Y-%m-%d}"
    if facts.quantity is not None and facts.in_db:
        found["quantity"] = f"{facts.quantity}_db"
    if facts.bands is not None:
        found["bands"] = list(facts.bands)
    return found


def _differences(earlier: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[str, ...]:
    names = [name for name in {**earlier, **document} if name not in _NOT_COMPARED]
    changed = [name for name in names if earlier.get(name) != document.get(name)]
    return tuple(f"{name}: {_words(earlier.get(name))} -> {_words(document.get(name))}" for name in changed)


def _words(value: object) -> str:
    return "nothing" if value is None else json.dumps(value)


def write(planned: Plan) -> None:
    """Copy the files, write the sidecars; images appear last, so that none is ever seen without its sidecar.

    Raises
    ------
    UnusableOutput
        The folder cannot be written, or a copy is not what was read.
    """
    images = {image.path for image in (*planned.newcomer.data, *planned.newcomer.quality)}
    copies = [copy for copy in planned.copies if not copy.same]
    try:
        for copy in (c for c in copies if c.source not in images):
            _copy(copy)
        for sidecar in planned.sidecars:
            if not sidecar.same:
                text = json.dumps(sidecar.document, indent=1, ensure_ascii=False) + "\n"
                write_whole(sidecar.path, text.encode())
        for copy in (c for c in copies if c.source in images):
            _copy(copy)
    except OSError as error:
        where = error.filename or planned.folder
        raise UnusableOutput(
            f"{where}: cannot be written ({error.strerror}); make room, or copy the images to a folder of yours "
            "with --to"
        ) from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial:
        partial.write_bytes(content)


def _copy(copy: CopyPlan) -> None:
    copy.target.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(copy.target) as partial:
        digest = hashlib.sha256()
        with partial.open("xb") as out, copy.source.open("rb") as original:
            while chunk := original.read(_CHUNK):
                digest.update(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        _check(copy, digest.hexdigest(), sha256_of(partial))
        shutil.copystat(copy.source, partial)


def _check(copy: CopyPlan, *digests: str) -> None:
    if set(digests) != {copy.sha256}:
        raise UnusableOutput(
            f"{copy.target}: the copy is not what was read from {copy.source}; is it still being written, or the "
            "disk faulty? Nothing was put in its place"
        )
