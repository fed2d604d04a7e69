"""What the ground is made of: mean reflectance, how rough it looks, and its class in a scene classification."""

from dataclasses import dataclass

Colour = tuple[float, float, float, float]
"""Reflectance 0-1 in blue, green, red and near infrared."""

SCL_VEGETATION, SCL_BARE, SCL_WATER = 4, 5, 6


@dataclass(frozen=True, kw_only=True)
class Material:
    """A surface.

    Parameters
    ----------
    colour : Colour
    fine, medium, coarse : float
        Relative brightness variation (1 sigma) over about 1 m, 10 m and 80 m.
    rows_m : float
        Spacing of planted rows; 0 where there are none.
    scl : int
        Class in Sentinel-2's scene classification.
    wet : float
        How much darker it is after rain.
    """

    colour: Colour
    fine: float = 0.03
    medium: float = 0.03
    coarse: float = 0.03
    rows_m: float = 0.0
    scl: int = SCL_BARE
    wet: float = 0.05


def _green(colour: Colour, *, fine: float, medium: float, coarse: float, rows_m: float = 0.0) -> Material:
    return Material(
        colour=colour, fine=fine, medium=medium, coarse=coarse, rows_m=rows_m, scl=SCL_VEGETATION, wet=0.0
    )


MATERIALS: dict[str, Material] = {
    "sea": Material(
        colour=(0.052, 0.042, 0.024, 0.012), fine=0.0, medium=0.0, coarse=0.02, scl=SCL_WATER, wet=0
    ),
    "harbour": Material(
        colour=(0.058, 0.058, 0.036, 0.016), fine=0.0, medium=0.0, coarse=0.04, scl=SCL_WATER, wet=0
    ),
    "shallow": Material(
        colour=(0.075, 0.085, 0.055, 0.022), fine=0.0, medium=0.08, coarse=0.1, scl=SCL_WATER, wet=0
    ),
    "soil": Material(colour=(0.075, 0.105, 0.145, 0.22), fine=0.05, medium=0.06, coarse=0.07, wet=0.12),
    "soil_red": Material(colour=(0.06, 0.085, 0.135, 0.205), fine=0.05, medium=0.05, coarse=0.06, wet=0.12),
    "stubble": Material(colour=(0.09, 0.125, 0.16, 0.25), fine=0.05, medium=0.05, coarse=0.05, rows_m=4.0),
    "crop": _green((0.035, 0.075, 0.045, 0.34), fine=0.04, medium=0.06, coarse=0.08, rows_m=3.0),
    "crop_young": _green((0.055, 0.095, 0.09, 0.26), fine=0.05, medium=0.07, coarse=0.08, rows_m=3.0),
    "orchard": _green((0.035, 0.06, 0.045, 0.27), fine=0.1, medium=0.05, coarse=0.05, rows_m=6.0),
    "scrub": _green((0.06, 0.088, 0.086, 0.21), fine=0.11, medium=0.08, coarse=0.1),
    "grass": _green((0.06, 0.092, 0.09, 0.24), fine=0.07, medium=0.045, coarse=0.10),
    "plastic": Material(
        colour=(0.21, 0.23, 0.235, 0.27), fine=0.04, medium=0.08, coarse=0.03, rows_m=8.0, wet=0
    ),
    "sand": Material(colour=(0.16, 0.21, 0.26, 0.33), fine=0.04, medium=0.05, coarse=0.06, wet=0.1),
    "gravel": Material(colour=(0.13, 0.165, 0.19, 0.24), fine=0.07, medium=0.06, coarse=0.05, wet=0.1),
    "rock": Material(colour=(0.12, 0.14, 0.15, 0.18), fine=0.28, medium=0.1, coarse=0.05, wet=0.05),
    "asphalt": Material(colour=(0.075, 0.085, 0.095, 0.115), fine=0.04, medium=0.05, coarse=0.05, wet=0.12),
    "asphalt_old": Material(colour=(0.105, 0.12, 0.13, 0.155), fine=0.04, medium=0.06, coarse=0.05, wet=0.1),
    "concrete": Material(colour=(0.175, 0.20, 0.215, 0.25), fine=0.03, medium=0.05, coarse=0.05, wet=0.1),
    "concrete_old": Material(colour=(0.14, 0.16, 0.175, 0.205), fine=0.04, medium=0.08, coarse=0.06, wet=0.1),
    "paved": Material(colour=(0.12, 0.135, 0.145, 0.175), fine=0.05, medium=0.05, coarse=0.06, wet=0.08),
}
"""By name; the order gives the numbers of a label map."""

NUMBERS = {name: number for number, name in enumerate(MATERIALS)}
