"""Fetched scenes: the evidentiary copy of what a site needs of each, kept in the working folder."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flows import wire
from flows.site_grids import pair_grid, scene_grid
from flows.work import read_json, work_folder, write_json
from imagery.copies import SourceCopy
from imagery.grid import aoi_area, shares
from imagery.quality import pass_quality
from imagery.read import check_files, copy_source, local_scene, native_gsd_m, scene_reader
from imagery.scene import Scene
from imagery.site import Site

MIN_USABLE = 0.10
"""Share of the AOI, where the scene reaches it, that must be free of cloud; below it a scene is left out."""

_RECORD = "fetched.json"


@dataclass(frozen=True, kw_only=True)
class FetchedScene:
    """A scene whose pixels of a site are on this machine.

    Parameters
    ----------
    scene : Scene
        As the source offered it.
    copies : tuple of SourceCopy
    usable : float
        Share of the AOI, where the scene reaches it, with usable pixels.
    cloud : float or None
        Share of it under cloud, by the scene's quality band; None where it has none.
    gsd_m : float
        Pixel size of its finest file, by the file.
    notes : tuple of str
        Files that were replaced at their source since they had been fetched before.
    """

    scene: Scene
    copies: tuple[SourceCopy, ...]
    usable: float
    cloud: float | None
    gsd_m: float
    notes: tuple[str, ...] = ()

    @property
    def local(self) -> Scene:
        """The scene, read from the copies."""
        return local_scene(self.scene, self.copies)

    @property
    def fault(self) -> str | None:
        """Why it cannot be used, None where it can."""
        if self.usable >= MIN_USABLE:
            return None
        clouds = "" if self.cloud is None else f", {100 * self.cloud:.0f} % is cloud"
        return (
            f"only {100 * self.usable:.0f} % of the AOI can be seen{clouds}; "
            f"at least {100 * MIN_USABLE:.0f} % is needed"
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "scene": wire.scene_to_dict(self.scene),
            "copies": [wire.copy_to_dict(copy) for copy in self.copies],
            "usable": self.usable,
            "cloud": self.cloud,
            "gsd_m": self.gsd_m,
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> "FetchedScene":
        """Inverse of `as_dict`."""
        return cls(
            scene=wire.scene_from_dict(document["scene"]),
            copies=tuple(wire.copy_from_dict(copy) for copy in document["copies"]),
            usable=document["usable"],
            cloud=document["cloud"],
            gsd_m=document["gsd_m"],
            notes=tuple(document.get("notes", ())),
        )


def fetch(scene: Scene, site: Site, out: Path) -> Path:
    """Copy what a site needs of a scene, and measure how much of the AOI it shows.

    Copies that are there already and whole are kept.

    Returns
    -------
    Path
        Record to give to `fetched`.

    Raises
    ------
    ImageryError
        The scene cannot be fetched, read or used.
    """
    grid = scene_grid(site, scene)
    check_files(scene)
    key = wire.fingerprint([wire.scene_to_dict(scene), wire.grid_to_dict(grid)])
    folder = work_folder(out, "scenes", key)
    copies = copy_source(scene, grid, folder)
    local = local_scene(scene, copies)
    usable, cloud = _seen(local, site)
    record = folder / _RECORD
    earlier = read_json(record) or {}
    notes = (*earlier.get("notes", ()), *_replaced(earlier, copies))
    document = FetchedScene(
        scene=scene, copies=copies, usable=usable, cloud=cloud, gsd_m=native_gsd_m(local), notes=notes
    ).as_dict()
    if earlier != document:
        write_json(record, document)
    return record


def _replaced(earlier: dict[str, Any], copies: tuple[SourceCopy, ...]) -> list[str]:
    """What became of files that an earlier run has fetched, in words."""
    known = {
        (copy["scene_id"], copy["asset"]): (copy["etag"], copy["sha256"])
        for copy in earlier.get("copies", ())
    }
    notes = []
    for copy in copies:
        etag, sha256 = known.get((copy.scene_id, copy.asset), (None, None))
        if etag is not None and copy.etag is not None and etag != copy.etag:
            pixels = "the pixels of the site are the same" if sha256 == copy.sha256 else "its pixels differ"
            notes.append(
                f"{copy.href}: replaced at its source since it was fetched before (ETag {etag}, now {copy.etag}); "
                f"{pixels}, the new file is used"
            )
    return notes


def fetched(record: Path) -> FetchedScene:
    """What `fetch` left."""
    document = read_json(record)
    if document is None:
        raise FileNotFoundError(f"{record}: the working folder was cleared while it was in use; run again")
    scene = FetchedScene.from_dict(document)
    # The folder may have been moved since the copies were made.
    return replace(scene, copies=tuple(replace(c, path=record.parent / c.path.name) for c in scene.copies))


def _seen(local: Scene, site: Site) -> tuple[float, float | None]:
    """Usable share of the AOI where the scene reaches it, and the share under cloud."""
    grid = pair_grid(site, local, local)
    aoi = {"aoi": aoi_area(site, grid)}
    reader = scene_reader(local, grid)
    usable = shares(aoi, lambda window: reader.read(window).valid)
    quality = pass_quality(local, grid)
    cloud = shares(aoi, lambda window: quality.at(window)[0]) if quality is not None and usable else {}
    return usable.get("aoi", 0.0), cloud.get("aoi")
