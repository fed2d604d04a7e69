"""A run on radar in every format: in words that fit radar, with its pictures."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import BrokenRecord
from catalog.exports.export import FORMATS, Wish, export
from catalog.exports.gather_pair import ledger_of, pair_of
from catalog.reader import load_run
from catalog.run import write_run
from tests.unit.catalog import catalog_runs as made
from tests.unit.catalog.exports.radar_words import check_radar_export


def radar_run(folder: Path, **scene: Any) -> Path:
    """A run of 10 m pixels with one ship-like object that came and one that left."""
    stated: dict[str, Any] = {
        "sensor": "sar", "quantity": "gamma0", "gsd_m": 10.0, "view_off_nadir_deg": None, "view_azimuth_deg": None,
        "sun_azimuth_deg": None, "sun_elevation_deg": None, "platform": "sentinel-1a", "orbit_state": "ascending",
        "relative_orbit": 14,
    }  # fmt: skip
    changes = tuple(
        replace(change, zone=None, causes=())
        for change in (
            made.appeared((100, 120, 118, 126), gsd=10.0, label="ship-like object"),
            made.vanished((200, 200, 212, 206), gsd=10.0, label="ship-like object"),
        )
    )
    scenes = {
        date: made.scene(f"{date}-scene", time, **(stated | scene))
        for date, time in (("before", made.BEFORE_TIME), ("after", made.AFTER_TIME))
    }
    base = made.record(
        folder / "work", grid=made.grid_of((300, 320), gsd=10.0), quantity="gamma0", changes=changes
    )
    assert base.model is not None
    record = replace(base, sensor="sar", simulated=False, model=replace(base.model, sensor="sar"), **scenes)
    return write_run(record, root=folder / "out").folder


@pytest.mark.parametrize(
    ("platform", "direction", "looks"),
    [
        ("sentinel-1a", "ascending", "east (right of its path)"),
        ("radar-of-another-make", "ascending", None),  # which may look to either side
    ],
)
def test_every_format_speaks_of_radar(
    tmp_path: Path, platform: str, direction: str, looks: str | None
) -> None:
    folder = radar_run(tmp_path, platform=platform, orbit_state=direction)
    done = export(folder, Wish(formats=FORMATS, to=tmp_path / "to", pictures=True))
    check_radar_export(done.as_dict(), looks=looks)


def test_descending_looks_west(tmp_path: Path) -> None:
    run = load_run(radar_run(tmp_path, orbit_state="descending"))
    facts = dict(pair_of(run, ledger_of(run)).before.facts)
    assert facts["look direction"] == "west (right of its path)"
    assert facts["polarisation"] == "VV, VH"
    assert "sun elevation" not in facts


def test_an_image_that_is_gone_is_named(tmp_path: Path) -> None:
    run = load_run(radar_run(tmp_path))
    run.paths.before.unlink()
    with pytest.raises(BrokenRecord, match=r"before\.tif cannot be read .*run the pair again"):
        pair_of(run, ledger_of(run))
