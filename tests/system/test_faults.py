"""Bad input and faults, through the command line: what is said, the exit code, and what is left behind."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine

from flows.cli import call
from tests.system.plain_images import PIXELS, RGB, assert_nothing_left, runs, without_privileges, write_plain
from tests.unit.imagery.rasters import NORTH_UP, texture, write

NOT_PLACED: dict[str, Any] = {"crs": None, "transform": None}

Say = Callable[..., tuple[int, str, dict[str, Any]]]


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return write_plain(tmp_path)


@pytest.fixture
def diff(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs ``sitewatch diff --json``: exit code, stderr on one line, document."""

    def run(*args: str | Path) -> tuple[int, str, dict[str, Any]]:
        code = call(["diff", *map(str, args), "--out", str(tmp_path / "out"), "--json"])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.err.replace("\n", " "), json.loads(said.out)

    return run


def cut(path: Path, pixels: Any = PIXELS, **options: Any) -> Path:
    whole = write(path.with_name("whole" + path.suffix), pixels, **options)
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return path


def damaged(path: Path) -> Path:
    write(path, PIXELS, compress="lzw", tiled=True, blockxsize=64, blockysize=64)
    content = bytearray(path.read_bytes())
    content[-8000:-4000] = b"\xff" * 4000
    path.write_bytes(content)
    return path


def text(path: Path, content: str = "notes about the harbour\n") -> Path:
    path.write_text(content)
    return path


VRT = '<VRTDataset rasterXSize="9" rasterYSize="9"><SourceFilename>/etc/passwd</SourceFilename></VRTDataset>'
UNUSABLE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "truncated GeoTIFF": (lambda f: cut(f / "after.tif"), "damaged or cut short"),
    "truncated PNG": (lambda f: cut(f / "after.png", **NOT_PLACED), "damaged or cut short"),
    "truncated JPEG": (lambda f: cut(f / "after.jpg", **NOT_PLACED), "damaged or cut short"),
    "truncated JPEG 2000": (lambda f: cut(f / "after.jp2"), "damaged or cut short"),
    "corrupt": (lambda f: damaged(f / "after.tif"), "damaged or cut short"),
    "text": (lambda f: text(f / "after.tif"), "holds text"),
    "empty": (lambda f: text(f / "after.tif", ""), "is empty"),
    "VRT": (lambda f: text(f / "after.vrt", VRT), "VRT"),
    "VRT named .tif": (lambda f: text(f / "after.tif", VRT), "VRT"),
    "missing": (lambda f: f / "after.tif", "no such file"),
    "folder": (lambda f: f, "not a file"),
    "name too long": (lambda f: f / ("n" * 300), "too long"),
    "missing bands": (lambda f: write(f / "after.tif", PIXELS[:1], names=("nir",)), "no band in common"),
    "wrong CRS": (lambda f: write(f / "after.tif", PIXELS, crs="EPSG:4326"), "do not belong to its CRS"),
    "another zone": (lambda f: write(f / "after.tif", PIXELS, crs="EPSG:32637"), "do not show the same place"),
    "no overlap": (
        lambda f: write(f / "after.tif", PIXELS, transform=NORTH_UP * Affine.translation(5000, 0)),
        "do not show the same place",
    ),
    "differing GSD": (
        lambda f: write(f / "after.tif", PIXELS, transform=NORTH_UP * Affine.scale(4)), "similar resolution",
    ),
    "one pixel": (lambda f: write(f / "after.tif", PIXELS[:, :1, :1]), "1 x 1 pixels"),
    "complex": (lambda f: write(f / "after.tif", PIXELS.astype(np.complex64)), "complex"),
    "no place, other size": (
        lambda f: write(f / "after.tif", PIXELS[:, :90], **NOT_PLACED), "has no georeference",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", UNUSABLE)
def test_unusable_image_is_named_and_leaves_nothing(
    case: str, tmp_path: Path, plain: Path, diff: Say
) -> None:
    make, says = UNUSABLE[case]
    (tmp_path / "in").mkdir()
    after = make(tmp_path / "in")
    code, err, document = diff(plain, after)
    assert code == 2
    assert says in err
    assert document == {"status": "error", "reason": document["reason"], "exit_code": 2}
    assert says in document["reason"]
    assert after.name in err or case == "missing bands"
    assert_nothing_left(tmp_path / "out")


def test_unreadable_permissions(tmp_path: Path, plain: Path) -> None:
    secret = write(tmp_path / "secret.tif", PIXELS)
    secret.chmod(0)
    answer = without_privileges("diff", plain, secret, "--out", tmp_path / "out")
    assert answer.returncode == 2, answer.stderr
    assert "secret.tif' is not readable" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert_nothing_left(tmp_path / "out")


def blank_float(path: Path) -> Path:
    return write(path, np.full((3, 120, 130), np.nan, np.float32), colours=RGB)


def transparent(path: Path) -> Path:
    return write(path, np.concatenate([PIXELS, np.zeros((1, 120, 130), np.uint8)]), **NOT_PLACED)


def one_value(path: Path) -> Path:
    return write(path, np.full_like(PIXELS, 7), colours=RGB)


@pytest.mark.parametrize(
    ("make", "name"),
    [(blank_float, "after.tif"), (transparent, "after.png"), (one_value, "after.tif")],
    ids=["NaN-filled float", "alpha zero everywhere", "one value everywhere"],
)
@pytest.mark.parametrize("both", [False, True], ids=["one", "both"])
def test_blank_image_is_not_assessable_and_every_tile_says_so(
    make: Callable[[Path], Path], name: str, both: bool, tmp_path: Path, plain: Path, diff: Say
) -> None:
    after = make(tmp_path / name)
    before = after if both else plain
    if after.suffix == ".png" and not both:
        before = write(tmp_path / "before.png", PIXELS, **NOT_PLACED)
    code, _, document = diff(before, after, "--gsd", "10")
    assert code == 3
    assert document["status"] == "not_assessable"
    assert f"the {'before' if both else 'after'} image shows nothing" in document["reason"]
    assert document["changes"] == []
    (run,) = runs(tmp_path / "out")
    ledger = json.loads((run / "tiles.json").read_text())
    assert {tile["outcome"] for tile in ledger["tiles"]} == {"not_assessable"}
    with rasterio.open(run / "evidence.tif") as evidence:
        assert np.isnan(evidence.read()).all()


def palette(folder: Path) -> Path:
    path = folder / "a.png"
    shades = {i: (i, 255 - i, i // 2, 255) for i in range(256)}
    with rasterio.open(path, "w", driver="PNG", count=1, height=120, width=130, dtype="uint8") as out:
        out.write(PIXELS[:1])
        out.write_colormap(1, shades)
    return path


def half_nan(folder: Path) -> Path:
    pixels = PIXELS.astype(np.float32)
    pixels[:, 70:] = np.nan
    return write(folder / "a.tif", pixels, colours=RGB)


def half_transparent(folder: Path) -> Path:
    alpha = np.full((1, 120, 130), 255, np.uint8)
    alpha[0, :40] = 0
    return write(folder / "a.png", np.concatenate([PIXELS, alpha]), **NOT_PLACED)


ODD: dict[str, tuple[Callable[[Path], Path], str | None, float]] = {
    "palette": (palette, "palette", 1.0),
    "alpha": (half_transparent, None, 80 / 120),
    "half NaN": (half_nan, None, 70 / 120),
    "rotated": (
        lambda f: write(f / "a.tif", PIXELS, transform=NORTH_UP * Affine.rotation(30), colours=RGB), None, 1.0,
    ),
    "no CRS": (lambda f: write(f / "a.tif", PIXELS, crs=None, colours=RGB), "no CRS", 1.0),
    "16 bit": (lambda f: write(f / "a.tif", PIXELS.astype(np.uint16) * 100, colours=RGB), "zero", 1.0),
    "one band flat": (
        lambda f: write(f / "a.tif", np.stack([*PIXELS[:2], PIXELS[2] * 0 + 9]), colours=RGB), None, 1.0,
    ),
    "strip": (lambda f: write(f / "a.tif", texture(16, 3000)), None, 1.0),
    "spaces and other letters": (lambda f: write(f / "a b ü 图 'q'.tif", PIXELS, colours=RGB), None, 1.0),
    "long name": (lambda f: write(f / ("n" * 240 + ".tif"), PIXELS, colours=RGB), None, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("case", ODD)
def test_odd_image_against_itself_is_unchanged(case: str, tmp_path: Path, diff: Say) -> None:
    make, note, seen = ODD[case]
    image = make(tmp_path)
    code, _, document = diff(image, image, "--gsd", "10")
    assert (code, document["status"], document["changes"]) == (0, "unchanged", [])
    assert document["valid_fraction"] == pytest.approx(seen, abs=0.02)
    if note:
        assert any(note in line for line in json.loads(Path(document["report"]).read_text())["notes"])


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--gsd", "0"], "0.0 is not in the range"),
        (["--gsd", "nan"], "positive number of metres"),
        (["--gsd", "1e-9"], "0.01 to 20000"),
        (["--min-score", "7"], "7.0 is not in the range"),
        (["--min-score", "nan"], "not a finite number"),
        (["--scorer", "nope"], "no scorer is called"),
        (["--sensor", "sar"], "--quantity"),
        (["--before-time", "2025-02-01", "--after-time", "2025-01-01"], "swap them"),
        (["--before-time", "2025-13-01"], "is not a date"),
    ],
)
def test_absurd_options_are_bad_usage(
    args: list[str], says: str, tmp_path: Path, plain: Path, diff: Say
) -> None:
    code, err, document = diff(plain, plain, *args)
    assert code == 2
    assert says in err
    assert document["exit_code"] == 2
    assert_nothing_left(tmp_path / "out")


def test_addresses_are_not_files(plain: Path, diff: Say) -> None:
    code, err, _ = diff("https://127.0.0.1:9/a.tif", plain)
    assert code == 2
    assert "download" in err


@pytest.mark.parametrize(
    ("days", "code"),
    [
        (("2025:01:02 00:00:00", "2025:01:01 00:00:00"), 2),
        (("2025:01:01 00:00:00", "2025:01:01 00:00:00"), 0),
    ],
    ids=["before is later", "same instant"],
)
def test_dates_in_the_files(days: tuple[str, str], code: int, tmp_path: Path, diff: Say) -> None:
    before, after = (
        write(tmp_path / f"{name}.tif", PIXELS, colours=RGB, tags={"TIFFTAG_DATETIME": day})
        for name, day in zip(("before", "after"), days, strict=True)
    )
    assert diff(before, after)[0] == code


def test_closing_table_without_a_95_percent_residual(
    tmp_path: Path, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    brighter = write(tmp_path / "brighter.tif", PIXELS.astype(np.int16) - 100, colours=RGB)
    assert call(["diff", str(plain), str(brighter), "--out", str(tmp_path / "out")]) == 0
    assert "Alignment:" in capsys.readouterr().out
