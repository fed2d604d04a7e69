from dataclasses import dataclass

import pytest

from imagery.access import Access, S3Options, access_of, default_access, made_access
from imagery.address import public_href, sendable
from imagery.errors import ImageryError, RefusedAddress
from imagery.scene import Asset
from tests.unit.imagery.rasters import scene

BLOBS = Access(source="pc", schemes=("https",), hosts=("*.blob.core.windows.net",))


@pytest.mark.parametrize(
    ("access", "href", "says"),
    [
        (BLOBS, "http://a.blob.core.windows.net/x.tif", "not http"),
        (BLOBS, "/etc/passwd", "not file"),
        (BLOBS, "file:///etc/passwd", "not file"),
        (BLOBS, "s3://a/x.tif", "not s3"),
        (BLOBS, "ftp://a.blob.core.windows.net/x.tif", "not ftp"),
        (
            BLOBS,
            "https://evil.example/x.tif",
            r"lists the hosts \*\.blob\.core\.windows\.net, and not evil\.example",
        ),
        (BLOBS, "https://a.blob.core.windows.net.evil.example/x.tif", "and not"),
        (BLOBS, "https://user@evil.example:443/.blob.core.windows.net", "and not"),
        (BLOBS, "https://a.blob.core.windows.net:99999/x", "correct the address"),
        (BLOBS, "https:///x.tif", "names no host"),
        (Access(source="any"), "http://127.0.0.1/x.tif", "private address 127.0.0.1"),
        (Access(source="any"), "http://10.0.0.7/x.tif", "private address"),
        (Access(source="any"), "http://169.254.169.254/latest", "private address"),
        (Access(source="any"), "http://[::1]/x.tif", "private address"),
        (Access(source="any"), "http://[::ffff:127.0.0.1]/x.tif", "private address"),
        (Access(source="any"), "http://[64:ff9b::7f00:1]/x.tif", "private address"),
        (Access(source="any"), "http://100.64.0.1/x.tif", "private address"),
        (Access(source="any"), "http://0.0.0.0/x.tif", "private address"),
        (Access(source="any", private=True), "http://169.254.169.254/latest", "private address"),
        (Access(source="any", private=("127.0.0.1:80",)), "http://127.0.0.1:81/x.tif", "private address"),
        (default_access("http://127.0.0.1:80/catalog.json"), "http://127.0.0.1:6379/", "private address"),
    ],
)
def test_what_a_source_does_not_list_is_refused_by_name_and_rule(
    access: Access, href: str, says: str
) -> None:
    with pytest.raises(RefusedAddress, match=says) as caught:
        access.check(href)
    assert isinstance(caught.value, ImageryError)
    assert "user@" not in str(caught.value)


@pytest.mark.parametrize(
    ("access", "href"),
    [
        (BLOBS, "https://sentinel2l2a01.blob.core.windows.net/x.tif"),
        (BLOBS, "HTTPS://Sentinel2L2A01.Blob.Core.Windows.Net./x.tif"),
        (Access(source="any"), "https://8.8.8.8/x.tif"),
        (Access(source="any"), "/data/x.tif"),
        (Access(source="any", private=True), "http://127.0.0.1:8080/x.tif"),
        (Access(source="any", private=("10.1.0.0/16",)), "http://10.1.2.3/x.tif"),
        (Access(source="any", private=("127.0.0.1:80",), hosts=("*.example",)), "http://127.0.0.1/x.tif"),
        (default_access("http://127.0.0.1:8080/catalog.json"), "http://127.0.0.1:8080/x.tif"),
        (default_access("http://[::1]:8080/catalog.json"), "http://[::1]:8080/x.tif"),
    ],
)
def test_what_a_source_lists_is_allowed(access: Access, href: str) -> None:
    access.check(href)


def test_a_source_that_nobody_describes_has_the_default_rules() -> None:
    files = {"red": Asset(href="https://evil.example/x.tif", bands=("red",))}
    assert access_of(scene(files, source="never-heard-of")) == default_access("never-heard-of")


def test_scenes_of_a_provider_are_read_by_its_description() -> None:
    files = {"red": Asset(href="https://sentinel2l2a01.blob.core.windows.net/x.tif", bands=("red",))}
    access = access_of(scene(files, source="planetary-computer"))
    assert access.signing == "planetary-computer"
    access.check(files["red"].href)
    with pytest.raises(RefusedAddress, match=r"planetary-computer .*not elsewhere\.example"):
        access.check("https://elsewhere.example/x.tif")
    assert access_of(scene(files, source="cdse")).s3 is not None


def test_rules_from_a_description_of_a_provider() -> None:
    @dataclass
    class Store:
        endpoint: str | None = "http://127.0.0.1:9000"
        region: str | None = None
        access_key: str | None = "KEY"

    facts = {
        "schemes": ("https", "s3"),
        "hosts": ("eodata",),
        "private": False,
        "s3": Store(),
        "connections": 4,
    }
    access = made_access("cdse", "http://127.0.0.1:8000/v1", facts)
    assert access.s3 == S3Options(endpoint="http://127.0.0.1:9000", access_key="KEY")
    assert access.connections == 4
    assert access.lists("127.0.0.1", 8000)
    assert not access.lists("127.0.0.1", 9000)
    access.check("s3://eodata/a.jp2")


def test_no_connection_is_no_access() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Access(source="x", connections=0)


@pytest.mark.parametrize(
    ("href", "public"),
    [
        ("/data/a.tif?x=1", "/data/a.tif?x=1"),
        ("https://u:pw@h/a.tif", "https://h/a.tif"),
        ("https://h/a.tif?se=2024&sp=r&sig=abc&band=3", "https://h/a.tif?band=3"),
        ("https://h/a.tif?st=4&band=3", "https://h/a.tif?st=4&band=3"),
        ("https://h/a.tif?X-Amz-Signature=abc&X-Amz-Expires=60&versionId=7", "https://h/a.tif?versionId=7"),
        ("https://h/a.tif?Policy=a&Signature=b&Key-Pair-Id=c", "https://h/a.tif"),
        ("https://h/a.tif?access_token=abc#part", "https://h/a.tif"),
    ],
)
def test_what_is_shown_of_an_address_has_no_secrets(href: str, public: str) -> None:
    assert public_href(href) == public


def test_two_files_that_differ_by_a_key_are_still_two() -> None:
    one, two = public_href("https://h/get?key=a.tif"), public_href("https://h/get?key=b.tif")
    assert one != two
    assert "a.tif" not in one


def test_an_address_is_sent_in_ascii() -> None:
    assert sendable("http://u:p@h/odd name é.tif?q=a b#x") == "http://h/odd%20name%20%C3%A9.tif?q=a%20b"
    assert sendable("http://h/already%20quoted?sig=a%2Bb") == "http://h/already%20quoted?sig=a%2Bb"
