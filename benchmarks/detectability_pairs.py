"""The real pairs that the detectability map is fitted to and checked on."""

from dataclasses import dataclass

from imagery.raster import Sensor


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A real pair, cut out and perhaps averaged to coarser pixels.

    Parameters
    ----------
    paths : tuple of str
        Below the data folder: before, after.
    role : {"fit", "check"}
    crop : tuple of int
        row0, col0, rows, cols after averaging; the part that the image has of it.
    average : int
        Pixels per side that become one.
    """

    paths: tuple[str, str]
    role: str
    crop: tuple[int, int, int, int]
    average: int = 1
    gsd_m: float | None = 0.5
    sensor: Sensor = "optical"


def _case(
    name: str, role: str, crop: tuple[int, int, int, int], average: int = 1, gsd_m: float = 0.5
) -> Spec:
    ends = "png" if not name.startswith("air") else "jpg"
    paths = f"cases/public/{name}/before.{ends}", f"cases/public/{name}/after.{ends}"
    return Spec(paths=paths, role=role, crop=crop, average=average, gsd_m=gsd_m)


def _radar(name: str, role: str) -> Spec:
    paths = f"cases/public/{name}/before.tif", f"cases/public/{name}/after.tif"
    return Spec(paths=paths, role=role, crop=(0, 0, 500, 560), gsd_m=10.0, sensor="sar")


C00, C03, C18 = "null_c00_b3c7c22d_fc8f9dc5", "null_c03_71252436_d0c3d270", "null_c18_4c9d2482_6627e7c7"
A01, A03, A07 = "air_c01_03f84930_e18dde99", "air_c03_2314c1b5_4e9164aa", "air_c07_12210ad7_3463b88d"
A18, A21 = "air_c18_4c9d2482_996ba764", "air_c21_56e2d3d3_cbd51501"
BAY = "ship_longbeach"
WHOLE = (0, 0, 9999, 9999)
SPECS: dict[str, tuple[Spec, ...]] = {
    "vehicles": (
        _case(C00, "fit", (700, 700, 900, 900)), _case(C03, "fit", (0, 400, 900, 900)),
        _case(A03, "fit", (800, 800, 900, 900)), _case(A07, "fit", (200, 200, 1000, 1000)),
        _case(C18, "check", (700, 0, 900, 768)), _case(A01, "check", (800, 800, 900, 900)),
        _case(A18, "check", (800, 800, 900, 900)), _case(A21, "check", (200, 200, 1000, 1000)),
    ),
    "rows": (
        _case(BAY, "fit", (0, 0, 718, 951), gsd_m=3.0), _case(A03, "fit", WHOLE, 6), _case(A07, "fit", WHOLE, 6),
        _case(A01, "check", WHOLE, 6), _case(A18, "check", WHOLE, 6), _case(A21, "check", WHOLE, 6),
    ),
    "ships": (
        _case(BAY, "fit", WHOLE, 3, gsd_m=3.0), _case(A03, "fit", WHOLE, 12), _case(A07, "fit", WHOLE, 12),
        _case(A18, "check", WHOLE, 12), _case(A21, "check", WHOLE, 12),
        Spec(paths=("landsat7-juelich/LS20010525.tif", "landsat7-juelich/LS20010626.tif"), role="check",
             crop=(0, 0, 600, 600), gsd_m=None),
    ),
    "radar": (
        _radar("sar_latakia_20250803_20251002", "fit"), _radar("sar_latakia_20251002_20251201", "fit"),
        _radar("sar_latakia_20260706_20260805", "check"),
    ),
}  # fmt: skip
