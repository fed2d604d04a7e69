"""File names of PlanetScope, SkySat and Maxar deliveries.

Patterns follow Planet's imagery product specifications and Maxar's product guides.
"""

import re
from datetime import datetime
from pathlib import PurePath

from imagery.sources.facts import Facts, NameFacts, compact_time
from imagery.sources.maxar_metadata import SATELLITES

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_BANDS_BY_COUNT = {
    "maxar": {
        1: ("pan",), 3: ("red", "green", "blue"), 4: ("blue", "green", "red", "nir"),
        8: ("coastal", "blue", "green", "yellow", "red", "rededge", "nir", "nir2"),
    },
    "planet": {
        1: ("pan",), 3: ("red", "green", "blue"), 4: ("blue", "green", "red", "nir"),
        5: ("blue", "green", "red", "rededge", "nir"),
        8: ("coastal", "blue", "green_i", "green", "yellow", "red", "rededge", "nir"),
    },
}  # fmt: skip


# PlanetScope and SkySat

_PLANETSCOPE = re.compile(
    r"^(?P<day>\d{8})_(?P<clock>\d{6})_(?:(?P<fraction>\d{2})_)?(?P<sat>[0-9a-f]{4})(?:_(?P<product>.+))?$"
)
_PLANET_TILE = re.compile(
    r"^(?P<strip>\d{5,9})_(?P<cell>\d{7})_(?P<day>\d{4}-\d{2}-\d{2})_(?P<sat>[0-9a-f]{4})(?:_(?P<product>.+))?$"
)
_SKYSAT = re.compile(
    r"^(?P<day>\d{8})_(?P<clock>\d{6})_(?P<sat>ssc?\d{1,2})(?P<camera>d\d)?_(?P<number>u?\d{4})(?:_(?P<product>.+))?$"
)


def planet(path: PurePath) -> NameFacts | None:
    for pattern, platform in (
        (_PLANETSCOPE, "PlanetScope"),
        (_PLANET_TILE, "PlanetScope"),
        (_SKYSAT, "SkySat"),
    ):
        found = pattern.match(path.stem)
        if found is not None:
            return _planet_file(found, platform)
    return None


def _planet_file(found: re.Match[str], platform: str) -> NameFacts | None:
    parts = found.groupdict()
    acquired = compact_time(parts["day"].replace("-", "") + (parts.get("clock") or ""))
    if acquired is None:
        return None
    product = (parts["product"] or "").lower()
    key = found.string[: -len(product) - 1] if product else found.string
    rendering, rank = _planet_rendering(product)
    if "udm2" in product:
        return NameFacts(key=key, role="quality", quality="udm2", asset="udm2", rendering=rendering)
    if "udm" in product:
        return NameFacts(key=key, role="ignored")
    surface = re.search(r"(?:^|_)sr(?:_|$)", product) is not None
    facts = Facts(
        collection="skysat" if platform == "SkySat" else "planetscope",
        platform=f"{platform} {parts['sat']}",
        sensor="optical",
        quantity="reflectance" if surface else "dn",
        in_db=False,
        acquired=acquired,
        time_known=bool(parts.get("clock")),
        # Planet: surface reflectance is stored times 10,000; 0 is blackfill in every product.
        scale=1e-4 if surface else None,
        offset=0.0 if surface else None,
        nodata=0.0,
        attribution=f"Image © {acquired.year} Planet Labs PBC",
    )
    return NameFacts(
        key=key, facts=facts, rank=rank, rendering=rendering, bands_by_count=_BANDS_BY_COUNT["planet"],
    )  # fmt: skip


_PLANET_RENDERINGS = (
    ("pansharpened", "pan-sharpened"), ("analyticms_sr", "surface reflectance"), ("_sr", "surface reflectance"),
    ("analytic", "analytic"), ("visual", "visual"), ("panchromatic", "panchromatic"),
)  # fmt: skip
"""Word in the name and what it is: sharpest first, then the one with the best radiometry."""


def _planet_rendering(product: str) -> tuple[str, int]:
    for rank, (word, words) in enumerate(_PLANET_RENDERINGS):
        if word in product:
            return words, rank
    return "", len(_PLANET_RENDERINGS)


# Maxar

_MAXAR_ORDER = re.compile(
    r"^(?P<year>\d{2})(?P<month>[A-Z]{3})(?P<day>\d{2})(?P<clock>\d{6})-(?P<bands>[PMSA])(?P<level>\d[A-Z][A-Z0-9])"
    r"(?:_R(?P<row>\d+)C(?P<col>\d+))?-(?P<order>[0-9A-Z]+(?:_\d+)?)(?:_(?P<part>P\d{3}))?"
)
_MAXAR_LONG = re.compile(
    r"^(?P<sat>WV0[1-4]|GE01|QB02|IK01|LG0\d)_(?P<stamp>\d{8}(?:\d{6})?)_(?P<catalogue>[0-9A-F]{16})(?P<rest>.*)$",
    re.IGNORECASE,
)
_MAXAR_RENDERINGS = {
    "S": ("pan-sharpened", 0), "P": ("panchromatic", 1), "M": ("multispectral", 2), "A": ("multispectral", 2),
}  # fmt: skip
"""Letter of the bands in a name: what it is, and its rank, sharpest first."""


def maxar(path: PurePath) -> NameFacts | None:
    found = _MAXAR_ORDER.match(path.stem.upper())
    if found is not None and found["month"] in _MONTHS:
        month = _MONTHS.index(found["month"]) + 1
        acquired = compact_time(f"20{found['year']}{month:02d}{found['day']}{found['clock']}")
        if acquired is None:
            return None
        # Pan and colour of one acquisition start some seconds apart: the part of the order tells, not the time.
        part = f"{found['order']}_{found['part'] or ''}_{acquired:%Y%m%d}"
        tile = "-".join(
            word for word in (found["part"], found["row"] and f"R{found['row']}C{found['col']}") if word
        )
        return _maxar_file(path, "Maxar", acquired, bands=found["bands"], acquisition=part, tile=tile)
    found = _MAXAR_LONG.match(path.stem)
    if found is not None:
        acquired = compact_time(found["stamp"])
        inner = re.search(r"(?:^|[-_])([PMSA])(?:\d[A-Z]|AN|UL)", found["rest"].upper())
        pan = re.search(r"(?:^|[-_])P(?:AN)?(?:[-_\d]|$)", found["rest"].upper()) is not None
        bands = "P" if pan else inner[1] if inner else ""
        code = found["sat"].upper()
        if acquired is None:
            return None
        return _maxar_file(
            path, SATELLITES.get(code, code), acquired, bands=bands,
            acquisition=found["catalogue"].upper(), clock=len(found["stamp"]) == 14,
        )  # fmt: skip
    return None


def _maxar_file(
    path: PurePath,
    platform: str,
    acquired: datetime,
    *,
    bands: str,
    acquisition: str,
    tile: str = "",
    clock: bool = True,
) -> NameFacts:
    rendering, rank = _MAXAR_RENDERINGS.get(bands, ("", 0))
    facts = Facts(
        collection="maxar",
        platform=platform,
        sensor="optical",
        quantity="dn",
        in_db=False,
        acquired=acquired,
        time_known=clock,
        bands=("pan",) if bands == "P" else None,
        nodata=0.0,
        tile=tile or None,
        attribution=f"Image © {acquired.year} Maxar Technologies",
    )
    return NameFacts(
        key=path.stem, facts=facts, rank=rank, rendering=rendering, acquisition=acquisition,
        bands_by_count=_BANDS_BY_COUNT["maxar"],
    )  # fmt: skip
