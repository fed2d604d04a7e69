import os
from pathlib import Path

import pytest

from imagery import cache
from imagery.answers import Version
from imagery.cache import Entry
from imagery.errors import ImageryError

VERSION = Version(length=1000, etag='"a"')


@pytest.fixture
def entry() -> Entry:
    return cache.remember("https://h/a.tif", VERSION)


def test_what_is_missing(entry: Entry) -> None:
    entry.store(100, bytes(100))
    entry.store(300, bytes(50))
    assert entry.missing([(0, 50)]) == [(0, 50)]
    assert entry.missing([(100, 200)]) == []
    assert entry.missing([(120, 320)]) == [(200, 300)]
    assert entry.missing([(0, 400), (500, 600)]) == [(0, 100), (200, 300), (350, 400), (500, 600)]
    entry.store(50, bytes(500))
    assert entry.missing([(60, 540)]) == []


def test_a_piece_comes_back_as_stored_or_not_at_all(entry: Entry) -> None:
    entry.store(10, b"abcdef")
    assert entry.piece_at(12) == (10, b"abcdef")
    assert entry.piece_at(16) is None
    (piece,) = entry.folder.glob("10-*")
    piece.write_bytes(b"abcdeX")
    assert entry.piece_at(12) is None
    assert not piece.exists()


def test_versions_of_one_address_never_share_pieces(entry: Entry) -> None:
    entry.store(0, b"old")
    new = cache.remember("https://h/a.tif", Version(length=1000, etag='"b"'))
    assert new.piece_at(0) is None
    assert cache.last_seen("https://h/a.tif") == new.version
    assert cache.last_seen("https://h/b.tif") is None


def test_equal_versions_of_two_addresses_do_not_either(entry: Entry) -> None:
    entry.store(0, b"a")
    assert cache.remember("https://h/b.tif", VERSION).piece_at(0) is None


def test_what_was_used_for_longest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [cache.remember(f"https://h/{i}.tif", VERSION) for i in range(4)]
    for age, one in enumerate(entries):
        one.store(0, bytes(1000))
        os.utime(one.folder, (1_000_000 - age, 1_000_000 - age))
    entries[3].used()  # the oldest, and in use now
    cache.trim(cache.cache_folder(), 3000)
    assert [one.piece_at(0) is not None for one in entries] == [True, False, False, True]


def test_a_record_that_is_damaged_counts_for_nothing(entry: Entry) -> None:
    for record in cache.cache_folder().glob("hrefs/*/*.json"):
        record.write_text('{"length": "x"')
    assert cache.last_seen("https://h/a.tif") is None
    cache.remember("https://h/a.tif", VERSION)
    assert cache.last_seen("https://h/a.tif") == VERSION


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "file"))
    with pytest.raises(OSError, match=r"SITEWATCH_CACHE names another folder"):
        cache.remember("https://h/a.tif", VERSION)


def test_a_bound_that_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.LIMIT_GB, "plenty")
    with pytest.raises(ImageryError, match="SITEWATCH_CACHE_GB=plenty"):
        cache.limit_bytes()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Version(length=1), Version(length=1), True),
        (Version(length=1), Version(length=2), False),
        (Version(length=1, etag='"a"'), Version(length=1, etag='"b"'), False),
        (Version(length=1, etag='W/"a"'), Version(length=1, etag='"a"'), True),
        (Version(length=1, modified="x"), Version(length=1, modified="y"), False),
        (Version(length=1, etag='"a"', modified="x"), Version(length=1, etag='"a"', modified="y"), True),
        (Version(length=1, etag='"a"'), Version(length=1, modified="y"), True),
    ],
)
def test_when_two_contents_are_the_same(one: Version, other: Version, same: bool) -> None:
    assert one.same(other) is same
    assert other.same(one) is same
