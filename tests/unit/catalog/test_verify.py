"""`verify` finds every changed byte, every missing and every added file."""

import json
from pathlib import Path

import pytest

from catalog import layout
from catalog.errors import BrokenRecord
from catalog.run import RunPaths, write_run
from catalog.verify import verify
from tests.unit.catalog.catalog_runs import appeared, grid_of, record


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    folder = tmp_path_factory.mktemp("run")
    return write_run(
        record(folder / "work", grid=grid_of((300, 360)), changes=(appeared(),)), root=folder / "out"
    )


def test_an_untouched_run_is_intact(written: RunPaths) -> None:
    found = verify(written.folder)
    assert found.intact
    assert found.checked == sum(path.is_file() for path in written.folder.rglob("*"))
    assert json.loads(json.dumps(found.as_dict()))["intact"] is True


def names(run: RunPaths) -> list[str]:
    return sorted(p.relative_to(run.folder).as_posix() for p in run.folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("place", [0, 0.5, -1])
def test_any_changed_byte_of_any_file_is_named(written: RunPaths, place: float) -> None:
    assert len(names(written)) >= 12
    for name in names(written):
        path = written.folder / name
        good = path.read_bytes()
        position = round(place * len(good)) if place >= 0 else len(good) - 1
        path.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        found = verify(written.folder)
        path.write_bytes(good)
        assert (name, "changed") in [(p.path, p.fault) for p in found.problems]
    assert verify(written.folder).intact


def test_any_missing_file_is_named(written: RunPaths) -> None:
    for name in names(written):
        path = written.folder / name
        good = path.read_bytes()
        path.unlink()
        found = verify(written.folder)
        path.write_bytes(good)
        assert (name, "missing") in [(p.path, p.fault) for p in found.problems]


@pytest.mark.parametrize("name", ["note.txt", "source/before/more.tif", "versions/loose.txt", ".hidden"])
def test_an_added_file_is_named(written: RunPaths, name: str) -> None:
    path = written.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("x")
    found = verify(written.folder)
    path.unlink()
    if name.startswith("versions"):
        path.parent.rmdir()
    assert [(p.path, p.fault) for p in found.problems] == [(name, "extra")]


def test_whitespace_in_the_documents_counts_as_change(written: RunPaths) -> None:
    good = written.item.read_bytes()
    written.item.write_bytes(good + b"\n")
    found = verify(written.folder)
    written.item.write_bytes(good)
    assert [(p.path, p.fault) for p in found.problems] == [("item.json", "changed")]


def test_documents_as_the_standard_library_wrote_them_are_intact(written: RunPaths) -> None:
    for path in (written.report, written.item):
        good = path.read_bytes()
        document = json.loads(good)
        earlier = (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
        assert layout.is_written(document, good)
        assert layout.is_written(document, earlier)
        assert not layout.is_written(document, earlier.replace(b"\n ", b"\n  ", 1))


def test_a_link_in_place_of_a_file_is_not_the_file(written: RunPaths, tmp_path: Path) -> None:
    good = written.overlay.read_bytes()
    (tmp_path / "same.png").write_bytes(good)
    written.overlay.unlink()
    written.overlay.symlink_to(tmp_path / "same.png")
    found = verify(written.folder)
    written.overlay.unlink()
    written.overlay.write_bytes(good)
    assert [(p.path, p.fault) for p in found.problems] == [("overlay.png", "missing")]


def test_a_folder_without_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BrokenRecord, match="holds no run"):
        verify(tmp_path)
