"""Providers: the built-in ones, the user's, and what is refused."""

import os
from pathlib import Path

import pytest

from imagery.errors import BadProviders, BadSource
from imagery.source import open_source
from imagery.sources.provider_file import parse_providers
from imagery.sources.providers import VARIABLE, Provider, known_providers, provider_at, provider_named
from imagery.sources.stac_api import StacApi

MINE = """
[mine]
title = "Our archive"
url = "https://stac.example.org/"
collections = [{ id = "optical", sensor = "optical" }, { id = "radar", sensor = "sar", quantity = "sigma0_db" }]
schemes = ["s3", "https"]
hosts = ["bucket", "*.example.org"]
private = ["10.0.0.0/8"]
requests_per_second = 0.5
connections = 2
page_size = 10
licence = "CC-BY-4.0"
attribution = "© Us"

[mine.s3]
endpoint = "https://store.example.org"
access_key = "MINE_KEY"
secret_key = "MINE_SECRET"
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "providers.toml"
    path.write_text(MINE)
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def test_the_built_in_ones() -> None:
    known = known_providers()
    assert list(known) == ["earth-search", "planetary-computer", "cdse"]
    assert known["earth-search"].preference == ("sentinel-2-c1-l2a", "sentinel-2-l2a")
    assert known["planetary-computer"].signing == "planetary-computer"
    radar = known["planetary-computer"].offered("sentinel-1-rtc")
    assert radar is not None
    assert (radar.sensor, radar.quantity, radar.in_db) == ("sar", "gamma0", False)
    assert known["cdse"].s3 is not None
    assert known["cdse"].s3.unsigned is False
    for provider in known.values():
        assert provider.url.startswith("https://")
        assert provider.private is False
        assert provider.hosts


def test_a_users_own(own: Path) -> None:
    mine = provider_named("mine")
    assert mine is not None
    assert (mine.private, mine.requests_per_second, mine.page_size) == (("10.0.0.0/8",), 0.5, 10)
    assert mine.s3 is not None
    assert (mine.s3.access_key, mine.s3.session_token) == ("MINE_KEY", None)
    radar = mine.offered("radar")
    assert radar is not None
    assert (radar.quantity, radar.in_db) == ("sigma0", True)
    assert provider_at("https://STAC.example.org") is mine
    assert provider_named("earth-search") is not None

    own.write_text(
        MINE.replace("page_size = 10", "page_size = 20") + '\n[earth-search]\nurl = "http://other.test"\n'
    )
    changed = provider_named("mine")
    assert changed is not None
    assert changed.page_size == 20
    replaced = provider_named("earth-search")
    assert replaced is not None
    assert (replaced.url, replaced.collections) == ("http://other.test", ())


def test_how_pixels_are_read_is_handed_on(own: Path) -> None:
    mine = provider_named("mine")
    assert mine is not None
    assert mine.access() == {
        "schemes": ("s3", "https"), "hosts": ("bucket", "*.example.org"), "private": ("10.0.0.0/8",), "signing": "none",
        "s3": mine.s3, "connections": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("url = ", "not TOML"),
        ("x = 3", r"\[x\] it must be a table"),
        ("[Mine]\nurl = 'https://a.test'", "no name for a provider"),
        ("[demo]\nurl = 'https://a.test'", "not 'demo'"),
        ("[x]\ntitle = 'X'", r"\[x\] has no 'url'"),
        ("[x]\nurl = 'a.test'", "http"),
        ("[x]\nurl = 'https://me:secret@a.test'", "user name or password"),
        ("[x]\nurl = 'https://a.test'\nrate = 3", "unknown 'rate'; known are"),
        ("[x]\nurl = 'https://a.test'\ncollections = ['a']", "collections, entry 1: must be a table"),
        ("[x]\nurl = 'https://a.test'\ncollections = []", "must be a list such as"),
        ("[x]\nurl = 'https://a.test'\ncollections = [{ id = 'a' }]", "entry 1: has no 'sensor'"),
        (
            "[x]\nurl = 'https://a.test'\ncollections = [{ id = 'a', sensor = 'lidar' }]",
            "'lidar' is not known",
        ),
        (
            "[x]\nurl = 'https://a.test'\ncollections = [{ id = 'a', sensor = 'sar' }, { id = 'a', sensor = 'sar' }]",
            "names 'a' twice",
        ),
        (
            "[x]\nurl = 'https://a.test'\ncollections = [{ id = 'a', sensor = 'sar', quantity = 'db' }]",
            "quantity 'db' is not known",
        ),
        ("[x]\nurl = 'https://a.test'\nschemes = ['ftp']", "'ftp' is not known"),
        ("[x]\nurl = 'https://a.test'\nschemes = ['s3']", r"no table \[x.s3\]"),
        ("[x]\nurl = 'https://a.test'\n[x.s3]\nregion = 'r'", "needs unsigned = true"),
        (
            "[x]\nurl = 'https://a.test'\n[x.s3]\naccess_key = 'AKIA-my-key'\nsecret_key = 'S'",
            "must name an environment variable",
        ),
        ("[x]\nurl = 'https://a.test'\nprivate = ['10.0.0.1/8']", "is no network"),
        ("[x]\nurl = 'https://a.test'\nprivate = 'yes'", "must be a list"),
        ("[x]\nurl = 'https://a.test'\nsigning = 'aws'", "'aws' is not known"),
        ("[x]\nurl = 'https://a.test'\nrequests_per_second = 0", "from 0.05 to 100"),
        ("[x]\nurl = 'https://a.test'\nconnections = 1.5", "whole number"),
        ("[x]\nurl = 'https://a.test'\npage_size = true", "whole number"),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(BadProviders, match=says) as error:
        parse_providers(text, "my.toml")
    assert str(error.value).startswith("my.toml: ")
    assert error.value.exit_code == 2


@pytest.mark.parametrize("kind", ["missing", "folder", "binary"])
def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    path = tmp_path / "providers.toml"
    if kind == "folder":
        path.mkdir()
    elif kind == "binary":
        path.write_bytes(b"\xff\xfe\x00")
    monkeypatch.setenv(VARIABLE, str(path))
    with pytest.raises(BadProviders, match=r"providers\.toml"):
        open_source("earth-search")


def test_sources_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cdse").mkdir()
    assert open_source("earth-search").name == "earth-search"
    assert isinstance(open_source("cdse"), StacApi)
    assert not isinstance(open_source("./cdse"), StacApi)
    same = open_source("https://earth-search.aws.element84.com/v1/")
    assert isinstance(same, StacApi)
    assert same.name == "earth-search"
    with pytest.raises(
        BadSource, match=r"earthsearch: no such folder and no such provider; .*\(cdse, earth-search, "
    ):
        open_source("earthsearch")


@pytest.mark.parametrize(
    ("href", "says"),
    [
        ("s3://bucket/a.tif", None), ("s3://other/a.tif", "keeps no images on other"),
        ("https://a.example.org/b.tif", None), ("https://example.org.evil.test/b.tif", "keeps no images"),
        ("https://a.example.org:8443/b.tif", None), ("https://user@a.example.org/b.tif", None),
        ("http://a.example.org/b.tif", "reads s3 and https addresses only"), ("/etc/passwd", "addresses only"),
        ("https://A.EXAMPLE.ORG./b.tif", None),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("own")
def test_addresses_by_scheme_and_host(href: str, says: str | None) -> None:
    mine = provider_named("mine")
    assert mine is not None
    reason = mine.forbids(href)
    assert reason is None if says is None else says in str(reason)


def test_private_addresses_only_where_listed() -> None:
    closed = Provider(name="a", url="https://a.test")
    for href in ("http://127.0.0.1/x", "http://localhost/x", "http://10.0.0.1/x", "http://169.254.169.254/x"):
        assert "private network" in str(closed.forbids(href))
    assert closed.forbids("https://anywhere.test/x") is None
    some = Provider(name="a", url="https://a.test", private=("10.0.0.0/8",))
    assert some.forbids("http://10.0.0.1/x") is None
    assert "private network" in str(some.forbids("http://127.0.0.1/x"))
    assert Provider(name="a", url="https://a.test", private=True).forbids("http://127.0.0.1/x") is None
    # Whoever names an API on this machine trusts it with addresses there.
    assert Provider(name="a", url="http://127.0.0.1:8080").forbids("http://127.0.0.1:9000/x") is None


def test_nothing_is_set_by_looking() -> None:
    known_providers()
    assert VARIABLE not in os.environ or Path(os.environ[VARIABLE]).is_absolute()
