"""What the user guide shows is what the program takes."""

import re
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from flows.cli import COMMANDS, cli
from imagery.site import ZONE_KINDS
from imagery.site_file import load_sites
from imagery.sources.sidecar import read_lists, read_sidecar


@pytest.fixture(scope="module")
def guide(repository: Path) -> str:
    return (repository / "docs" / "guide.md").read_text(encoding="utf-8")


def blocks(guide: str, language: str, topic: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language} {topic}\n(.*?)^```", guide)


def test_the_site_file_loads(guide: str, tmp_path: Path) -> None:
    (text,) = blocks(guide, "json", "sites")
    file = tmp_path / "sites.geojson"
    file.write_text(text)
    (site,) = load_sites(file).values()
    assert site.name == "My port"
    assert site.zones["north_quay"].position_error_m == 15


def test_the_sidecars_say_the_same_and_are_understood(guide: str, tmp_path: Path) -> None:
    said = []
    for language in ("json", "toml"):
        (text,) = blocks(guide, language, "sidecar")
        (tmp_path / f"{language}_image.{language}").write_text(text)
        sidecar = read_sidecar(tmp_path, f"{language}_image")
        assert sidecar is not None
        said.append(sidecar.facts)
    facts, same = said
    assert facts.acquired == datetime(2024, 12, 15, 8, 20, 11, tzinfo=UTC)
    assert (facts.sensor, facts.gsd_m, facts.quantity) == ("optical", 0.5, "dn")
    assert facts.bands == ("red", "green", "blue")
    assert facts == same


def test_the_list_of_scenes_is_understood(guide: str, tmp_path: Path) -> None:
    (text,) = blocks(guide, "json", "scenes")
    (tmp_path / "scenes.json").write_text(text)
    listed = read_lists(tmp_path)
    assert [path.name for path in listed] == ["pass_1.tif", "pass_2.tif"]
    assert {(f.sensor, f.quantity, f.in_db, f.relative_orbit) for f in listed.values()} == {
        ("sar", "gamma0", True, 14)
    }


def test_every_kind_of_zone_is_named(guide: str) -> None:
    (listed,) = re.findall(r"(?s)^Kinds: (.*?)\.", guide, re.MULTILINE)
    assert set(re.split(r",\s+", listed)) == ZONE_KINDS


@pytest.mark.parametrize("document", [
        "README.md", "docs/guide.md", "docs/providers.md", "docs/purchased-images.md", "docs/results.md",
        "docs/handover.md",
        "docs/schedules.md",
    ],
)  # fmt: skip
def test_every_command_and_option_that_is_shown_exists(repository: Path, document: str) -> None:
    text = (repository / document).read_text(encoding="utf-8")
    shown = re.findall(r"(?m)^    sitewatch ([a-z]+)(.*)$", text)
    assert {name for name, _ in shown} <= set(COMMANDS)
    for name, rest in shown:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest.split("#")[0])) <= known, name
