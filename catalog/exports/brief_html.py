"""A brief as one HTML file: no script, nothing from elsewhere, images inside, made to be printed as well."""

import base64
import hashlib
from html import escape

from catalog import ink
from catalog.exports.blocks import (
    SIMULATED,
    Block,
    Bullets,
    Columns,
    Document,
    Facts,
    Heading,
    PageBreak,
    Picture,
    Pictures,
    Table,
    Text,
    Together,
)

LANGUAGE = "en-GB"

_YELLOW = "#{:02x}{:02x}{:02x}".format(*ink.WARNING)
_CSS = f"""
@page {{ size: A4; margin: 15mm; }}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; padding: 1.5rem; max-width: 54rem; color: #181c22; background: #fff;
  font: 15px/1.45 "Fira Sans", "Noto Sans", "Segoe UI", "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }}
h1 {{ font-size: 1.7rem; line-height: 1.2; margin: 0.4rem 0 1rem; }}
h2 {{ font-size: 1.3rem; margin: 2rem 0 0.6rem; padding-bottom: 0.2rem; border-bottom: 2px solid #181c22; }}
h3 {{ font-size: 1.15rem; margin: 1.6rem 0 0.5rem; }}
h4 {{ font-size: 1rem; margin: 1.4rem 0 0.5rem; }}
p {{ margin: 0.5rem 0; }}
.strong {{ font-weight: 600; }}
.quiet, figcaption {{ color: #5c636e; font-size: 0.9em; }}
.code {{ font-family: "Fira Mono", "DejaVu Sans Mono", monospace; background: #f0f2f5; padding: 0.5rem 0.8rem; }}
.list {{ margin: 0.7rem 0 0.2rem; font-weight: 600; }}
ul {{ margin: 0.2rem 0 0.6rem; padding-left: 1.3rem; }}
table {{ border-collapse: collapse; width: 100%; margin: 0.6rem 0; font-size: 0.93em; }}
th, td {{ text-align: left; vertical-align: top; padding: 0.25rem 0.6rem 0.25rem 0; border-bottom: 1px solid #d5d9df; }}
.facts th {{ width: 11rem; font-weight: 600; }}
.pictures {{ display: flex; gap: 0.6rem; margin: 0.6rem 0; }}
.columns {{ display: flex; gap: 1.1rem; }}
.columns > div {{ min-width: 0; flex: 4 1 0; }}
.columns > .w7 {{ flex-grow: 6; }}
.columns .list:first-child, .columns .pictures {{ margin-top: 0.2rem; }}
.columns .facts th {{ width: 4.5rem; }}
figure {{ margin: 0; flex: 1; }}
img {{ width: 100%; height: auto; display: block; }}
.running {{ position: sticky; top: 0; }}
.running > div {{ background: {_YELLOW}; font-weight: 600; text-align: center; padding: 0.3rem; }}
th {{ overflow-wrap: normal; }}
.together {{ break-inside: avoid; }}
h2, h3, h4, .list {{ break-after: avoid; }}
tr, figure {{ break-inside: avoid; }}
@media (max-width: 45rem) {{ .columns {{ display: block; }} }}
@media print {{
  body {{ max-width: none; padding: 0; font-size: 10.5pt; }}
  .page {{ break-before: page; }}
  .running {{ position: fixed; top: 0; left: 0; right: 0; }}
  .simulated main {{ padding-top: 10mm; -webkit-box-decoration-break: clone; box-decoration-break: clone; }}
}}
"""


def html(document: Document) -> bytes:
    """The file, UTF-8."""
    style = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{style}'; form-action 'none'; base-uri 'none'"
    )
    running = f'<div class="running"><div>{SIMULATED}</div></div>\n' if document.simulated else ""
    body = "\n".join(map(_block, document.blocks))
    kind, foot = "simulated" if document.simulated else "real", _words(document.running)
    text = (
        f'<!DOCTYPE html>\n<html lang="{LANGUAGE}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(document.title)}</title>\n"
        f'<meta name="description" content="{escape(document.subject)}">\n'
        f'<meta name="date" content="{escape(document.created)}">\n'
        f'<style>{_CSS}</style>\n</head>\n<body class="{kind}">\n'
        f'{running}<main>\n{body}\n</main>\n<footer class="quiet">{foot}</footer>\n</body>\n</html>\n'
    )
    return text.encode("utf-8")


def _block(block: Block) -> str:
    match block:
        case Together():
            return f'<div class="together">{"".join(map(_block, block.blocks))}</div>'
        case PageBreak():
            return '<div class="page"></div>'
        case Columns():
            return _columns(block)
        case Pictures():
            return f'<div class="pictures">{"".join(map(_picture, block.images))}</div>'
        case Table():
            return _table(block)
        case _:
            return _text(block)


def _text(block: Heading | Text | Bullets | Facts) -> str:
    match block:
        case Heading():
            return f"<h{block.level}>{_words(block.text)}</h{block.level}>"
        case Text():
            return f'<p class="{block.style}">{_words(block.text)}</p>'
        case Bullets():
            items = "".join(f"<li>{_words(line)}</li>" for line in block.lines)
            return f'<p class="list">{_words(block.title)}</p>' + (f"<ul>{items}</ul>" if items else "")
        case Facts():
            rows = "".join(
                f'<tr><th scope="row">{_words(n)}</th><td>{_words(v)}</td></tr>' for n, v in block.rows
            )
            return f'<table class="facts"><tbody>{rows}</tbody></table>'


def _columns(columns: Columns) -> str:
    """Widths are classes: the policy allows no style on an element."""
    cells = "".join(
        f'<div class="w{round(width * 12)}">{"".join(map(_block, column))}</div>'
        for column, width in zip(columns.columns, columns.widths, strict=True)
    )
    return f'<div class="columns">{cells}</div>'


def _table(table: Table) -> str:
    columns = "".join(f'<th scope="col">{_words(name)}</th>' for name in table.head)
    rows = "".join(
        "<tr>" + "".join(f"<td>{_words(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    return f"<table><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table>"


def _picture(picture: Picture) -> str:
    data = base64.b64encode(picture.jpeg).decode()
    width, height = picture.size_px
    return (
        f'<figure><img src="data:image/jpeg;base64,{data}" width="{width}" height="{height}" '
        f'alt="{escape(picture.alt)}"><figcaption>{_words(picture.caption)}</figcaption></figure>'
    )


def _words(text: str) -> str:
    """Escaped, and kept from turning the reading direction of what stands beside it."""
    return (
        f"<bdi>{escape(text)}</bdi>" if any("\u0590" <= char <= "\u08ff" for char in text) else escape(text)
    )
