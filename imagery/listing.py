"""What a source answers: the scenes that can be used, and every other one with the reason."""

from dataclasses import dataclass
from datetime import datetime

from imagery.scene import Scene


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A scene that is not used.

    Parameters
    ----------
    scene_id : str
        STAC item id, file name or address, whatever names it best.
    acquired : datetime or None
        Aware UTC; None where it could not be read.
    reason : str
        For people: what is wrong with it, with the value and the limit it broke.
    platform : str
    """

    scene_id: str
    acquired: datetime | None
    reason: str
    platform: str = "unknown"


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The scenes of one site in one period.

    Parameters
    ----------
    usable : tuple of Scene
        Sorted by acquisition time, then id.
    left_out : tuple of LeftOut
        Every other scene the source holds.
    preference : tuple of str
        Collections in which the source offers the same passes, most preferred first.
    """

    usable: tuple[Scene, ...]
    left_out: tuple[LeftOut, ...] = ()
    preference: tuple[str, ...] = ()


def leave_out(scene: Scene, reason: str) -> LeftOut:
    """`scene` with the reason why it is not used."""
    return LeftOut(scene_id=scene.id, acquired=scene.acquired, reason=reason, platform=scene.platform)
