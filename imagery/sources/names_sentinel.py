"""File names of Sentinel-1 and Sentinel-2 products.

Patterns follow ESA's product naming, the folders of Earth Search and ASF HyP3's naming of RTC products.
"""

import math
import re
from dataclasses import replace
from datetime import datetime
from pathlib import PurePath

from imagery.sources.facts import Facts, NameFacts, compact_time

_S2_BANDS = {
    "B02": "blue", "B03": "green", "B04": "red", "B08": "nir", "SCL": "scl",
    "blue": "blue", "green": "green", "red": "red", "nir": "nir", "scl": "scl",
}  # fmt: skip
_COPERNICUS = "Copernicus Sentinel data terms (free, full and open)"


def _copernicus(year: int) -> str:
    return f"Contains modified Copernicus Sentinel data {year}"


# Sentinel-2

_S2_PRODUCT = re.compile(
    r"(?P<sat>S2[A-D])_MSI(?P<level>L1C|L2A)_(?P<day>\d{8})T(?P<clock>\d{6})_N(?P<baseline>\d{4})_R(?P<orbit>\d{3})"
    r"_T(?P<tile>\d{2}[A-Z]{3})_(?P<made>\d{8}T\d{6})"
)
_S2_SHORT = re.compile(
    r"(?P<sat>S2[A-D])_(?P<tile>\d{2}[A-Z]{3})_(?P<day>\d{8})_(?P<sequence>\d)_(?P<level>L1C|L2A)"
)
_S2_C1 = re.compile(
    r"(?P<sat>S2[A-D])_T(?P<tile>\d{2}[A-Z]{3})_(?P<day>\d{8})T(?P<clock>\d{6})_(?P<level>L1C|L2A)"
)
_S2_GRANULE = re.compile(r"T(?P<tile>\d{2}[A-Z]{3})_(?P<day>\d{8})T(?P<clock>\d{6})")
_S2_BAND = re.compile(
    r"(?:^|_)(?P<band>B\d[0-9A]|SCL|AOT|WVP|TCI|PVI|CLD|SNW|red|green|blue|nir|scl|visual)(?:_(?P<res>\d+)m)?$"
)


def sentinel2(path: PurePath) -> NameFacts | None:
    for pattern in (_S2_PRODUCT, _S2_SHORT, _S2_C1, _S2_GRANULE):
        for part in (path.stem, *reversed(path.parts[:-1])):
            found = pattern.search(part)
            if found is not None:
                return _sentinel2_file(path, found.group(), found.groupdict())
    return None


def _sentinel2_file(path: PurePath, key: str, parts: dict[str, str]) -> NameFacts | None:
    facts = _sentinel2_facts(parts)
    band = _S2_BAND.search(path.stem)
    if facts is None:
        return None
    if band is None:
        # A stack of bands under the product's name; its own band descriptions say which.
        whole = key in path.stem and path.stem != "metadata"
        return NameFacts(key=key, facts=facts) if whole else NameFacts(key=key, role="ignored")
    name, res = _S2_BANDS.get(band["band"]), band["res"]
    if name is None or (res is not None and res != ("20" if name == "scl" else "10")):
        return NameFacts(key=key, role="ignored")
    if name == "scl":
        return NameFacts(key=key, facts=Facts(), role="quality", quality="scl", asset="scl")
    return NameFacts(key=key, facts=replace(facts, bands=(name,)), asset=name)


def _sentinel2_facts(parts: dict[str, str]) -> Facts | None:
    acquired = compact_time(parts["day"] + parts.get("clock", ""))
    if acquired is None:
        return None
    satellite = parts.get("sat")
    level = parts.get("level", "L2A")
    baseline = parts.get("baseline")
    stated = f"{baseline[:2]}.{baseline[2:]}" if baseline else None
    facts = Facts(
        collection=f"sentinel-2-{level.lower()}",
        platform=f"sentinel-{satellite[1:].lower()}" if satellite else "sentinel-2",
        sensor="optical",
        quantity="reflectance" if level == "L2A" else "dn",
        in_db=False,
        acquired=acquired,
        time_known="clock" in parts,
        gsd_m=10.0,
        nodata=0.0,
        relative_orbit=int(parts["orbit"]) if "orbit" in parts else None,
        processing_baseline=stated,
        # Only the product's full name gives the start of the datatake; others the time of the strip or the day.
        datatake=datatake_key(satellite, acquired) if satellite and "orbit" in parts else None,
        tile=parts["tile"],
        licence=_COPERNICUS,
        attribution=_copernicus(acquired.year),
    )
    return product_scaling(stated).over(facts) if level == "L2A" else facts


def product_scaling(baseline: str | None) -> Facts:
    """Scale and offset of Sentinel-2 L2A numbers as ESA defines them: from baseline 04.00 with -1000.

    The offset stays open where the baseline is not known. Archives may have applied it already.
    """
    return Facts(scale=1e-4, offset=None if baseline is None else (-0.1 if baseline >= "04.00" else 0.0))


def datatake_key(satellite: str, started: datetime) -> str:
    """One name for a pass whatever its tile and processing baseline: satellite and start of the datatake."""
    return f"{satellite.upper()}_{started:%Y%m%dT%H%M%S}"


# Sentinel-1

_S1_PRODUCT = re.compile(
    r"(?P<sat>S1[A-D])_(?P<mode>IW|EW|S[1-6])_(?P<kind>GRD[FHM]|SLC_|OCN_)_\d[SA](?P<pol>DV|DH|SV|SH|VV|HH|VH|HV)"
    r"_(?P<day>\d{8})T(?P<clock>\d{6})_\d{8}T\d{6}_(?P<orbit>\d{6})"
)
_S1_BAND_FILE = re.compile(
    r"(?P<sat>s1[a-d])-(?P<mode>iw|ew|s[1-6])-(?P<kind>grd|slc)-(?P<pol>vv|vh|hh|hv)-(?P<day>\d{8})t(?P<clock>\d{6})"
    r"-\d{8}t\d{6}-(?P<orbit>\d{6})"
)
_S1_HYP3 = re.compile(
    r"(?P<sat>S1[A-D])_(?P<mode>IW|EW|S[1-6])_(?P<day>\d{8})T(?P<clock>\d{6})_(?P<pol>[DSVH][VH])(?P<orbits>[PRO])_"
    r"RTC(?P<spacing>\d{2})_[A-Z]_(?P<radiometry>[gsb])(?P<power>[pad])[a-z]{0,4}(?:_[0-9A-F]{4})?"
)
_HYP3_RADIOMETRY: dict[str, Facts] = {
    "g": Facts(quantity="gamma0"), "s": Facts(quantity="sigma0"), "b": Facts(quantity="beta0"),
}  # fmt: skip
_POLARISATION = re.compile(r"(?:^|[_.-])(vv|vh|hh|hv)(?:[_.-]|$)", re.IGNORECASE)
_DECIBEL = re.compile(r"(?:^|[_.-])db(?:[_.-]|approx|$)", re.IGNORECASE)
_RTC = re.compile(r"(?:^|[_.-])rtc(?:[_.-]|\d|$)", re.IGNORECASE)
_FIRST_ORBIT = {"S1A": 73, "S1B": 27}


def sentinel1(path: PurePath) -> NameFacts | None:
    for pattern in (_S1_HYP3, _S1_PRODUCT, _S1_BAND_FILE):
        for part in (path.stem, *reversed(path.parts[:-1])):
            found = pattern.search(part)
            if found is not None:
                return _sentinel1_file(path, found.group(), found.groupdict())
    return None


def _sentinel1_file(path: PurePath, key: str, parts: dict[str, str]) -> NameFacts | None:
    acquired = compact_time(parts["day"] + parts["clock"])
    if acquired is None:
        return None
    satellite = parts["sat"].upper()
    named = _POLARISATION.findall(path.stem)
    if not named and "spacing" in parts:
        return NameFacts(key=key, role="ignored")  # HyP3's layover, incidence and elevation maps
    corrected = "spacing" in parts or _RTC.search(path.name) is not None
    facts = Facts(
        collection="sentinel-1-rtc" if corrected else f"sentinel-1-{parts['kind'][:3].lower()}",
        platform=f"sentinel-{satellite[1:].lower()}",
        sensor="sar",
        acquired=acquired,
        time_known=True,
        bands=(named[-1].lower(),) if named else None,
        relative_orbit=_relative_orbit(satellite, parts.get("orbit")),
        licence=_COPERNICUS,
        attribution=_copernicus(acquired.year),
    )
    if corrected:
        facts = _radiometry(parts, path).over(facts)
    return NameFacts(key=key, facts=facts, asset=named[-1].lower() if named else "data")


def _radiometry(parts: dict[str, str], path: PurePath) -> Facts:
    if "radiometry" not in parts:
        # Radiometric terrain correction yields gamma nought; it is linear unless the name says dB.
        return Facts(quantity="gamma0", in_db=_DECIBEL.search(path.stem) is not None)
    if parts["power"] == "a":
        return Facts()  # amplitude is neither power nor dB: the user has to convert it
    return replace(_HYP3_RADIOMETRY[parts["radiometry"]], in_db=parts["power"] == "d")


def _relative_orbit(satellite: str, absolute: str | None) -> int | None:
    # For S1C and S1D the count since launch does not hold throughout; their metadata has to say.
    first = _FIRST_ORBIT.get(satellite)
    return (int(absolute) - first) % 175 + 1 if first is not None and absolute else None


_ORBIT_KM = 786.0
_EARTH_KM = 6371.0


def off_nadir_deg(incidence_deg: float) -> float:
    """Sentinel-2's viewing angle at the satellite, from the incidence angle on the ground (sine rule)."""
    sine = math.sin(math.radians(incidence_deg)) * _EARTH_KM / (_EARTH_KM + _ORBIT_KM)
    return math.degrees(math.asin(sine))
