"""Small real runs to write and read back."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import CRS
from shapely.geometry import box

from catalog.run import InputFile, RunRecord
from imagery.align import Alignment, ShiftField
from imagery.copies import sha256_of
from imagery.lattice import Lattice
from imagery.radiometry import Radiometry
from imagery.raster import Quantity, Raster, gsd_m
from imagery.scene import Asset, Scene
from imagery.site import Site, Zone
from imagery.tile import Tile, tiles
from imagery.warp import ArrayReader
from models.change import Change, Link, TileOutcome, change_id
from models.compare import Conclusion, PairModel
from models.detect import Detection
from models.evidence import Noise

BEFORE_TIME = datetime(2024, 12, 4, 8, 21, 7, tzinfo=UTC)
AFTER_TIME = datetime(2024, 12, 20, 8, 23, 41, tzinfo=UTC)
RADIOMETRY = Radiometry(sensor="optical", unit=1.0, gain=np.ones(3), offset=np.zeros(3), local=())
NOISE = Noise(
    brightness=Lattice(nodes=np.full((1, 1), 2, np.float32), step_px=1.0),
    colour=Lattice(nodes=np.full((1, 1), np.inf, np.float32), step_px=1.0),
    radius_px=2,
)
PAIR = "testbase|before-scene|after-scene"


def grid_of(shape: tuple[int, int] = (600, 700), gsd: float = 0.5, crs: str | None = "EPSG:32636") -> GeoBox:
    origin = (765_000.0, 3_923_000.0) if crs else (0.0, 0.0)
    return GeoBox(shape, Affine(gsd, 0, origin[0], 0, -gsd, origin[1]), crs)


def raster_of(grid: GeoBox, quantity: Quantity = "dn", seed: int = 0, bands: int | None = None) -> Raster:
    bands = bands or (3 if quantity in {"dn", "reflectance"} else 2)
    rng = np.random.default_rng(seed)
    rows, cols = grid.shape
    data = rng.normal(110, 12, (bands, rows, cols)).clip(1, 255).round().astype(np.float32)
    if quantity == "reflectance":
        data /= 500
    if quantity in {"gamma0", "sigma0", "beta0"}:
        data = (data / 110) ** 4 * 0.05
    names = (
        ("red", "green", "blue", "nir")[:bands] if quantity in {"dn", "reflectance"} else ("vv", "vh")[:bands]
    )
    valid = np.ones((rows, cols), np.bool_)
    return Raster(data=data.astype(np.float32), valid=valid, bands=names, quantity=quantity, grid=grid)


def detection(
    bbox: tuple[int, int, int, int], kind: str = "appeared", *, gsd: float = 0.5, score: float = 0.9,
    label: str = "aircraft",
) -> Detection:  # fmt: skip
    c0, r0, c1, r1 = bbox
    width, height = (c1 - c0) * gsd, (r1 - r0) * gsd
    return Detection(
        outline_px=((c0, r0), (c1, r0), (c1, r1), (c0, r1), (c0, r0)),
        bbox_px=bbox, centroid_px=((c0 + c1) / 2, (r0 + r1) / 2),
        length_m=max(width, height), width_m=min(width, height), area_m2=width * height, orientation_deg=90.0,
        polarity="brighter", kind=kind, kind_margin=0.8, label=label, score=score, tile="r00c00",
    )  # fmt: skip


def appeared(bbox: tuple[int, int, int, int] = (100, 120, 160, 190), **given: Any) -> Change:
    place = detection(bbox, **given)
    name = change_id(PAIR, "appeared", "g", *place.centroid_px, 0.5)
    return Change(
        id=name, kind="appeared", label=place.label, score=place.score, before=None, after=place, link=Link(),
        tile="r00c00", zone="apron-1", causes=("shadow",),
    )  # fmt: skip


def vanished(bbox: tuple[int, int, int, int] = (300, 200, 350, 230), **given: Any) -> Change:
    place = detection(bbox, "vanished", **given)
    name = change_id(PAIR, "vanished", "g", *place.centroid_px, 0.5)
    return Change(
        id=name, kind="vanished", label=place.label, score=place.score, before=place, after=None, link=Link(),
        tile="r00c00",
    )  # fmt: skip


def moved(
    old: tuple[int, int, int, int] = (400, 400, 430, 420),
    new: tuple[int, int, int, int] = (480, 440, 510, 460),
) -> Change:
    first, second = detection(old, "vanished", label="vehicle"), detection(new, label="vehicle", score=0.7)
    name = change_id(PAIR, "moved", "g", *second.centroid_px, 0.5)
    return Change(
        id=name, kind="moved", label="vehicle", score=0.7, before=first, after=second,
        link=Link(state="linked", margin=1.25, partners=("abc",)), tile="r00c00", displacement_m=44.7,
    )  # fmt: skip


def scene(name: str, acquired: datetime, **given: Any) -> Scene:
    stated: dict[str, Any] = {
        "source": "demo", "collection": "test", "platform": "satellite-1", "sensor": "optical", "quantity": "dn",
        "gsd_m": 0.5, "assets": {"image": Asset(href=f"/archive/{name}.tif", bands=("red", "green", "blue"))},
        "view_off_nadir_deg": 12.5, "view_azimuth_deg": 100.0, "sun_azimuth_deg": 160.0,
        "sun_elevation_deg": 31.0, "licence": "CC-BY-4.0", "attribution": "(c) Test Imagery 2024",
    }  # fmt: skip
    return Scene(id=name, acquired=acquired, **(stated | given))


def site() -> Site:
    zone = Zone(
        id="apron-1", name="West apron", kind="apron", geometry=box(35.9103, 35.4025, 35.9115, 35.4035),
        position_error_m=10.0, confidence="high", source="drawn for the test",
    )  # fmt: skip
    return Site(
        id="testbase", name="Test base", aoi=box(35.90, 35.39, 35.93, 35.42), crs=CRS.from_epsg(32636),
        zones={"apron-1": zone}, attribution="Outlines (c) nobody",
    )  # fmt: skip


def alignment(d_row: float = 0.5, d_col: float = -0.25, **given: Any) -> Alignment:
    stated: dict[str, Any] = {
        "shift": ShiftField.constant(d_row, d_col), "residual_px": 0.12, "p95_px": 0.31, "before_px": 0.7,
        "tie_points": 214, "verdict": "ok",
    }  # fmt: skip
    return Alignment(**(stated | given))


def evidence(tile: Tile) -> np.ndarray[Any, np.dtype[np.float32]]:
    rows, cols = tile.core.shape
    values = np.add.outer(np.arange(rows, dtype=np.float32), np.arange(cols, dtype=np.float32)) / 100
    return values.astype(np.float32)


def source_file(folder: Path, name: str, content: bytes) -> InputFile:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.tif"
    path.write_bytes(content)
    return InputFile(
        date="before" if name.startswith("before") else "after", scene_id=name, href=f"https://archive.test/{name}.tif",
        etag='"1"', length=len(content), sha256=sha256_of(path), path=path,
    )  # fmt: skip


def record(work: Path, *, grid: GeoBox | None = None, quantity: Quantity = "dn", **given: Any) -> RunRecord:
    """A whole small run over `grid`; anything in `given` replaces a field."""
    grid = grid or grid_of()
    cut = tuple(tiles(tuple(grid.shape), size_px=512, halo_px=64))
    changes = given.pop("changes", (appeared(), vanished(), moved()))
    counted = {t.id: sum(t.owns(*reversed(c.place.centroid_px)) for c in changes) for t in cut}
    outcomes = tuple(
        TileOutcome(
            tile=t.id, outcome="changed" if counted[t.id] else "unchanged", reason=None, valid_fraction=1.0,
            changes=counted[t.id],
        )
        for t in cut
    )  # fmt: skip
    before, after = raster_of(grid, quantity, 1), raster_of(grid, quantity, 2)
    model = PairModel(
        sensor="optical",
        gsd_m=gsd_m(grid),
        alignment=alignment(),
        radiometry=RADIOMETRY,
        noise=NOISE,
    )
    made = RunRecord(
        name="testbase/optical_20241204T082107Z_20241220T082341Z", pair=PAIR, site=site(), sensor="optical",
        before=scene("before-scene", BEFORE_TIME), after=scene("after-scene", AFTER_TIME), grid=grid,
        before_reader=ArrayReader(raster=before), after_reader=ArrayReader(raster=after), model=model,
        status="changed" if changes else "unchanged", reason=None, tiles=cut, evidence=evidence,
        conclusion=Conclusion(changes=changes, outcomes=outcomes), valid_fraction=1.0,
        inputs=(source_file(work, "before-scene", b"old"), source_file(work, "after-scene", b"new")),
        parameters={"min_score": 0.5, "tile_px": 512, "halo_px": 64}, simulated=True, seconds=1.5,
    )  # fmt: skip
    return replace(made, **given)
