"""What the user guide shows is what the program takes."""

import re
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
import yaml

from flows.cli import COMMANDS, cli
from imagery.site import ZONE_KINDS
from imagery.site_file import load_sites
from imagery.sources.providers import known_providers
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


def commands_shown(text: str) -> list[tuple[str, str]]:
    """Name and the rest of every ``sitewatch`` command in an indented or a fenced block, with what is set before it."""
    fenced = re.findall(r"(?ms)^```[a-z]*\n(.*?)^```", text)
    lines = [line for block in fenced for line in block.splitlines()]
    lines += [
        line[4:] for line in re.sub(r"(?ms)^```.*?^```", "", text).splitlines() if line.startswith("    ")
    ]
    start = r"^(?:[A-Z_]+=\S+ )*(?:ExecStart=\S*/)?sitewatch ([a-z]+)(.*)$"
    return [(found[1], found[2]) for line in lines if (found := re.match(start, line))]


@pytest.mark.parametrize(("document", "least"), [
        ("README.md", 4), ("docs/guide.md", 12), ("docs/providers.md", 2), ("docs/purchased-images.md", 4),
        ("docs/results.md", 1), ("docs/handover.md", 3), ("docs/schedules.md", 4), ("docs/review.md", 1),
    ],
)  # fmt: skip
def test_every_command_and_option_that_is_shown_exists(repository: Path, document: str, least: int) -> None:
    shown = commands_shown((repository / document).read_text(encoding="utf-8"))
    assert len(shown) >= least, "the commands are there and are not seen"
    assert {name for name, _ in shown} <= set(COMMANDS)
    for name, rest in shown:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"(?<=\s)--[a-z0-9-]+", rest.split("#")[0])) <= known, name


def test_commands_are_seen_wherever_they_stand() -> None:
    fences = "```\nsitewatch serve --y\nA=b sitewatch demo\n```\n```ini\nExecStart=/bin/sitewatch add\n```\n"
    text = f"    sitewatch run a --x\n\n{fences}"
    assert {name for name, _ in commands_shown(text)} == {"run", "serve", "demo", "add"}


def test_the_shipped_schedule_gives_radar_as_well(repository: Path) -> None:
    """Both kinds of free images, as the guide says, from one source."""
    project = yaml.safe_load((repository / "prefect.yaml").read_text())
    sources = {
        d["parameters"]["source"] for d in project["deployments"] if "source" in d.get("parameters", {})
    }
    (source,) = sources
    provider = known_providers()[source]
    assert {offered.sensor for offered in provider.collections} == {"optical", "sar"}
