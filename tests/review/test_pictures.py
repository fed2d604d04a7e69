"""Tiles and crops: the right pixels, the same contrast for both dates, kept by browsers, with and without
georeference."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from catalog.stretch import NODATA_GREY
from review.errors import BadQuestion
from review.palettes import BRIGHTER, DARKER, STEPS, hatched, signed, steps
from review.pixels import Box, read_box
from review.render import Asked, TileAddress, deepest_zoom
from tests.review.conftest import PLAIN_RUN, SITE_RUN, Person, RunningDesk, opened

SITE_KEY = SITE_RUN.replace("/", "_")
KEYS = [SITE_KEY, PLAIN_RUN]


@pytest.fixture(scope="module")
def desk(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    """One desk for all of these: they look and do not answer."""
    shutil.copytree(written, root := tmp_path_factory.mktemp("shared") / "outputs")
    with opened(root) as running:
        yield running


@pytest.fixture(scope="module")
def ana(desk: RunningDesk) -> Person:
    return desk.person("Ana")


def picture(person: Person, address: str, **query: object) -> NDArray[np.uint8]:
    answer = person.get(address, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    found = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)
    return cv2.cvtColor(found, cv2.COLOR_BGRA2RGBA)


def folder(root: Path, key: str) -> Path:
    return root / (SITE_RUN if key == SITE_KEY else PLAIN_RUN)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("date", ["before", "after"])
def test_at_the_deepest_zoom_a_tile_shows_what_is_stored(
    desk: RunningDesk, ana: Person, key: str, date: str
) -> None:
    with rasterio.open(folder(desk.root, key) / f"{date}.tif") as stored:
        block = stored.read((1, 2, 3), window=((0, 256), (256, 512))).astype(np.float32)
        zoom = deepest_zoom(stored.shape)
        width = stored.width - 256
    shown = picture(ana, f"/runs/{key}/tiles/{date}/{zoom}/1/0.png", low=50, high=200, gamma=1)
    wanted = np.moveaxis(np.clip(np.rint((block - 50) / 150 * 255), 0, 255), 0, -1)
    wanted[(block == 0).any(axis=0)] = NODATA_GREY
    seen = shown[:, : min(256, width), :3].astype(int)
    assert np.abs(seen - wanted[:, : seen.shape[1]]).max() <= 1
    assert (shown[:, min(256, width) :, 3] == 0).all(), "beyond the images there is nothing"


def test_both_dates_share_one_contrast(root: Path) -> None:
    """A date that is brighter as a whole is shown brighter: a stretch for each would hide it."""
    path = folder(root, PLAIN_RUN) / "after.tif"
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as stored:
        stored.write(np.minimum(stored.read().astype(int) + 60, 255).astype(np.uint8))
    with opened(root) as desk:
        ana = desk.person("Ana")
        shown = [picture(ana, f"/runs/{PLAIN_RUN}/tiles/{date}/1/0/0.png") for date in ("before", "after")]
    means = [tile[..., :3].mean() for tile in shown]
    assert means[1] - means[0] > 40


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("layer", ["before", "after", "difference", "evidence", "validity", "detectability"])
def test_every_layer_of_every_zoom(ana: Person, key: str, layer: str) -> None:
    for zoom in (0, 1):
        assert picture(ana, f"/runs/{key}/tiles/{layer}/{zoom}/0/0.png").shape == (256, 256, 4)


def test_evidence_and_its_sign(desk: RunningDesk, ana: Person) -> None:
    shown = picture(ana, f"/runs/{SITE_KEY}/tiles/evidence/2/0/0.png")
    with rasterio.open(folder(desk.root, SITE_KEY) / "evidence.tif") as stored:
        values = stored.read(1, window=((0, 256), (0, 256)))
    strong = np.abs(values) > 3
    assert strong.any()
    assert (shown[strong & (values > 0), :3] == BRIGHTER).all()
    assert (np.diff(shown[10, :, 3].astype(int)) >= 0).all(), "the planted evidence grows from left to right"


def test_what_was_not_observed_is_hatched(root: Path) -> None:
    path = folder(root, PLAIN_RUN) / "before.tif"
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as stored:
        values = stored.read()
        values[:, 40:90, 60:120] = 0
        stored.write(values)
    with opened(root) as desk:
        shown = picture(desk.person("Ana"), f"/runs/{PLAIN_RUN}/tiles/validity/1/0/0.png")
    assert (shown[42:88, 62:118, 3] > 0).all()
    assert (shown[4:38, 4:58, 3] == 0).all()
    assert len(np.unique(shown[42:88, 62:118, 3])) == 2, "lines, not only a colour"


def test_where_nothing_was_assessed_all_of_the_image_is_hatched_and_no_more(
    desk: RunningDesk, ana: Person
) -> None:
    shown = picture(ana, f"/runs/{PLAIN_RUN}/tiles/detectability/1/1/1.png")
    assert desk.app.state.shelf.open(PLAIN_RUN).stored.report.detectability is None
    rows, cols = 300 - 256, 420 - 256
    assert (shown[:rows, :cols, 3] > 0).all()
    assert not shown[rows:, :, 3].any()
    assert not shown[:, cols:, 3].any()


def test_a_picture_is_asked_for_once(ana: Person) -> None:
    address = f"/runs/{SITE_KEY}/tiles/before/0/0/0.png"
    first = ana.get(address)
    assert "private" in first.headers["cache-control"]
    again = ana.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = ana.get(address, params={"low": 1, "high": 2})
    assert other.headers["etag"] != first.headers["etag"]
    assert ana.get(address, headers={"If-None-Match": '"x"'}).status_code == 200


@pytest.mark.parametrize(
    ("address", "status"),
    [
        (f"/runs/{SITE_KEY}/tiles/before/7/0/0.png", 404),
        (f"/runs/{SITE_KEY}/tiles/before/-1/0/0.png", 404),
        (f"/runs/{SITE_KEY}/tiles/before/2/99/0.png", 404),
        (f"/runs/{SITE_KEY}/tiles/before/2/{10**30}/0.png", 404),
        (f"/runs/{SITE_KEY}/tiles/report/0/0/0.png", 404),
        (f"/runs/{SITE_KEY}/tiles/before/0/0/0.png?bands=1,2,9", 404),
        (f"/runs/{SITE_KEY}/tiles/before/0/0/0.png?bands=1,2", 422),
        (f"/runs/{SITE_KEY}/tiles/before/0/0/0.png?bands=1;2", 422),
        (f"/runs/{SITE_KEY}/tiles/before/0/0/0.png?low=nan", 422),
        (f"/runs/{SITE_KEY}/tiles/before/0/0/0.png?low=9&high=9", 422),
        (f"/runs/{SITE_KEY}/tiles/before/0/0/0.png?gamma=1e9", 422),
        (f"/runs/{SITE_KEY}/dates/{PLAIN_RUN}/before/0/0/0.png", 404),
        (f"/runs/{SITE_KEY}/crops/{SITE_KEY}/before.png?col=1&row=1&side=0&px=64", 422),
        (f"/runs/{SITE_KEY}/crops/{SITE_KEY}/before.png?col=1&row=1&side=9&px=100000", 422),
        (f"/runs/{SITE_KEY}/crops/{SITE_KEY}/during.png?col=1&row=1&side=9&px=64", 404),
        (f"/runs/{SITE_KEY}/thumbs/nothing.png", 404),
    ],
)
def test_pictures_that_are_not_there(ana: Person, address: str, status: int) -> None:
    answer = ana.get(address)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]


def test_a_run_that_lost_a_file_says_so(root: Path) -> None:
    (folder(root, SITE_KEY) / "evidence.tif").unlink()
    (folder(root, SITE_KEY) / "before.tif").write_bytes(b"no image")
    with opened(root) as desk:
        ana = desk.person("Ana")
        lost = ana.get(f"/runs/{SITE_KEY}/tiles/evidence/0/0/0.png")
        damaged = ana.get(f"/runs/{SITE_KEY}/tiles/before/0/0/0.png")
    assert (lost.status_code, damaged.status_code) == (404, 404)
    assert "evidence.tif" in lost.json()["error"]
    assert "before.tif" in damaged.json()["error"]


def test_crops_of_the_own_and_of_another_date_agree(ana: Person) -> None:
    query = {"col": 300, "row": 200, "side": 128, "px": 128}
    own = picture(ana, f"/runs/{SITE_KEY}/crops/{SITE_KEY}/before.png", **query)
    assert own.shape == (128, 128, 4)
    tile = picture(ana, f"/runs/{SITE_KEY}/tiles/before/2/0/0.png")
    assert (own[:120, :20] == tile[136:256, 236:256]).all()


def test_another_date_lies_where_the_ground_is(desk: RunningDesk, ana: Person) -> None:
    """Read through the map, a raster shows the same pixels as read by its own grid."""
    other = picture(ana, f"/runs/{SITE_KEY}/dates/{SITE_KEY}/after/2/1/0.png")
    own = picture(ana, f"/runs/{SITE_KEY}/tiles/after/2/1/0.png")
    assert np.abs(other.astype(int) - own.astype(int)).max() <= 1


def test_parts_beyond_the_edge_are_outside(desk: RunningDesk) -> None:
    path = folder(desk.root, PLAIN_RUN) / "before.tif"
    read = read_box(path, Box(col0=-10, row0=-20, col1=10, row1=20), (40, 20), (1,))
    assert read.inside[20:, 10:].all()
    assert not read.inside[:20].any()
    assert not read.inside[:, :10].any()
    with rasterio.open(path) as stored:
        assert (read.values[0, 20:, 10:] == stored.read(1, window=((0, 20), (0, 10)))).all()
    nowhere = read_box(path, Box(col0=900, row0=900, col1=950, row1=950), (10, 10), (1,))
    assert not nowhere.inside.any()


def test_palettes() -> None:
    values = np.array([[8.0, -8.0, 0.0, 20.0]], np.float32)
    shown = signed(values, np.array([[True, True, True, False]]), 8.0, ground=None)
    assert tuple(shown[0, 0, :3]) == BRIGHTER
    assert tuple(shown[0, 1, :3]) == DARKER
    assert list(shown[0, :, 3]) == [215, 215, 0, 0]
    lengths = np.array([[5.0, 10.0, np.inf, np.nan]], np.float32)
    classes = steps(lengths, [5.0, 10.0])
    assert [tuple(c) for c in classes[0, :3, :3]] == [STEPS[0], STEPS[1], STEPS[-1]]
    assert classes[0, 3, 3] == 0
    left, right = hatched(np.ones((4, 16), np.bool_), (0, 0)), hatched(np.ones((4, 16), np.bool_), (0, 16))
    assert (np.concatenate([left, right], 1) == hatched(np.ones((4, 32), np.bool_), (0, 0))).all(), (
        "lines join up"
    )


def test_zooms() -> None:
    assert [deepest_zoom(shape) for shape in ((10, 10), (256, 256), (257, 1), (2560, 2560))] == [0, 0, 1, 4]
    assert TileAddress(z=0, x=0, y=0).box((300, 420)) == Box(col0=0, row0=0, col1=512, row1=512)
    with pytest.raises(BadQuestion):
        Asked(bands=(1, 2))
