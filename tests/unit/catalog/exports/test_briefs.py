"""The brief: one document as HTML and as PDF, offline, hostile words harmless, SIMULATED on every page."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import BrokenRecord
from catalog.exports import brief, brief_html, brief_pdf
from catalog.exports.blocks import Bullets, Document, Facts, Heading, Table, Text
from catalog.exports.findings import Handover
from catalog.exports.people import Remark, Review, Verdict
from catalog.exports.pictures import RunPictures
from catalog.reader import StoredRun
from tests.conftest import needed
from tests.unit.catalog.exports.handovers import HOSTILE, unseen

ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "main", "footer", "h1", "h2", "h3", "h4", "p", "ul", "li",
    "table",
    "thead", "tbody", "tr", "th", "td", "div", "figure", "figcaption", "img", "bdi",
}  # fmt: skip
ATTRIBUTES = {
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "class",
    "scope",
    "src",
    "width",
    "height",
    "alt",
}


def made(handover: Handover, run: StoredRun) -> Document:
    return brief.brief(handover, RunPictures(run).chip)


@pytest.fixture(scope="module")
def document(plain: Handover, plain_run: StoredRun) -> Document:
    return made(plain, plain_run)


@pytest.fixture(scope="module")
def nasty(hostile: Handover, hostile_run: StoredRun) -> Document:
    return made(hostile, hostile_run)


class Page(HTMLParser):
    """What a browser would make of it: elements, attributes, text."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(data.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.mark.parametrize("which", ["document", "nasty"])
def test_html_has_no_script_and_nothing_from_elsewhere(which: str, request: pytest.FixtureRequest) -> None:
    data = brief_html.html(request.getfixturevalue(which))
    page = Page(data)
    assert page.tags <= ALLOWED
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    assert all(
        str(value).startswith("data:image/jpeg;base64,") for name, value in page.attributes if name == "src"
    )
    (policy,) = (str(v) for n, v in page.attributes if n == "content" and str(v).startswith("default-src"))
    assert "default-src 'none'" in policy
    assert "script" not in policy
    style = re.search(r"<style>(.*?)</style>", data.decode(), re.DOTALL)[1]
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in policy
    assert "url(" not in style
    assert "@import" not in style


def test_hostile_words_are_shown_as_words(nasty: Document) -> None:
    text = "".join(Page(brief_html.html(nasty)).words)
    for wanted in (
        "<script>alert(1)</script>",
        "]]><x/>&lt;&amp;",
        '=HYPERLINK("http://evil.test"',
        "قاعدة حميميم",
    ):
        assert wanted in text
    assert "\u202e" not in text


def texts(document: Document) -> list[str]:
    found: list[str] = []

    def walk(block: Any) -> None:
        match block:
            case Heading() | Text():
                found.append(block.text)
            case Bullets():
                found.extend((block.title, *block.lines))
            case Facts():
                found.extend(" ".join(row) for row in block.rows)
            case Table():
                found.extend(" ".join(row) for row in (block.head, *block.rows))
            case _:
                for part in getattr(block, "blocks", ()):
                    walk(part)
                for column in getattr(block, "columns", ()):
                    for part in column:
                        walk(part)
                for image in getattr(block, "images", ()):
                    found.append(image.caption)

    for block in document.blocks:
        walk(block)
    return found


def test_the_order_is_summary_findings_method(document: Document) -> None:
    heads = [
        text
        for text in texts(document)
        if text in {"Summary", "Overview", "Findings by zone", "Method and limits"}
    ]
    assert heads == ["Summary", "Overview", "Findings by zone", "Method and limits"]


def test_each_finding_has_everything_that_a_reader_needs(document: Document, plain: Handover) -> None:
    words = "\n".join(texts(document))
    for one in plain.findings:
        assert one.id in words
        assert f"{one.tag}  " in words
    for wanted in (
        "Confidence in this judgement is", "It could also be", "Not observed", "Count", "before: 2024-12-04 08:21 UTC",
        "after: 2024-12-20 08:23 UTC", "before-scene; after-scene", "SHA-256", "(c) Test Imagery 2024", "sitewatch ",
        plain.pair.command, plain.pair.report_sha256,
    ):  # fmt: skip
        assert wanted in words
    assert plain.pair.before.files[0].sha256 in words


def test_what_was_rejected_is_no_finding(plain: Handover, plain_run: StoredRun) -> None:
    no = Verdict(answer="rejected", reviewer="ann", time="2025-01-01T00:00:00Z", reason="tide_or_waves")
    first = replace(plain.findings[0], review=Review(verdicts=(no,), agreed="rejected"))
    document = made(replace(plain, findings=(first, *plain.findings[1:]), reviewed=True), plain_run)
    found = texts(document)
    assert brief_pdf.pdf(document)
    assert "2 findings: 1 appeared, 1 may have moved. " in "\n".join(found)
    assert "People reviewed 1 of 3: 1 rejected. The others are what a program listed." in found
    assert any("tide or waves" in text and first.id in text for text in found)
    assert not any(text.startswith(f"{first.tag}  ") for text in found)


def test_nothing_found_and_not_assessable_are_not_the_same(plain: Handover, plain_run: StoredRun) -> None:
    quiet = replace(plain, findings=(), pair=replace(plain.pair, status="unchanged"))
    assert any(text.startswith("No finding is reported here.") for text in texts(made(quiet, plain_run)))
    blind = replace(
        plain, findings=(), pair=replace(plain.pair, status="not_assessable", reason="no common structure")
    )
    words = "\n".join(texts(made(blind, plain_run)))
    assert "could not be assessed: no common structure. Nothing is claimed" in words
    assert "No finding is reported" not in words


def test_tiles_without_a_result_are_listed(hostile: Handover, nasty: Document) -> None:
    assert hostile.pair.unseen
    words = "\n".join(texts(nasty))
    assert "Of these tiles nothing can be said" in words
    assert all(tile.tile in words for tile in hostile.pair.unseen)


def test_a_damaged_picture_is_named(plain: Handover, plain_run: StoredRun, tmp_path: Path) -> None:
    bad = tmp_path / "chip.png"
    bad.write_bytes(b"no picture")
    with pytest.raises(BrokenRecord, match=r"chip\.png cannot be read as an image"):
        made(replace(plain, findings=(replace(plain.findings[0], chip=bad),)), plain_run)


@pytest.fixture(scope="module")
def pdfium() -> Any:
    return needed("pypdfium2", package="pypdfium2")


def pages(data: bytes, pdfium: Any) -> list[str]:
    return [page.get_textpage().get_text_bounded() for page in pdfium.PdfDocument(data)]


@pytest.mark.parametrize("which", ["document", "nasty"])
def test_every_page_of_the_pdf_says_simulated(
    which: str, request: pytest.FixtureRequest, pdfium: Any
) -> None:
    found = pages(brief_pdf.pdf(request.getfixturevalue(which)), pdfium)
    assert len(found) > 3
    assert all("SIMULATED: drawn by a computer, not a satellite image" in text for text in found)
    assert all(text.count("SIMULATED: drawn by a computer") == 1 for text in found)


def test_the_html_says_simulated_above_all_else(document: Document) -> None:
    text = brief_html.html(document).decode()
    body = text[text.index("<body") :]
    assert body.index("SIMULATED: drawn by a computer, not a satellite image") < body.index("<h1")


def test_a_real_run_does_not_say_simulated(plain: Handover, plain_run: StoredRun, pdfium: Any) -> None:
    real = made(replace(plain, pair=replace(plain.pair, simulated=False)), plain_run)
    assert "SIMULATED" not in "".join(pages(brief_pdf.pdf(real), pdfium))
    assert b"SIMULATED" not in brief_html.html(real)


def test_the_pdf_has_the_words_of_the_brief(document: Document, pdfium: Any) -> None:
    squeezed = re.sub(r"\s+", " ", " ".join(pages(brief_pdf.pdf(document), pdfium)).replace("\ufffe", "-"))
    missing = [text for text in texts(document) if re.sub(r"\s+", " ", text).strip()[:60] not in squeezed]
    assert missing == []


def test_the_pdf_is_described_tagged_and_the_same_twice(document: Document, pdfium: Any) -> None:
    data = brief_pdf.pdf(document)
    assert data == brief_pdf.pdf(document)
    found = pdfium.PdfDocument(data)
    meta = found.get_metadata_dict()
    assert meta["Title"] == document.title
    assert meta["CreationDate"].startswith("D:" + re.sub(r"\D", "", document.created)[:14])
    assert pdfium.raw.FPDFCatalog_IsTagged(found)
    assert b"/Lang (en-GB)" in data
    assert next(iter(found.get_toc())).get_title() == document.blocks[0].text
    structure = re.findall(rb"/S /(\w+)", data)
    assert {b"Document", b"H1", b"H2", b"H4", b"P", b"Figure"} <= set(structure)
    assert structure.count(b"Figure") == len(re.findall(rb"/Alt", data))


def test_a_brief_of_endless_words_ends(pdfium: Any) -> None:
    """A row taller than a page, a heading of a page, a word wider than the page."""
    endless = Document(
        title="x", subject="x", simulated=True, created="2025-01-01T00:00:00Z", running="y" * 900,
        blocks=(
            Heading(text="word " * 900, level=1), Facts(rows=(("name " * 200, "value " * 1500),)),
            Table(head=("a", "b"), rows=(("W" * 3000, "x " * 2500), ("c", "d")), widths=(0.2, 0.8)),
            Text(text="boxed " * 900, style="code"), Bullets(title="t", lines=("l " * 1500,)),
        ),
    )  # fmt: skip
    found = pages(brief_pdf.pdf(endless), pdfium)
    assert len(found) < 40
    assert sum(text.count("value") for text in found) == 1500
    assert all(text.count("drawn by a computer") == 1 for text in found)
    assert "value" in "".join(Page(brief_html.html(endless)).words)


def test_empty_words_leave_room_and_no_tag(pdfium: Any) -> None:
    empty = Document(
        title="", subject="", simulated=False, created="2025-01-01T00:00:00Z", running="",
        blocks=(
            Heading(text="x", level=1), Text(text=""), Text(text=" ", style="code"), Facts(rows=(("", ""), ("a", ""))),
            Bullets(title="", lines=("",)), Table(head=("", "b"), rows=(("", ""),), widths=(0.5, 0.5)),
        ),
    )  # fmt: skip
    assert len(pages(brief_pdf.pdf(empty), pdfium)) == 1
    assert b"<main>" in brief_html.html(empty)


def test_letters_that_the_fonts_lack_are_marked_in_the_pdf_and_whole_in_html(pdfium: Any) -> None:
    text = "Хмеймим قاعدة \u6f22\u5b57 end"
    small = Document(
        title=text, subject="x", simulated=False, created="2025-01-01T00:00:00Z", running=text,
        blocks=(Text(text=text),),
    )  # fmt: skip
    (found,) = pages(brief_pdf.pdf(small), pdfium)
    assert "Хмеймим" in found
    assert "??" in found
    assert text in "".join(Page(brief_html.html(small)).words)


def test_notes_of_reviewers_are_quoted(plain: Handover, plain_run: StoredRun) -> None:
    yes = Verdict(answer="confirmed", reviewer="ann", time="2025-01-02T03:04:05Z")
    said = Review(
        verdicts=(yes,), agreed="confirmed", remarks=(Remark(reviewer="ann", text=HOSTILE[0], time=yes.time),)
    )
    noted = replace(plain, findings=(replace(plain.findings[0], review=said),), reviewed=True)
    words = texts(made(noted, plain_run))
    assert "ann, 2025-01-02 03:04 UTC: confirmed." in words
    assert f"ann, 2025-01-02 03:04 UTC, noted: \u201c{HOSTILE[0]}\u201d" in words
    page = Page(brief_html.html(made(noted, plain_run)))
    assert "script" not in page.tags


def test_an_unplaced_run_has_a_brief_too(unplaced: Handover, unplaced_run: StoredRun, pdfium: Any) -> None:
    text = "".join(pages(brief_pdf.pdf(made(unplaced, unplaced_run)), pdfium))
    assert "no georeference" in text
    assert "date unknown" in text
    assert unseen().reason
