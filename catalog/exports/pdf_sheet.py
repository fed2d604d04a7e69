"""Pages of a PDF: fonts, header and footer, lines of text in a frame, and the tags that say what each of them is.

Layout by fpdf2; fonts are Fira Sans (Latin, Greek, Cyrillic) and IBM Plex Sans Arabic, embedded as subsets. Letters
that neither has stand as a question mark.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, XPos, YPos
from fpdf.prefs import ViewerPreferences

from catalog import ink
from catalog.exports.blocks import SIMULATED, Document
from catalog.exports.brief_html import LANGUAGE
from catalog.exports.pdf_lines import broken, is_plain

_BODY, _ARABIC = "body", "arabic"
_FILES = {
    (_BODY, ""): ("fontpkg_fira_sans", "FiraSans-Regular.ttf"),
    (_BODY, "B"): ("fontpkg_fira_sans", "FiraSans-SemiBold.ttf"),
    (_ARABIC, ""): ("fontpkg_ibm_plex_sans_arabic", "IBMPlexSansArabic-Regular.ttf"),
    (_ARABIC, "B"): ("fontpkg_ibm_plex_sans_arabic", "IBMPlexSansArabic-SemiBold.ttf"),
}
_FIRST_RTL, _LAST_RTL = "\u0590", "\u08ff"

_SIDE_MM, _TOP_MM, _BOTTOM_MM = 16.0, 19.0, 17.0
_LINE = 1.36
_PT_MM = 25.4 / 72
_PER_EM = 0.001
_KEPT_PARAGRAPHS = 20000


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Where on the page is written.

    Parameters
    ----------
    left, width : float
        mm.
    size : float
        Of plain text, pt.
    """

    left: float
    width: float
    size: float


@dataclass(frozen=True, kw_only=True)
class Pen:
    """How text looks.

    Parameters
    ----------
    bold : bool
    size : float
        pt.
    colour : Colour
    """

    size: float
    bold: bool = False
    colour: ink.Colour = ink.INK

    @property
    def high(self) -> float:
        """Height of a line, mm."""
        return self.size * _PT_MM * _LINE


class Sheet(FPDF):
    """Pages that are filled from top to bottom."""

    def __init__(self, document: Document) -> None:
        super().__init__(format="A4", unit="mm")
        self._document = document
        self._numbers: Counter[int] = Counter()
        self.set_margins(_SIDE_MM, _TOP_MM, _SIDE_MM)
        self.set_auto_page_break(False)
        self.c_margin = 0.0
        self.frame = Frame(left=_SIDE_MM, width=self.epw, size=10.0)
        for (family, style), (package, name) in _FILES.items():
            with resources.as_file(resources.files(package) / "files" / name) as path:
                self.add_font(family, style, path)
        self.str_alias_nb_pages = ""  # or who writes {nb} gets the number of pages
        fonts: Any = self.fonts
        # Letters of the body's own font, in thousandths of its size.
        self._advances = {
            bold: {code: float(fonts[name].cw[code]) for code in fonts[name].cmap}
            for bold, name in ((False, _BODY), (True, f"{_BODY}B"))
        }
        self._in_both = self._advances[False].keys() & self._advances[True].keys()
        self._broken: dict[tuple[str, bool, float, float], list[str]] = {}
        self._known = frozenset(fonts[_BODY].cmap) | frozenset(fonts[_ARABIC].cmap)
        self._set_min_pdf_version("1.7")
        self.set_title(document.title)
        self.set_subject(document.subject)
        self.set_lang(LANGUAGE)
        self.set_creator("sitewatch")
        self.set_creation_date(datetime.fromisoformat(document.created.replace("Z", "+00:00")))
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.add_page()

    @property
    def floor(self) -> float:
        """Lowest place that is written to, mm."""
        return float(self.h) - _BOTTOM_MM

    @property
    def room(self) -> float:
        """Height of a whole page, mm."""
        return self.floor - _TOP_MM

    def header(self) -> None:
        if self._document.simulated:
            with self.decoration():
                self.set_fill_color(*ink.WARNING)
                self.rect(0, 0, self.w, 11, style="F")
                self._take(Pen(size=10, bold=True))
                self.set_xy(0, 3)
                self.cell(self.w, 5, SIMULATED, align="C")
        self.set_xy(_SIDE_MM, _TOP_MM)

    def footer(self) -> None:
        pen = Pen(size=8, colour=ink.QUIET)
        with self.decoration():
            self._take(pen)
            self.set_xy(_SIDE_MM, self.h - 11)
            self.cell(self.epw - 20, 4, self._cut(self._document.running, self.epw - 24))
            self.set_xy(self.w - _SIDE_MM - 20, self.h - 11)
            self.cell(20, 4, str(self.page_no()), align="R")

    def write_text(
        self, text: str, pen: Pen, kind: str, *, indent: float = 0.0, hanging: float = 0.0, right: float = 0.0
    ) -> None:
        """A paragraph, over as many pages as it takes.

        Parameters
        ----------
        text : str
        pen : Pen
        kind : str
            Structure type, such as ``P`` or ``H1``.
        indent, right : float
            mm from the frame's edges.
        hanging : float
            mm that lines after the first stand further right.
        """
        if not text.strip():  # nothing to tag
            self.y += pen.high
            return
        lines = self.lines(text, pen, self.frame.width - indent - right - hanging)
        done, words = 0, self.drawable(text)
        while done < len(lines):
            self.need(pen.high)
            self._prepare(words)  # the foot of the page before may have wanted something else
            fits = max(1, int((self.floor - self.y) / pen.high + 1e-6))
            with self.tagged(kind):
                self._take(pen)
                for line in lines[done : done + fits]:
                    self.set_x(self.frame.left + indent + (hanging if done else 0.0))
                    done += 1
                    end = (
                        " " if done < len(lines) else ""
                    )  # or words of two lines run into each other when copied
                    self.cell(None, pen.high, line + end, new_x=XPos.LEFT, new_y=YPos.NEXT)

    def lines(self, text: str, pen: Pen, width: float) -> list[str]:
        """A paragraph as lines no wider than `width` mm."""
        key = (text, pen.bold, pen.size, width)
        if key not in self._broken:
            if len(self._broken) > _KEPT_PARAGRAPHS:
                self._broken.clear()
            self._broken[key] = self._lines(self.drawable(text), pen, width)
        return self._broken[key]

    def _lines(self, words: str, pen: Pen, width: float) -> list[str]:
        advances = self._advances[pen.bold]
        if is_plain(words, advances):
            return broken(words, advances, width / (pen.size * _PT_MM * _PER_EM)) or [""]
        self._take(pen)
        self._prepare(words)
        found: Any = self.multi_cell(
            width, None, words, align="L", dry_run=True, output=MethodReturnValue.LINES
        )
        return [str(line) for line in found] or [""]

    def height_of(self, text: str, pen: Pen, width: float) -> float:
        """Height of a paragraph, mm."""
        return len(self.lines(text, pen, width)) * pen.high

    def drawable(self, text: str) -> str:
        """`text` in the letters that the fonts have."""
        return "".join(char if ord(char) in self._known else "?" for char in text)

    def need(self, height: float) -> None:
        """Go on on the next page where this one has less room left, mm."""
        if self.y + height > self.floor + 1e-6 and self.y > _TOP_MM + 1e-6:
            self.next_page()

    def next_page(self) -> None:
        """The page after this one, which is there already where another column has reached it."""
        if self.page < len(self.pages):
            self.go_to(self.page + 1, _TOP_MM)
        else:
            self.add_page()

    def fresh_page(self) -> None:
        """An empty page, unless this one is."""
        if self.y > _TOP_MM + 1e-6:
            self.next_page()

    def go_to(self, page: int, y: float) -> None:
        """Write on at another place; what was set on the page before does not hold on this one."""
        if page != self.page:
            self.page = page
            self.current_font_is_set_on_page = False
        self.y = y

    def at_top(self) -> bool:
        """Whether nothing stands on the page yet."""
        return bool(self.y <= _TOP_MM + 1e-6)

    @contextmanager
    def tagged(self, kind: str, *, alt: str | None = None) -> Iterator[None]:
        """What is drawn inside is a structure element; they are read in this order."""
        number = self._numbers[self.page]
        self._numbers[self.page] += 1
        _, parents = self.struct_builder.add_marked_content(
            page_number=self.page, struct_type=f"/{kind}", mcid=number, alt_text=alt
        )
        self.pages[self.page].struct_parents = parents
        self._out(f"/{kind} <</MCID {number}>> BDC")
        yield
        self._out("EMC")

    @contextmanager
    def decoration(self) -> Iterator[None]:
        """What is drawn inside is not read out."""
        self._out("/Artifact BMC")
        yield
        self._out("EMC")

    @contextmanager
    def within(self, frame: Frame) -> Iterator[None]:
        """Write in a part of the page."""
        before, self.frame = self.frame, frame
        try:
            yield
        finally:
            self.frame = before

    def rule(self, colour: ink.Colour, width: float) -> None:
        """A line across the frame."""
        with self.decoration():
            self.set_draw_color(*colour)
            self.set_line_width(width)
            self.line(self.frame.left, self.y, self.frame.left + self.frame.width, self.y)

    def _take(self, pen: Pen) -> None:
        self.set_font(_BODY, "B" if pen.bold else "", pen.size)
        self.set_text_color(*pen.colour)

    def _prepare(self, words: str) -> None:
        """Only what needs it is shaped and looked up in other fonts: both take fpdf2 long."""
        self.set_text_shaping(any(_FIRST_RTL <= char <= _LAST_RTL for char in words))
        self.set_fallback_fonts([] if is_plain(words, self._in_both) else [_ARABIC], exact_match=False)

    def _cut(self, text: str, width: float) -> str:
        words = self.drawable(text)
        self._prepare(words)
        if self.get_string_width(words) <= width:
            return words
        while words and self.get_string_width(words + "\u2026") > width:
            words = words[:-1]
        return words + "\u2026"
