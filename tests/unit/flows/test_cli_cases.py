"""``sitewatch cases``, as a user gives it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from catalog.cases import load_cases
from catalog.review import ReviewStore
from flows.cli_cases import cases
from flows.errors import BadRequest
from tests.unit.catalog.reviews import draft, two_changes, verdict


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("catalog.pictures.draw", lambda *_: None)
    return two_changes(tmp_path).root


@pytest.mark.usefixtures("each_database")
def test_what_was_decided_comes_out_as_cases(out: Path, tmp_path: Path) -> None:
    store = ReviewStore(out)
    event = verdict(store)
    store.append(draft("relabel", event.subject, label="truck"))
    store.settle()
    to = tmp_path / "cases"
    done = CliRunner().invoke(cases, [str(to), "--out", str(out), "--json"], standalone_mode=False)
    assert done.exception is None
    said = json.loads(done.stdout)
    assert said["truths"] == 1
    (case,) = load_cases(to)
    assert [case.folder.name] == said["cases"]
    assert len(case.case.truths) == 1


def test_a_folder_without_results_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        cases, [str(tmp_path / "cases"), "--out", str(tmp_path / "none")], standalone_mode=False
    )
    assert isinstance(done.exception, BadRequest)
    assert "none: there are no results" in str(done.exception)
