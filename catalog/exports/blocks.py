"""What a brief is made of, before it is HTML or PDF. Texts are plain; each renderer escapes them for itself."""

from dataclasses import dataclass, field
from typing import Literal

Style = Literal["normal", "strong", "quiet", "code"]


@dataclass(frozen=True, kw_only=True)
class Heading:
    """A heading.

    Parameters
    ----------
    text : str
    level : {1, 2, 3, 4}
    """

    text: str
    level: int


@dataclass(frozen=True, kw_only=True)
class Text:
    """A paragraph."""

    text: str
    style: Style = "normal"


@dataclass(frozen=True, kw_only=True)
class Bullets:
    """A list with a line before it."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Names and what is stated of each."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with a head.

    Parameters
    ----------
    head : tuple of str
    rows : tuple of tuple of str
    widths : tuple of float
        Shares of the width of the page, adding up to 1.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An image.

    Parameters
    ----------
    jpeg : bytes
    size_px : (int, int)
        Width and height.
    alt : str
        What it shows, for those who do not see it.
    caption : str
    """

    jpeg: bytes = field(repr=False)
    size_px: tuple[int, int]
    alt: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Images side by side.

    Parameters
    ----------
    images : tuple of Picture
    share : float
        Of the width of the page, of all together.
    """

    images: tuple[Picture, ...]
    share: float = 1.0


Column = tuple[Text | Bullets | Facts | Pictures, ...]


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Blocks side by side.

    Parameters
    ----------
    columns : tuple of Column
    widths : tuple of float
        Shares of the width of the page, adding up to 1.
    """

    columns: tuple[Column, ...]
    widths: tuple[float, ...]


Plain = Heading | Text | Bullets | Facts | Table | Pictures | Columns


@dataclass(frozen=True, kw_only=True)
class Together:
    """Blocks that stay on one page where one can hold them."""

    blocks: tuple[Plain, ...]


@dataclass(frozen=True, kw_only=True)
class PageBreak:
    """What follows begins on a page of its own."""


Block = Plain | Together | PageBreak


@dataclass(frozen=True, kw_only=True)
class Document:
    """A brief.

    Parameters
    ----------
    title : str
    subject : str
    simulated : bool
        Every page then says so.
    created : str
        RFC 3339, UTC: when the run was written. The same run gives the same bytes.
    running : str
        Stands at the foot of every page.
    blocks : tuple of Block
    """

    title: str
    subject: str
    simulated: bool
    created: str
    running: str
    blocks: tuple[Block, ...]


SIMULATED = "SIMULATED: drawn by a computer, not a satellite image"
