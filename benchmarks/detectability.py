"""Whether the detectability map is right: implants in real pairs, found or not, and the factors fitted to them.

    python -m benchmarks.detectability CASES [--fit] [--only vehicles] [--rounds N]

With --fit the weights in models/data/detectability/factors.json are fitted anew, to the default scorer as it is, on
one half of the pairs. Then, and without it at once, the map is checked on the other half: implants of 0.5, 1, 1.5 and
2 times the contrast that it asks for, through the whole comparison. Places are kept apart where there are several. Who
fits anew counts up ALGORITHM in models/pair_model.py, as after any change of a scorer.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.optimize import minimize

from benchmarks.detectability_pairs import SPECS, Spec
from benchmarks.pair import REPOSITORY
from benchmarks.patches import GAP_PX, Implant, free_places, is_found, is_touched, put
from imagery.image_file import open_pair
from imagery.raster import Raster, Reader, Window
from imagery.tile import Tile
from imagery.warp import ArrayReader
from models import detectability as model_of
from models.candidates import search_limits
from models.compare import ALGORITHM, PairModel, compare, compare_block, conclude, prepare
from models.evidence import evidence

FACTORS = REPOSITORY / "models" / "data" / "detectability" / "factors.json"
MIN_SCORE = 0.5
LEAST_FOUND = 0.2
"""Of the strongest contrasts tried; below it no contrast can be stated."""
MULTIPLES = (0.5, 1.0, 1.5, 2.0)
SEEDS = {"fit": 1000, "check": 2000}
MOST = {"optical": 160.0, "sar": 25.0}
"""Working units: the strongest contrast tried in the fit."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """A pair in memory, with what is known of it without implants."""

    spec: Spec
    before: ArrayReader
    after: ArrayReader
    model: PairModel
    cells: model_of.Terms
    taken: list[tuple[int, int, int, int]]
    valid: NDArray[np.bool_]

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{Path(self.spec.paths[0]).parent.name} {self.model.gsd_m:.3g} m"

    @property
    def tile(self) -> Tile:
        """All of it."""
        rows, cols = self.valid.shape
        return Tile(id="r00c00", core=Window(row0=0, col0=0, row1=rows, col1=cols), halo_px=0)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One implant and whether it was found, with what stood against it."""

    scene: str
    size: str
    contrast: float
    multiple: float
    threshold: float
    forgiven: float
    texture: float
    fill: float
    found: bool
    touched: bool


def load(spec: Spec, root: Path) -> Scene:
    """Read, crop, average and compare once without implants."""
    pair = open_pair(
        root / spec.paths[0], root / spec.paths[1], gsd_m=spec.gsd_m, sensor=spec.sensor,
        quantity="db" if spec.sensor == "sar" else None,
    )  # fmt: skip
    before, after = (_cropped(reader, spec) for reader in (pair.before, pair.after))
    model = prepare(before, after, sensor=spec.sensor)
    if model.alignment.verdict == "refused":
        raise ValueError(f"{spec.paths[0]}: this cut cannot be aligned; take another")
    rows, cols = before.raster.valid.shape
    whole = Window(row0=0, col0=0, row1=rows, col1=cols)
    found = evidence(before, after, model.alignment.shift, model.radiometry, model.noise, whole)
    side = model_of.cell_px(model.gsd_m)
    cells = model_of.terms(
        found, model.noise, threshold=search_limits(model.gsd_m, model.sensor).thresholds[0],
        cells=model_of.cells_of(whole, side), side_px=side,
    )  # fmt: skip
    tile = Tile(id="r00c00", core=whole, halo_px=0)
    result = compare_block(before, after, model, (tile,))
    changes = conclude(result, model, pair="p", grid_name="g", min_score=0.3).changes
    taken = [end.bbox_px for change in changes for end in (change.before, change.after) if end is not None]
    scene = Scene(
        spec=spec, before=before, after=after, model=model, cells=cells, taken=taken, valid=found.valid
    )
    alignment = model.alignment
    print(f"# {scene.name}: {rows} x {cols} px, {alignment.verdict} {alignment.residual_px}, radius "
          f"{model.noise.radius_px}, {len(taken)} changes of its own", file=sys.stderr)  # fmt: skip
    return scene


def _cropped(reader: Reader, spec: Spec) -> ArrayReader:
    n, (row0, col0, rows, cols) = spec.average, spec.crop
    height, width = (int(size) for size in reader.grid.shape)
    rows, cols = min(rows, height // n - row0), min(cols, width // n - col0)
    window = Window(row0=row0 * n, col0=col0 * n, row1=(row0 + rows) * n, col1=(col0 + cols) * n)
    raster = reader.read(window)
    data = raster.data.reshape(len(raster.bands), rows, n, cols, n).mean(axis=(2, 4))
    valid = raster.valid.reshape(rows, n, cols, n).all(axis=(1, 3))
    a: Any = raster.grid.affine
    grid = GeoBox((rows, cols), a * Affine.scale(n), raster.grid.crs)
    return ArrayReader(
        raster=Raster(data=data.astype(np.float32), valid=valid, bands=raster.bands, quantity=raster.quantity,
                      grid=grid)
    )  # fmt: skip


def implants_in(
    scene: Scene, *, rng: np.random.Generator, multiples: Sequence[float] | None
) -> list[tuple[Implant, dict[str, float]]]:
    """Implants for one comparison, each with what stands against it; `multiples` None draws wide, for the fit."""
    model = scene.model
    sizes = model_of.references(model.gsd_m, model.sensor)
    gap = GAP_PX if model.gsd_m < 1.5 else GAP_PX // 3
    places = free_places(
        scene.taken, scene.valid, sizes, gsd_m=model.gsd_m, gap_px=gap, rng=rng, wanted=60
    )  # fmt: skip
    out = []
    for size, row, col in places:
        here = _terms_at(scene, size, row, col)
        if here is None:
            continue
        if multiples is None:
            least = 0.4 * (here["threshold"] + here["forgiven"])
            contrast = float(np.exp(rng.uniform(np.log(least), np.log(MOST[model.sensor]))))
            multiple = 0.0
        else:
            multiple = float(rng.choice(multiples))
            contrast = multiple * here["demand"]
        if not np.isfinite(contrast):
            continue
        signed = _possible(contrast, here, scene, rng)
        if signed is None:
            continue
        implant = Implant(
            size=size, row=row, col=col, angle_rad=float(rng.uniform(0, np.pi)), contrast=signed,
            date="before" if rng.random() < 0.5 else "after", uneven=bool(rng.random() < 0.5),
            seed=int(rng.integers(1 << 31)),
        )  # fmt: skip
        out.append((implant, here | {"multiple": multiple}))
    return out


def _terms_at(scene: Scene, size: model_of.Reference, row: float, col: float) -> dict[str, float] | None:
    """What the cells under an object say, on average."""
    side, reach = model_of.cell_px(scene.model.gsd_m), size.length_m / scene.model.gsd_m / 2
    rows = slice(max(0, int((row - reach) // side)), int((row + reach) // side) + 1)
    cols = slice(max(0, int((col - reach) // side)), int((col + reach) // side) + 1)
    here = {name: float(np.nanmean(values[rows, cols])) for name, values in scene.cells.__dict__.items()}
    pixel = size.base + size.noise * (here["threshold"] + here["forgiven"]) + size.texture * here["texture"]
    here["demand"] = pixel / size.fill
    return None if np.isnan(list(here.values())).any() else here


def _possible(
    contrast: float, here: dict[str, float], scene: Scene, rng: np.random.Generator
) -> float | None:
    """The contrast with a sign that the pixels can take; None where they can take neither."""
    if scene.model.sensor == "sar":
        return contrast
    white = 250.0 * scene.model.radiometry.unit
    signs = [sign for sign in (1, -1) if 3.0 < here["ground"] + sign * contrast < white]
    return contrast * float(rng.choice(signs)) if signs else None


def trials(scene: Scene, *, rng: np.random.Generator, multiples: Sequence[float] | None) -> list[Trial]:
    """One comparison with implants: through `compare` for the check, with the pair's own model for the fit."""
    model = scene.model
    chosen = implants_in(scene, rng=rng, multiples=multiples)
    implants = [implant for implant, _ in chosen]
    before, after = put(scene.before, implants, model, "before"), put(scene.after, implants, model, "after")
    if multiples is None:
        result = compare_block(before, after, model, (scene.tile,))
        changes = conclude(result, model, pair="p", grid_name="g", min_score=MIN_SCORE).changes
    else:
        changes = compare(
            before, after, sensor=model.sensor, pair="p", grid_name="g", min_score=MIN_SCORE
        ).conclusion.changes
    return [
        Trial(
            scene=scene.name, size=implant.size.name, contrast=abs(implant.contrast), multiple=here["multiple"],
            threshold=here["threshold"], forgiven=here["forgiven"], texture=here["texture"],
            fill=implant.size.fill, found=is_found(implant, changes, model.gsd_m),
            touched=is_touched(implant, changes, model.gsd_m),
        )
        for implant, here in chosen
    ]  # fmt: skip


def fit(tried: Sequence[Trial]) -> dict[str, float | None]:
    """Weights of one size, by maximum likelihood of a logistic in the logarithm of contrast over demand.

    Returns
    -------
    dict
        base, noise, texture and slope; base None where even the strongest contrasts are mostly not found.
    """
    found = np.array([trial.found for trial in tried])
    contrast = np.log([trial.contrast * trial.fill for trial in tried])
    if found[contrast >= np.quantile(contrast, 0.85)].mean() < LEAST_FOUND:
        return {"base": None, "noise": 0.0, "texture": 0.0, "slope": 4.0}
    terms = np.array([(1.0, t.threshold + t.forgiven, t.texture) for t in tried])

    def loss(theta: NDArray[np.float64]) -> float:
        x = contrast - np.log(terms @ np.exp(np.clip(theta[:3], -8, 8)))
        # A few are found or missed whatever their contrast; they must not flatten the curve.
        chance = 0.01 + 0.94 / (1 + np.exp(-np.clip(np.exp(np.clip(theta[3], -2, 3)) * x, -30, 30)))
        return float(-np.log(np.where(found, chance, 1 - chance)).sum() + 0.02 * (theta**2).sum())

    starts = [
        np.log([base, noise, texture, 4.0])
        for base in (2.0, 20.0)
        for noise in (0.3, 1.5)
        for texture in (0.2, 1.5)
    ]
    options = {"maxiter": 6000, "maxfev": 6000}
    results = [minimize(loss, start, method="Nelder-Mead", options=options) for start in starts]
    values = np.exp(np.clip(min(results, key=lambda result: result.fun).x, -8, 8))
    names = ("base", "noise", "texture", "slope")
    return {name: round(float(value), 3) for name, value in zip(names, values, strict=True)}


def refit(kind: str, root: Path, rounds: int) -> None:
    """Fit every size of one table and write it."""
    tried: list[Trial] = []
    for number, spec in enumerate(spec for spec in SPECS[kind] if spec.role == "fit"):
        scene, rng = load(spec, root), np.random.default_rng(SEEDS["fit"] + number)
        for _ in range(rounds):
            tried += trials(scene, rng=rng, multiples=None)
    document = json.loads(FACTORS.read_text())
    for row in document[kind]["sizes"]:
        of_size = [trial for trial in tried if trial.size == row["name"]]
        strongest = round(max(trial.contrast for trial in of_size), 1)
        row.update(fit(of_size) | {"implants": len(of_size), "strongest_tried": strongest})
    document[kind]["fitted_on"] = sorted({trial.scene for trial in tried})
    document[kind] |= {"algorithm": ALGORITHM, "scorer": f"{SPECS[kind][0].sensor}-1", "min_score": MIN_SCORE}
    FACTORS.write_text(json.dumps(document, indent=1) + "\n")


def check(kind: str, root: Path, rounds: int) -> list[Trial]:
    """Implants in the other pairs, through the whole comparison."""
    tried: list[Trial] = []
    for number, spec in enumerate(spec for spec in SPECS[kind] if spec.role == "check"):
        scene, rng = load(spec, root), np.random.default_rng(SEEDS["check"] + number)
        for _ in range(rounds):
            tried += trials(scene, rng=rng, multiples=MULTIPLES)
    return tried


def table(tried: Sequence[Trial], by_scene: bool = False) -> list[str]:
    """Rows of Markdown: found of tried at each multiple, and in brackets those on which anything at all is listed."""
    rows = []
    for size in dict.fromkeys(trial.size for trial in sorted(tried, key=lambda trial: trial.size)):
        for scene in sorted({trial.scene for trial in tried}) if by_scene else [None]:
            cells = []
            for multiple in MULTIPLES:
                here = [
                    t for t in tried if (t.size, t.multiple) == (size, multiple) and scene in (None, t.scene)
                ]
                found, touched = sum(t.found for t in here), sum(t.touched for t in here)
                share = f".{100 * found // len(here):02d}" if here and found < len(here) else "1"
                cells.append(f"{share} ({found} of {len(here)}; {touched})" if here else "-")
            rows.append(f"| {size} {scene or ''} | " + " | ".join(cells) + " |")
    return rows


def main() -> None:
    """Fit where asked for, check, print tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder that holds cases/public")
    parser.add_argument("--fit", action="store_true", help="fit and write the weights first")
    parser.add_argument("--only", choices=SPECS, action="append")
    parser.add_argument(
        "--rounds", type=int, default=6, help="comparisons per pair; the fit takes twice as many"
    )
    args = parser.parse_args()
    for kind in args.only or SPECS:
        if args.fit:
            refit(kind, args.data, 2 * args.rounds)
            model_of._document.cache_clear()
        tried = check(kind, args.data, args.rounds)
        print(f"\n{kind}, checked on {', '.join(sorted({trial.scene for trial in tried}))}")
        print("\n".join(table(tried)), flush=True)
        print("\n".join(table(tried, by_scene=True)), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
