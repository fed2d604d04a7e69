"""Scripts and styles: an address for every content, kept for ever under it, and no file but the desk's own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from review import statics
from review.statics import FOREVER, Statics
from tests.review.conftest import ADDRESS, RunningDesk


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the files, which a test may change."""
    copy = tmp_path / "desk" / "static"
    shutil.copytree(statics.STATIC, copy)
    (tmp_path / "desk" / "secret.js").write_text("no")
    monkeypatch.setattr(statics, "STATIC", copy)
    statics.edition.cache_clear()
    statics.modules.cache_clear()
    yield copy
    statics.edition.cache_clear()
    statics.modules.cache_clear()


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient]:
    app = FastAPI()
    app.mount("/static", Statics())
    with TestClient(app, base_url=ADDRESS) as found:
        yield found


def test_pages_name_files_under_the_present_edition(desk: RunningDesk) -> None:
    page = desk.person("Ana").get("/").text
    assert f'src="{statics.base()}/queue.js"' in page
    assert page.count("/static/") == page.count(f"{statics.base()}/")
    script = desk.stranger().get(f"{statics.base()}/queue.js")
    assert script.status_code == 200
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cache-control"] == FOREVER
    assert script.headers["x-content-type-options"] == "nosniff"


def test_files_are_kept_for_ever_under_their_edition_alone(client: TestClient, folder: Path) -> None:
    named = client.get(f"{statics.base()}/desk.css")
    assert (named.status_code, named.headers["cache-control"]) == (200, FOREVER)
    assert named.content == (folder / "desk.css").read_bytes()
    plain = client.get("/static/desk.css")
    assert (plain.status_code, plain.headers["cache-control"]) == (200, "no-cache")
    kept = client.get("/static/desk.css", headers={"If-None-Match": plain.headers["etag"]})
    assert kept.status_code == 304
    earlier = client.get("/static/0123456789abcdef/desk.css")
    assert (earlier.status_code, earlier.headers["cache-control"]) == (200, "no-cache"), (
        "a page of an earlier desk finds its files, and asks again next time"
    )


def test_a_changed_file_has_another_address(client: TestClient, folder: Path) -> None:
    before = statics.base()
    with (folder / "desk.css").open("a") as css:
        css.write("/* another */")
    assert statics.base() == before, "looked at once for a process"
    statics.edition.cache_clear()
    assert statics.base() != before
    (folder / "desk.css").rename(folder / "other.css")
    renamed = statics.edition.__wrapped__()
    assert f"/static/{renamed}" not in (before, statics.base()), "names count, not contents alone"


@pytest.mark.parametrize(
    "path",
    [
        "../secret.js", "..%2fsecret.js", "%2e%2e/secret.js", "vendor/../../secret.js", "vendor/..%2f..%2fsecret.js",
        "..\\secret.js", "..%5csecret.js", "/etc/passwd", "%2fetc%2fpasswd", "0123456789abcdef/../../secret.js",
        "0123456789abcdef/..%2f..%2fsecret.js", "0123456789abcdef//etc/passwd", "secret.js", "nothing.js", "", "vendor",
        "0123456789abcdef", "0123456789abcdef/", "%00", "desk.css%00.js",
    ],
)  # fmt: skip
def test_no_other_file_is_given_out(client: TestClient, path: str) -> None:
    answer = client.get(f"/static/{path}", follow_redirects=False)
    assert answer.status_code in (400, 404, 405), path
    assert answer.text != "no"
    assert "root:" not in answer.text


def test_a_link_out_of_the_folder_is_not_followed(client: TestClient, folder: Path) -> None:
    (folder / "link.js").symlink_to(folder.parent / "secret.js")
    assert client.get("/static/link.js").status_code == 404


def test_modules_are_all_that_a_script_needs(folder: Path) -> None:
    found = statics.modules("early.js", "compare.js")
    assert found[:2] == ("early.js", "compare.js")
    assert {"answering.js", "legend.js", "sides.js", "vendor/ol.js"} <= set(found)
    assert len(found) == len(set(found))
    assert all((folder / name).is_file() for name in found)
    assert "queue.js" not in found
    every = {path.name for path in folder.glob("*.js")}
    assert every == set(found + statics.modules("queue.js")) - {"vendor/ol.js"}, (
        "no script that no page needs"
    )
