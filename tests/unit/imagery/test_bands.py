import pytest

from imagery.bands import canonical, match
from imagery.errors import UnusablePair


@pytest.mark.parametrize(
    ("name", "common"),
    [("B04", "red"), ("B4", "red"), ("Red", "red"), ("near infrared", "nir"), ("B8A", "nir08"), ("VV", "vv"),
     ("Panchromatic", "pan"), ("layer one", None), ("", None)],
)  # fmt: skip
def test_names(name: str, common: str | None) -> None:
    assert canonical(name) == common


def test_common_bands_in_the_order_of_before() -> None:
    found = match(("blue", "green", "red", "nir"), ("red", "green", "blue"))
    assert found.bands == ("blue", "green", "red")
    assert found.after == ((0, 0, 1), (0, 1, 0), (1, 0, 0))


def test_unnamed_bands_are_taken_in_order() -> None:
    found = match(("band1", "band2", "band3"), ("red", "green", "blue"))
    assert found.bands == ("red", "green", "blue")
    assert found.note is not None
    assert match(("band1",), ("vv",)).bands == ("vv",)


def test_different_counts_compare_brightness() -> None:
    found = match(("red", "green", "blue"), ("pan",))
    assert found.bands == ("pan",)
    assert sum(found.before[0]) == pytest.approx(1)
    assert sum(match(("band1", "band2"), ("red", "green", "blue")).before[0]) == pytest.approx(1)


def test_nothing_in_common() -> None:
    with pytest.raises(UnusablePair, match="vv / vh"):
        match(("vv",), ("vh",))
