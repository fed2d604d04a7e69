"""Pages of the PDF: lines as fpdf2 breaks them, scripts that do not get in each other's way, and how far it is."""

import re
from typing import Any

import pytest
from fpdf.enums import MethodReturnValue
from hypothesis import given
from hypothesis import strategies as st

from catalog.exports import brief, brief_pdf
from catalog.exports.blocks import Document, Text
from catalog.exports.findings import Handover
from catalog.exports.pdf_lines import broken, is_plain
from catalog.exports.pdf_sheet import Pen, Sheet
from catalog.exports.pictures import RunPictures
from catalog.reader import StoredRun


@pytest.fixture(scope="module")
def pdfium() -> Any:
    return pytest.importorskip("pypdfium2")


def pages(data: bytes, pdfium: Any) -> list[str]:
    return [page.get_textpage().get_text_bounded() for page in pdfium.PdfDocument(data)]


LETTERS = st.one_of(
    st.text("ab iWm.-xyz  ", max_size=300),
    st.text("жщ é—“”° 123", max_size=200),
    st.text("wwwwMMMM", max_size=200),
)


@pytest.fixture(scope="module")
def sheet() -> Sheet:
    return Sheet(
        Document(title="", subject="", simulated=False, created="2025-01-01T00:00:00Z", running="", blocks=())
    )


@given(text=LETTERS, width=st.floats(5, 180), size=st.sampled_from([8.5, 10.0, 14.0]), bold=st.booleans())
def test_lines_break_where_fpdf_breaks_them(
    sheet: Sheet, text: str, width: float, size: float, bold: bool
) -> None:
    pen = Pen(size=size, bold=bold)
    sheet.set_font("body", "B" if bold else "", size)
    sheet.set_text_shaping(False)
    expected = sheet.multi_cell(width, None, text, align="L", dry_run=True, output=MethodReturnValue.LINES)
    assert sheet.lines(text, pen, width) == ([str(line) for line in expected] or [""])


def test_rare_spaces_and_other_scripts_are_left_to_fpdf(sheet: Sheet) -> None:
    known = {ord(char): 1.0 for char in "abcdefghijklmnop \u00ad\u200b"}
    assert is_plain("a b", known)
    for text in ("a\u00adb", "a\u200bb", "a\u3000b", "aقb", "a\tb"):
        assert not is_plain(text, known)
    assert broken("wide", {ord(char): 5.0 for char in "wide"}, 1.0) == ["w", "i", "d", "e"]


def test_words_of_two_scripts_are_drawn_after_each_other_over_pages(pdfium: Any) -> None:
    """What is set up for one paragraph, the foot of a page or a height that was asked before leaves no trace."""
    arabic, latin = "قاعدة حميميم الجوية " * 60, "Хмеймим and Tartus " * 60
    blocks = tuple(Text(text=text) for _ in range(6) for text in (arabic, latin, "{nb} pages"))
    document = Document(
        title="x",
        subject="x",
        simulated=True,
        created="2025-01-01T00:00:00Z",
        running="foot",
        blocks=blocks,
    )
    alone = Document(
        title="x",
        subject="x",
        simulated=True,
        created="2025-01-01T00:00:00Z",
        running="foot",
        blocks=blocks[:1],
    )
    found = " ".join(pages(brief_pdf.pdf(document), pdfium))
    assert found.count("Tartus") == 360
    assert found.count("{nb} pages") == 6
    assert "?" not in found
    joined = [re.sub(r"\s", "", "".join(pages(brief_pdf.pdf(one), pdfium))) for one in (document, alone)]
    shaped = (
        re.findall("[\u0600-\u06ff\ufb50-\ufeff]", joined[0]),
        re.findall("[\u0600-\u06ff\ufb50-\ufeff]", joined[1]),
    )
    assert len(shaped[0]) >= 6 * len(shaped[1]) > 0


def test_whoever_waits_is_told_of_each_finding_and_each_block(plain: Handover, plain_run: StoredRun) -> None:
    steps: list[tuple[str, int | None, int]] = []

    class Listener:
        def step(self, what: str, *, total: int | None = None) -> None:
            steps.append((what, total, 0))

        def advance(self, parts: int = 1) -> None:
            what, total, done = steps.pop()
            steps.append((what, total, done + parts))

    told = Listener()
    told.step("pictures", total=len(plain.findings))
    document = brief.brief(plain, RunPictures(plain_run).chip, told=told)
    brief_pdf.pdf(document, told=told)
    assert steps == [("pictures", 3, 3), ("pages of the brief", len(document.blocks), len(document.blocks))]
