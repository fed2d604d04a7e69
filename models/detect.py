"""A detection: one object-sized region that differs between two dates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["appeared", "vanished"]


@dataclass(frozen=True, kw_only=True)
class Detection:
    """One object-sized region of change.

    Parameters
    ----------
    outline_px : tuple of (col, row)
        Closed ring on the pair's grid (pixel-edge coordinates: a pixel spans [c, c+1)).
    bbox_px : tuple of int
        Half-open (col0, row0, col1, row1) on the same grid.
    centroid_px : tuple of float
        (col, row) in pixel-edge coordinates.
    length_m, width_m : float
        Sides of the smallest rotated rectangle around the region.
    area_m2 : float
    orientation_deg : float
        Of the long side, clockwise from grid north, [0, 180).
    polarity : {"brighter", "darker"}
        Whether the place became brighter or darker from before to after.
    kind : {"appeared", "vanished"}
        On which date the object stands there.
    kind_margin : float
        How clear that is, 0 (even) to 1.
    label : str
        What it is most like among what may be claimed at this ground sample distance (see `models.label`); empty until
        it is listed.
    label_probability : float or None
        Of that class, 0-1; None where size alone decides what may be said.
    label_others : tuple of (str, float)
        Other classes with their probabilities.
    score : float
        Estimated probability that this is a real change of that kind, 0-1.
    tile : str
        Id of the tile that owns the centroid.
    causes : tuple of str
        What could mimic it: "shadow", "parallax", "edge" (of what could be seen).
    reasons : tuple of str
        Why it scored so, for a person.
    features : mapping of str to float
        What the scorer saw.
    """

    outline_px: tuple[tuple[float, float], ...]
    bbox_px: tuple[int, int, int, int]
    centroid_px: tuple[float, float]
    length_m: float
    width_m: float
    area_m2: float
    orientation_deg: float
    polarity: Literal["brighter", "darker"]
    kind: Kind
    kind_margin: float
    score: float
    tile: str
    label: str = ""
    label_probability: float | None = None
    label_others: tuple[tuple[str, float], ...] = ()
    causes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    features: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"score must lie in 0-1, got {self.score}")
        col0, row0, col1, row1 = self.bbox_px
        if col1 <= col0 or row1 <= row0:
            raise ValueError(f"empty bbox_px {self.bbox_px}")

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**self.__dict__, "features": dict(self.features)}

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> "Detection":
        """Inverse of `as_dict`, also after a round trip through JSON."""
        return cls(
            **{
                **d,
                "outline_px": tuple((p[0], p[1]) for p in d["outline_px"]),
                "bbox_px": tuple(d["bbox_px"]),
                "centroid_px": tuple(d["centroid_px"]),
                "label_others": tuple((o[0], o[1]) for o in d.get("label_others", ())),
                "causes": tuple(d["causes"]),
                "reasons": tuple(d["reasons"]),
            }
        )
