from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from imagery import refusals
from imagery.access import Access, S3Options
from imagery.errors import AccessDenied, MissingCredentials, MissingFile
from imagery.signing import s3_url, signed, sigv4_headers


def test_the_example_of_the_public_documentation() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "GET Object"."""
    headers = sigv4_headers(
        "https://examplebucket.s3.amazonaws.com/test.txt", {"Range": "bytes=0-9"}, key="AKIAIOSFODNN7EXAMPLE",
        secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", region="us-east-1",
        now=datetime(2013, 5, 24, tzinfo=UTC),
    )  # fmt: skip
    assert headers["Authorization"].endswith(
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


@pytest.mark.parametrize("token", [None, "session"])
def test_signatures_are_those_of_amazons_own_library(token: str | None) -> None:
    url = s3_url("s3://eodata/Sentinel-2/odd name+é (1).jp2", S3Options(endpoint="https://eodata.example"))
    now = datetime.now(UTC)
    ours = sigv4_headers(
        url, {"Range": "bytes=0-9"}, key="K", secret="S", region="eu-central-1", token=token, now=now
    )
    request = AWSRequest("GET", url, headers={"Range": "bytes=0-9"})
    request.context["timestamp"] = ours["x-amz-date"]
    signer = S3SigV4Auth(Credentials("K", "S", token), "s3", "eu-central-1")
    request.headers["X-Amz-Date"] = ours["x-amz-date"]
    request.headers["X-Amz-Content-SHA256"] = ours["x-amz-content-sha256"]
    if token:
        request.headers["X-Amz-Security-Token"] = token
    theirs = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    assert ours["Authorization"].rpartition("Signature=")[2] == theirs


def test_buckets_as_paths_and_as_hosts() -> None:
    assert s3_url("s3://b/k/x.tif", S3Options(endpoint="http://h:9/")) == "http://h:9/b/k/x.tif"
    assert (
        s3_url("s3://b/k.tif", S3Options(region="us-west-2", path_style=False))
        == "https://b.s3.us-west-2.amazonaws.com/k.tif"
    )


def test_missing_keys_are_named_and_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    options = S3Options(access_key="MY_KEY", secret_key="MY_SECRET", account="https://example.org/register")
    access = Access(source="x", schemes=("s3",), s3=options)
    with pytest.raises(MissingCredentials, match=r"MY_KEY and MY_SECRET.*https://example\.org/register"):
        signed("s3://b/k.tif", access, lambda url, headers: b"", headers={})
    monkeypatch.setenv("MY_KEY", "geheim-a")
    monkeypatch.setenv("MY_SECRET", "geheim-b")
    request = signed("s3://b/k.tif", access, lambda url, headers: b"", headers={})
    assert "geheim" not in repr(request)
    assert "geheim" not in request.url


def test_when_a_signed_link_ends_is_read_from_it() -> None:
    end = datetime(2024, 12, 1, 10, 30, tzinfo=UTC)
    begun = f"{end - timedelta(hours=1):%Y%m%dT%H%M%SZ}"
    for url in (
        "https://h/a?se=2024-12-01T10%3A30%3A00Z&sig=x",
        f"https://h/a?X-Amz-Date={begun}&X-Amz-Expires=3600",
        f"https://h/a?X-Goog-Date={begun}&X-Goog-Expires=3600",
        f"https://h/a?Expires={int(end.timestamp())}&Signature=x",
    ):
        assert refusals.expiry_of(url) == end
        problem = refusals.refused("https://h/a", url, 403, {}, b"")
        assert isinstance(problem, refusals.Expired)
        assert "expired at 2024-12-01 10:30 UTC" in str(problem.error)
    assert refusals.expiry_of("https://h/a?Expires=never") is None
    assert isinstance(
        refusals.refused("https://h/a", "https://h/a?Expires=99999999999", 403, {}, b""), AccessDenied
    )
    assert isinstance(refusals.refused("https://h/a", "https://h/a", 410, {}, b""), MissingFile)
