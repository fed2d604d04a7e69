"""A brief as PDF: text that can be selected, tagged by structure, with title and language.

The same brief gives the same bytes.
"""

import io
from collections.abc import Sequence

from catalog import ink
from catalog.exports.blocks import (
    Block,
    Bullets,
    Columns,
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
from catalog.exports.pdf_sheet import Frame, Pen, Sheet
from catalog.exports.told import SILENT, Told

_HEADINGS = {
    1: (Pen(size=18, bold=True), 0.0, 3.0), 2: (Pen(size=14, bold=True), 5.0, 3.0),
    3: (Pen(size=12.5, bold=True), 3.5, 1.2), 4: (Pen(size=11, bold=True), 3.0, 1.0),
}  # fmt: skip
"""Level: pen, space above and below (mm)."""

_SIZES: dict[Style, float] = {"quiet": 0.88, "code": 0.94}
_GROUNDS: dict[Style, ink.Colour] = {"code": ink.SHADE}
_RULE: ink.Colour = (205, 209, 215)
_GUTTER_MM, _AFTER_MM, _CELL_MM = 4.0, 1.6, 0.7
_CAPTION = Pen(size=8.5, colour=ink.QUIET)
_FACTS = (0.22, 0.78)
_NARROW_FACTS = (0.3, 0.7)
_IN_COLUMN = 0.86
"""Size of text in columns."""


def pdf(document: Document, *, told: Told = SILENT) -> bytes:
    """The file; tells of each block that is on its page."""
    told.step("pages of the brief", total=len(document.blocks))
    sheet = Sheet(document)
    outline = _Outline(sheet)
    for block in document.blocks:
        _put(sheet, block, outline)
        told.advance()
    return bytes(sheet.output())


class _Outline:
    """Bookmarks, which may not skip a level."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet, self._level = sheet, -1

    def add(self, heading: Heading) -> None:
        """A bookmark to the place where the sheet is now."""
        self._level = min(heading.level - 1, self._level + 1)
        self._sheet.start_section(self._sheet.drawable(heading.text), level=self._level)


def _put(sheet: Sheet, block: Block, outline: _Outline) -> None:
    match block:
        case PageBreak():
            sheet.fresh_page()
        case Together():
            height = sum(_height(sheet, part) for part in block.blocks)
            if height < sheet.room:
                sheet.need(height)
            for part in block.blocks:
                _put(sheet, part, outline)
        case Heading():
            _put_heading(sheet, block, outline)
        case Columns():
            _put_columns(sheet, block, outline)
        case Table():
            _put_table(sheet, block)
        case _:
            _put_text(sheet, block)


def _put_text(sheet: Sheet, block: Text | Bullets | Facts | Pictures) -> None:
    match block:
        case Text():
            _put_paragraph(sheet, block)
        case Bullets():
            title, plain = _bullet_pens(sheet)
            sheet.need(title.high + plain.high)
            sheet.write_text(block.title, title, "P")
            for line in block.lines:
                sheet.write_text(f"\u2022 {line}", plain, "P", indent=1.0, hanging=2.4)
            sheet.y += _AFTER_MM
        case Facts():
            for row in block.rows:
                _put_row(sheet, row, _fact_widths(sheet), bold=1)
            sheet.y += _AFTER_MM
        case Pictures():
            _put_pictures(sheet, block)


def _put_heading(sheet: Sheet, heading: Heading, outline: _Outline) -> None:
    pen, above, below = _HEADINGS[heading.level]
    if not sheet.at_top():
        sheet.y += above
    sheet.need(pen.high * 3)
    outline.add(heading)
    sheet.write_text(heading.text, pen, f"H{heading.level}")
    if heading.level == 2:
        sheet.y += 0.8
        sheet.rule(ink.INK, 0.4)
    sheet.y += below


def _text_pen(sheet: Sheet, style: Style) -> Pen:
    colour = ink.QUIET if style == "quiet" else ink.INK
    return Pen(size=sheet.frame.size * _SIZES.get(style, 1.0), bold=style == "strong", colour=colour)


def _put_paragraph(sheet: Sheet, text: Text) -> None:
    pen, ground = _text_pen(sheet, text.style), _GROUNDS.get(text.style)
    if ground is None:
        sheet.write_text(text.text, pen, "P")
    else:
        height = sheet.height_of(text.text, pen, sheet.frame.width - 6) + 4
        sheet.need(height)
        with sheet.decoration():
            sheet.set_fill_color(*ground)
            sheet.rect(
                sheet.frame.left, sheet.y, sheet.frame.width, min(height, sheet.floor - sheet.y), style="F"
            )
        sheet.y += 2
        sheet.write_text(text.text, pen, "P", indent=3, right=3)
        sheet.y += 2
    sheet.y += _AFTER_MM


def _bullet_pens(sheet: Sheet) -> tuple[Pen, Pen]:
    return Pen(size=sheet.frame.size, bold=True), Pen(size=sheet.frame.size)


def _fact_widths(sheet: Sheet) -> tuple[float, float]:
    return _FACTS if sheet.frame.width > 100 else _NARROW_FACTS


def _put_table(sheet: Sheet, table: Table) -> None:
    _put_row(sheet, table.head, table.widths, bold=len(table.head))
    for row in table.rows:
        if sheet.y + min(_row_height(sheet, row, table.widths), sheet.room / 2) > sheet.floor:
            sheet.next_page()
            _put_row(sheet, table.head, table.widths, bold=len(table.head))
        _put_row(sheet, row, table.widths)
    sheet.y += _AFTER_MM


def _cell_pen(sheet: Sheet, *, bold: bool) -> Pen:
    return Pen(size=sheet.frame.size * 0.92, bold=bold)


def _put_row(sheet: Sheet, cells: Sequence[str], widths: Sequence[float], *, bold: int = 0) -> None:
    """One row; its first `bold` cells stand out. One taller than a page goes on on the next."""
    sheet.need(min(_row_height(sheet, cells, widths, bold=bold), sheet.room / 2))
    frame, page, top = sheet.frame, sheet.page, sheet.y
    left, end = frame.left, (page, top)
    for index, (cell, share) in enumerate(zip(cells, widths, strict=True)):
        sheet.go_to(page, top + _CELL_MM)
        with sheet.within(Frame(left=left, width=share * frame.width - 2, size=frame.size)):
            sheet.write_text(cell, _cell_pen(sheet, bold=index < bold), "P")
        end = max(end, (sheet.page, sheet.y))
        left += share * frame.width
    sheet.go_to(*end)
    sheet.y += _CELL_MM
    sheet.rule(_RULE, 0.2)


def _row_height(sheet: Sheet, cells: Sequence[str], widths: Sequence[float], *, bold: int = 0) -> float:
    heights = [
        sheet.height_of(cell, _cell_pen(sheet, bold=index < bold), share * sheet.frame.width - 2)
        for index, (cell, share) in enumerate(zip(cells, widths, strict=True))
    ]
    return max(heights) + 2 * _CELL_MM


def _put_columns(sheet: Sheet, block: Columns, outline: _Outline) -> None:
    page, top = sheet.page, sheet.y
    end = (page, top)
    for frame, column in zip(_frames(sheet, block), block.columns, strict=True):
        sheet.go_to(page, top)
        with sheet.within(frame):
            for part in column:
                _put(sheet, part, outline)
        end = max(end, (sheet.page, sheet.y))
    sheet.go_to(*end)


def _frames(sheet: Sheet, block: Columns) -> list[Frame]:
    frame, left, found = sheet.frame, sheet.frame.left, []
    room = frame.width - _GUTTER_MM * (len(block.columns) - 1)
    for share in block.widths:
        found.append(Frame(left=left, width=share * room, size=frame.size * _IN_COLUMN))
        left += share * room + _GUTTER_MM
    return found


def _put_pictures(sheet: Sheet, block: Pictures) -> None:
    width = _picture_width(sheet, block)
    sheet.need(_pictures_height(sheet, block))
    frame, page, top = sheet.frame, sheet.page, sheet.y
    end = (page, top)
    for index, picture in enumerate(block.images):
        left = frame.left + index * (width + _GUTTER_MM / 2)
        drawn = _picture_size(sheet, picture, width)
        sheet.go_to(page, top)
        with sheet.tagged("Figure", alt=picture.alt):
            sheet.image(
                io.BytesIO(picture.jpeg), x=left + (width - drawn[0]) / 2, y=top, w=drawn[0], h=drawn[1]
            )
        sheet.go_to(page, top + drawn[1] + 0.8)
        with sheet.within(Frame(left=left, width=width, size=frame.size)):
            sheet.write_text(picture.caption, _CAPTION, "P")
        end = max(end, (sheet.page, sheet.y))
    sheet.go_to(*end)
    sheet.y += _AFTER_MM


def _picture_width(sheet: Sheet, block: Pictures) -> float:
    number = len(block.images)
    return (sheet.frame.width - _GUTTER_MM / 2 * (number - 1)) / number


def _picture_size(sheet: Sheet, picture: Picture, width: float) -> tuple[float, float]:
    """Width and height, mm: never higher than a page with its heading and caption."""
    most = sheet.room - 25
    high = width * picture.size_px[1] / picture.size_px[0]
    return (width, high) if high <= most else (width * most / high, most)


def _pictures_height(sheet: Sheet, block: Pictures) -> float:
    width = _picture_width(sheet, block)
    return max(
        _picture_size(sheet, picture, width)[1] + sheet.height_of(picture.caption, _CAPTION, width) + 0.8
        for picture in block.images
    )


def _height(sheet: Sheet, block: Plain) -> float:
    """Height of what stays together, mm."""
    width = sheet.frame.width
    match block:
        case Heading():
            pen, above, below = _HEADINGS[block.level]
            height = above + below + sheet.height_of(block.text, pen, width)
        case Text():
            height = sheet.height_of(block.text, _text_pen(sheet, block.style), width) + _AFTER_MM
        case Bullets():
            title, plain = _bullet_pens(sheet)
            lines = sum(sheet.height_of(f"\u2022 {line}", plain, width - 3.4) for line in block.lines)
            height = sheet.height_of(block.title, title, width) + lines + _AFTER_MM
        case Facts():
            height = (
                sum(_row_height(sheet, row, _fact_widths(sheet), bold=1) for row in block.rows) + _AFTER_MM
            )
        case Pictures():
            height = _pictures_height(sheet, block) + _AFTER_MM
        case Columns():
            height = _columns_height(sheet, block)
        case Table():
            height = (
                sum(_row_height(sheet, row, block.widths) for row in (block.head, *block.rows)) + _AFTER_MM
            )
    return height


def _columns_height(sheet: Sheet, block: Columns) -> float:
    heights = []
    for frame, column in zip(_frames(sheet, block), block.columns, strict=True):
        with sheet.within(frame):
            heights.append(sum(_height(sheet, part) for part in column))
    return max(heights)
