"""Which software made a result."""

import platform
from functools import cache
from importlib.metadata import version

import rasterio

import imagery
from models.compare import ALGORITHM

LIBRARIES = (
    "numpy",
    "scipy",
    "scikit-image",
    "opencv-python-headless",
    "rasterio",
    "odc-geo",
    "pyproj",
    "shapely",
)


@cache
def versions() -> dict[str, str]:
    """Name to version of everything that can change a result; "sitewatch-algorithm" names the method itself."""
    own = {"sitewatch": imagery.__version__, "sitewatch-algorithm": ALGORITHM}
    system = {"python": platform.python_version(), "gdal": rasterio.__gdal_version__}
    return own | system | {name: version(name) for name in LIBRARIES}
