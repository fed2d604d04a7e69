"""Names of bands, and which bands of two images belong together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from imagery.errors import UnusablePair

Mix = tuple[tuple[float, ...], ...]
"""One row of weights over an image's bands per band that is delivered."""

_ALIASES = {
    "r": "red", "g": "green", "b": "blue", "n": "nir", "gray": "pan", "grey": "pan", "mono": "pan",
    "panchromatic": "pan", "nearinfrared": "nir", "nir1": "nir", "rededge1": "rededge", "coastalblue": "coastal",
    "b01": "coastal", "b02": "blue", "b03": "green", "b04": "red", "b05": "rededge071", "b06": "rededge075",
    "b07": "rededge078", "b08": "nir", "b8a": "nir08", "b09": "nir09", "b11": "swir16", "b12": "swir22",
}  # fmt: skip
_KNOWN = frozenset(_ALIASES.values()) | {"vv", "vh", "hh", "hv", "yellow", "swir", "nir2", "coastal"}
_LUMA = {"red": 0.299, "green": 0.587, "blue": 0.114}
POLARISATIONS = frozenset({"vv", "vh", "hh", "hv"})


def canonical(name: str) -> str | None:
    """The common name behind a band's description ("B04", "Red", "near infrared"); None where unknown."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    plain = re.sub(r"^b(\d)$", r"b0\1", plain)
    plain = _ALIASES.get(plain, plain)
    return plain if plain in _KNOWN else None


def is_anonymous(name: str) -> bool:
    """Whether a name only counts ("band1")."""
    return re.fullmatch(r"band\d+", name) is not None


@dataclass(frozen=True, kw_only=True)
class BandMatch:
    """How two images' bands are brought together.

    Parameters
    ----------
    bands : tuple of str
        What is delivered for both.
    before, after : tuple of tuple of float
        Weights over the images' own bands, one row per delivered band.
    note : str or None
        What was left out or combined.
    """

    bands: tuple[str, ...]
    before: Mix
    after: Mix
    note: str | None = None


def match(before: Sequence[str], after: Sequence[str]) -> BandMatch:
    """Bands by common name; else in order where the counts agree; else brightness.

    Raises
    ------
    UnusablePair
        Both images name their bands and have none in common.
    """
    common = tuple(name for name in before if name in after and not is_anonymous(name))
    if common:
        left = [name for name in (*before, *after) if name not in common]
        note = f"only the bands both images have are compared: {', '.join(common)}" if left else None
        return BandMatch(bands=common, before=_pick(before, common), after=_pick(after, common), note=note)
    anonymous = any(map(is_anonymous, (*before, *after)))
    if len(before) == len(after) and (anonymous or before[0] == after[0]):
        return _in_order(before, after)
    if "pan" in (*before, *after) or anonymous:
        return BandMatch(
            bands=("pan",),
            before=(_brightness(before),),
            after=(_brightness(after),),
            note=f"the images have different bands ({', '.join(before)} / {', '.join(after)}): "
            "their brightness is compared",
        )
    raise UnusablePair(
        f"the images have no band in common ({', '.join(before)} / {', '.join(after)}); "
        "give two images of the same bands"
    )


def _in_order(before: Sequence[str], after: Sequence[str]) -> BandMatch:
    # The names of the image that states them hold for both.
    names = tuple(a if is_anonymous(b) else b for b, a in zip(before, after, strict=True))
    unit = _pick(before, before)
    named = tuple(before) == tuple(after)
    note = None if named or len(names) == 1 else "one image does not name its bands: taken in the same order"
    return BandMatch(bands=names, before=unit, after=unit, note=note)


def _pick(own: Sequence[str], wanted: Sequence[str]) -> Mix:
    return tuple(tuple(float(i == list(own).index(name)) for i in range(len(own))) for name in wanted)


def _brightness(own: Sequence[str]) -> tuple[float, ...]:
    if "pan" in own:
        return tuple(float(name == "pan") for name in own)
    if set(_LUMA) <= set(own):
        return tuple(_LUMA.get(name, 0.0) for name in own)
    # Three unnamed bands are red, green, blue far more often than not; of four the fourth is infrared.
    if len(own) in {3, 4} and all(map(is_anonymous, own)):
        return (*_LUMA.values(), 0.0)[: len(own)]
    return (1.0 / len(own),) * len(own)
