"""Where labels go: beside what they name, over nothing else."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in picture pixels."""

_DIRECTIONS = ((1, -1), (-1, -1), (1, 1), (-1, 1), (0, -1), (0, 1), (1, 0), (-1, 0))
_GAPS_PX = (4.0, 16.0, 34.0, 58.0, 90.0, 130.0)


def overlap(one: Box, other: Box) -> float:
    """Shared area of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)


@dataclass(kw_only=True)
class Placer:
    """Finds free places inside `frame`.

    Parameters
    ----------
    frame : Box
    objects : list of Box
        What labels should not cover.
    taken : list of Box
        What labels must not cover: earlier labels, scale bar, north arrow.
    """

    frame: Box
    objects: Sequence[Box]
    taken: list[Box] = field(default_factory=list)

    def place(self, target: Box, size: tuple[float, float]) -> Box | None:
        """The box of a label of `size` (width, height) for `target`; None where every place is taken."""
        best: tuple[float, Box] | None = None
        candidates = list(_candidates(target, size))
        reach = (
            min(box[0] for box in candidates), min(box[1] for box in candidates),
            max(box[2] for box in candidates), max(box[3] for box in candidates),
        )  # fmt: skip
        near = [other for other in self.objects if overlap(reach, other) > 0]
        for step, box in enumerate(candidates):
            if not self._inside(box) or any(overlap(box, other) > 0 for other in self.taken):
                continue
            cost = step + sum(overlap(box, other) for other in near) / 10
            if best is None or cost < best[0]:
                best = (cost, box)
        if best is None:
            return None
        self.taken.append(best[1])
        return best[1]

    def _inside(self, box: Box) -> bool:
        x0, y0, x1, y1 = self.frame
        return box[0] >= x0 and box[1] >= y0 and box[2] <= x1 and box[3] <= y1


def _candidates(target: Box, size: tuple[float, float]) -> Iterator[Box]:
    x0, y0, x1, y1 = target
    width, height = size
    for gap in _GAPS_PX:
        for dx, dy in _DIRECTIONS:
            x = x1 + gap if dx > 0 else x0 - gap - width if dx < 0 else (x0 + x1 - width) / 2
            y = y1 + gap if dy > 0 else y0 - gap - height if dy < 0 else (y0 + y1 - height) / 2
            if dx and dy:  # diagonal places start level with the corner, not a gap away in both directions
                y = y0 - height - gap * 0.3 if dy < 0 else y1 + gap * 0.3
            yield x, y, x + width, y + height


def leader(label: Box, target: Box) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Ends of the line from a label to its target; None where they nearly touch."""
    x = min(max((label[0] + label[2]) / 2, target[0]), target[2])
    y = min(max((label[1] + label[3]) / 2, target[1]), target[3])
    start = (min(max(x, label[0]), label[2]), min(max(y, label[1]), label[3]))
    far = (start[0] - x) ** 2 + (start[1] - y) ** 2
    return (start, (x, y)) if far > 7.0**2 else None
