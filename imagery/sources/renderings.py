"""One acquisition delivered in several ways, such as panchromatic and multispectral: which one is compared."""

from collections.abc import Iterable
from pathlib import Path

from imagery.listing import LeftOut
from imagery.raster import gsd_m
from imagery.sources.folder_images import FolderImage

_Acquisition = tuple[str, str]


def one_rendering(images: Iterable[FolderImage], folder: Path) -> tuple[list[FolderImage], list[LeftOut]]:
    """Keep one way of showing each acquisition; the others are left out with the reason.

    The sharpest is kept that another acquisition was delivered in as well, since two dates can only be compared in
    the same bands; the sharpest of all where there is none.

    Parameters
    ----------
    images : iterable of FolderImage
        Quality bands pass through untouched.
    folder : Path
        Where they lie; names in reasons start there.
    """
    images = list(images)
    groups: dict[_Acquisition, dict[int, FolderImage]] = {}
    for image in images:
        if image.name.role == "data":
            groups.setdefault(_acquisition(image), {}).setdefault(image.name.rank, image)
    shared = {
        (acquisition[0], rank)
        for acquisition, ranks in groups.items()
        for rank in ranks
        if any(
            other[0] == acquisition[0] and other != acquisition and rank in groups[other] for other in groups
        )
    }
    best = {
        acquisition: min((rank for rank in ranks if (acquisition[0], rank) in shared), default=min(ranks))
        for acquisition, ranks in groups.items()
    }
    kept, left_out = [], []
    for image in images:
        chosen = best.get(_acquisition(image))
        if image.name.role != "data" or chosen is None or image.name.rank == chosen:
            kept.append(image)
        else:
            left_out.append(_left(image, groups[_acquisition(image)][chosen], folder))
    return kept, left_out


def _acquisition(image: FolderImage) -> _Acquisition:
    """Collection and what names the acquisition within it."""
    place = "" if image.name.known else str(image.path.parent)
    return image.facts.collection or "", f"{place}{image.name.acquisition or image.name.key}"


def _left(image: FolderImage, chosen: FolderImage, folder: Path) -> LeftOut:
    why = f"the same scene is used from {chosen.path.name}"
    if chosen.name.rendering != image.name.rendering:
        own, used = (f"{i.name.rendering or 'other'}, {gsd_m(i.info.grid):.2g} m" for i in (image, chosen))
        why += f" ({used}; this one is {own}; nothing is pan-sharpened here)"
    return LeftOut(
        scene_id=image.path.relative_to(folder).as_posix(), acquired=image.facts.acquired, reason=why,
        platform=image.facts.platform or "unknown",
    )  # fmt: skip
