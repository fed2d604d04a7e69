"""What `make demo` and `make test` say on a machine that lacks something, before they build anything."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def build(repository: Path, venv: Path, path: Path, **env: str) -> subprocess.CompletedProcess[str]:
    bash = shutil.which("bash")
    assert bash is not None
    return subprocess.run(
        [bash, repository / "requirements" / "venv.sh", venv],
        env={"PATH": str(path), "HOME": str(venv.parent), **env},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def program(folder: Path, name: str, body: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A PATH with the few tools that the script itself needs, and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("dirname", "realpath", "head", "grep"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(os.path.realpath(found))
    return folder


def test_no_python_is_said_with_what_to_install(repository: Path, bare: Path, tmp_path: Path) -> None:
    done = build(repository, tmp_path / "venv", bare)
    assert done.returncode != 0
    assert "needs Python 3.11 or 3.12; found: none" in done.stderr
    assert "apt-get install python3.11 python3.11-venv" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_an_old_python_is_passed_over_and_named(repository: Path, bare: Path, tmp_path: Path) -> None:
    program(bare, "python3", 'case "$1" in --version) echo "Python 3.9.2";; *) exit 1;; esac')
    done = build(repository, tmp_path / "venv", bare)
    assert done.returncode != 0
    assert "found: Python 3.9.2" in done.stderr


def test_a_python_without_venv_names_the_package(repository: Path, bare: Path, tmp_path: Path) -> None:
    program(bare, "python3.11", 'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.11;; esac')
    done = build(repository, tmp_path / "venv", bare)
    assert done.returncode != 0
    assert "apt-get install python3.11-venv" in done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only there it comes apart from rasterio")
def test_a_missing_libexpat_names_the_package_before_anything_is_built(
    repository: Path, bare: Path, tmp_path: Path
) -> None:
    program(bare, "python3.11", 'case "$2" in *libexpat.so.1*) exit 1;; esac')
    done = build(repository, tmp_path / "venv", bare)
    assert done.returncode != 0
    assert "libexpat.so.1, which reading images needs, is not installed" in done.stderr
    assert "apt-get install libexpat1" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_a_named_python_that_does_not_fit_is_not_replaced_by_another(
    repository: Path, bare: Path, tmp_path: Path
) -> None:
    program(bare, "python3.11", "exit 0")
    done = build(repository, tmp_path / "venv", bare, PYTHON="python3.8")
    assert done.returncode != 0
    assert "PYTHON=python3.8 does not run or is not Python 3.11 or 3.12" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_the_makefile_lists_every_target(repository: Path) -> None:
    done = subprocess.run(["make", "-s", "help"], cwd=repository, capture_output=True, text=True, check=True)
    listed = {line.split()[0] for line in done.stdout.splitlines()}
    assert {"demo", "test", "lint", "bench", "lock", "clean"} <= listed
