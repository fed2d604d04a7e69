"""Contact sheets: pages of what was missed and of what was claimed wrongly, for a person to look through.

One series of PNG pages per class and kind of mistake: ``aircraft_misses_01.png``, ``null_false_alarms_01.png``.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from PIL import Image, ImageDraw

from catalog.cases import CaseFiles
from catalog.contact_cell import CELL_PX, COLOURS, INK, PAPER, Exhibit, Mark, case_pixels, cell, font
from models.evaluation import Case, CaseScore, Claim, ClaimStatus

Mistake = Literal["misses", "false_alarms", "wrong_kind", "fragments"]

COLUMNS, ROWS = 4, 5
MAX_PAGES = 5
"""Pages of one series at most; the header of each says how many exhibits there are in all."""

_STATUS: Mapping[Mistake, ClaimStatus] = {
    "false_alarms": "false_alarm",
    "wrong_kind": "wrong_kind",
    "fragments": "fragment",
}
_MARGIN_PX = 12
_HEADER_PX = 46
_PAGE_NAME = re.compile(rf"[a-z]+_({'|'.join(get_args(Mistake))})_\d\d\.png")


def write_contact_sheets(
    scores: Sequence[CaseScore],
    files: Mapping[str, CaseFiles],
    folder: Path,
    *,
    threshold: float = 0.5,
    max_pages: int = MAX_PAGES,
) -> tuple[Path, ...]:
    """Draw every mistake at a score threshold, largest miss and boldest claim first.

    Parameters
    ----------
    scores : sequence of CaseScore
    files : mapping of case name to CaseFiles
    folder : Path
        Made if need be. Pages of an earlier evaluation in it are removed.
    threshold : float
        Claims below this score are not shown, and what only they found is shown as missed.
    max_pages : int
        Per series.

    Returns
    -------
    tuple of Path
        The pages, in order.

    Raises
    ------
    UnreadableRaster
        When an image cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for page in folder.iterdir():
        if _PAGE_NAME.fullmatch(page.name):
            page.unlink()
    series = {name: found for name, found in exhibits(scores, threshold=threshold).items() if found}
    shown = {name: found[: max_pages * COLUMNS * ROWS] for name, found in series.items()}
    cells = _cells([exhibit for found in shown.values() for exhibit in found], files)
    pages = []
    for (group, mistake), found in shown.items():
        title = f"{group}: {mistake.replace('_', ' ')} at score {threshold:g} or better"
        total = len(series[group, mistake])
        pages += _write_pages(
            [cells[id(exhibit)] for exhibit in found], folder, f"{group}_{mistake}", title=title, total=total
        )
    return tuple(pages)


def exhibits(scores: Iterable[CaseScore], *, threshold: float) -> dict[tuple[str, Mistake], list[Exhibit]]:
    """Mistakes by class and sort; controls are the class "null", radar "sar"; other origins are named too."""
    ranked: dict[tuple[str, Mistake], list[tuple[float, Exhibit]]] = {}
    for score in scores:
        group = _group(score.case)
        for rank, exhibit in _misses(score, threshold):
            ranked.setdefault((group, "misses"), []).append((rank, exhibit))
        for mistake, status in _STATUS.items():
            for judged in score.judged:
                if judged.status == status and judged.claim.score >= threshold:
                    found = (judged.claim.score, _claimed(score, judged.claim, threshold))
                    ranked.setdefault((group, mistake), []).append(found)
    return {
        key: [exhibit for _, exhibit in sorted(found, key=lambda pair: -pair[0])]
        for key, found in sorted(ranked.items())
    }


def _group(case: Case) -> str:
    group = "null" if case.null else "sar" if case.radar else case.klass
    return group if case.origin == "real" else f"{case.origin}{group}"


def _misses(score: CaseScore, threshold: float) -> Iterable[tuple[float, Exhibit]]:
    case = score.case
    for truth, hit, match in zip(case.truths, score.hit_scores, score.matches, strict=True):
        if hit is not None and hit >= threshold:
            continue
        if hit is not None:
            nearly = f"found at {hit:.2f}"
        elif match is not None:
            nearly = f"best match {match.score:.2f}" + ("" if match.right_kind else ", other kind")
        else:
            nearly = "nothing matches" if score.assessed else "not assessed"
        length_m = truth.box.longest_px * case.gsd_m
        yield (
            length_m,
            Exhibit(
                case=case.name,
                caption=f"{truth.kind}, {length_m:.0f} m; {nearly}",
                subject=Mark(box=truth.box, what=truth.kind, claimed=False, subject=True),
                marks=_surroundings(score, threshold),
            ),
        )


def _claimed(score: CaseScore, claim: Claim, threshold: float) -> Exhibit:
    length_m = claim.box.longest_px * score.case.gsd_m
    return Exhibit(
        case=score.case.name,
        caption=f"{claim.kind} {claim.score:.2f}, {length_m:.0f} m, {claim.label}",
        subject=Mark(box=claim.box, what=claim.kind, claimed=True, subject=True),
        marks=_surroundings(score, threshold),
    )


def _surroundings(score: CaseScore, threshold: float) -> tuple[Mark, ...]:
    case = score.case
    return (
        *(Mark(box=box, what="dont_care", claimed=False) for box in case.dont_care),
        *(Mark(box=truth.box, what=truth.kind, claimed=False) for truth in case.truths),
        *(
            Mark(box=claim.box, what=claim.kind, claimed=True)
            for claim, status in score.judged
            if claim.score >= threshold and status != "off_class"
        ),
    )


def _cells(shown: Sequence[Exhibit], files: Mapping[str, CaseFiles]) -> dict[int, Image.Image]:
    """Exhibits drawn, by identity; one case's images in memory at a time."""
    cells: dict[int, Image.Image] = {}
    for name in sorted({exhibit.case for exhibit in shown}):
        pixels = case_pixels(files[name])
        cells |= {id(e): cell(e, files[name], pixels) for e in shown if e.case == name}
    return cells


def _write_pages(
    cells: Sequence[Image.Image], folder: Path, name: str, *, title: str, total: int
) -> list[Path]:
    per_page = COLUMNS * ROWS
    count = math.ceil(len(cells) / per_page)
    paths = []
    for index in range(count):
        on_page = cells[index * per_page : (index + 1) * per_page]
        first = index * per_page + 1
        header = f"{title}  ·  {first}-{first + len(on_page) - 1} of {total}  ·  page {index + 1} of {count}"
        path = folder / f"{name}_{index + 1:02d}.png"
        partial = path.with_suffix(".partial")
        try:
            _page(on_page, header).save(partial, format="PNG", compress_level=1)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        paths.append(path)
    return paths


def _page(cells: Sequence[Image.Image], header: str) -> Image.Image:
    step_col, step_row = CELL_PX[0] + _MARGIN_PX, CELL_PX[1] + _MARGIN_PX
    rows = math.ceil(len(cells) / COLUMNS)
    page = Image.new(
        "RGB", (COLUMNS * step_col + _MARGIN_PX, rows * step_row + _HEADER_PX + _MARGIN_PX), PAPER
    )
    draw = ImageDraw.Draw(page)
    draw.text((_MARGIN_PX, 8), header, INK, font=font(15))
    _legend(draw)
    for index, picture in enumerate(cells):
        row, col = divmod(index, COLUMNS)
        page.paste(picture, (_MARGIN_PX + col * step_col, _HEADER_PX + row * step_row))
    return page


def _legend(draw: ImageDraw.ImageDraw) -> None:
    left = _MARGIN_PX
    words = (
        ("before | after, one stretch; solid = label, dashed = claim;", INK),
        ("appeared", COLOURS["appeared"]),
        ("vanished", COLOURS["vanished"]),
        ("don't care", COLOURS["dont_care"]),
    )
    for text, colour in words:
        draw.text((left, 27), text, colour, font=font(12))
        left += int(draw.textlength(text, font=font(12))) + 10
