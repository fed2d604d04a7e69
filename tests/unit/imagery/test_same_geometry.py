from pathlib import Path

import pytest

from imagery.errors import UnusablePair
from imagery.image_file import open_pair
from tests.unit.imagery.rasters import texture, write

S1A = "S1A_IW_GRDH_1SDV_{}_{}_{}_0ABCDE_rtc_{}_dB.tif"
S1C = "S1C_IW_GRDH_1SDV_{}_{}_{}_rtc_{}_dB_approx.tif"


def named(folder: Path, name: str) -> Path:
    return write(folder / name, texture(80, 90).astype("float32") / 10 - 25)


def notes(before: Path, after: Path) -> str:
    return " ".join(open_pair(before, after, sensor="sar", quantity="db").notes)


def test_files_without_metadata_are_compared_with_a_warning(tmp_path: Path) -> None:
    assert "geometry could not be checked" in notes(named(tmp_path, "a.tif"), named(tmp_path, "b.tif"))


def test_two_passes_of_one_orbit_are_compared_without_one(tmp_path: Path) -> None:
    before = named(tmp_path, S1C.format("20250803T153233", "20250803T153258", "003510", "VV"))
    after = named(tmp_path, S1C.format("20260805T153300", "20260805T153325", "008862", "VV"))
    assert "geometry" not in notes(before, after)


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (S1A.format("20250813T153933", "20250813T153958", "060510", "VV"), "relative orbit"),
        (S1A.format("20250815T153233", "20250815T153258", "060545", "VH"), "polarisation"),
        (S1C.format("20250815T034233", "20250815T034258", "003690", "VV"), "orbit or direction"),
    ],
)
def test_other_geometry_is_refused_by_name(tmp_path: Path, after: str, why: str) -> None:
    before = named(tmp_path, S1A.format("20250803T153233", "20250803T153258", "060370", "VV"))
    with pytest.raises(UnusablePair, match=f"differ in {why}"):
        open_pair(before, named(tmp_path, after), sensor="sar", quantity="db")


def test_other_quantity_is_refused_by_name(tmp_path: Path) -> None:
    hyp3 = "S1A_IW_{}_DVP_RTC20_G_{}pdned_ABCD_VV.tif"
    before = named(tmp_path, hyp3.format("20250803T153233", "g"))
    after = named(tmp_path, hyp3.format("20250815T153233", "s"))
    with pytest.raises(UnusablePair, match=r"quantity \(gamma0, sigma0\)"):
        open_pair(before, after, sensor="sar", quantity="linear")


def test_times_of_day_are_compared_around_midnight(tmp_path: Path) -> None:
    before = named(tmp_path, S1C.format("20250803T235930", "20250803T235955", "003510", "VV"))
    after = named(tmp_path, S1C.format("20250816T000010", "20250816T000035", "003685", "VV"))
    assert "geometry" not in notes(before, after)
