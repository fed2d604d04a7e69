"""A brief as PDF: text that can be selected, tagged by structure, with title and language, the same for the same run.

Layout by fpdf2; fonts are Fira Sans (Latin, Greek, Cyrillic) and IBM Plex Sans Arabic, embedded as subsets. Letters that
neither has stand as a question mark; the HTML has them.
"""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib import resources

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, XPos, YPos
from fpdf.prefs import ViewerPreferences

from catalog import ink
from catalog.exports.blocks import (
    SIMULATED,
    Block,
    Bullets,
    Document,
    Facts,
    Heading,
    PageBreak,
    Picture,
    Pictures,
    Plain,
    Style,
    Table,
    Text,
    Together,
)
from catalog.exports.brief_html import LANGUAGE

_BODY, _ARABIC = "body", "arabic"
_FILES = {
    (_BODY, ""): ("fontpkg_fira_sans", "FiraSans-Regular.ttf"),
    (_BODY, "B"): ("fontpkg_fira_sans", "FiraSans-SemiBold.ttf"),
    (_ARABIC, ""): ("fontpkg_ibm_plex_sans_arabic", "IBMPlexSansArabic-Regular.ttf"),
    (_ARABIC, "B"): ("fontpkg_ibm_plex_sans_arabic", "IBMPlexSansArabic-SemiBold.ttf"),
}

_MARGIN_MM, _TOP_MM, _BOTTOM_MM = 16.0, 20.0, 18.0
_LINE = 1.38
_PT_MM = 25.4 / 72
_BODY_PT = 10.0
_HEADINGS = {1: (19.0, 0.0, 4.0), 2: (14.0, 5.0, 2.5), 3: (11.5, 4.0, 1.5)}
"""Level: size (pt), space above and below (mm)."""

_STYLES: dict[Style, tuple[str, float, ink.Colour]] = {
    "normal": ("", _BODY_PT, ink.INK), "strong": ("B", _BODY_PT, ink.INK), "quiet": ("", 9.0, ink.QUIET),
    "warning": ("B", 11.0, ink.INK), "code": ("", 9.5, ink.INK),
}  # fmt: skip
_GROUNDS: dict[Style, ink.Colour] = {"warning": ink.WARNING, "code": ink.SHADE}
_RULE: ink.Colour = (200, 204, 210)
_GAP_MM = 3.0
_FACT_SHARE = 0.24


def pdf(document: Document) -> bytes:
    """The file."""
    page = _Page(document)
    for block in document.blocks:
        page.put(block)
    return bytes(page.output())


class _Page(FPDF):
    """Puts blocks on pages from top to bottom."""

    def __init__(self, document: Document) -> None:
        super().__init__(format="A4", unit="mm")
        self._document = document
        self._mcids: Counter[int] = Counter()
        self._level = -1
        self.set_margins(_MARGIN_MM, _TOP_MM, _MARGIN_MM)
        self.set_auto_page_break(False)
        self.c_margin = 0
        for (family, style), (package, name) in _FILES.items():
            with resources.as_file(resources.files(package) / "files" / name) as path:
                self.add_font(family, style, path)
        self.set_fallback_fonts([_ARABIC], exact_match=False)
        self._known = {family: frozenset(self.fonts[family].cmap) for family in (_BODY, _ARABIC)}
        self._describe(document)
        self.add_page()

    def _describe(self, document: Document) -> None:
        self._set_min_pdf_version("1.7")
        self.set_title(document.title)
        self.set_subject(document.subject)
        self.set_lang(LANGUAGE)
        self.set_creator("sitewatch")
        self.set_creation_date(datetime.fromisoformat(document.created.replace("Z", "+00:00")))
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)

    def header(self) -> None:
        if self._document.simulated:
            with self._decoration():
                self.set_fill_color(*ink.WARNING)
                self.rect(0, 0, self.w, 11, style="F")
                self._pen("B", 10, ink.INK)
                self.set_xy(0, 3)
                self.cell(self.w, 5, SIMULATED, align="C")
        self.set_xy(self.l_margin, self.t_margin)

    def footer(self) -> None:
        with self._decoration():
            self._pen("", 8, ink.QUIET)
            self.set_xy(self.l_margin, self.h - 11)
            self.cell(self.epw - 20, 4, self._short(self._document.running, self.epw - 24))
            self.set_xy(self.w - self.r_margin - 20, self.h - 11)
            self.cell(20, 4, str(self.page_no()), align="R")

    def put(self, block: Block) -> None:
        match block:
            case Heading():
                self._heading(block)
            case Text():
                self._text(block)
            case Bullets():
                self._bullets(block)
            case Facts():
                for row in block.rows:
                    self._row(row, (_FACT_SHARE, 1 - _FACT_SHARE), bold=1)
                self.y += 1.5
            case Table():
                self._table(block)
            case Pictures():
                self._pictures(block)
            case Together():
                self._together(block.blocks)
            case PageBreak():
                if self.y > self.t_margin:
                    self.add_page()

    def _heading(self, heading: Heading) -> None:
        size, above, below = _HEADINGS[heading.level]
        if self.y > self.t_margin:
            self.y += above
        self._need(self._high(size) * 3)
        self._level = min(heading.level - 1, self._level + 1)
        self.start_section(self._drawable(heading.text), level=self._level)
        self._pen("B", size, ink.INK)
        self._write(heading.text, self.epw, size, f"H{heading.level}")
        if heading.level == 2:
            with self._decoration():
                self.set_draw_color(*ink.INK)
                self.set_line_width(0.4)
                self.line(self.l_margin, self.y + 0.8, self.w - self.r_margin, self.y + 0.8)
        self.y += below

    def _text(self, text: Text) -> None:
        weight, size, colour = _STYLES[text.style]
        ground = _GROUNDS.get(text.style)
        self._pen(weight, size, colour)
        if ground is None:
            self._write(text.text, self.epw, size, "P")
        else:
            self._boxed(text.text, size, ground)
        self.y += 1.8

    def _boxed(self, text: str, size: float, ground: ink.Colour) -> None:
        lines = self._lines(text, self.epw - 6)
        height = len(lines) * self._high(size) + 4
        self._need(height)
        with self._decoration():
            self.set_fill_color(*ground)
            self.rect(self.l_margin, self.y, self.epw, height, style="F")
        self.y += 2
        self._write(text, self.epw - 6, size, "P", indent=3)
        self.y += 2

    def _bullets(self, bullets: Bullets) -> None:
        self._pen("B", _BODY_PT, ink.INK)
        self._need(self._high(_BODY_PT) * 2)
        self._write(bullets.title, self.epw, _BODY_PT, "P")
        self._pen("", _BODY_PT, ink.INK)
        for line in bullets.lines:
            self._write(f"\u2022 {line}", self.epw - 3, _BODY_PT, "P", indent=3, hanging=2.6)
        self.y += 1.8

    def _table(self, table: Table) -> None:
        self._row(table.head, table.widths, bold=len(table.head))
        for row in table.rows:
            if self._row_height(row, table.widths) + self.y > self._floor():
                self.add_page()
                self._row(table.head, table.widths, bold=len(table.head))
            self._row(row, table.widths)
        self.y += 2

    def _row(self, cells: Sequence[str], widths: Sequence[float], *, bold: int = 0) -> None:
        """One row; its first `bold` cells stand out. One that is taller than a page goes on on the next."""
        size = 9.0
        self._need(min(self._row_height(cells, widths, bold=bold), self._floor() - self.t_margin))
        page, top, x = self.page, self.y, self.l_margin
        bottom = (page, top)
        for index, (cell, share) in enumerate(zip(cells, widths, strict=True)):
            self.page, self.y = page, top + 0.8
            self._pen("B" if index < bold else "", size, ink.INK)
            self._write(cell, share * self.epw - 2.5, size, "P", indent=x - self.l_margin)
            bottom = max(bottom, (self.page, self.y))
            x += share * self.epw
        self.page, self.y = bottom[0], bottom[1] + 0.8
        with self._decoration():
            self.set_draw_color(*_RULE)
            self.set_line_width(0.2)
            self.line(self.l_margin, self.y, self.w - self.r_margin, self.y)

    def _row_height(self, cells: Sequence[str], widths: Sequence[float], *, bold: int = 0) -> float:
        most = 1
        for index, (cell, share) in enumerate(zip(cells, widths, strict=True)):
            self._pen("B" if index < bold else "", 9.0, ink.INK)
            most = max(most, len(self._lines(cell, share * self.epw - 2.5)))
        return most * self._high(9.0) + 1.6

    def _pictures(self, block: Pictures) -> None:
        width = self._picture_width(block)
        self._need(self._pictures_height(block))
        top, tallest = self.y, 0.0
        for index, picture in enumerate(block.images):
            x = self.l_margin + index * (width + _GAP_MM)
            high = self._picture_size(picture, width)[1]
            self._picture(picture, x, top, width)
            tallest = max(tallest, high)
        for index, picture in enumerate(block.images):
            self._pen("", 9.0, ink.QUIET)
            self.y = top + tallest + 1
            self._write(picture.caption, width, 9.0, "P", indent=index * (width + _GAP_MM))
        self.y += 2

    def _picture(self, picture: Picture, x: float, y: float, width: float) -> None:
        drawn = self._picture_size(picture, width)
        with self._tagged("Figure", alt=picture.alt):
            self.image(io.BytesIO(picture.jpeg), x=x + (width - drawn[0]) / 2, y=y, w=drawn[0], h=drawn[1])

    def _picture_width(self, block: Pictures) -> float:
        number = len(block.images)
        return (self.epw * block.share - _GAP_MM * (number - 1)) / number

    def _picture_size(self, picture: Picture, width: float) -> tuple[float, float]:
        """Width and height: never higher than a page."""
        most = self._floor() - self.t_margin - 30
        high = width * picture.size_px[1] / picture.size_px[0]
        return (width, high) if high <= most else (width * most / high, most)

    def _pictures_height(self, block: Pictures) -> float:
        width = self._picture_width(block)
        return max(self._picture_size(picture, width)[1] for picture in block.images) + self._high(9.0) + 3

    def _together(self, blocks: Sequence[Plain]) -> None:
        height = sum(map(self._height, blocks))
        if height < self._floor() - self.t_margin:
            self._need(height)
        for block in blocks:
            self.put(block)

    def _height(self, block: Plain) -> float:
        match block:
            case Heading():
                size, above, below = _HEADINGS[block.level]
                self._pen("B", size, ink.INK)
                return above + below + len(self._lines(block.text, self.epw)) * self._high(size)
            case Text():
                weight, size, colour = _STYLES[block.style]
                self._pen(weight, size, colour)
                return len(self._lines(block.text, self.epw)) * self._high(size) + 1.8
            case Pictures():
                return self._pictures_height(block)
            case _:
                return 0.0

    def _write(
        self, text: str, width: float, size: float, kind: str, *, indent: float = 0.0, hanging: float = 0.0
    ) -> None:
        """Lines of one paragraph; lines after the first stand `hanging` further right."""
        lines = self._lines(text, width - hanging)
        index = 0
        while index < len(lines):
            self._need(self._high(size))
            fits = max(1, int((self._floor() - self.y) / self._high(size)))
            with self._tagged(kind):
                for line in lines[index : index + fits]:
                    self.set_xy(self.l_margin + indent + (hanging if index else 0), self.y)
                    self.cell(width, self._high(size), line, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
                    index += 1

    def _lines(self, text: str, width: float) -> list[str]:
        words = self._drawable(text)
        self.set_text_shaping(any("\u0590" <= char <= "\u08ff" for char in words))
        found = self.multi_cell(width, None, words, align="L", dry_run=True, output=MethodReturnValue.LINES)
        return [str(line) for line in found] or [""]  # type: ignore[union-attr]

    def _drawable(self, text: str) -> str:
        body, arabic = self._known[_BODY], self._known[_ARABIC]
        return "".join(char if ord(char) in body or ord(char) in arabic else "?" for char in text)

    def _short(self, text: str, width: float) -> str:
        words = self._drawable(text)
        self.set_text_shaping(False)
        while words and self.get_string_width(words) > width:
            words = words[:-2] + "\u2026" if len(words) > 2 else ""
        return words

    def _pen(self, weight: str, size: float, colour: ink.Colour) -> None:
        self.set_font(_BODY, weight, size)
        self.set_text_color(*colour)

    def _high(self, size: float) -> float:
        return size * _PT_MM * _LINE

    def _floor(self) -> float:
        return float(self.h) - _BOTTOM_MM

    def _need(self, height: float) -> None:
        """Go on on the next page where this one has less room left."""
        if self.y + height > self._floor() and self.y > self.t_margin:
            family, style, size, colour = (
                self.font_family,
                self.font_style,
                self.font_size_pt,
                self.text_color,
            )
            self.add_page()
            self.set_font(family, style, size)
            self.text_color = colour

    @contextmanager
    def _tagged(self, kind: str, *, alt: str | None = None) -> Iterator[None]:
        """What is drawn inside is a structure element, read in this order."""
        number = self._mcids[self.page]
        self._mcids[self.page] += 1
        _, parents = self.struct_builder.add_marked_content(
            page_number=self.page, struct_type=f"/{kind}", mcid=number, alt_text=alt
        )
        self.pages[self.page].struct_parents = parents
        self._out(f"/{kind} <</MCID {number}>> BDC")
        yield
        self._out("EMC")

    @contextmanager
    def _decoration(self) -> Iterator[None]:
        """What is drawn inside is not read out."""
        self._out("/Artifact BMC")
        yield
        self._out("EMC")
