"""``sitewatch export``: all or nothing, nothing half-written, nothing replaced without a word."""

import csv
import io
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

from catalog import journal_copy
from catalog.errors import BrokenRecord, CannotWrite, CatalogError, TargetExists
from catalog.exports import export as exporting
from catalog.exports.export import FORMATS, Wish, export
from catalog.geometry import polygon
from catalog.journal import ReviewDraft
from catalog.layout import JOURNAL_HEADS, files_below, read_json
from catalog.reader import StoredRun, load_run
from catalog.review import ReviewStore
from catalog.run import write_run
from catalog.verify import verify
from flows.cli import call
from flows.cli_export import NAMES, _exported
from imagery.copies import sha256_of
from tests.unit.catalog import catalog_runs as made
from tests.unit.catalog.exports import handovers
from tests.unit.catalog.test_stac import validate_core

NAME = "testbase_optical_20241204T082107Z_20241220T082341Z"


@pytest.fixture
def run(plain_run: StoredRun, tmp_path: Path) -> StoredRun:
    """A copy that a test may change."""
    shutil.copytree(plain_run.folder.parents[1], tmp_path / "out")
    return load_run(tmp_path / "out" / plain_run.report.name)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_every_format_is_written_and_described(run: StoredRun, tmp_path: Path) -> None:
    to = tmp_path / "new" / "folder"
    done = export(run.folder, Wish(formats=FORMATS, to=to))
    assert left(to) == sorted(
        NAME + ending
        for ending in ("-brief.html", "-brief.pdf", "-stac", ".csv", ".geojson", ".gpkg", ".kml")
    )
    document = done.as_dict()
    assert (document["findings"], document["simulated"], document["journal_head"]) == (3, True, None)
    for entry in document["files"]:
        path = Path(entry["path"])
        if path.is_file():
            assert (entry["size"], entry["sha256"]) == (path.stat().st_size, sha256_of(path))
    assert verify(run.folder).intact


def test_the_names_that_help_lists_are_the_formats() -> None:
    assert NAMES == FORMATS


def test_the_stac_copy_stands_alone_and_verifies(run: StoredRun, tmp_path: Path) -> None:
    export(run.folder, Wish(formats=("stac",), to=tmp_path / "to"))
    home = tmp_path / "to" / f"{NAME}-stac"
    shutil.rmtree(tmp_path / "out")
    folder = home / run.report.name
    for path in (home / "catalog.json", home / "testbase" / "collection.json", folder / "item.json"):
        validate_core(path)
    assert verify(folder).intact
    item = read_json(folder / "item.json")
    for link in item["links"]:
        if link["rel"] in {"root", "parent", "collection"}:
            assert (folder / link["href"]).is_file()
    assert all((folder / asset["href"]).is_file() for asset in item["assets"].values())


def test_the_stac_copy_of_a_second_result_names_no_first(tmp_path: Path) -> None:
    work = tmp_path / "work"
    write_run(made.record(work), root=tmp_path / "out")
    paths = write_run(made.record(work, parameters={"min_score": 0.6}), root=tmp_path / "out")
    assert any("predecessor" in link["rel"] for link in read_json(paths.item)["links"])
    export(paths.folder, Wish(formats=("stac",), to=tmp_path / "to"))
    folder = tmp_path / "to" / f"{NAME}-stac" / "testbase" / paths.folder.name
    assert not any("predecessor" in link["rel"] for link in read_json(folder / "item.json")["links"])
    assert verify(folder).intact


def test_what_is_there_is_not_replaced_unless_told(run: StoredRun, tmp_path: Path) -> None:
    to = tmp_path / "to"
    to.mkdir()
    (to / f"{NAME}.csv").write_text("mine")
    with pytest.raises(TargetExists, match=r"\.csv: there already\. Give --force"):
        export(run.folder, Wish(formats=("csv", "geojson"), to=to))
    assert left(to) == [f"{NAME}.csv"]
    export(run.folder, Wish(formats=("csv", "stac"), to=to, replace=True))
    assert (to / f"{NAME}.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    export(run.folder, Wish(formats=("stac",), to=to, replace=True))
    assert left(to) == [f"{NAME}-stac", f"{NAME}.csv"]


@pytest.mark.parametrize("fails", ["pdf", "gpkg"])
def test_where_one_format_fails_none_is_left(
    run: StoredRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    real = exporting._makers

    def broken(*args: Any) -> Any:
        def stop(path: Path) -> None:
            path.write_bytes(b"half")
            raise KeyboardInterrupt

        return real(*args) | {fails: stop}

    monkeypatch.setattr(exporting, "_makers", broken)
    with pytest.raises(KeyboardInterrupt):
        export(run.folder, Wish(formats=("csv", "gpkg", "pdf"), to=tmp_path / "to"))
    assert left(tmp_path / "to") == []


def test_what_was_there_comes_back_when_the_last_step_fails(
    run: StoredRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = tmp_path / "to"
    to.mkdir()
    (to / f"{NAME}.csv").write_text("mine")
    rename = Path.rename

    def full(self: Path, target: Path) -> Path:
        if target.name.endswith(".geojson"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(CannotWrite, match="No space left on device"):
        export(run.folder, Wish(formats=("csv", "geojson"), to=to, replace=True))
    assert left(to) == [f"{NAME}.csv"]
    assert (to / f"{NAME}.csv").read_text() == "mine"


def test_a_run_that_was_changed_is_not_handed_over(run: StoredRun, tmp_path: Path) -> None:
    run.paths.chips[run.changes[0].id].write_bytes(b"other")
    with pytest.raises(BrokenRecord, match=r"not as it was written \(chips/.* changed\)"):
        export(run.folder, Wish(formats=("csv",), to=tmp_path / "to"))
    assert left(tmp_path / "to") == []


@pytest.mark.parametrize("where", ["", "elsewhere", "testbase"])
def test_nothing_is_written_among_the_runs(run: StoredRun, tmp_path: Path, where: str) -> None:
    with pytest.raises(CatalogError, match="lies among the runs"):
        export(run.folder, Wish(formats=("csv",), to=tmp_path / "out" / where))
    with pytest.raises(CatalogError, match="lies among the runs"):
        export(run.folder, Wish(formats=("csv",), to=run.folder / "source"))
    assert verify(run.folder).intact


@pytest.mark.parametrize(("form", "message"), [
    ("stac", "no STAC Item, since its images have no dates"), ("kml", "no georeference, and KML holds positions"),
])  # fmt: skip
def test_a_format_that_cannot_hold_the_run_stops_all(
    unplaced_run: StoredRun, tmp_path: Path, form: Any, message: str
) -> None:
    with pytest.raises(CatalogError, match=message):
        export(unplaced_run.folder, Wish(formats=("csv", form), to=tmp_path / "to"))
    assert left(tmp_path / "to") == []


def test_the_others_can(unplaced_run: StoredRun, tmp_path: Path) -> None:
    export(unplaced_run.folder, Wish(formats=("csv", "geojson", "gpkg", "html", "pdf"), to=tmp_path / "to"))
    assert len(left(tmp_path / "to")) == 5


def test_the_same_run_gives_the_same_bytes(run: StoredRun, tmp_path: Path) -> None:
    digests = [
        [written.sha256 for written in export(run.folder, Wish(formats=FORMATS, to=tmp_path / to)).written]
        for to in ("a", "b")
    ]
    assert digests[0] == digests[1]


def test_confirmed_without_any_review_is_said(run: StoredRun, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="nothing has been reviewed yet"):
        export(run.folder, Wish(formats=("csv",), to=tmp_path / "to", confirmed=True))


@pytest.mark.usefixtures("each_database")
def test_the_head_of_the_journal_goes_with_it_and_is_noted(tmp_path: Path) -> None:
    change = made.appeared()
    run = handovers.reviewed(tmp_path, ("ann", "verdict", change.id, {"verdict": "confirmed"}))
    wish = Wish(formats=("geojson", "pdf"), to=tmp_path / "to", confirmed=True)
    done = export(run.folder, wish)
    (heads,) = journal_copy.read_heads(tmp_path / "out" / JOURNAL_HEADS)
    assert heads["hash"] == done.as_dict()["journal_head"]
    assert heads["why"] == f"export of {run.report.name}"
    document = read_json(tmp_path / "to" / f"{NAME}.geojson")
    assert document["sitewatch"]["journal_head"] == heads["hash"]
    assert [feature["id"] for feature in document["features"]] == [change.id]
    assert (done.as_dict()["reviewed"], done.as_dict()["held_back"]) == (1, 2)


@pytest.fixture
def discussed(tmp_path: Path) -> StoredRun:
    """Three people on two changes, with notes; one of them added another."""
    first, second = made.appeared().id, made.vanished().id
    ring = polygon(made.grid_of(), [(60, 60), (90, 60), (90, 80), (60, 80), (60, 60)])
    return handovers.reviewed(
        tmp_path,
        ("Zoë Secretperson", "verdict", second, {"verdict": "confirmed"}),
        ("Abdul Hiddenname", "note", second, {"text": "clear on both"}),
        ("Abdul Hiddenname", "verdict", first, {"verdict": "confirmed"}),
        ("Zoë Secretperson", "verdict", first, {"verdict": "rejected", "reason": "shadow"}),
        ("Mira Unnamed", "missed", None, {"geometry": ring, "kind": "appeared", "label": "vehicle"}),
    )


def test_anonymous_names_nobody_in_any_format(discussed: StoredRun, tmp_path: Path) -> None:
    pdfium = pytest.importorskip("pypdfium2")
    wish = Wish(formats=FORMATS, to=tmp_path / "to", anonymous=True, pictures=True)
    assert export(discussed.folder, wish).as_dict()["anonymous"] is True
    texts = {path.suffix: read_whole(path, pdfium) for path in files_below(tmp_path / "to")}
    assert {".pdf", ".kmz", ".csv", ".html", ".gpkg", ".geojson", ".json"} <= texts.keys()
    for path in files_below(tmp_path / "to"):
        for name in ("Zoë", "Zo\\u00eb", "Secretperson", "Hiddenname", "Unnamed"):
            assert name not in read_whole(path, pdfium), (path.name, name)
    document = read_json(tmp_path / "to" / f"{NAME}.geojson")
    assert document["sitewatch"]["anonymous"] is True
    people = {feature["id"]: feature["properties"]["reviewers"] for feature in document["features"]}
    assert people[made.vanished().id] == "reviewer 1; reviewer 2"
    assert people[made.appeared().id] == "reviewer 2; reviewer 1"
    assert sorted(filter(None, people.values()))[-1] == "reviewer 3"
    rows = csv.DictReader(io.StringIO(texts[".csv"].removeprefix("\ufeff"), newline=""))
    assert {row["id"]: row["reviewers"] or None for row in rows} == people
    for ending in (".html", ".pdf", ".kmz"):
        words = " ".join(texts[ending].split())
        assert "Reviewers are numbered, not named." in words, ending
    assert "reviewer 2, " in texts[".pdf"]


def test_a_later_answer_changes_no_number(discussed: StoredRun, tmp_path: Path) -> None:
    wish = Wish(formats=("csv",), to=tmp_path / "one", anonymous=True)
    store = ReviewStore(tmp_path / "out")
    before = export(discussed.folder, wish).handover.findings
    store.append(
        ReviewDraft(
            key="again", reviewer="Zoë Secretperson", act="verdict", subject=made.vanished().id,
            body={"verdict": "unsure"},
        )
    )  # fmt: skip
    store.close()
    after = export(discussed.folder, replace(wish, to=tmp_path / "two")).handover.findings
    said = [[{v.reviewer for v in one.review.verdicts} for one in found] for found in (before, after)]
    assert said[0] == said[1]
    assert {"reviewer 1"} in said[1]


def read_whole(path: Path, pdfium: Any) -> str:
    """Everything that is written in a file."""
    data = path.read_bytes()
    if path.suffix == ".pdf":
        pages = [page.get_textpage().get_text_bounded() for page in pdfium.PdfDocument(data)]
        return "\n".join([data.decode("latin-1"), *pages])
    if path.suffix == ".kmz":
        with zipfile.ZipFile(path) as archive:
            return archive.read("doc.kml").decode()
    return data.decode("utf-8", "replace")


def test_names_stand_where_nobody_asked_otherwise(discussed: StoredRun, tmp_path: Path) -> None:
    done = export(discussed.folder, Wish(formats=("csv", "html"), to=tmp_path / "to"))
    assert done.as_dict()["anonymous"] is False
    assert "Zoë Secretperson" in (tmp_path / "to" / f"{NAME}.csv").read_text("utf-8-sig")
    page = (tmp_path / "to" / f"{NAME}-brief.html").read_text()
    assert "Zoë Secretperson" in page
    assert "numbered, not named" not in page


def test_the_head_of_the_journal_stands_in_every_format(discussed: StoredRun, tmp_path: Path) -> None:
    done = export(discussed.folder, Wish(formats=("csv", "gpkg", "kml", "html", "stac"), to=tmp_path / "to"))
    head = done.as_dict()["journal_head"]
    for name in (f"{NAME}.csv", f"{NAME}.gpkg", f"{NAME}.kml", f"{NAME}-brief.html"):
        assert head in (tmp_path / "to" / name).read_bytes().decode("utf-8", "replace"), name
    folder = tmp_path / "to" / f"{NAME}-stac" / discussed.report.name
    asset = read_json(folder / "item.json")["assets"]["reviews"]
    assert asset["sitewatch:journal_head"] == head
    said = read_json(folder / asset["href"])
    assert said["sitewatch"]["journal_head"] == head
    verdicts = {one["id"]: one["properties"]["verdicts"] for one in said["features"]}
    assert verdicts[made.appeared().id][0]["reviewer"] == "Abdul Hiddenname"
    validate_core(folder / "item.json")
    assert verify(folder).intact
    (folder / asset["href"]).write_bytes(b"{}")
    assert [problem.path for problem in verify(folder).problems] == ["reviews.geojson"]


@pytest.mark.parametrize("part", [{"confirmed": True}, {"min_score": 0.8}])
def test_a_stac_copy_leaves_nothing_out(part: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"for the others by --format csv,pdf"):
        Wish(formats=("csv", "stac", "pdf"), to=tmp_path, **part)
    assert Wish(formats=("csv", "pdf"), to=tmp_path, **part)


def test_anonymous_as_a_command(
    discussed: StoredRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["export", str(discussed.folder), "--to", str(tmp_path / "to"), "--format", "csv", "--anonymous"]
    assert call(args) == 0
    assert "Notes of reviewers stand as they were written" in " ".join(capsys.readouterr().out.split())
    assert "Secretperson" not in (tmp_path / "to" / f"{NAME}.csv").read_text("utf-8-sig")
    assert call([*args, "--format", "stac", "--min-score", "0.6", "--force"]) == 2
    assert "leaves nothing out" in " ".join(capsys.readouterr().err.split())


def test_what_a_person_added_is_drawn_and_handed_over(tmp_path: Path) -> None:
    ring = [[60.0, 60.0], [90.0, 60.0], [90.0, 80.0], [60.0, 80.0], [60.0, 60.0]]
    run = handovers.reviewed(
        tmp_path, ("bob", "missed", None, {"outline_px": ring, "kind": "appeared", "label": "vehicle"}),
        name="before_after_0123", site=None, before=None, after=None, grid=made.grid_of(crs=None),
    )  # fmt: skip
    done = export(run.folder, Wish(formats=("html", "pdf", "geojson"), to=tmp_path / "to"))
    assert done.as_dict()["added_by_people"] == 1
    (page,) = (tmp_path / "to").glob("*.html")
    text = page.read_text()
    assert "R1  appeared: vehicle" in text
    assert text.count("<figure>") == 2 * 4 + 1


def test_as_a_command(run: StoredRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = [
        "export",
        run.report.name,
        "--out",
        str(tmp_path / "out"),
        "--to",
        str(tmp_path / "to"),
        "--format",
    ]
    assert call([*args, "csv,geojson", "--format", "kml", "--chips", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [entry["format"] for entry in document["files"]] == ["csv", "geojson", "kml"]
    assert document["files"][2]["path"].endswith(".kmz")
    assert call([*args, "csv", "--json"]) == 2
    assert "there already" in json.loads(capsys.readouterr().out)["reason"]
    assert call([*args, "csv", "--force"]) == 0
    shown = capsys.readouterr().out
    assert "SIMULATED" in shown
    assert "3 findings" in shown


def test_at_a_terminal_it_is_asked_about(
    run: StoredRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "to" / f"{NAME}.csv"
    target.parent.mkdir()
    target.write_text("mine")
    wish = Wish(formats=("csv",), to=target.parent)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _prompt="": "n")
    with pytest.raises(click.Abort):
        _exported(run.folder, wish, asking=True)
    assert target.read_text() == "mine"
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _prompt="": "y")
    _exported(run.folder, wish, asking=True)
    assert target.read_text() != "mine"
    assert "there already" in capsys.readouterr().err


@pytest.mark.parametrize(("args", "message"), [
    (["no-such-run", "--format", "csv"], "neither a run's folder nor a run below"),
    (["x", "--format", "docx"], "docx is no format; choose from geojson, kml, csv, gpkg, stac, html, pdf or all"),
    (["x", "--format", ","], "nothing is no format"), (["x"], "Missing option '--format'"),
    (["x", "--format", "csv", "--min-score", "nan"], "is not a finite number"),
])  # fmt: skip
def test_bad_usage_is_said_in_a_line(
    args: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["export", *args, "--out", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert message in " ".join(captured.err.split())
    assert "Traceback" not in captured.err


def test_a_folder_that_cannot_be_written_is_said(run: StoredRun, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(CannotWrite, match="cannot be written"):
        export(run.folder, Wish(formats=("csv",), to=tmp_path / "file" / "below"))


def test_a_low_score_is_held_back_and_counted(run: StoredRun, tmp_path: Path) -> None:
    wish = Wish(formats=("html",), to=tmp_path / "to", min_score=0.8)
    assert export(run.folder, wish).as_dict()["held_back"] == 1
    assert "1 more changes" in (tmp_path / "to" / f"{NAME}-brief.html").read_text()
    assert replace(wish, replace=True).replace
