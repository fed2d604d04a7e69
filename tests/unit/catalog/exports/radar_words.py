"""What every format must say, and must not say, of a run on radar."""

import base64
import io
import json
import re
import sqlite3
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.conftest import needed

NEVER = (
    "colour",
    "cloud over",
    "sun elevation",
    "of the light",
    "paint",
    "without a shadow",
    "reflectance",
    "off-nadir",
)
"""Words about images that the sun lit."""


def check_radar_export(done: Mapping[str, Any], *, looks: str | None) -> None:
    """Read every file of an export of all formats back.

    Parameters
    ----------
    done : mapping
        The document of ``sitewatch export --format all --chips --json``.
    looks : str or None
        The look direction that must be stated; None: none may be.
    """
    paths = {entry["format"]: Path(entry["path"]) for entry in done["files"]}
    assert set(paths) == {"geojson", "kml", "csv", "gpkg", "stac", "html", "pdf"}
    html = paths["html"].read_text()
    briefs = {"html": plain(html), "pdf": pdf_words(paths["pdf"])}
    for form, words in briefs.items():
        assert "backscatter gamma0 (pictures in dB, one stretch for both dates)" in words, form
        assert "polarisation VV" in words, form
        assert "orbit ascending" in words, form
        assert ("look direction" in words) is (looks is not None), form
        assert looks is None or f"look direction {looks}" in words, form
        assert "wind on water" in words, form
    everything = briefs | {
        "geojson": paths["geojson"].read_text(), "csv": paths["csv"].read_text(), "kml": kmz_words(paths["kml"]),
        "gpkg": gpkg_words(paths["gpkg"]),
    }  # fmt: skip
    for form, words in everything.items():
        for never in NEVER:
            assert never not in words.lower(), f"{form}: {never}"
    check_pictures(html, findings=done["findings"])
    facts = json.loads(everything["geojson"])["sitewatch"]["before"]["facts"]
    assert (facts["polarisation"].split(",")[0], facts["orbit"]) == ("VV", "ascending")
    assert all(f["properties"]["sensor"] == "sar" for f in json.loads(everything["geojson"])["features"])
    (item,) = paths["stac"].glob("*/*/item.json")
    assert json.loads(item.read_text())["properties"]["sitewatch:sensor"] == "sar"


def plain(html: str) -> str:
    words = re.sub(r"(?s)<style.*?</style>|<[^>]+>", " ", html)
    return re.sub(r"\s+", " ", words)


def pdf_words(path: Path) -> str:
    pages = needed("pypdfium2", package="pypdfium2").PdfDocument(path)
    words = " ".join(page.get_textpage().get_text_bounded() for page in pages)
    return re.sub(r"\s+", " ", words.replace("\ufffe", "-"))


def kmz_words(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        assert any(name.endswith((".png", ".jpg")) for name in archive.namelist())
        return archive.read("doc.kml").decode()


def gpkg_words(path: Path) -> str:
    with sqlite3.connect(path) as db:
        return "\n".join(
            map(str, [*db.execute("SELECT * FROM about"), *db.execute("SELECT * FROM findings")])
        )


def check_pictures(html: str, *, findings: int) -> None:
    """An overview, and two pictures of each finding that are grey, not empty and not alike."""
    found = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"), np.int16)
        for data in re.findall(r'data:image/\w+;base64,([^"]+)"', html)
    ]
    assert len(found) == 1 + 2 * findings
    for before, after in zip(found[1::2], found[2::2], strict=True):
        for picture in (before, after):
            grey = np.ptp(picture, axis=-1) <= 8  # outlines and JPEG aside
            assert grey.mean() > 0.7
            assert picture[grey].std() > 3
        assert before.shape == after.shape
        assert np.abs(before - after).mean() > 1
