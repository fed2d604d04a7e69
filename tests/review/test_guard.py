"""What holds for every request and every response."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from review.guard import HEADERS, LARGEST_BODY_BYTES
from review.settings import DeskSettings
from review.statics import STATIC
from review.views import TEMPLATES
from tests.review.conftest import PLAIN_RUN, Person, RunningDesk, opened

TRAVERSALS = [
    "/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/....//app.py", "/static//etc/passwd",
    "/static/%2fetc%2fpasswd", "/static/vendor/../../app.py", "/runs/..%2f..%2fetc/thumbs/x.png",
    "/runs/%2e%2e/tiles/before/0/0/0.png", "/runs/../../tiles/before/0/0/0.png",
    f"/runs/{PLAIN_RUN}/tiles/..%2f..%2fsource/0/0/0.png", f"/runs/{PLAIN_RUN}/thumbs/..%2f..%2fsitewatch.png",
    f"/runs/{PLAIN_RUN}/crops/..%2f{PLAIN_RUN}/before.png?col=1&row=1&side=9&px=64",
    "/runs/.partial/tiles/before/0/0/0.png",
    "/api/runs/..%2f..%2f", "/api/runs/%00", "/review?subject=tile:../../etc/r00c00", "/api/items?subject=tile:%00/x",
]  # fmt: skip


@pytest.fixture(scope="module")
def desk(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    """One desk for all of these: they look and do not answer."""
    shutil.copytree(written, root := tmp_path_factory.mktemp("shared") / "outputs")
    with opened(root) as running:
        for address in ("/fails", "/api/fails"):
            running.app.add_api_route(address, fail)
        yield running


def fail() -> None:
    """A fault in the desk."""
    raise RuntimeError("secret words")


@pytest.fixture(scope="module")
def ana(desk: RunningDesk) -> Person:
    return desk.person("Ana")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:9", "x@127.0.0.1:8741", "", "127.0.0.1:8741.x"]
)
@pytest.mark.parametrize("address", ["/", "/healthz", "/static/desk.css", "/signin", "/api/queue"])
def test_a_name_that_points_here_from_elsewhere_is_not_answered(ana: Person, host: str, address: str) -> None:
    answer = ana.get(address, headers={"Host": host})
    assert answer.status_code == 421
    assert "Test base" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:8741", "localhost:8741", "LOCALHOST:8741", "[::1]:8741"])
def test_this_machines_own_names_are_answered(desk: RunningDesk, host: str) -> None:
    assert desk.stranger().get("/healthz", headers={"Host": host}).text == "ok"


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/fails", 500), ("/api/fails", 500), ("/", 200),
        ("/nothing", 404), ("/healthz", 200), ("/static/desk.css", 200), ("/static/nothing", 404),
        ("/api/queue", 200), ("/api/nothing", 404), ("/api/items?subject=nothing", 404),
        (f"/runs/{PLAIN_RUN}/tiles/before/0/0/0.png", 200), (f"/runs/{PLAIN_RUN}/tiles/before/9/9/9.png", 404),
        ("/review?subject=nothing", 404), ("/?min_score=x", 422), ("/?what=nothing", 422), ("/" + "x" * 5000, 414),
    ],
)  # fmt: skip
def test_every_response_carries_the_headers(ana: Person, address: str, status: int) -> None:
    answer = ana.get(address)
    assert answer.status_code == status
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "cache-control" in answer.headers
    assert "Traceback" not in answer.text
    assert "secret words" not in answer.text


def test_refusals_before_the_application_carry_them_too(ana: Person) -> None:
    for answer in (
        ana.get("/", headers={"Host": "evil"}),
        ana.client.post("/api/answers", content=b"x" * 300_000),
    ):
        assert answer.headers["x-frame-options"] == "DENY"


def test_large_bodies_are_refused_announced_or_not(ana: Person) -> None:
    large = b"x" * (LARGEST_BODY_BYTES + 1)
    headers = {"X-CSRF-Token": ana.csrf, "Content-Type": "application/json"}
    assert ana.client.post("/api/answers", content=large, headers=headers).status_code == 413

    def pieces() -> object:
        for _ in range(40):
            yield b"x" * (LARGEST_BODY_BYTES // 30)

    assert ana.client.post("/api/answers", content=pieces(), headers=headers).status_code == 413


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"key": 1}', b"\xff\xfe", b"[" * 100_000, b"nul"])
def test_bodies_that_are_no_answers_are_refused_in_words(ana: Person, body: bytes) -> None:
    headers = {"X-CSRF-Token": ana.csrf, "Content-Type": "application/json"}
    answer = ana.client.post("/api/answers", content=body, headers=headers)
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]


@pytest.mark.parametrize("address", TRAVERSALS)
def test_no_address_leads_out_of_the_runs(ana: Person, address: str) -> None:
    answer = ana.client.get(address)
    assert answer.status_code in (404, 422), answer.text[:200]
    assert "root:" not in answer.text
    assert "create_app" not in answer.text


def test_templates_hold_no_script_no_style_and_no_other_host() -> None:
    for path in TEMPLATES.glob("*.html"):
        text = path.read_text()
        assert not re.search(
            r"\son\w+\s*=|\sstyle\s*=|<style|javascript:|https?://|//[a-z]|\|\s*safe", text
        ), path.name
        for attributes in re.findall(r"<script([^>]*)>", text):
            assert 'src="{{ static }}/' in attributes or 'type="application/json"' in attributes, path.name


def test_scripts_name_no_other_host_and_make_no_code_from_text() -> None:
    for path in STATIC.glob("*.js"):
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(
            r"https?://|\beval\b|new Function|document\.write|setAttribute\(\"(style|on)", text
        ), path.name


def test_the_map_library_is_bundled_with_its_licences() -> None:
    assert (STATIC / "vendor" / "ol.js").stat().st_size > 100_000
    licences = (STATIC / "vendor" / "LICENSES.txt").read_text()
    assert "OpenLayers Contributors" in licences
    assert "rbush" in licences


def test_beyond_loopback_only_with_a_name_and_invitations(root: Path) -> None:
    from review.app import create_app  # noqa: PLC0415

    settings = DeskSettings(
        root=root, host="0.0.0.0", authentication="invitations", public_url="https://desk.example.org"
    )
    client = TestClient(create_app(settings), base_url="https://desk.example.org")
    assert client.get("/healthz").status_code == 200
    assert client.get("/healthz", headers={"Host": "127.0.0.1:8741"}).status_code == 421
