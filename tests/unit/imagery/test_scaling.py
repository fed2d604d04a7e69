"""Scenes whose metadata lies either way, with the histograms that real Sentinel-2 scenes have."""

import numpy as np
import pytest

from imagery.scaling import ADDED, decide_offset

COAST = {
    # share, reflectance, spread: deep water, vegetation, bare ground and concrete
    "blue": ((0.5, 0.025, 0.008), (0.2, 0.03, 0.01), (0.3, 0.14, 0.04)),
    "red": ((0.5, 0.012, 0.006), (0.2, 0.035, 0.01), (0.3, 0.22, 0.05)),
    "nir": ((0.5, 0.008, 0.004), (0.2, 0.32, 0.06), (0.3, 0.28, 0.06)),
}
DESERT = {"blue": ((1.0, 0.14, 0.012),), "red": ((1.0, 0.30, 0.03),), "nir": ((1.0, 0.42, 0.04),)}
CLOUD = {"blue": ((1.0, 0.6, 0.1),), "red": ((1.0, 0.58, 0.1),), "nir": ((1.0, 0.62, 0.1),)}


def numbers(place: dict, *, added: bool, pixels: int = 20_000) -> dict[str, np.ndarray]:
    """Unscaled numbers as delivered: integers, zero kept for no data."""
    rng = np.random.default_rng(5)
    out = {}
    for band, parts in place.items():
        values = np.concatenate(
            [rng.normal(mean, spread, int(share * pixels)) for share, mean, spread in parts]
        )
        out[band] = np.maximum(1, np.rint(values * 10_000) + (ADDED if added else 0))
    return out


@pytest.mark.parametrize("added", [True, False])
@pytest.mark.parametrize(
    ("baseline", "applied", "stated"),
    [
        ("05.09", True, -0.1),
        ("05.09", False, -0.1),
        ("02.14", None, None),
        (None, None, -0.1),
        (None, None, None),
    ],
)
def test_pixels_decide_whatever_the_metadata_says(
    added: bool, baseline: str | None, applied: bool | None, stated: float | None
) -> None:
    decision = decide_offset(
        numbers(COAST, added=added), baseline=baseline, offset_applied=applied, stated_offset=stated
    )
    assert decision.added is added
    assert decision.pixels == ("added" if added else "not_added")


def test_the_lie_that_it_was_taken_off() -> None:
    decision = decide_offset(
        numbers(COAST, added=True), baseline="05.09", offset_applied=True, stated_offset=-0.1
    )
    assert decision.added
    assert decision.contradiction
    assert "the pixels are believed: 1000 is taken off" in decision.text


def test_the_lie_that_it_is_still_there() -> None:
    decision = decide_offset(
        numbers(COAST, added=False), baseline="05.09", offset_applied=False, stated_offset=-0.1
    )
    assert not decision.added
    assert decision.contradiction
    assert "the pixels are believed: nothing is taken off" in decision.text


@pytest.mark.parametrize("place", [DESERT, CLOUD])
@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("added", [True, False])
def test_without_dark_pixels_the_metadata_is_followed_and_said_so(
    place: dict, applied: bool, added: bool
) -> None:
    decision = decide_offset(
        numbers(place, added=added), baseline="05.09", offset_applied=applied, stated_offset=-0.1
    )
    assert decision.pixels == "inconclusive"
    assert decision.added is not applied
    assert "the metadata is followed" in decision.text


@pytest.mark.parametrize(
    ("baseline", "applied", "stated", "added"),
    [
        ("05.09", True, -0.1, False),
        ("05.09", False, None, True),
        ("05.09", None, None, True),
        ("04.00", None, None, True),
        ("03.01", False, 0.0, False),
        ("03.01", None, -0.1, False),
        (None, None, -0.1, True),
        (None, False, -0.1, True),
        (None, None, 0.0, False),
        (None, None, None, False),
        ("latest", None, -0.1, True),
    ],
)
def test_precedence_of_the_metadata(
    baseline: str | None, applied: bool | None, stated: float | None, added: bool
) -> None:
    decision = decide_offset({}, baseline=baseline, offset_applied=applied, stated_offset=stated)
    assert decision.added is added
    assert "too few valid pixels" in decision.text


def test_one_band_alone_does_not_prove_the_addition() -> None:
    """Desert reads about 1000 in blue without any addition."""
    decision = decide_offset(
        {"blue": numbers(DESERT, added=False)["blue"]},
        baseline="05.09",
        offset_applied=True,
        stated_offset=None,
    )
    assert decision.pixels == "inconclusive"
    assert not decision.added
