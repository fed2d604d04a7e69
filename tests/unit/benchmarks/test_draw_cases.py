"""Drawn airports: the same for the same number, nothing inside anything else, and labels that say what was drawn."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import draw_cases
from benchmarks.airport_plan import SIDE_M, airport
from benchmarks.airport_traffic import dates_of
from catalog.cases import load_cases
from imagery.simulate.airliner import SIZES, random_airliner
from imagery.simulate.truth import footprint


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    draw_cases.draw(folder, 3)
    return folder


def test_a_number_names_one_airport() -> None:
    one, again, other = airport(3), airport(3), airport(4)
    assert one.stands == again.stands
    assert one.stands != other.stands
    first, second = (dates_of(port, 3) for port in (one, again))
    assert [(p.x, p.y) for p in first.before] == [(p.x, p.y) for p in second.before]


def test_nothing_stands_inside_anything_else() -> None:
    dates = dates_of(airport(3), 3)
    for there in (dates.before, dates.after):
        shapes = [footprint(p) for p in there]
        assert not any(a.intersects(b) for a, b in combinations(shapes, 2))
    assert dates.before != dates.after


def test_aircraft_have_the_size_of_their_type(rng: np.random.Generator) -> None:
    longest = max(length_m for _, length_m, *_ in SIZES)
    for most_m in (22.0, 46.0, 76.0):
        thing = random_airliner(rng, most_m)
        reach = np.ptp(np.vstack([part.outline for part in thing.parts]), axis=0)
        assert reach[0] == pytest.approx(thing.length_m, rel=0.05)
        assert reach[1] == pytest.approx(thing.width_m, rel=0.05)
        assert thing.length_m <= 1.05 * min(most_m, longest)


def test_every_third_airport_has_vehicles_labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    black = np.zeros((8, 8, 3), np.uint8)
    nothing: dict[str, list[object]] = {
        key: [] for key in ("appeared", "vanished", "occupied_both", "ambiguous")
    }
    monkeypatch.setattr(
        draw_cases, "pictures", lambda _: ([black, black], {"aircraft": nothing, "vehicle": nothing})
    )
    for number in range(4):
        draw_cases.draw(tmp_path, number)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "sim_aircraft_airport_000", "sim_aircraft_airport_001", "sim_aircraft_airport_002",
        "sim_aircraft_airport_003", "sim_vehicle_airport_000", "sim_vehicle_airport_003",
    ]  # fmt: skip


def test_labels_lie_in_the_picture_and_what_was_replaced_is_not_judged(drawn: Path) -> None:
    cases = load_cases(drawn)
    assert {(files.case.klass, files.case.origin) for files in cases} == {
        ("aircraft", "simulated"), ("vehicle", "simulated"),
    }  # fmt: skip
    for files in cases:
        truth = json.loads((files.folder / "truth.json").read_text())
        assert truth["appeared"]
        assert truth["vanished"]
        every = np.array(
            [box for key in ("appeared", "vanished", "occupied_both", "ambiguous") for box in truth[key]]
        )
        assert every.min() >= 0
        assert every.max() <= SIDE_M / draw_cases.GSD_M


def test_pixels_change_more_where_aircraft_came_or_went(drawn: Path) -> None:
    (files,) = [f for f in load_cases(drawn) if f.case.klass == "aircraft"]
    before, after = (
        np.asarray(Image.open(path), np.float64).mean(axis=2) for path in (files.before, files.after)
    )
    changed = np.abs(after - before)
    inside = np.zeros(changed.shape, np.bool_)
    for truth in files.case.truths:
        box = [round(edge) for edge in truth.box]
        inside[box[1] : box[3], box[0] : box[2]] = True
    assert changed[inside].mean() > 1.3 * changed[~inside].mean()
