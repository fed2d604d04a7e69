"""A desk on small real runs, and people who have signed in."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from shapely.geometry import Polygon
from starlette.testclient import TestClient

from catalog import reviewers
from catalog.geometry import lon_lat
from catalog.run import write_run
from review.app import create_app
from review.settings import DeskSettings
from tests.unit.catalog import catalog_runs as runs

PORT = 8741
ADDRESS = f"http://127.0.0.1:{PORT}"
SITE_RUN = "testbase/optical_20241204T082107Z_20241220T082341Z"
PLAIN_RUN = "a_b_0123456789ab"


def write_runs(root: Path, work: Path) -> None:
    """A run of a site, and one of images that have neither georeference nor dates."""
    grid = runs.grid_of()
    corners = lon_lat(grid, [(50, 60), (650, 60), (650, 500), (50, 500)])
    site = runs.site()
    apron = replace(site.zones["apron-1"], geometry=Polygon(corners))
    write_run(runs.record(work / "site", site=replace(site, zones={"apron-1": apron})), root=root)
    plain = runs.record(
        work / "plain", grid=runs.grid_of((300, 420), crs=None), name=PLAIN_RUN, pair="plain", site=None, before=None,
        after=None, simulated=False,
        changes=(runs.appeared((20, 30, 60, 70)), runs.vanished((200, 100, 240, 130))),
    )  # fmt: skip
    write_run(plain, root=root)


def write_recurrence(root: Path, work: Path) -> str:
    """A later run in which the first change of the site comes up again; its id there."""
    again = replace(runs.appeared(), id="again")
    after = runs.scene("later-scene", runs.AFTER_TIME + timedelta(days=10))
    write_run(
        runs.record(work, name="testbase/later", pair="later", changes=(again,), after=after), root=root
    )
    return again.id


@dataclass(kw_only=True)
class Person:
    """Somebody with a browser."""

    name: str
    client: TestClient
    csrf: str

    def get(self, address: str, **options: Any) -> Any:
        return self.client.get(address, **options)

    def answer(self, act: str, subject: str | None, body: dict[str, Any], **given: Any) -> Any:
        document = {"key": uuid4().hex, "act": act, "subject": subject, "body": body} | given
        return self.client.post("/api/answers", json=document, headers={"X-CSRF-Token": self.csrf})

    def item(self, subject: str) -> dict[str, Any]:
        response = self.client.get("/api/items", params={"subject": subject})
        assert response.status_code == 200, response.text
        return dict(response.json())


@dataclass(kw_only=True)
class RunningDesk:
    """A desk that answers in this process."""

    root: Path
    app: Any
    settings: DeskSettings
    stranger: Callable[[], TestClient] = field(repr=False)

    def person(self, name: str, role: reviewers.Role = "reviewer") -> Person:
        token = reviewers.invite(self.root, name, role, given_by="test", kind="start")
        client = self.stranger()
        page = client.get(f"/signin?token={token}")
        assert page.status_code == 200
        return Person(name=name, client=client, csrf=meta(page.text, "csrf-token"))


def meta(html: str, name: str) -> str:
    return html.split(f'<meta name="{name}" content="', 1)[1].split('"', 1)[0]


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An outputs folder, to be copied."""
    root = tmp_path_factory.mktemp("written") / "outputs"
    write_runs(root, tmp_path_factory.mktemp("work"))
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    """An outputs folder of the test's own."""
    shutil.copytree(written, tmp_path / "outputs")
    return tmp_path / "outputs"


@contextmanager
def opened(root: Path, **given: Any) -> Iterator[RunningDesk]:
    """A desk for as long as the block lasts; for tests that change runs before anybody looks at them."""
    settings = DeskSettings(root=root, port=PORT, **given)
    app = create_app(settings)
    with TestClient(app, base_url=ADDRESS):
        yield RunningDesk(
            root=root, app=app, settings=settings,
            stranger=lambda: TestClient(app, base_url=ADDRESS, raise_server_exceptions=False),
        )  # fmt: skip


@pytest.fixture
def desk(root: Path) -> Iterator[RunningDesk]:
    with opened(root) as running:
        yield running


@pytest.fixture
def ana(desk: RunningDesk) -> Person:
    """A reviewer."""
    return desk.person("Ana")


@pytest.fixture
def change() -> str:
    """Id of a change of the site's run."""
    return runs.appeared().id
