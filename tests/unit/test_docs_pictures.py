"""Pictures of the documentation are there, are shown somewhere, and stay small."""

import re
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.desk_pictures import MOST_BYTES
from benchmarks.desk_views import SIZE


@pytest.fixture(scope="module")
def shown(repository: Path) -> set[Path]:
    """What the README and the pages of docs/ show."""
    found = set()
    for page in (repository / "README.md", *(repository / "docs").rglob("*.md")):
        for target in re.findall(r"!\[[^\]]+\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                found.add((page.parent / target).resolve())
    return found


def test_what_is_shown_is_there_and_what_is_there_is_shown(repository: Path, shown: set[Path]) -> None:
    kept = {path.resolve() for path in (repository / "docs" / "images").rglob("*") if path.is_file()}
    assert len(kept) > 30
    assert shown == kept


def test_pictures_of_the_desk_have_one_size_and_are_small_together(repository: Path) -> None:
    pictures = sorted((repository / "docs" / "images" / "desk").glob("*.webp"))
    assert sum(path.stat().st_size for path in pictures) <= MOST_BYTES
    for path in pictures:
        with Image.open(path) as picture:
            assert path.stem == "brief-pdf" or picture.size == (SIZE["width"], SIZE["height"]), path.name
