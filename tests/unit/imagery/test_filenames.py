"""File names of known deliveries, and names that say nothing."""

from datetime import UTC, datetime
from pathlib import PurePath

import pytest

from imagery.sources.filenames import read_name

SAFE = "S2A_MSIL2A_20241205T082311_N0511_R121_T36SYE_20241205T105500.SAFE/GRANULE/L2A_T36SYE_A049_20241205T082311"
HYP3 = "S1A_IW_20241205T033512_DVP_RTC10_G_gpuned_9C0B"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("name", "key", "when", "facts"),
    [
        (f"{SAFE}/IMG_DATA/R10m/T36SYE_20241205T082311_B04_10m.jp2", SAFE.split(".SAFE", maxsplit=1)[0],
         utc(2024, 12, 5, 8, 23, 11),
         {"platform": "sentinel-2a", "quantity": "reflectance", "bands": ("red",), "scale": 1e-4, "offset": -0.1,
          "relative_orbit": 121, "tile": "36SYE", "datatake": "S2A_20241205T082311", "processing_baseline": "05.11"}),
        ("S2B_MSIL2A_20200606T080609_N0212_R078_T35MNM_20200826T094900.tif",
         "S2B_MSIL2A_20200606T080609_N0212_R078_T35MNM_20200826T094900", utc(2020, 6, 6, 8, 6, 9), {"offset": 0.0}),
        ("S2A_36SYE_20241205_0_L2A/B08.tif", "S2A_36SYE_20241205_0_L2A", utc(2024, 12, 5),
         {"time_known": False, "bands": ("nir",), "offset": None, "tile": "36SYE", "datatake": None}),
        ("S2A_36SYE_20241205_0_L2A_B02.tif", "S2A_36SYE_20241205_0_L2A", utc(2024, 12, 5), {"bands": ("blue",)}),
        ("S2C_T36SYE_20250205T082702_L2A/green.tif", "S2C_T36SYE_20250205T082702_L2A", utc(2025, 2, 5, 8, 27, 2),
         {"platform": "sentinel-2c", "bands": ("green",)}),
        ("S1C_IW_GRDH_1SDV_20250405T153225_20250405T153250_001760_rtc_VV_dB_approx.tif",
         "S1C_IW_GRDH_1SDV_20250405T153225_20250405T153250_001760", utc(2025, 4, 5, 15, 32, 25),
         {"sensor": "sar", "quantity": "gamma0", "in_db": True, "bands": ("vv",), "relative_orbit": None}),
        ("S1A_IW_GRDH_1SDV_20241205T033512_20241205T033537_056829_06FA6B_rtc/measurement/iw-vh.rtc.tiff",
         "S1A_IW_GRDH_1SDV_20241205T033512_20241205T033537_056829", utc(2024, 12, 5, 3, 35, 12),
         {"quantity": "gamma0", "in_db": False, "bands": ("vh",), "relative_orbit": 57}),
        (f"{HYP3}/{HYP3}_VV.tif", HYP3, utc(2024, 12, 5, 3, 35, 12),
         {"quantity": "gamma0", "in_db": False, "bands": ("vv",), "collection": "sentinel-1-rtc"}),
        (f"{HYP3.replace('gp', 'sd')}_VH.tif", HYP3.replace("gp", "sd"), utc(2024, 12, 5, 3, 35, 12),
         {"quantity": "sigma0", "in_db": True}),
        (f"{HYP3.replace('gp', 'ga')}_VH.tif", HYP3.replace("gp", "ga"), utc(2024, 12, 5, 3, 35, 12),
         {"quantity": None}),
        ("s1a-iw-grd-vv-20241205t033512-20241205t033537-056829-06fa6b-001.tiff",
         "s1a-iw-grd-vv-20241205t033512-20241205t033537-056829", utc(2024, 12, 5, 3, 35, 12),
         {"collection": "sentinel-1-grd", "quantity": None}),
        ("20241210_081245_12_24a7_3B_AnalyticMS_SR.tif", "20241210_081245_12_24a7", utc(2024, 12, 10, 8, 12, 45),
         {"quantity": "reflectance", "scale": 1e-4, "platform": "PlanetScope 24a7", "nodata": 0.0}),
        ("20190101_100000_0f12_3B_AnalyticMS.tif", "20190101_100000_0f12", utc(2019, 1, 1, 10), {"quantity": "dn"}),
        ("1234567_3457221_2018-05-06_1044_BGRN_Analytic.tif", "1234567_3457221_2018-05-06_1044", utc(2018, 5, 6),
         {"time_known": False, "collection": "planetscope"}),
        ("20241210_081512_ssc6_u0001_pansharpened.tif", "20241210_081512_ssc6_u0001", utc(2024, 12, 10, 8, 15, 12),
         {"collection": "skysat", "platform": "SkySat ssc6", "quantity": "dn"}),
        ("24DEC10082011-M2AS-015821234010_01_P001.TIF", "24DEC10082011-M2AS-015821234010_01_P001",
         utc(2024, 12, 10, 8, 20, 11), {"collection": "maxar", "quantity": "dn", "bands": None}),
        ("24DEC10082011-P2AS_R1C2-015821234010_01_P001.TIF", "24DEC10082011-P2AS_R1C2-015821234010_01_P001",
         utc(2024, 12, 10, 8, 20, 11), {"bands": ("pan",)}),
        ("WV03_20241210082011_104001009AB12300_24DEC10082011-P1BS-1_u16ns.tif",
         "WV03_20241210082011_104001009AB12300_24DEC10082011-P1BS-1_u16ns",
         utc(2024, 12, 10, 8, 20, 11), {"platform": "WorldView-3", "bands": ("pan",)}),
    ],
)  # fmt: skip
def test_a_known_name(name: str, key: str, when: datetime, facts: dict[str, object]) -> None:
    found = read_name(PurePath(name))
    assert found.known
    assert found.role == "data"
    assert (found.key, found.facts.acquired) == (key.rsplit("/", maxsplit=1)[-1], when)
    assert {field: getattr(found.facts, field) for field in facts} == facts


@pytest.mark.parametrize(
    ("name", "role", "quality"),
    [
        (f"{SAFE}/IMG_DATA/R20m/T36SYE_20241205T082311_SCL_20m.jp2", "quality", "scl"),
        (f"{SAFE}/IMG_DATA/R20m/T36SYE_20241205T082311_B04_20m.jp2", "ignored", None),
        (f"{SAFE}/IMG_DATA/R10m/T36SYE_20241205T082311_TCI_10m.jp2", "ignored", None),
        (f"{SAFE}/QI_DATA/MSK_CLDPRB_20m.jp2", "ignored", None),
        ("20241210_081245_12_24a7_3B_udm2.tif", "quality", "udm2"),
        ("20241210_081245_12_24a7_3B_AnalyticMS_DN_udm.tif", "ignored", None),
        (f"{HYP3}_ls_map.tif", "ignored", None),
        ("24DEC10082011-M2AS-015821234010_01_P001-BROWSE.JPG", "ignored", None),
        ("S2A_36SYE_20241205_0_L2A/thumbnail.jpg", "ignored", None),
    ],
)
def test_files_that_hold_no_pixels_to_compare(name: str, role: str, quality: str | None) -> None:
    found = read_name(PurePath(name))
    assert (found.role, found.quality) == (role, quality)


def test_a_scene_s_sharpest_rendering_comes_first() -> None:
    names = ["pansharpened", "analytic_sr", "analytic", "visual", "panchromatic"]
    ranks = [read_name(PurePath(f"20241210_081512_ssc6_u0001_{name}.tif")).rank for name in names]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)


@pytest.mark.parametrize(
    "name",
    [
        "tartus.tif", "image_20241210.tif", "20241210.tif", "10300100DB064000-visual.tif",
        "20241310_081245_12_24a7_3B_AnalyticMS.tif", "24XYZ10082011-M2AS-015821234010_01_P001.TIF",
        "S2A_36SYE_20241399_0_L2A/B04.tif",
    ],
)  # fmt: skip
def test_an_unknown_name_says_nothing(name: str) -> None:
    found = read_name(PurePath(name))
    assert not found.known
    assert found.facts.acquired is None
    assert found.facts.quantity is None
