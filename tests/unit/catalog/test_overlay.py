"""The pictures: one stretch, everything marked, readable letters, labels beside each other."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from PIL import Image
from shapely.geometry import Polygon

from catalog import captions, ink, panel
from catalog.chips import window_of
from catalog.geometry import north_deg
from catalog.labels import Placer, leader, overlap
from catalog.overlay import WIDTH_PX, tags_of
from catalog.report_build import build_report
from catalog.run import RunRecord, write_run
from catalog.stretch import shared_stretch
from imagery.raster import Raster
from imagery.warp import ArrayReader
from models.change import Link, TileOutcome
from models.compare import Conclusion
from models.zones import ZoneSeen
from tests.unit.catalog.catalog_runs import alignment, appeared, grid_of, moved, raster_of, record, vanished


@pytest.fixture
def made(tmp_path: Path) -> RunRecord:
    return record(tmp_path / "work")


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def near(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (np.abs(picture - np.array(colour)) <= 12).all(axis=-1)


def flat(grid: GeoBox, value: float, spot: tuple[slice, slice] | None = None, bright: float = 200) -> Raster:
    """Grey ground with noise-free corners of the range, and a bright spot."""
    data = np.full((3, *grid.shape), value, np.float32)
    data[:, :40, :40], data[:, :40, 40:80] = 1, 250
    if spot:
        data[:, spot[0], spot[1]] = bright
    return replace(raster_of(grid), data=data)


def test_both_dates_share_one_stretch(made: RunRecord, tmp_path: Path) -> None:
    before, after = flat(made.grid, 80), flat(made.grid, 160)
    paths = write_run(
        replace(
            made, before_reader=ArrayReader(raster=before), after_reader=ArrayReader(raster=after),
            conclusion=replace(made.conclusion, changes=()), site=None, name="plain", simulated=False,
            model=replace(made.model, alignment=alignment(0.0, 0.0)),
        ),
        root=tmp_path / "out",
    )  # fmt: skip
    stretch = shared_stretch((paths.before, paths.after), "dn")
    shown = [
        stretch.shown(r.data[:, 300:301, 300:301], np.ones((1, 1), np.bool_))[0, 0, 0]
        for r in (before, after)
    ]
    picture = pixels(paths.overlay)
    assert picture.shape[1] == WIDTH_PX
    middle = picture[picture.shape[0] // 2]
    assert tuple(np.median(middle[:900], axis=0)) == (shown[0],) * 3
    assert tuple(np.median(middle[1100:], axis=0)) == (shown[1],) * 3
    assert shown[0] < shown[1]


def test_each_kind_is_drawn_in_its_colour_on_its_date(made: RunRecord, tmp_path: Path) -> None:
    grey = ArrayReader(raster=flat(made.grid, 100))
    paths = write_run(
        replace(made, before_reader=grey, after_reader=grey, simulated=False), root=tmp_path / "out"
    )
    picture = pixels(paths.overlay)[150:900]
    left, right = picture[:, : WIDTH_PX // 2], picture[:, WIDTH_PX // 2 :]
    counts = {kind: (near(left, c).sum(), near(right, c).sum()) for kind, c in ink.KIND_COLOURS.items()}
    assert counts["appeared"][1] > 2 * counts["appeared"][0] > 0  # corners only where it is not
    assert counts["vanished"][0] > 2 * counts["vanished"][1] > 0
    assert min(counts["moved"]) > 0


def test_simulated_is_written_large(made: RunRecord, tmp_path: Path) -> None:
    real = write_run(replace(made, simulated=False, name="testbase/real"), root=tmp_path / "out")
    made_up = write_run(made, root=tmp_path / "out")
    assert near(pixels(made_up.overlay), ink.WARNING).sum() > 50_000
    assert near(pixels(real.overlay), ink.WARNING).sum() < 1_000
    chip = next(iter(made_up.chips.values()))
    assert near(pixels(chip), ink.WARNING).any()


def test_what_was_not_assessed_is_hatched_on_both_dates(made: RunRecord, tmp_path: Path) -> None:
    grey = ArrayReader(raster=flat(made.grid, 100))
    base = replace(
        made,
        before_reader=grey,
        after_reader=grey,
        site=None,
        name="a",
        conclusion=replace(made.conclusion, changes=()),
    )
    whole = pixels(write_run(base, root=tmp_path / "out").overlay)
    without = replace(base, name="b", evidence=lambda _: None)
    hatched = pixels(write_run(without, root=tmp_path / "out").overlay)
    differs = (whole[200:900] != hatched[200:900]).any(axis=-1)
    assert differs[:, 50:950].mean() > 0.9
    assert differs[:, 1050:1950].mean() > 0.9


def test_chips_show_the_object_in_about_a_third(made: RunRecord, tmp_path: Path) -> None:
    paths = write_run(made, root=tmp_path / "out")
    assert set(paths.chips) == {change.id for change in made.conclusion.changes}
    change = appeared((100, 120, 160, 190))
    window = window_of(change)
    assert window.shape == (210, 210)
    assert window.row0 == 50
    assert window_of(appeared((5, 5, 7, 7))).shape == (40, 40)
    both = window_of(moved())
    assert both.row0 <= 400
    assert both.col1 >= 510


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (900, 3), (40, 30)])
def test_any_shape_can_be_drawn(tmp_path: Path, shape: tuple[int, int]) -> None:
    made = record(tmp_path / "work", grid=grid_of(shape), changes=())
    assert pixels(write_run(made, root=tmp_path / "out").overlay).shape[1] == WIDTH_PX


def test_a_change_at_the_edge_and_radar_can_be_drawn(tmp_path: Path) -> None:
    grid = grid_of((200, 220), gsd=10.0)
    change = appeared((0, 0, 3, 2), gsd=10.0, label="ship")
    made = record(tmp_path / "work", grid=grid, quantity="gamma0", changes=(change,), sensor="sar")
    paths = write_run(made, root=tmp_path / "out")
    assert shared_stretch((paths.before, paths.after), "gamma0").decibels
    assert paths.chips[change.id].is_file()


def test_every_letter_of_the_captions_exists_in_the_font(made: RunRecord) -> None:
    report = build_report(made, {})
    words = [*captions.footer_lines(report), captions.verdict(report), captions.title(report)]
    for text in words:
        assert "?" not in ink.drawable(text).replace("?", "", text.count("?")), text


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("38 \u00d7 34 m²", "38 x 34 m2"),
        ("Ḥmeimim \u2013 Ğ", "Hmeimim - G"),
        ("12° ± 3", "12° ± 3"),
        ("حميميم", "??????"),
    ],
)
def test_letters_the_font_lacks_are_replaced(text: str, drawn: str) -> None:
    assert ink.drawable(text) == drawn


def test_words_for_pairs_without_result(made: RunRecord) -> None:
    outcomes = (
        TileOutcome(tile="r00c00", outcome="not_assessable", reason="cloud over 93 %", valid_fraction=0.1),
        TileOutcome(tile="r00c01", outcome="unchanged", reason=None, valid_fraction=1.0),
    )
    partly = replace(made, conclusion=Conclusion(changes=(), outcomes=outcomes), status="unchanged")
    report = build_report(partly, {})
    assert captions.verdict(report) == "No change found with a score of 50% or more; 1 of 2 tiles examined."
    assert captions.why_not_assessed(report) == "cloud over 93 %"
    refused = build_report(replace(made, status="not_assessable", reason="no common structure"), {})
    assert captions.verdict(refused).startswith("NOT ASSESSABLE: no common structure.")


def test_words_for_dates(made: RunRecord) -> None:
    day = replace(made, before=replace(made.before, time_known=False), after=None)
    report = build_report(day, {})
    assert captions.when(build_report(made, {}), "before") == "2024-12-04 08:21 UTC"
    assert captions.when(report, "before") == "2024-12-04 (time unknown)"
    assert captions.when(report, "after") == "after-scene.tif (date unknown)"


def test_words_for_alignment(made: RunRecord) -> None:
    def words(**stated: object) -> str:
        model = replace(made.model, alignment=alignment(**stated))
        return captions.alignment_words(build_report(replace(made, model=model), {}))

    assert "0.12 px (0.06 m) median, 95% within 0.31 px" in words()
    assert "georeference is trusted: open sea" in words(
        verdict="georeference", residual_px=None, reason="open sea"
    )
    assert words(verdict="refused", reason="residual 4 px") == "Alignment refused: residual 4 px."
    assert captions.alignment_words(build_report(replace(made, model=None), {})) == "Alignment: not measured."


def test_many_partners_are_counted_and_certainty_is_never_claimed() -> None:
    partners = tuple(f"p{i}" for i in range(9))
    change = replace(appeared(), link=Link(state="ambiguous", margin=0.1, partners=partners), causes=())
    tags = {name: f"V{i}" for i, name in enumerate(partners)}
    assert captions.link_words(change, tags) == "same as V0 or 8 others?"
    assert captions.link_words(change, {}) == "link ambiguous"
    assert [captions.score_words(score) for score in (0.5, 0.987, 0.9999)] == ["50%", "99%", ">99%"]


def test_outlines_stay_outside_the_object_and_closed() -> None:
    ring = [(0.0, 0.0), (40.0, 0.0), (40.0, 30.0), (20.0, 30.0), (20.0, 10.0), (0.0, 10.0), (0.0, 0.0)]
    line = panel.rounded(ring)
    assert line[0] == line[-1]
    assert Polygon(line).buffer(0.01).contains(Polygon(ring))
    assert panel.rounded([(5.0, 5.0), (5.0, 6.0), (5.0, 5.0), (5.0, 5.0)])  # no area: still drawable


def test_words_for_links_and_zones(made: RunRecord) -> None:
    vacated = vanished()
    change = replace(
        appeared(), link=Link(state="ambiguous", margin=0.1, partners=(vacated.id,)), zone_uncertain=True
    )
    tags = tags_of([change, vacated])
    assert captions.link_words(change, tags) == f"same as {tags[vacated.id]}?; or shadow?"
    assert captions.zone_words(change, made.site) == "West apron (?)"
    assert captions.zone_words(vacated, made.site) == "no zone"
    assert sorted(tags.values()) in (["A1", "V2"], ["A2", "V1"])


@pytest.mark.parametrize(
    ("longest", "round_m"),
    [(1.0, 1), (1.9, 1), (2.0, 2), (49, 20), (50, 50), (999, 500), (4000, 2000), (0.07, 0.05)],
)
def test_scale_bars_are_round(longest: float, round_m: float) -> None:
    assert panel.round_length_m(longest) == pytest.approx(round_m)


def test_north_is_true_north_of_the_grid() -> None:
    upright = north_deg(grid_of())
    assert upright == pytest.approx(-1.7, abs=0.2)  # meridian convergence east of the central meridian
    turned = GeoBox((10, 10), grid_of().affine @ Affine.rotation(30), "EPSG:32636")
    assert abs(north_deg(turned) - upright) == pytest.approx(30, abs=0.1)
    assert north_deg(grid_of(crs=None)) is None


boxes = st.tuples(
    st.floats(0, 900), st.floats(0, 900), st.floats(4, 80), st.floats(4, 80)
).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))  # fmt: skip


@given(st.lists(boxes, max_size=40))
def test_labels_never_overlap_and_stay_inside(targets: list[tuple[float, float, float, float]]) -> None:
    placer = Placer(frame=(0, 0, 980, 980), objects=targets)
    placed = [box for target in targets if (box := placer.place(target, (46.0, 24.0)))]
    assert all(b[0] >= 0 and b[1] >= 0 and b[2] <= 980 and b[3] <= 980 for b in placed)
    assert all(overlap(one, other) == 0 for one, other in itertools.combinations(placed, 2))
    assert len(placed) >= min(len(targets), 5)


def test_a_distant_label_gets_a_leader_line() -> None:
    assert leader((50, 0, 90, 20), (0, 0, 40, 20)) is not None
    assert leader((44, 0, 90, 20), (0, 0, 40, 20)) is None


def test_dashes_cover_their_share_of_a_line() -> None:
    pieces = ink._dashed([(0, 0), (60, 0), (60, 60)], (10, 5))
    drawn = sum(np.hypot(b[0] - a[0], b[1] - a[1]) for piece in pieces for a, b in itertools.pairwise(piece))
    assert drawn == pytest.approx(80)


def test_zones_that_could_not_be_seen_are_named(tmp_path: Path) -> None:
    made = record(tmp_path)
    assert made.site is not None
    (zone, *_) = made.site.zones.values()
    hidden = build_report(replace(made, zones=(ZoneSeen(zone=zone.id, on_grid=0.8, seen=0.5),)), {})
    text = captions.unseen_zone_words(hidden)
    assert text == f"Zones not seen, or less than half: {zone.name} (40% seen)."
    assert text in captions.footer_lines(hidden)
    shown = build_report(replace(made, zones=(ZoneSeen(zone=zone.id, on_grid=1.0, seen=0.9),)), {})
    assert captions.unseen_zone_words(shown) == ""
