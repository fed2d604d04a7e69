"""Small deliveries as vendors make them: real GeoTIFFs, metadata in the form the vendors document.

One piece of ground, 640 x 480 m, seen by Maxar (panchromatic 0.5 m and multispectral 2 m, in tiles), PlanetScope
(3 m, two frames of one pass, with usable data masks) and SkySat (0.5 m). Objects are given in metres from its upper
left corner, so that all of them show the same thing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.ndimage import gaussian_filter

EPSG = 32636
WEST, NORTH = 500_000.0, 3_900_000.0
WIDTH_M, HEIGHT_M = 640.0, 480.0
FINE_M = 0.5

Box = tuple[float, float, float, float]
"""Metres from the upper left corner: west, north, east, south."""

STAYS: Box = (120, 100, 165, 116)
COMES: Box = (295, 232, 345, 250)
"""Lies across the middle, where tiles and frames meet."""


@dataclass(frozen=True, kw_only=True)
class Extent:
    """A part of the ground, in metres from its upper left corner."""

    west: float = 0.0
    north: float = 0.0
    east: float = WIDTH_M
    south: float = HEIGHT_M

    def transform(self, gsd_m: float) -> Affine:
        return Affine(gsd_m, 0, WEST + self.west, 0, -gsd_m, NORTH - self.north)

    def lonlat(self) -> list[list[float]]:
        to_lonlat = Transformer.from_crs(EPSG, 4326, always_xy=True)
        corners = [
            (self.west, self.north),
            (self.west, self.south),
            (self.east, self.south),
            (self.east, self.north),
        ]
        return [list(to_lonlat.transform(WEST + x, NORTH - y)) for x, y in (*corners, corners[0])]


@cache
def _ground() -> NDArray[np.float64]:
    shape = int(HEIGHT_M / FINE_M), int(WIDTH_M / FINE_M)
    rng = np.random.default_rng(11)
    layers = [(90, 40), (60, 12), (40, 3)]
    return 500.0 + sum(
        a * n / n.std() for a, s in layers if (n := gaussian_filter(rng.normal(size=shape), s)).any()
    )


def pixels(
    gsd_m: float, objects: Sequence[Box], *, seed: int, extent: Extent | None = None
) -> NDArray[np.float64]:
    """Brightness (row, col) of the ground with objects on it, block-averaged to `gsd_m`."""
    extent = extent or Extent()
    fine = _ground().copy()
    for west, north, east, south in objects:
        fine[int(north / FINE_M) : int(south / FINE_M), int(west / FINE_M) : int(east / FINE_M)] += 700
    part = fine[
        int(extent.north / FINE_M) : int(extent.south / FINE_M),
        int(extent.west / FINE_M) : int(extent.east / FINE_M),
    ]
    n = round(gsd_m / FINE_M)
    rows, cols = part.shape[0] // n, part.shape[1] // n
    coarse = part[: rows * n, : cols * n].reshape(rows, n, cols, n).mean(axis=(1, 3))
    return coarse + np.random.default_rng(seed).normal(0, 6, coarse.shape)


def geotiff(
    path: Path, bands: Sequence[NDArray[np.float64]], *, gsd_m: float, extent: Extent, dtype: str = "uint16",
    **options: Any,
) -> Path:  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    rows, cols = bands[0].shape
    options.setdefault("crs", f"EPSG:{EPSG}")
    options.setdefault("transform", extent.transform(gsd_m))
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=len(bands),
        height=rows,
        width=cols,
        dtype=dtype,
        compress="deflate",
        **options,
    ) as out:
        out.write(np.stack(bands).clip(1, np.iinfo(dtype).max).astype(dtype))
    return path


def write_site(path: Path, name: str = "quay") -> Path:
    """A site file with one site a little inside the ground."""
    inner = Extent(west=20, north=20, east=WIDTH_M - 20, south=HEIGHT_M - 20)
    feature = {
        "type": "Feature", "properties": {"site": name, "kind": "aoi", "name": "Test quay"},
        "geometry": {"type": "Polygon", "coordinates": [inner.lonlat()]},
    }  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


# Maxar

IMD = """version = "28.3";
generationTime = 2024-12-11T04:02:11.000000Z;
productOrderId = "{order}_{part}";
productCatalogId = "A01001{catid:>9}0";
imageDescriptor = "{descriptor}";
bandId = "{band_id}";
panSharpenAlgorithm = "None";
numRows = {rows};
numColumns = {cols};
productLevel = "{level}";
productType = "Standard";
numberOfLooks = 1;
radiometricLevel = "Corrected";
radiometricEnhancement = "Off";
bitsPerPixel = 16;
compressionType = "None";
{bands}outputFormat = "GeoTIFF";
BEGIN_GROUP = IMAGE_1
\tsatId = "WV03";
\tmode = "FullSwath";
\tscanDirection = "Forward";
\tCatId = "{catid}";
\tTLCTime = {first:%Y-%m-%dT%H:%M:%S.%f}Z;
\tnumTLC = 2;
\tTLCList = (
\t(0,  0.000000),
\t(6775,  1.355000)\t);
\tfirstLineTime = {first:%Y-%m-%dT%H:%M:%S.%f}Z;
\tavgLineRate = 5000.00;
\tmeanCollectedGSD =   0.347;
\tmeanProductGSD =   0.347;
\tminSunAz = 163.1;
\tmeanSunAz = 163.4;
\tmeanSunEl =  30.6;
\tmeanSatAz = 281.7;
\tmeanSatEl =  63.2;
\tmeanInTrackViewAngle =   9.9;
\tmeanCrossTrackViewAngle = -22.0;
\tmeanOffNadirViewAngle =  24.1;
\tPNIIRS = 4.9;
\tcloudCover = {cloud};
\tresamplingKernel = "CC";
\trevNumber = 47115;
END_GROUP = IMAGE_1
{projected}END;
"""
_PROJECTED = """BEGIN_GROUP = MAP_PROJECTED_PRODUCT
\tearliestAcqTime = {middle:%Y-%m-%dT%H:%M:%S.%f}Z;
\tlatestAcqTime = {middle:%Y-%m-%dT%H:%M:%S.%f}Z;
\tdatumName = "WE";
\tdatumOffset = (
\t     0.000,
\t     0.000,
\t     0.000 );
\tmapProjName = "UTM";
\tmapZone = 36;
\tmapHemi = "N";
\tproductUnits = "M";
\tcolSpacing =  {gsd_m:.2f};
\trowSpacing =  {gsd_m:.2f};
\tproductGSD =  {gsd_m:.2f};
\tDEMCorrection = "Base Elevation";
\tnumGCP = 0;
END_GROUP = MAP_PROJECTED_PRODUCT
"""
ORDER, PART = "015821234010_01", "P001"
_BANDS = {"P": ("P", ("P",)), "M": ("BGRN", ("B", "G", "R", "N")), "S": ("BGRN", ("B", "G", "R", "N"))}
_FOLDERS = {"P": "PAN", "M": "MUL", "S": "PSH"}


def maxar(
    folder: Path, when: datetime, objects: Sequence[Box] = (), *, letter: str = "P", catid: str = "104001009AB12300",
    order: str = ORDER, tiles: int = 2, cloud: float = 0.018, level: str = "LV2A", seed: int = 1,
) -> list[Path]:  # fmt: skip
    """A Standard 2A product in tiles side by side, with .IMD and .TIL; returns the images."""
    gsd_m = 2.0 if letter == "M" else FINE_M
    place = folder / order / f"{order}_{PART}_{_FOLDERS[letter]}"
    stamp = f"{when:%y%b%d%H%M%S}".upper()
    stem = f"{stamp}-{letter}2AS{{tile}}-{order}_{PART}"
    images, entries = [], []
    for col in range(tiles):
        part = Extent(west=col * WIDTH_M / tiles, east=(col + 1) * WIDTH_M / tiles)
        band = pixels(gsd_m, objects, seed=seed + col, extent=part)
        bands = [band * factor for factor in (1.0, 0.95, 0.9, 1.1)[: 1 if letter == "P" else 4]]
        name = stem.format(tile=f"_R1C{col + 1}" if tiles > 1 else "") + ".TIF"
        images.append(geotiff(place / name, bands, gsd_m=gsd_m, extent=part))
        entries.append(f'BEGIN_GROUP = TILE_{col + 1}\n\tfilename = "{name}";\n\tULColOffset = 0;\n'
                       f"END_GROUP = TILE_{col + 1}\n")  # fmt: skip
    whole = stem.format(tile="")
    band_id, groups = _BANDS[letter]
    place.joinpath(f"{whole}.TIL").write_text(
        f'bandId = "{band_id}";\nnumTiles = {tiles};\ntileUnits = "Pixels";\n{"".join(entries)}END;\n'
    )
    place.joinpath(f"{whole}.IMD").write_text(imd(
        when, letter=letter, groups=groups, band_id=band_id, catid=catid, order=order, cloud=cloud, level=level,
        gsd_m=gsd_m,
    ))  # fmt: skip
    place.joinpath(f"{whole}_README.TXT").write_text("(c) Maxar\n")
    return images


def imd(
    when: datetime, *, letter: str = "P", groups: Sequence[str] = ("P",), band_id: str = "P",
    catid: str = "104001009AB12300", order: str = ORDER, cloud: float = 0.018, level: str = "LV2A", gsd_m: float = 0.5,
) -> str:  # fmt: skip
    """Text of an .IMD file."""
    bands = "".join(
        f"BEGIN_GROUP = BAND_{g}\n\tULLon =   33.00000000;\n\tULLat =   35.24000000;\n\tabsCalFactor = 8.9e-03;\n"
        f"END_GROUP = BAND_{g}\n"
        for g in groups
    )
    basic = level == "LV1B"
    projected = "" if basic else _PROJECTED.format(middle=when + timedelta(seconds=1.5), gsd_m=gsd_m)
    return IMD.format(
        order=order, part=PART, catid=catid, descriptor="Basic1B" if basic else "Standard2A", band_id=band_id,
        rows=1200, cols=1800, level=level, bands=bands, first=when, cloud=cloud, projected=projected,
    )  # fmt: skip


def as_xml(text: str, files: Sequence[str] = ()) -> str:
    """The .XML of a product, from its .IMD: the same names in capitals, groups as elements."""
    lines = ['<?xml version="1.0" encoding="UTF-8" standalone="yes"?>', "<isd>", "<IMD>"]
    for line in text.splitlines():
        name, _, value = (part.strip(' \t;"') for part in line.partition("="))
        if name == "BEGIN_GROUP":
            lines.append(f"<{value.removesuffix('_1')}>")
        elif name == "END_GROUP":
            lines.append(f"</{value.removesuffix('_1')}>")
        elif value and "(" not in value:
            lines.append(f"<{name.upper()}>{value}</{name.upper()}>")
    tiles = "".join(f"<TILE><FILENAME>{file}</FILENAME></TILE>" for file in files)
    return "\n".join([*lines, "</IMD>", f"<TIL>{tiles}</TIL>", "</isd>"])


# Planet


def planetscope(
    folder: Path, when: datetime, objects: Sequence[Box] = (), *, satellite: str = "24a7", cloud: Box | None = None,
    extent: Extent | None = None, seed: int = 1, suffix: str = "_clip", visual: bool = False,
) -> Path:  # fmt: skip
    """One PSScene of an order: 8-band surface reflectance, UDM2, and the item's metadata; returns the image."""
    extent = extent or Extent()
    item = f"{when:%Y%m%d_%H%M%S}_{when.microsecond // 10_000:02d}_{satellite}"
    place = folder / "PSScene"
    band = pixels(3.0, objects, seed=seed, extent=extent)
    bands = [band * factor for factor in (0.8, 0.85, 0.9, 0.95, 1.0, 1.0, 1.05, 1.2)]
    image = geotiff(
        place / f"{item}_3B_AnalyticMS_SR_8b{suffix}.tif", bands, gsd_m=3.0, extent=extent, nodata=0
    )
    if visual:
        geotiff(
            place / f"{item}_3B_Visual{suffix}.tif", [band / 8] * 4, gsd_m=3.0, extent=extent, dtype="uint8"
        )
    udm2 = _udm2(band.shape, 3.0, extent, cloud)
    _write_mask(place / f"{item}_3B_udm2{suffix}.tif", udm2, 3.0, extent)
    properties = {
        "acquired": f"{when:%Y-%m-%dT%H:%M:%S.%f}Z", "anomalous_pixels": 0, "clear_percent": 97, "cloud_cover": 0.01,
        "cloud_percent": 1, "ground_control": True, "gsd": 3.9, "instrument": "PSB.SD", "item_type": "PSScene",
        "pixel_resolution": 3, "provider": "planetscope", "publishing_stage": "finalized",
        "quality_category": "standard", "satellite_azimuth": 97.9, "satellite_id": satellite, "strip_id": "7654321",
        "sun_azimuth": 157.3, "sun_elevation": 29.4, "view_angle": 4.1,
    }  # fmt: skip
    _planet_item(place, item, properties, extent)
    return image


def skysat(
    folder: Path, when: datetime, objects: Sequence[Box] = (), *, satellite: str = "ssc6", seed: int = 1,
    renderings: Sequence[str] = ("analytic", "pansharpened", "panchromatic", "visual"),
) -> dict[str, Path]:  # fmt: skip
    """One SkySatCollect of an order: its renderings with their masks, and the item's metadata."""
    extent = Extent()
    item = f"{when:%Y%m%d_%H%M%S}_{satellite}_u0001"
    place, images = folder / "SkySatCollect", {}
    band = pixels(FINE_M, objects, seed=seed)
    for name in renderings:
        count, dtype = {"panchromatic": (1, "uint16"), "visual": (4, "uint8")}.get(name, (4, "uint16"))
        bands = [band * factor / (8 if dtype == "uint8" else 1) for factor in (1.0, 0.95, 0.9, 1.1)[:count]]
        images[name] = geotiff(place / f"{item}_{name}.tif", bands, gsd_m=FINE_M, extent=extent, dtype=dtype)
        if name != "visual":
            _write_mask(
                place / f"{item}_{name}_udm2.tif", _udm2(band.shape, FINE_M, extent, None), FINE_M, extent
            )
    properties = {
        "acquired": f"{when:%Y-%m-%dT%H:%M:%S}Z", "cloud_cover": 0.02, "cloud_percent": 2, "gsd": 0.72,
        "item_type": "SkySatCollect", "pixel_resolution": 0.5, "provider": "skysat", "satellite_azimuth": 210.4,
        "satellite_id": satellite.upper(), "sun_azimuth": 163.0, "sun_elevation": 30.1, "view_angle": 18.3,
    }  # fmt: skip
    _planet_item(place, item, properties, extent)
    return images


def _udm2(shape: tuple[int, ...], gsd_m: float, extent: Extent, cloud: Box | None) -> NDArray[np.uint8]:
    """Clear, snow, shadow, light haze, heavy haze, cloud, confidence, unusable data."""
    mask = np.zeros((8, *shape), np.uint8)
    mask[0] = 1
    mask[6] = 95
    if cloud is not None:
        rows = slice(*(max(0, int((y - extent.north) / gsd_m)) for y in (cloud[1], cloud[3])))
        cols = slice(*(max(0, int((x - extent.west) / gsd_m)) for x in (cloud[0], cloud[2])))
        mask[0, rows, cols], mask[5, rows, cols] = 0, 1
    return mask


def _write_mask(path: Path, mask: NDArray[np.uint8], gsd_m: float, extent: Extent) -> None:
    with rasterio.open(
        path, "w", driver="GTiff", count=8, height=mask.shape[1], width=mask.shape[2], dtype="uint8",
        crs=f"EPSG:{EPSG}", transform=extent.transform(gsd_m), compress="deflate",
    ) as out:  # fmt: skip
        out.write(mask)


def _planet_item(folder: Path, item: str, properties: dict[str, Any], extent: Extent) -> None:
    document = {
        "_links": {"_self": f"https://api.planet.example/items/{item}"}, "_permissions": [], "assets": ["ortho_udm2"],
        "geometry": {"type": "Polygon", "coordinates": [extent.lonlat()]}, "id": item, "properties": properties,
        "type": "Feature",
    }  # fmt: skip
    folder.joinpath(f"{item}_metadata.json").write_text(json.dumps(document))
    folder.parent.joinpath("manifest.json").write_text(json.dumps({"name": "", "files": []}))


PLANET_XML = """<?xml version="1.0" encoding="UTF-8"?>
<ps:EarthObservation xmlns:gml="http://www.opengis.net/gml" xmlns:eop="http://earth.esa.int/eop"
    xmlns:opt="http://earth.esa.int/opt" xmlns:ps="http://schemas.planet.com/ps/v1/planet_product_metadata">
  <gml:using>
    <eop:EarthObservationEquipment>
      <eop:platform><eop:Platform><eop:shortName>PlanetScope</eop:shortName>
        <eop:serialIdentifier>1044</eop:serialIdentifier></eop:Platform></eop:platform>
      <eop:sensor><ps:Sensor><eop:sensorType>OPTICAL</eop:sensorType>
        <eop:resolution uom="m">3.0000</eop:resolution></ps:Sensor></eop:sensor>
      <eop:acquisitionParameters><ps:Acquisition>
        <eop:incidenceAngle uom="deg">4.4</eop:incidenceAngle>
        <opt:illuminationAzimuthAngle uom="deg">157.25</opt:illuminationAzimuthAngle>
        <opt:illuminationElevationAngle uom="deg">29.5</opt:illuminationElevationAngle>
        <ps:azimuthAngle uom="deg">98.1</ps:azimuthAngle>
        <ps:spaceCraftViewAngle uom="deg">-3.9</ps:spaceCraftViewAngle>
        <ps:acquisitionDateTime>2019-12-10T08:12:45+00:00</ps:acquisitionDateTime>
      </ps:Acquisition></eop:acquisitionParameters>
    </eop:EarthObservationEquipment>
  </gml:using>
  <gml:resultOf><ps:EarthObservationResult>
    <opt:cloudCoverPercentage uom="percentage">3.0</opt:cloudCoverPercentage>
  </ps:EarthObservationResult></gml:resultOf>
</ps:EarthObservation>
"""


def everything(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path there."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
