"""Facts about one image from several places, each remembered with where it comes from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from imagery.sources.facts import Facts


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What one place says.

    Parameters
    ----------
    origin : str
        The place, as a person would name it: "tartus.json", "its TIFF tags", "its file name".
    facts : Facts
    """

    origin: str
    facts: Facts


@dataclass(frozen=True, kw_only=True)
class Known:
    """What several places say together.

    Parameters
    ----------
    facts : Facts
        Of each fact the first place that states it.
    origins : mapping of field name to origin
        One entry per fact that is known.
    """

    facts: Facts
    origins: Mapping[str, str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "origins", MappingProxyType(dict(self.origins)))


def known(layers: Iterable[Layer]) -> Known:
    """Merge places, the most trusted first (see `Facts.over` for what is taken from one place together)."""
    facts = Facts()
    origins: dict[str, str] = {}
    for layer in layers:
        merged = facts.over(layer.facts)
        for name in (f.name for f in fields(Facts)):
            value = getattr(merged, name)
            if value is None:
                origins.pop(name, None)
            elif value != getattr(facts, name) or name not in origins:
                origins[name] = layer.origin
        facts = merged
    return Known(facts=facts, origins=origins)
