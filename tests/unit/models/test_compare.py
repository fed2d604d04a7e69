import json

import numpy as np
import pytest

from imagery.tile import tiles
from models.compare import Comparison, PairModel, compare, compare_tile, halo_px, prepare
from models.score import ModelError, load_scorer
from models.scorers import TreeScorer
from tests.unit.models.planted import block, noisy, reader, shifted, texture

SHAPE = (700, 760)
APPEARED, VANISHED = (120, 500), (480, 180)


def _pair() -> tuple[np.ndarray, np.ndarray]:
    """A light aircraft-sized cross appears at one place and vanishes at another; dim noise and a shift."""
    before, after = texture(SHAPE), texture(SHAPE)
    for image, (row, col) in ((after, APPEARED), (before, VANISHED)):
        block(image, row + 25, col, 10, 60, 235)
        block(image, row, col + 26, 60, 9, 235)
    return noisy(before, 1), noisy(shifted(after, 1.3, -0.8), 2)


def _compared(gsd_m: float = 0.5, **options: object) -> Comparison:
    before, after = (reader(image, gsd_m=gsd_m) for image in _pair())
    arguments = {"sensor": "optical", "pair": "test", "grid_name": "grid", "min_score": 0.3} | options
    return compare(before, after, **arguments)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def compared() -> Comparison:
    return _compared()


def test_planted_objects_are_found_with_kind_size_and_place(compared: Comparison) -> None:
    large = [c for c in compared.conclusion.changes if c.place.length_m > 15]
    kinds = {c.kind: c for c in large if c.kind != "moved"} or {
        "appeared": large[0], "vanished": large[0]
    }  # fmt: skip
    for kind, (row, col) in (("appeared", APPEARED), ("vanished", VANISHED)):
        place = kinds[kind].after if kind == "appeared" else kinds[kind].before
        assert place is not None
        assert place.bbox_px == pytest.approx((col, row, col + 60, row + 60), abs=5)
        assert place.length_m == pytest.approx(30 * np.sqrt(2) / 1.4, abs=9)
    assert compared.status == "changed"


def test_nothing_changed_gives_an_empty_list() -> None:
    before, _ = _pair()
    found = compare(
        reader(before), reader(noisy(shifted(before, 0.6, 0.4), 9)), sensor="optical", pair="p", grid_name="g",
        min_score=0.3,
    )  # fmt: skip
    assert found.status == "unchanged"
    assert found.conclusion.changes == ()


def test_identical_images_are_unchanged() -> None:
    before, _ = _pair()
    found = compare(reader(before), reader(before), sensor="optical", pair="p", grid_name="g", min_score=0.05)
    assert (found.status, found.conclusion.changes) == ("unchanged", ())
    assert found.model.alignment.residual_px == pytest.approx(0, abs=1e-3)


@pytest.fixture
def tile_by_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles that see no more than their halo, as on a grid too large for one piece."""
    monkeypatch.setattr("imagery.tile.WHOLE_PX", 0)
    monkeypatch.setattr("imagery.tile.BLOCK_TILES", 1)


@pytest.fixture(scope="module")
def in_one_tile() -> Comparison:
    """At 6 m the halo is a fraction of the image."""
    return _compared(6.0, min_score=0.05)


def assert_same(one: Comparison, other: Comparison) -> None:
    assert len(one.conclusion.changes) == len(other.conclusion.changes) > 0
    for first, second in zip(one.conclusion.changes, other.conclusion.changes, strict=True):
        assert (first.id, first.kind, first.place.bbox_px) == (second.id, second.kind, second.place.bbox_px)
        assert first.score == pytest.approx(second.score, abs=1e-4)
        assert first.place.outline_px == second.place.outline_px


@pytest.mark.usefixtures("tile_by_tile")
@pytest.mark.parametrize("tile_px", [130, 256, 333])
def test_result_does_not_depend_on_tile_size(in_one_tile: Comparison, tile_px: int) -> None:
    assert halo_px(6.0, "optical") < 120
    assert_same(in_one_tile, _compared(6.0, tile_px=tile_px, min_score=0.05))


def test_the_second_look_at_fine_pixels_does_not_depend_on_tile_size(request: pytest.FixtureRequest) -> None:
    """At 0.5 m the default scorer looks twice; at 6 m there is nothing to look at a second time."""
    default = load_scorer(None, "optical")
    assert [isinstance(default.at(gsd_m), TreeScorer) for gsd_m in (0.5, 6.0)] == [True, False]
    before, after = texture((700, 1500)), texture((700, 1500))
    for image, places in ((after, ((120, 500), (390, 1200))), (before, ((480, 180), (60, 1100)))):
        for row, col in places:
            block(image, row + 25, col, 10, 60, 235)
            block(image, row, col + 26, 60, 9, 235)
            for number in range(4):  # vehicles, some of them on a seam
                block(image, row + 75, col - 120 + 25 * number, 5, 10, 210)
    pair = reader(noisy(before, 1)), reader(noisy(shifted(after, 1.3, -0.8), 2))

    def compared(tile_px: int) -> Comparison:
        return compare(
            *pair, sensor="optical", pair="test", grid_name="grid", min_score=0.05, tile_px=tile_px
        )

    whole = compared(1500)
    assert len(whole.conclusion.changes) > 4
    request.getfixturevalue("tile_by_tile")
    parts = compared(380)
    assert 380 + halo_px(0.5, "optical") < 750  # no tile sees more than half
    assert len(parts.tiles) == 8
    assert_same(whole, parts)


def test_every_tile_has_one_outcome_and_counts_its_changes() -> None:
    found = _compared(tile_px=256)
    assert [outcome.tile for outcome in found.conclusion.outcomes] == [tile.id for tile in found.tiles]
    ends = sum(1 + (change.kind == "moved") for change in found.conclusion.changes)
    assert sum(outcome.changes for outcome in found.conclusion.outcomes) == ends


def test_hidden_tile_is_not_assessable_and_its_evidence_is_nodata() -> None:
    before, after = _pair()
    valid = np.ones(SHAPE, np.bool_)
    valid[:256, :256] = False
    one, two = reader(before, valid=valid), reader(after)
    found = compare(one, two, sensor="optical", pair="p", grid_name="g", tile_px=256)
    outcome, result = found.conclusion.outcomes[0], found.results[0]
    assert outcome.outcome == "not_assessable"
    assert "0%" in (outcome.reason or "")
    assert result.evidence is None
    assert found.valid_fraction == pytest.approx(1 - 256 * 256 / (SHAPE[0] * SHAPE[1]), abs=0.02)


def test_pair_without_common_structure_is_not_assessable() -> None:
    found = compare(
        reader(texture(SHAPE, 1)), reader(texture(SHAPE, 2)), sensor="optical", pair="p", grid_name="g"
    )
    assert found.status == "not_assessable"
    assert "laid on each other" in (found.reason or "")
    assert {o.outcome for o in found.conclusion.outcomes} == {"not_assessable"}
    assert found.conclusion.changes == ()


def test_coarse_pixels_claim_no_object() -> None:
    before, after = _pair()
    found = compare(
        reader(before, gsd_m=120, crs="EPSG:32636"), reader(after, gsd_m=120, crs="EPSG:32636"), sensor="optical",
        pair="p", grid_name="g", min_score=0.05,
    )  # fmt: skip
    assert found.status == "not_assessable"
    assert "120 m" in (found.reason or "")
    assert found.conclusion.changes == ()
    assert found.results[0].evidence is not None


def test_pair_model_survives_json() -> None:
    before, after = _pair()
    model = prepare(reader(before), reader(after), sensor="optical")
    again = PairModel.from_dict(json.loads(json.dumps(model.as_dict())))
    tile = next(iter(tiles(SHAPE, size_px=400, halo_px=halo_px(0.5, "optical"))))
    one = compare_tile(reader(before), reader(after), model, tile)
    two = compare_tile(reader(before), reader(after), again, tile)
    np.testing.assert_array_equal(one.evidence, two.evidence)
    assert one.detections == two.detections


def test_unknown_scorer_is_named() -> None:
    with pytest.raises(ModelError, match=r"no scorer is called 'nonsense'.*optical-4"):
        _compared(scorer="nonsense")
