"""Whether two radar files can have been taken from one orbit: a refusal by name, or a note that nobody can tell.

Seen from another orbit every building, mast and ship lies over in another direction: ascending and descending passes
of Sentinel-1 put the same quay 55 to 75 m apart. What a plan of a site's scenes rules out by metadata
(`imagery.select`) is ruled out here by what two plain files say.
"""

from datetime import datetime, timedelta
from pathlib import PurePath

from imagery.bands import POLARISATIONS
from imagery.errors import UnusablePair
from imagery.open import ImageInfo
from imagery.sources.facts import Facts
from imagery.sources.names_sentinel import sentinel1

SAME_TIME_OF_DAY = timedelta(minutes=3)
"""Sentinel-1 passes over a place at the same time of day on every date of one relative orbit, to within a slice; the
next orbit that sees the place does so about 8 minutes apart, the other direction about 12 hours."""


def check_geometry(before: ImageInfo, after: ImageInfo) -> tuple[str, ...]:
    """Refuse two radar images of different geometry or polarisation.

    Parameters
    ----------
    before, after : ImageInfo

    Returns
    -------
    tuple of str
        A note where orbit and direction could not be checked.

    Raises
    ------
    UnusablePair
        The files' names, bands or times say that they differ.
    """
    names = tuple(PurePath(info.href).name for info in (before, after))
    one, two = (_facts(info) for info in (before, after))
    polarised = tuple(_polarisations(info, facts) for info, facts in ((before, one), (after, two)))
    if polarised[0] and polarised[1] and not polarised[0] & polarised[1]:
        _refuse(names, "polarisation", *(", ".join(sorted(found)).upper() for found in polarised))
    if one.quantity and two.quantity and one.quantity != two.quantity:
        _refuse(names, "quantity", one.quantity, two.quantity)
    if one.relative_orbit and two.relative_orbit:
        if one.relative_orbit != two.relative_orbit:
            _refuse(names, "relative orbit", str(one.relative_orbit), str(two.relative_orbit))
        return ()
    if one.acquired and two.acquired and one.time_known and two.time_known:
        if _apart(one.acquired, two.acquired) > SAME_TIME_OF_DAY:
            times = (f"{time:%H:%M} UTC" for time in (one.acquired, two.acquired))
            _refuse(names, "orbit or direction, as their times of day show", *times)
        return ()
    return (
        "the files do not say from which orbit they were taken: radar geometry could not be checked; images of "
        "different orbits or directions show change where there is none",
    )


def _facts(info: ImageInfo) -> Facts:
    found = sentinel1(PurePath(info.href))
    return found.facts if found is not None else Facts()


def _polarisations(info: ImageInfo, facts: Facts) -> set[str]:
    return set(POLARISATIONS & {*info.bands}) or set(facts.bands or ())


def _apart(one: datetime, two: datetime) -> timedelta:
    """Between two times of day, around midnight too."""
    day = timedelta(days=1)
    apart = (one - two) % day
    return min(apart, day - apart)


def _refuse(names: tuple[str, ...], what: str, one: str, two: str) -> None:
    raise UnusablePair(
        f"{names[0]} and {names[1]} differ in {what} ({one}, {two}): radar images are compared within one "
        "geometry only; give two dates of the same orbit, direction and polarisation"
    )
