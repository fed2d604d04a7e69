"""Implants: what is put into an image is what was asked for, and nothing else changes."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from imagery.implants.cut import MARGIN_PX, cut_by_other_date, cut_by_surroundings, set_down_cut
from imagery.implants.drawn import Implant, Light, drawn
from imagery.implants.ground import noise_sigma, shadow_azimuth_deg, tone_of
from imagery.implants.place import even_ground, free_ground, scattered
from imagery.implants.second_date import two_dates
from imagery.simulate.vehicle import box
from tests.unit.models.planted import texture

CAR = box("car", 5.0, 2.0, 1.5, (0, 0, 0, 0), "vehicle")
NO_NOISE = np.zeros(3)


def ground(shape: tuple[int, int] = (120, 120), value: float = 80.0) -> NDArray[np.float32]:
    return np.full((*shape, 3), value, np.float32)


def put(
    image: NDArray[np.float32], *, light: Light | None = None, psf_px: float = 0.0, **more: Any
) -> Implant:
    facts = {
        "at_px": (60.0, 60.0),
        "heading_deg": 90.0,
        "gsd_m": 0.5,
        "colours": np.full((1, 3), 180.0),
        **more,
    }
    implant = drawn(
        image, CAR, light=light, psf_px=psf_px, noise=NO_NOISE, rng=np.random.default_rng(0), **facts
    )  # fmt: skip
    implant.put_into(image)
    return implant


def test_a_drawn_object_fills_its_box_and_nothing_else() -> None:
    image = ground()
    implant = put(image)
    assert implant.box == pytest.approx((55.0, 58.0, 65.0, 62.0))
    assert np.all(image[58:62, 55:65] == pytest.approx(180.0, abs=1.0))
    image[57:63, 54:66] = 80  # the outline's own width reaches a quarter of a pixel further
    assert np.all(image == pytest.approx(80.0))
    assert implant.facts["contrast"] == pytest.approx(100.0, abs=2.0)


def test_blur_keeps_the_sum_and_lowers_the_top() -> None:
    sharp, soft = ground(), ground()
    put(sharp)
    put(soft, psf_px=1.0)
    assert soft.sum() == pytest.approx(sharp.sum(), rel=1e-5)
    assert soft.max() < sharp.max()


@pytest.mark.parametrize(("azimuth", "step"), [(0, (-1, 0)), (90, (0, 1)), (180, (1, 0)), (270, (0, -1))])
def test_shadow_falls_away_from_the_sun(azimuth: float, step: tuple[int, int]) -> None:
    image = ground()
    light = Light(shadow_azimuth_deg=azimuth, sun_elevation_deg=45.0, shade=0.5, dark=(5.0, 5.0, 5.0))
    put(image, light=light)
    other = 60 - 8 * step[0], 60 - 8 * step[1]
    rim = 60 + (6 if step[1] else 3) * step[0], 60 + 6 * step[1]
    assert image[rim].mean() < 79
    assert image[other].mean() == pytest.approx(80.0, abs=0.5)


def test_an_object_at_the_edge_is_cut_off_and_not_wrapped() -> None:
    image = ground()
    put(image, at_px=(1.0, 119.0))
    assert image[119, 0, 0] > 100
    assert np.all(image[:100] == pytest.approx(80.0, abs=0.1))


def test_noise_is_measured_on_even_ground() -> None:
    rng = np.random.default_rng(1)
    image = ground((256, 256)) + rng.normal(0, 2.0, (256, 256, 3)).astype(np.float32)
    image[100:140, 100:140] += 60
    assert noise_sigma(image) == pytest.approx(2.0, rel=0.15)
    where = np.zeros((256, 256), np.bool_)
    where[:96] = True
    assert noise_sigma(image, where) == pytest.approx(2.0, rel=0.15)


@pytest.mark.parametrize("azimuth", [320.0, 20.0, 100.0, 220.0])
def test_direction_of_shadows_is_found(azimuth: float) -> None:
    rng = np.random.default_rng(2)
    image = np.moveaxis(texture((400, 400)), 0, -1).copy()
    light = Light(shadow_azimuth_deg=azimuth, sun_elevation_deg=40.0, shade=0.9, dark=(0.0, 0.0, 0.0))
    tall = box("hut", 5.0, 4.0, 4.0, (0, 0, 0, 0), "structure")
    for row in range(30, 390, 40):
        for col in range(30, 390, 40):
            drawn(
                image, tall, at_px=(col, row), heading_deg=float(rng.uniform(0, 360)), gsd_m=0.5,
                colours=np.full((1, 3), 230.0), light=light, psf_px=0.5, noise=NO_NOISE, rng=rng,
            ).put_into(image)  # fmt: skip
    found = shadow_azimuth_deg(image, 0.5)
    assert abs((found - azimuth + 180) % 360 - 180) < 15


def test_tone_is_brighter_for_more_reflectance() -> None:
    tone = tone_of(np.moveaxis(texture((200, 200)), 0, -1))
    assert np.all(tone.numbers(np.array(0.4)) > tone.numbers(np.array(0.1)))


def test_a_cut_out_comes_back_as_it_was() -> None:
    absent = ground((20, 16), 90.0) + np.random.default_rng(3).normal(0, 0.5, (20, 16, 3)).astype(np.float32)
    present = absent.copy()
    present[4:16, 4:12] += 70
    cut = cut_by_other_date(present, absent, size_px=(14, 10))
    assert cut is not None
    target = ground((60, 60), 90.0)
    implant = set_down_cut(*cut, at_px=(30, 20), size_px=(14, 10), gain=1.0, tight=True)
    implant.put_into(target)
    expected = [30 + 4, 20 + 4, 30 + 12, 20 + 16]
    assert [edge + MARGIN_PX for edge in implant.box] == expected
    assert target[20 + 10 - MARGIN_PX, 30 + 8 - MARGIN_PX, 0] == pytest.approx(160, abs=3)
    assert np.all(np.abs(target[:15] - 90) < 1e-3)


def test_nothing_is_cut_where_nothing_stands() -> None:
    water = ground((20, 16), 30.0) + np.random.default_rng(4).normal(0, 1, (20, 16, 3)).astype(np.float32)
    assert cut_by_surroundings(water, size_px=(14, 10)) is None


def test_places_are_free_apart_and_the_same_every_time() -> None:
    free = free_ground((200, 300), [(100.0, 50.0, 150.0, 100.0)], margin_px=10.0)
    assert not free[45:105, 95:155].any()
    assert not free[:5].any()
    found = scattered(free, 12, apart_px=20.0, rng=np.random.default_rng(5))
    assert len(found) == 12
    apart = np.hypot(*(found[:, None] - found[None]).T)
    assert apart[~np.eye(12, dtype=bool)].min() >= 20
    assert np.array_equal(found, scattered(free, 12, apart_px=20.0, rng=np.random.default_rng(5)))


def test_even_ground_avoids_texture() -> None:
    image = ground((100, 100)) + np.linspace(0, 20, 100, dtype=np.float32)[None, :, None]
    image[:, 50:] += np.random.default_rng(6).normal(0, 30, (100, 50, 3)).astype(np.float32)
    even = even_ground([image], side_px=9, share=0.4)
    assert even[:, :40].mean() > 0.4
    assert not even[:, 60:].any()


def test_second_date_is_displaced_by_what_was_asked() -> None:
    first = np.moveaxis(texture((200, 200)), 0, -1)
    before, after = two_dates(
        first, shift_px=(3.0, -2.0), gain=1.1, offset=4.0, noise=NO_NOISE, rng=np.random.default_rng(7)
    )
    assert np.array_equal(before, first)
    assert np.allclose(after[20:100, 20:100], 1.1 * first[22:102, 17:97] + 4.0, atol=0.01)
