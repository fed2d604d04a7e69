"""``sitewatch cases``, as a user gives it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from catalog.cases import load_cases
from catalog.labelled import LabelledCases
from catalog.review import ReviewStore
from flows.cli_cases import cases
from flows.errors import BadRequest
from tests.unit.catalog.reviews import SECOND, draft, two_changes, verdict


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


@pytest.mark.parametrize("anonymous", [False, True])
def test_reviewers_are_named_unless_they_are_not_to_be(out: Path, tmp_path: Path, anonymous: bool) -> None:
    """By number in the order of their first answers, the same in every case; no name anywhere in the folder."""
    store = ReviewStore(out)
    verdict(store, subject=SECOND, by="Zoë Quine")
    verdict(store, by="ann mallow")
    verdict(store, by="Zoë Quine")
    store.close()
    to, options = tmp_path / "cases", ["--anonymous"] if anonymous else []
    done = CliRunner().invoke(cases, [str(to), "--out", str(out), *options], standalone_mode=False)
    assert done.exception is None
    metas = [json.loads(path.read_text()) for path in sorted(to.glob("*/meta.json"))]
    assert metas
    wanted = ["reviewer 1", "reviewer 2"] if anonymous else ["Zoë Quine", "ann mallow"]
    assert {tuple(meta["reviewers"]) for meta in metas} == {tuple(wanted)}
    said = b"".join(path.read_bytes() for path in to.rglob("*") if path.is_file())
    assert any(name.encode() in said for name in ("Zo", "mallow")) is not anonymous
    assert all(case.case for case in load_cases(to))


def test_what_is_left_out_for_one_reason_is_one_line(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = [*((f"tile {i}", "undecided") for i in range(5)), ("run a", "not there")]
    made = LabelledCases(folder=tmp_path, cases=("a",), truths=1, left_out=tuple(reasons))
    monkeypatch.setattr(ReviewStore, "export_labelled", lambda *_, **__: made)
    done = CliRunner().invoke(cases, [str(tmp_path / "to"), "--out", str(out)], standalone_mode=False)
    assert done.stdout.splitlines()[1:] == [
        "left out: tile 0, tile 1, tile 2 and 2 more: undecided", "left out: run a: not there"
    ]  # fmt: skip


def test_help_says_what_is_named_by_default() -> None:
    said = " ".join(CliRunner().invoke(cases, ["--help"]).stdout.split())
    assert (
        "--anonymous Reviewers by number in place of their names. By default each case names those who"
        in said
    )


def test_a_folder_without_results_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        cases, [str(tmp_path / "cases"), "--out", str(tmp_path / "none")], standalone_mode=False
    )
    assert isinstance(done.exception, BadRequest)
    assert "none: there are no results" in str(done.exception)
