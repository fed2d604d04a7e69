"""The scorer that ships free of the terms of real images."""

import json
from importlib import resources
from pathlib import Path

import numpy as np

from models import score
from models.scorers import ALL_NAMES, TreeScorer

NAME = "optical-free-1"


def test_it_loads_and_gives_probabilities() -> None:
    scorer = score.load_scorer(NAME, "optical")
    assert isinstance(scorer, TreeScorer)
    assert scorer.name == NAME
    scores = scorer.score_again(np.random.default_rng(0).normal(size=(50, len(ALL_NAMES))))
    assert ((scores >= 0) & (scores <= 1)).all()


def test_no_real_case_taught_it() -> None:
    fitted_on = score.fitted_cases(NAME, "optical")
    assert fitted_on
    assert all(name.startswith("sim_") for name in fitted_on)
    assert not fitted_on & score.fitted_cases("optical-4", "optical")


def test_its_terms_are_those_of_the_code_and_it_says_so() -> None:
    data = resources.files("models") / "data"
    document = json.loads((data / f"{NAME}.json").read_text())
    assert document["licence"].startswith("Apache-2.0")
    assert "Apache" in (data / f"LICENSE-{NAME}.txt").read_text()
    assert "also" not in document["coarse"]


def test_what_its_claims_cost_on_real_ground_was_not_fitted() -> None:
    scorer = score.load_scorer(NAME, "optical")
    assert scorer.false_alarms_per_km2(0.5, 30.0, 0.5) is None


def test_radar_keeps_its_scorer_whatever_optical_one_is_named(tmp_path: Path) -> None:
    assert score.load_scorer("optical-free-1", "sar").name == "sar-1"
    assert score.scorer_name("optical-free-1", "sar") == "sar-1"
    own = tmp_path / "own.json"
    text = (resources.files("models") / "data" / "optical-free-1.json").read_text()
    own.write_text(json.dumps({**json.loads(text), "sensor": "optical"}))
    assert score.scorer_name(str(own), "sar") == "sar-1"
    assert score.scorer_name(str(own), "optical") == str(own)
    assert score.load_scorer("statistical", "sar").name == "statistical"
