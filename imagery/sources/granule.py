"""Viewing and sun angles from Sentinel-2 granule metadata, which the items of some archives do not repeat."""

import math
import re
from dataclasses import replace
from pathlib import Path

from imagery.scene import Scene
from imagery.sources.facts import Facts
from imagery.sources.names_sentinel import off_nadir_deg

MAX_BYTES = 4_000_000

# Read by pattern, not by an XML parser: two numbers per band are wanted and nothing in the file is followed.
_MEAN_ANGLE = re.compile(
    rb'<Mean_Viewing_Incidence_Angle bandId="(\d+)">\s*<ZENITH_ANGLE unit="deg">([-\d.]+)</ZENITH_ANGLE>\s*'
    rb'<AZIMUTH_ANGLE unit="deg">([-\d.]+)</AZIMUTH_ANGLE>'
)
_MEAN_SUN = re.compile(
    rb'<Mean_Sun_Angle>\s*<ZENITH_ANGLE unit="deg">([-\d.]+)</ZENITH_ANGLE>\s*'
    rb'<AZIMUTH_ANGLE unit="deg">([-\d.]+)</AZIMUTH_ANGLE>'
)
_BANDS = frozenset({b"1", b"2", b"3", b"7"})
"""B02, B03, B04 and B08 in ESA's count from 0."""


def granule_angles(xml: bytes) -> Facts:
    """Mean viewing direction over the 10 m bands, and the sun.

    Parameters
    ----------
    xml : bytes
        ``MTD_TL.xml`` or ``granule_metadata.xml``.

    Returns
    -------
    Facts
        With `view_off_nadir_deg` (at the satellite), `view_azimuth_deg` (of the satellite, seen from the ground),
        `sun_azimuth_deg` and `sun_elevation_deg`; None where the file does not say.
    """
    sun = _MEAN_SUN.search(xml)
    facts = Facts(sun_elevation_deg=90.0 - float(sun[1]), sun_azimuth_deg=float(sun[2])) if sun else Facts()
    found = [
        (float(zenith), float(azimuth))
        for band, zenith, azimuth in _MEAN_ANGLE.findall(xml)
        if band in _BANDS
    ]
    if not found:
        return facts
    zenith = sum(z for z, _ in found) / len(found)
    east = sum(math.sin(math.radians(a)) for _, a in found)
    north = sum(math.cos(math.radians(a)) for _, a in found)
    azimuth = math.degrees(math.atan2(east, north)) % 360.0
    return replace(facts, view_off_nadir_deg=off_nadir_deg(zenith), view_azimuth_deg=azimuth)


def with_view(scene: Scene) -> Scene:
    """Complete the view angles of a scene from its granule's metadata, which is a file on this machine.

    They are wanted, not needed: where the metadata cannot be read the scene says None, and so does every report of it.
    """
    if scene.view_off_nadir_deg is not None or scene.granule is None:
        return scene
    try:
        with Path(scene.granule).open("rb") as file:
            return described_by(scene, file.read(MAX_BYTES))
    except OSError:
        return scene


def described_by(scene: Scene, granule: bytes) -> Scene:
    """The scene with the view angles that its granule's metadata (XML) states."""
    angles = granule_angles(granule)
    return replace(
        scene, view_off_nadir_deg=angles.view_off_nadir_deg, view_azimuth_deg=angles.view_azimuth_deg
    )
