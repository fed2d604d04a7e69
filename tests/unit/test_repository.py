"""What may be tracked, and the promises that no single module can keep: pins, versions, import direction."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import imagery
from tests.conftest import missing

PACKAGES = ("imagery", "models", "catalog", "review", "flows")
LARGEST_BYTES = 600_000
LONGEST_LINES = 400

# Put together here so that this file does not hold what it looks for.
MACHINE = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+|opt/\w*wheels?)/")
HOSTS = re.compile(
    "|".join(map(re.escape, (f"{'py'}pi.org", f"{'python'}hosted.org", f"registry.{'npm'}js.org")))
)
ORIGIN = re.compile(
    rf"(?i)\b(?:{'work'}place|{'brief'}\.md|sub{'agent'}s?|AI {'assist'}ant|language {'model'}s?)\b"
)
PRIVATE = re.compile(r"\.\./shared|SITEWATCH_SHARED")
RASTERS = frozenset({".tif", ".tiff", ".jp2", ".jpg", ".jpeg", ".img", ".nc", ".vrt", ".hdf", ".npy", ".npz"})


@pytest.fixture(scope="session")
def tracked(repository: Path) -> tuple[Path, ...]:
    if not (repository / ".git").exists():
        missing("not a git checkout")
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=repository, capture_output=True, check=True, text=True
    ).stdout
    # A file deleted but not yet committed is still listed.
    return tuple(path for name in listing.split("\0") if name and (path := repository / name).is_file())


def texts(paths: tuple[Path, ...]) -> Iterator[tuple[Path, str]]:
    for path in paths:
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def product(paths: tuple[Path, ...], repository: Path) -> tuple[Path, ...]:
    return tuple(p for p in paths if p.suffix == ".py" and p.relative_to(repository).parts[0] in PACKAGES)


@pytest.mark.parametrize(
    "pattern", [MACHINE, HOSTS, ORIGIN], ids=["machine-path", "package-registry", "origin"]
)
def test_nothing_tracked_names_where_it_was_written(
    tracked: tuple[Path, ...], pattern: re.Pattern[str]
) -> None:
    hits = [f"{path}: {match.group()}" for path, text in texts(tracked) if (match := pattern.search(text))]
    assert hits == []


def test_the_product_does_not_know_the_labelled_data(tracked: tuple[Path, ...], repository: Path) -> None:
    hits = [str(path) for path, text in texts(product(tracked, repository)) if PRIVATE.search(text)]
    assert hits == []


def test_documents_name_no_place_beside_the_repository(tracked: tuple[Path, ...]) -> None:
    documents = tuple(p for p in tracked if p.suffix in {".md", ".toml"})
    assert [str(path) for path, text in texts(documents) if "../shared" in text] == []


def test_tracked_files_are_small(tracked: tuple[Path, ...]) -> None:
    assert [str(p) for p in tracked if p.stat().st_size > LARGEST_BYTES] == []


def test_no_raster_is_tracked(tracked: tuple[Path, ...]) -> None:
    assert [str(p) for p in tracked if p.suffix.lower() in RASTERS] == []


def test_modules_stay_readable(tracked: tuple[Path, ...], repository: Path) -> None:
    long = {
        str(path): lines
        for path, text in texts(product(tracked, repository))
        if (lines := text.count("\n")) > LONGEST_LINES
    }
    assert long == {}


def test_imports_run_one_way(repository: Path) -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint, "--no-cache"], cwd=repository, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def pins(file: Path) -> dict[str, Version]:
    """Canonical name -> pinned version; extras and markers dropped."""
    found: dict[str, Version] = {}
    for entry in re.split(r"\n(?=\S)", file.read_text(encoding="utf-8").strip()):
        requirement, _, hashes = entry.partition("\\")
        assert "--hash=sha256:" in hashes, f"{file.name}: no hash for {requirement}"
        parsed = Requirement(requirement.strip())
        (exact,) = parsed.specifier
        assert exact.operator == "==", f"{file.name}: {requirement} is not pinned exactly"
        found[canonicalize_name(parsed.name)] = Version(exact.version)
    return found


@pytest.fixture(scope="session")
def project(repository: Path) -> dict[str, object]:
    with (repository / "pyproject.toml").open("rb") as file:
        loaded: dict[str, object] = tomllib.load(file)["project"]
    return loaded


@pytest.mark.parametrize("name", ["runtime.txt", "run.txt", "dev.txt"])
def test_the_lock_is_exact_hashed_and_names_no_index(repository: Path, name: str) -> None:
    file = repository / "requirements" / name
    assert len(pins(file)) > 20
    assert not re.search(r"(?m)^\s*(?:-i|--(?:extra-)?index-url|--find-links|-f)\b|://", file.read_text())


@pytest.mark.parametrize("name", ["runtime.txt", "run.txt", "dev.txt"])
def test_every_line_of_a_lock_is_a_pin_or_its_hash(repository: Path, name: str) -> None:
    """Nothing that pip would take besides: an editable folder, an address, an option, a range, a weaker hash."""
    check_lock((repository / "requirements" / name).read_text(encoding="utf-8"))


def test_every_file_of_pins_is_checked(repository: Path) -> None:
    """`constraints.txt` only narrows what the resolver may choose; nothing is installed from it."""
    there = {path.name for path in (repository / "requirements").glob("*.txt")}
    assert there == {"runtime.txt", "run.txt", "dev.txt", "constraints.txt"}
    held = (repository / "requirements" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"#.*|[a-z0-9.-]+==[0-9.]+", line) for line in held)


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "--index-url https://pypi.example/simple",
        "-i https://pypi.example/simple",
        "--find-links wheels",
        "ham @ https://example.org/ham-1.0.tar.gz \\",
        "git+https://example.org/ham.git",
        "ham>=1.0 \\",
        "ham==1.* \\",
        "ham==1.0",
        "    --hash=md5:d41d8cd98f00b204e9800998ecf8427e",
    ],
)
def test_a_lock_with_anything_else_would_be_seen(line: str) -> None:
    good = f"spam==1.0 \\\n    --hash=sha256:{'0' * 64}\n"
    check_lock(good)
    with pytest.raises(AssertionError):
        check_lock(f"{good}{line}\n")


def check_lock(text: str) -> None:
    """Hold each line of a file of pins to one of two forms, and each pin to at least one hash."""
    pin = r"[a-z0-9][a-z0-9._-]*(?:\[[a-z0-9, _-]+\])?==[0-9][0-9a-z.+!]*(?: ; [^\\]+)? \\"
    digest = r" {4}--hash=sha256:[0-9a-f]{64}( \\)?"
    goes_on = False
    for line in text.splitlines():
        found = re.fullmatch(digest if goes_on else pin, line)
        assert found, f"neither a pin nor its hash: {line!r}"
        goes_on = line.endswith("\\")
    assert not goes_on, "the last pin has no hash"


def test_the_lock_holds_what_the_project_asks_for(repository: Path, project: dict[str, object]) -> None:
    runtime, run, dev = (
        pins(repository / "requirements" / f"{name}.txt") for name in ("runtime", "run", "dev")
    )
    extras: dict[str, list[str]] = project["optional-dependencies"]  # type: ignore[assignment]
    asked: list[str] = project["dependencies"]  # type: ignore[assignment]
    for locked, texts_ in (
        (runtime, asked),
        (run, [*asked, *extras["build"]]),
        (dev, [*asked, *extras["build"], *extras["dev"]]),
    ):
        requirements = map(Requirement, texts_)
        wrong = [str(r) for r in requirements if locked.get(canonicalize_name(r.name)) not in r.specifier]
        assert wrong == []
    assert {name: dev.get(name) for name in runtime} == runtime
    assert {name: dev.get(name) for name in run} == run


def test_the_npm_lock_is_exact_hashed_and_names_no_registry(repository: Path) -> None:
    web = repository / "requirements" / "web"
    asked = json.loads((web / "package.json").read_text())
    packages = json.loads((web / "package-lock.json").read_text())["packages"]
    for name, version in {**asked["dependencies"], **asked["devDependencies"]}.items():
        assert packages[f"node_modules/{name}"]["version"] == version, f"{name} is not pinned exactly"
    for name, package in packages.items():
        if name:
            assert package["integrity"].startswith("sha512-"), name
            assert "resolved" not in package, name


def test_one_version(repository: Path) -> None:
    changelog = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"(?m)^## \[(?!Unreleased)(\d[^\]]*)\]", changelog)
    assert "## [Unreleased]" in changelog
    assert Version(imagery.__version__) >= Version(newest.group(1) if newest else "0")


def test_every_link_in_the_documents_leads_somewhere(tracked: tuple[Path, ...]) -> None:
    broken = [
        f"{path.name}: {target}"
        for path, text in texts(tuple(p for p in tracked if p.suffix == ".md"))
        for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", text)
        if not (path.parent / target).exists()
    ]
    assert broken == []
