"""What `sitewatch scenes` lists."""

import json
from pathlib import Path

import pytest

from flows.cli import call
from flows.cli_scenes import _mostly_hidden


def test_usable_scenes_with_cloud_and_reasons_for_the_others(
    archive: Path, sites_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = [
        "scenes", "field", "--source", str(archive), "--sites", str(sites_file), "--from", "2025-01-05", "--to",
        "2025-02-01",
    ]  # fmt: skip
    assert call([*args, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    scenes = {scene["id"]: scene for scene in document["scenes"]}
    assert list(scenes) == ["scene-2025-01-11", "scene-2025-01-31"]
    assert scenes["scene-2025-01-11"]["cloud_over_aoi"] == 0
    assert scenes["scene-2025-01-31"]["cloud_over_aoi"] == pytest.approx(0.35, abs=0.02)
    # The cloud ends 60 of the 500 columns into the yard.
    assert scenes["scene-2025-01-31"]["cloud_over_zones"] == {"east_yard": pytest.approx(0.12, abs=0.01)}
    assert scenes["scene-2025-01-11"]["cloud_over_zones"] == {"east_yard": 0}
    assert scenes["scene-2025-01-11"]["acquired"] == "2025-01-11T08:20:00Z"
    assert scenes["scene-2025-01-11"]["age_days"] > 0
    assert document["pairs"] == [{"before": "scene-2025-01-11", "after": "scene-2025-01-31"}]
    reasons = {entry["id"]: entry["reason"] for entry in document["left_out"]}
    assert reasons["scene-2025-01-01"].startswith("outside the period")
    assert "100 % cloud" in reasons["scene-2025-01-21"]

    assert call(args) == 0
    shown = capsys.readouterr().out
    assert "1 pairs to compare" in shown
    assert "100 % cloud" in shown.replace("\n", " ")
    assert "1 more scenes lie outside the period" in shown


def test_zones_that_cloud_hides_are_named_worst_first() -> None:
    shares = {"pier": 0.6, "quay": 1.0, "yard": 0.5, "apron": 0.0}
    assert _mostly_hidden(shares) == "quay (100%), pier (60%)"
    assert _mostly_hidden({f"zone_{i}": 0.9 for i in range(6)}).endswith("zone_3 (90%) and 2 more zones")
    assert _mostly_hidden({"yard": 0.5}) == ""


def test_no_pair_is_exit_3(archive: Path, sites_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["scenes", "field", "--source", str(archive), "--sites", str(sites_file), "--json"]
    assert call([*args, "--from", "2025-01-01", "--to", "2025-01-02"]) == 3
    assert json.loads(capsys.readouterr().out)["pairs"] == []
