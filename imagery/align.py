"""Alignment: the nouns. How a shift field is estimated is in `imagery.register`."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from imagery.lattice import Lattice
from imagery.raster import FloatArray, Window

Verdict = Literal["ok", "georeference", "refused"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ShiftField:
    """A smooth displacement on a coarse lattice over a grid (a `Displacement`).

    Parameters
    ----------
    d_row, d_col : float32 (lattice row, lattice col)
        The content of grid pixel (r, c) lies at (r + d_row, c + d_col) of the other image, in grid pixels.
    step_px : float
        Lattice spacing.
    origin_px : float
        Position of lattice node (0, 0), the same for rows and columns.
    """

    d_row: FloatArray
    d_col: FloatArray
    step_px: float
    origin_px: float = 0.0

    @classmethod
    def constant(cls, d_row: float, d_col: float) -> "ShiftField":
        """The same shift everywhere."""
        return cls(
            d_row=np.full((1, 1), d_row, np.float32), d_col=np.full((1, 1), d_col, np.float32), step_px=1.0
        )

    @property
    def is_zero(self) -> bool:
        """Whether nothing moves, so that nothing needs resampling."""
        return not (np.any(self.d_row) or np.any(self.d_col))

    def at(self, window: Window) -> tuple[FloatArray, FloatArray]:
        """Offsets over `window`, bilinear between lattice nodes, constant beyond them."""
        by_row = Lattice(nodes=self.d_row, step_px=self.step_px, origin_px=self.origin_px)
        by_col = Lattice(nodes=self.d_col, step_px=self.step_px, origin_px=self.origin_px)
        return by_row.at(window), by_col.at(window)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "d_row": self.d_row.tolist(), "d_col": self.d_col.tolist(),
            "step_px": self.step_px, "origin_px": self.origin_px,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> "ShiftField":
        """Inverse of `as_dict`."""
        return cls(
            d_row=np.array(d["d_row"], np.float32), d_col=np.array(d["d_col"], np.float32),
            step_px=d["step_px"], origin_px=d["origin_px"],
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Alignment:
    """How well two images lie on each other after the shift field is applied.

    Parameters
    ----------
    shift : ShiftField
        Applied to *after*, in pixels of *before*.
    residual_px, p95_px : float or None
        Median and 95th percentile of what is left on tie points that were held out of the estimate; None where
        there were none (open water, no structure).
    before_px : float or None
        Median on the same held-out points without any shift.
    tie_points : int
        Tie points kept.
    verdict : {"ok", "georeference", "refused"}
        "georeference": too little structure to measure, the files' own georeference is trusted;
        "refused": the pair must not be compared.
    reason : str or None
        Why, for any verdict but "ok".
    """

    shift: ShiftField
    residual_px: float | None
    p95_px: float | None
    before_px: float | None
    tie_points: int
    verdict: Verdict
    reason: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "shift": self.shift.as_dict(), "residual_px": self.residual_px, "p95_px": self.p95_px,
            "before_px": self.before_px, "tie_points": self.tie_points, "verdict": self.verdict,
            "reason": self.reason,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> "Alignment":
        """Inverse of `as_dict`."""
        return cls(**{**d, "shift": ShiftField.from_dict(d["shift"])})
