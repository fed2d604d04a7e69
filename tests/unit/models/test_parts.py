import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyproj import CRS
from shapely import Polygon, box

from imagery.geometry import reprojected
from imagery.raster import Window, gsd_m
from imagery.site import Site, Zone
from imagery.tile import Tile, tiles
from models.change import Change, Link, change_id
from models.detect import Detection
from models.evidence import interval_difference
from models.label import Likeness, claimable, likeness
from models.link import pair_up
from models.objects import dominated, outline_of, rectangle_of
from models.overlap import certainly_lost, rank, without_overlaps
from models.zones import with_zones, zones_seen
from tests.unit.models.planted import reader, texture


def detection(col: float = 50, row: float = 60, length_m: float = 20, **other: object) -> Detection:
    half = length_m
    values: dict[str, object] = {
        "outline_px": ((col, row), (col + 1, row), (col + 1, row + 1), (col, row)),
        "bbox_px": (int(col - half), int(row - half), int(col + half), int(row + half)), "centroid_px": (col, row),
        "length_m": length_m, "width_m": length_m * 0.9, "area_m2": length_m**2 * 0.5, "orientation_deg": 10.0,
        "polarity": "brighter", "kind": "appeared", "kind_margin": 0.9, "label": "aircraft (fighter size)",
        "score": 0.9, "tile": "r00c00", "features": {"tone_0": 150.0, "tone_1": 140.0},
    }  # fmt: skip
    return Detection(**(values | other))  # type: ignore[arg-type]


class TestOutline:
    def test_ring_runs_along_pixel_edges(self) -> None:
        mask = np.zeros((9, 12), np.bool_)
        mask[2:6, 3:10] = True
        ring = outline_of(mask)
        assert Polygon(ring).equals(box(3, 2, 10, 6))
        assert (ring[0] == ring[-1]).all()

    def test_single_pixel(self) -> None:
        mask = np.ones((1, 1), np.bool_)
        assert Polygon(outline_of(mask)).area == pytest.approx(1)

    @given(st.integers(0, 179), st.integers(30, 60), st.integers(8, 20))
    def test_rotated_rectangle_is_measured(self, angle: int, length: int, width: int) -> None:
        rows, cols = np.mgrid[0:120, 0:120] - 60.0 + 0.5
        bearing = np.radians(angle)  # clockwise from up
        along = cols * np.sin(bearing) - rows * np.cos(bearing)
        across = cols * np.cos(bearing) + rows * np.sin(bearing)
        found = rectangle_of(outline_of((np.abs(along) <= length / 2) & (np.abs(across) <= width / 2)))
        assert found[0] == pytest.approx(length, abs=2.5)
        assert found[1] == pytest.approx(width, abs=2.5)
        assert abs((found[2] - angle + 90) % 180 - 90) < 6


class TestIntervalDifference:
    def test_radius_zero_is_the_difference(self) -> None:
        a, b = texture((40, 50)), texture((40, 50), 2)
        np.testing.assert_array_equal(interval_difference(a, b, 0), b - a)

    def test_one_pixel_shift_leaves_nothing(self) -> None:
        a = texture((60, 60))
        b = np.roll(a, 1, axis=2)
        assert np.abs(interval_difference(a, b, 1)[:, 3:-3, 3:-3]).max() < 1e-4

    def test_sign_is_that_of_the_second_date(self) -> None:
        a = np.full((1, 30, 30), 50, np.float32)
        b = a.copy()
        b[0, 10:15, 10:15] = 90
        b[0, 20:25, 20:25] = 20
        found = interval_difference(a, b, 1)
        assert found[0, 12, 12] == 40
        assert found[0, 22, 22] == -30


class TestOverlap:
    def test_best_of_overlapping_stays_whatever_the_order(self) -> None:
        best, worse, far = detection(score=0.9), detection(52, 61, score=0.6), detection(400, 60, score=0.1)
        assert without_overlaps([worse, far, best]) == without_overlaps([best, worse, far]) == [best, far]

    def test_small_piece_inside_goes(self) -> None:
        whole = detection(length_m=40, score=0.8)
        piece = detection(length_m=6, score=0.7)
        assert without_overlaps([piece, whole]) == [whole]

    @given(
        st.lists(
            st.tuples(
                st.integers(0, 90),
                st.integers(0, 90),
                st.integers(4, 40),
                st.integers(4, 40),
                st.integers(5, 99),
            ),
            max_size=24,
        )
    )
    def test_what_is_certainly_lost_changes_nothing_that_stays(
        self, drawn: list[tuple[int, int, int, int, int]]
    ) -> None:
        every = [
            detection(
                bbox_px=(col, row, col + width, row + height), length_m=float(max(width, height)), score=score / 100,
                centroid_px=(col + width / 2, row + height / 2),
            )
            for col, row, width, height, score in drawn
        ]  # fmt: skip
        cores = [Window(row0=0, col0=0, row1=130, col1=60), Window(row0=0, col0=60, row1=130, col1=130)]
        owner = np.array([0 if d.centroid_px[0] < 60 else 1 for d in every], np.int64)
        boxes = np.array([d.bbox_px for d in every], np.int64).reshape(-1, 4)
        ranks = rank(np.array([d.score for d in every]), np.array([d.length_m for d in every]))
        lost = certainly_lost(boxes, ranks, owner, cores)
        left = [d for d, gone in zip(every, lost, strict=True) if not gone]
        assert without_overlaps(left) == without_overlaps(every)

    def test_a_double_in_the_middle_of_a_tile_is_certainly_lost(self) -> None:
        boxes = np.array([[10, 10, 30, 30], [11, 10, 30, 30], [80, 80, 90, 90]])
        core = [Window(row0=0, col0=0, row1=100, col1=100)]
        lost = certainly_lost(boxes, np.array([0.9, 0.5, 0.1]), np.zeros(3, np.int64), core)
        np.testing.assert_array_equal(lost, [False, True, False])

    def test_dominated_marks_the_worse_cut_only(self) -> None:
        boxes = np.array([[0, 0, 20, 20], [1, 0, 20, 20], [50, 50, 60, 60]])
        np.testing.assert_array_equal(dominated(boxes, np.array([0.5, 0.9, 0.1])), [True, False, False])


class TestLink:
    def test_one_clear_partner_is_linked(self) -> None:
        gone, came = detection(kind="vanished"), detection(200, 60)
        pairings, _ = pair_up([gone], [came], 0.5)
        assert [(p.vanished, p.appeared, p.clear) for p in pairings] == [(0, 0, True)]

    def test_vehicles_are_not_linked_however_alike(self) -> None:
        gone = detection(kind="vanished", length_m=6.0, width_m=2.5)
        pairings, plausible = pair_up([gone], [detection(200, 60, length_m=6.0, width_m=2.5)], 0.5)
        assert [p.clear for p in pairings] == [False]
        assert plausible == {0: [0]}

    def test_two_alike_are_ambiguous(self) -> None:
        gone = detection(kind="vanished")
        pairings, plausible = pair_up([gone], [detection(200, 60), detection(220, 90)], 0.5)
        assert not any(p.clear for p in pairings)
        assert plausible == {0: [0, 1]}

    def test_what_the_edge_cuts_off_is_not_linked(self) -> None:
        gone, came = detection(kind="vanished", causes=("edge",)), detection(200, 60)
        assert pair_up([gone], [came], 0.5) == ([], {})

    def test_other_size_is_no_partner(self) -> None:
        pairings, plausible = pair_up([detection(kind="vanished")], [detection(200, 60, length_m=60)], 0.5)
        assert pairings == []
        assert plausible == {0: []}


class TestLabel:
    @pytest.mark.parametrize(
        ("size_m", "fill", "gsd", "expected"),
        [
            ((4.6, 2.0), 0.65, 0.5, "vehicle"),
            ((8.5, 2.6), 0.65, 0.5, "truck"),
            ((22.0, 15.0), 0.32, 0.5, "aircraft (fighter size)"),
            ((35.0, 30.0), 0.30, 0.5, "aircraft (medium)"),
            ((65.0, 55.0), 0.30, 0.5, "aircraft (large)"),
            ((30.0, 2.6), 0.8, 0.5, "container row"),
            ((140.0, 100.0), 0.7, 0.5, "building or ground work"),
            ((1.2, 0.4), 0.9, 0.3, "unknown"),
            ((4.6, 2.0), 0.65, 3.0, "changed spot"),
            ((45.0, 40.0), 0.38, 3.0, "aircraft (large)"),
            ((60.0, 8.0), 0.75, 3.0, "row of vehicles or containers"),
            ((60.0, 50.0), 0.35, 10.0, "large object"),
        ],
    )
    def test_claims_follow_size_and_form_and_shrink_with_the_pixels(
        self, size_m: tuple[float, float], fill: float, gsd: float, expected: str
    ) -> None:
        like = likeness(*size_m, fill * size_m[0] * size_m[1], gsd_m=gsd, sensor="optical")
        assert like.label == expected
        assert like.probability is None or 0.0 < like.probability <= 1.0

    def test_probabilities_add_up_and_name_the_others(self) -> None:
        like = likeness(12.0, 3.0, 24.0, gsd_m=0.5, sensor="optical")
        assert like.probability is not None
        assert like.probability + sum(share for _, share in like.others) <= 1.02
        assert like.others == tuple(sorted(like.others, key=lambda other: -other[1]))

    def test_the_place_moves_the_odds(self) -> None:
        plain, apron, yard = (
            likeness(23.0, 13.0, 140.0, gsd_m=0.5, sensor="optical", zone_kind=kind)
            for kind in (None, "apron", "container_yard")
        )
        chance = [
            dict([(x.label, x.probability), *x.others])["aircraft (fighter size)"]
            for x in (apron, plain, yard)
        ]
        assert chance == sorted(chance, reverse=True)
        assert (
            likeness(70.0, 12.0, 600.0, gsd_m=0.5, sensor="optical", zone_kind="berth").label
            == "ship (50-100 m)"
        )
        assert "ship" not in likeness(70.0, 12.0, 600.0, gsd_m=0.5, sensor="optical", zone_kind="apron").label

    def test_vehicles_are_never_claimed_above_a_metre_and_a_half(self) -> None:
        said = {
            likeness(x, 2.5, 2 * x, gsd_m=g, sensor="optical").label
            for x in (4, 8, 11)
            for g in (2.0, 3.0, 10.0)
        }
        assert not any("vehicle" in s or "truck" in s or "aircraft" in s for s in said)

    @pytest.mark.parametrize(
        ("length_m", "gsd", "listed"), [(2.4, 0.5, False), (2.6, 0.5, True), (20.0, 10.0, True)]
    )
    def test_specks_are_not_listed(self, length_m: float, gsd: float, listed: bool) -> None:
        assert claimable(length_m, gsd_m=gsd, sensor="optical") is listed

    def test_water_makes_ship_like(self) -> None:
        def said(length_m: float) -> Likeness:
            return likeness(length_m, 20, 10 * length_m, gsd_m=10, sensor="sar", zone_kind="basin")

        assert said(90) == Likeness(label="ship-like object")
        assert said(12) == Likeness(label="bright scatterer")


class TestZones:
    def _site(self, error_m: float) -> Site:
        crs = reader(texture((10, 10)), crs="EPSG:32636").grid.crs
        common = {"position_error_m": error_m, "confidence": "high", "source": "test"}
        assert crs is not None
        extents = ((770000, 3919900, 770050, 3920000), (770000, 3919900, 770100, 3920000))
        west, whole = (
            reprojected(box(*extent), CRS.from_epsg(32636), CRS.from_epsg(4326), segment=10.0)
            for extent in extents
        )
        zones = {
            "west": Zone(id="west", name="West", kind="basin", geometry=west, **common),  # type: ignore[arg-type]
            "all": Zone(id="all", name="All", kind="port", geometry=whole, **common),  # type: ignore[arg-type]
        }
        return Site(id="s", name="S", aoi=whole, crs=CRS.from_epsg(32636), zones=zones)

    def _change(self, col: float) -> Change:
        d = detection(col, 100, length_m=30, width_m=8.0, area_m2=170.0)
        return Change(
            id="x",
            kind="appeared",
            label=d.label,
            score=0.9,
            before=None,
            after=d,
            link=Link(),
            tile="r00c00",
        )

    def test_smallest_zone_wins_and_labels(self) -> None:
        grid = reader(texture((200, 200)), crs="EPSG:32636").grid
        assert gsd_m(grid) == pytest.approx(0.5, rel=1e-2)
        west, east = with_zones((self._change(50), self._change(150)), self._site(5), grid, "optical")
        assert (west.zone, west.zone_uncertain, west.label) == ("west", False, "ship (under 50 m)")
        assert (west.after.label, west.after.label_probability) == (west.label, west.label_probability)
        assert east.zone == "all"
        assert west.label_probability > dict(east.after.label_others).get("ship (under 50 m)", 0)

    def test_position_error_makes_it_uncertain(self) -> None:
        grid = reader(texture((200, 200)), crs="EPSG:32636").grid
        (near,) = with_zones((self._change(90),), self._site(10), grid, "optical")
        assert near.zone_uncertain

    def test_what_could_be_seen_of_zones(self) -> None:
        grid = reader(texture((200, 200)), crs="EPSG:32636").grid
        cut = tuple(tiles((200, 200), size_px=100, halo_px=0))

        def evidence(tile: Tile) -> NDArray[np.float32] | None:
            # The western tiles are not assessed but for a strip of 25 columns in the lower one.
            if tile.core.col0 > 0:
                return np.zeros(tile.core.shape, np.float32)
            if tile.core.row0 == 0:
                return None
            return np.where(np.arange(100) < 25, 0, np.nan)[None].repeat(100, axis=0).astype(np.float32)

        far = replace(self._site(5).zones["all"], id="far", geometry=box(10, 10, 11, 11))
        site = self._site(5)
        site = replace(site, zones={**site.zones, "far": far})
        west, whole = zones_seen(site, grid, cut, evidence)
        assert (west.zone, west.seen) == ("west", pytest.approx(0.125, abs=0.01))
        assert (whole.zone, whole.seen) == ("all", pytest.approx(0.5625, abs=0.01))
        assert west.on_grid == pytest.approx(1, abs=0.01)


def test_change_survives_json() -> None:
    d = replace(detection(), causes=("shadow",), reasons=("why",))
    change = Change(
        id="x", kind="moved", label="l", score=0.5, before=d, after=d, tile="t", displacement_m=3.0,
        link=Link(state="linked", margin=4.0, partners=("y",)), causes=("edge",),
    )  # fmt: skip
    assert Change.from_dict(json.loads(json.dumps(change.as_dict()))) == change


def test_change_must_have_the_ends_of_its_kind() -> None:
    with pytest.raises(ValueError, match="vanished"):
        Change(
            id="x",
            kind="vanished",
            label="l",
            score=0.5,
            before=None,
            after=detection(),
            link=Link(),
            tile="t",
        )


@given(st.floats(0, 5000), st.floats(0, 5000), st.sampled_from([0.5, 10.0]))
def test_id_depends_on_pair_kind_and_place_only(col: float, row: float, gsd: float) -> None:
    one = change_id("p", "appeared", "g", col, row, gsd)
    assert one == change_id("p", "appeared", "g", col, row, gsd)
    assert one != change_id("p", "vanished", "g", col, row, gsd)
    assert one != change_id("q", "appeared", "g", col, row, gsd)
    assert one != change_id("p", "appeared", "g", col + 10, row, gsd)
