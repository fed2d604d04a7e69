"""One pass delivered in several collections: which delivery is used in which pair. Pure rules.

A pair is compared in one collection and one processing baseline where there is a choice, so that the archive's
processing does not look like change; else in the most preferred of each date, and that is noted.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from imagery.scene import Scene

Pair = tuple[Scene, Scene]


def unified(
    pairs: Iterable[Pair], alternatives: Mapping[str, Sequence[Scene]], preference: Sequence[str]
) -> list[Pair]:
    """The same dates, each pair in the deliveries that fit together best.

    Parameters
    ----------
    pairs : iterable of (Scene, Scene)
    alternatives : mapping of scene id to sequence of Scene
        Other deliveries of the same pass that show as much of the site.
    preference : sequence of str
        Collections, most preferred first.
    """
    rank = {collection: place for place, collection in enumerate(preference)}

    def cost(pair: Pair) -> tuple[int, int, int]:
        places = [
            rank.get(collection, len(rank)) for scene in pair for collection in sorted(_collections(scene))
        ]
        return len(_collections(*pair)), len(_baselines(*pair)), sum(places)

    return [
        min(product((before, *alternatives.get(before.id, ())), (after, *alternatives.get(after.id, ()))), key=cost)
        for before, after in pairs
    ]  # fmt: skip


def mixed(before: Scene, after: Scene) -> str | None:
    """What differs in how the two dates of a pair were processed, for people; None where nothing is known to."""
    found = []
    if len(_collections(before, after)) > 1:
        found.append(
            f"collections differ ({_listed(_collections(before))} and {_listed(_collections(after))})"
        )
    if len(_baselines(before, after)) > 1:
        found.append(
            f"processing baselines differ ({_listed(_baselines(before))} and {_listed(_baselines(after))})"
        )
    return "; ".join(found) or None


def _collections(*scenes: Scene) -> set[str]:
    return {part.collection for scene in scenes for part in (scene, *scene.siblings)}


def _baselines(*scenes: Scene) -> set[str]:
    stated = {part.processing_baseline for scene in scenes for part in (scene, *scene.siblings)}
    return {baseline for baseline in stated if baseline is not None}


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "unknown"
