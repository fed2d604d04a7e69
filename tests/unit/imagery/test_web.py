"""Requests with patience that ends, against a server that is made to fail."""

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from imagery.errors import SourceUnreachable
from imagery.sources import web
from imagery.sources.addresses import is_inside
from imagery.sources.pace import Pace
from imagery.sources.web import Patience, Refused, TooLarge, Web
from tests.unit.imagery.scripted_server import breaks_off, says, scripted, trickles, trickles_headers

QUICK = Patience(attempts=3, connect_s=2.0, read_s=2.0, pause_s=0.01, total_s=20.0)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    web._down.clear()
    yield
    web._down.clear()


def fetch(url: str, *, patience: Patience = QUICK, limit: int = 1000, **options: object) -> bytes:
    with Web(patience=patience, **options) as asking:  # type: ignore[arg-type]
        return asking.fetch(url, limit=limit)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(status: int) -> None:
    with scripted(says(status), says(status), says(200, b"here")) as server:
        assert fetch(server.url) == b"here"
    assert server.count == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_a_refusal_is_not(status: int) -> None:
    with scripted(says(status, b"no")) as server, pytest.raises(Refused) as refused:
        fetch(server.url)
    assert (refused.value.status, refused.value.text, server.count) == (status, "no", 1)


def test_it_gives_up_and_says_who_and_what_to_do() -> None:
    with scripted(says(503)) as server, pytest.raises(SourceUnreachable) as error:
        fetch(server.url, who="archive", advice="try tomorrow")
    assert str(error.value) == "archive: the server answers 503 (3 times); try tomorrow"
    assert (error.value.exit_code, error.value.retried, server.count) == (4, True, 3)


def test_retry_after_is_kept() -> None:
    with scripted(says(429, headers={"Retry-After": "1"}), says(200)) as server:
        fetch(server.url)
    first, second = (moment for moment, _, _ in server.asked)
    assert second - first >= 0.95


def test_retry_after_is_kept_when_it_is_a_date() -> None:
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    with scripted(says(429, headers={"Retry-After": format_datetime(due, usegmt=True)}), says(200)) as server:
        fetch(server.url)
    assert datetime.now(UTC) >= due
    assert server.count == 2


def test_a_longer_wait_than_there_is_time_for_ends_at_once() -> None:
    begun = time.monotonic()
    with (
        scripted(says(429, headers={"Retry-After": "3600"})) as server,
        pytest.raises(SourceUnreachable, match="429"),
    ):
        fetch(server.url)
    assert time.monotonic() - begun < 10
    assert server.count == 1


def test_pauses_grow_and_are_not_all_alike() -> None:
    pauses = []
    for _ in range(3):
        with scripted(says(500)) as server, pytest.raises(SourceUnreachable):
            fetch(server.url, patience=Patience(attempts=3, pause_s=0.2))
        moments = [moment for moment, _, _ in server.asked]
        pauses += [moments[1] - moments[0], moments[2] - moments[1]]
    assert all(pause >= 0.09 for pause in pauses[::2])
    assert all(pause >= 0.19 for pause in pauses[1::2])
    assert len({round(pause, 3) for pause in pauses}) > 2


def test_half_an_answer_is_none() -> None:
    with scripted(breaks_off, says(200, b"whole")) as server:
        assert fetch(server.url) == b"whole"


@pytest.mark.parametrize("answer", [trickles(30), trickles_headers(30)], ids=["body", "headers"])
def test_an_answer_that_trickles_in_ends_in_time(answer: object) -> None:
    """Every byte comes within the time limit of a socket, the answer never."""
    patience = Patience(attempts=2, read_s=1.0, pause_s=0.01, total_s=1.5)
    begun = time.monotonic()
    with scripted(answer) as server, pytest.raises(SourceUnreachable, match="no answer in time"):  # type: ignore[arg-type]
        fetch(server.url, patience=patience, limit=10_000_000)
    assert time.monotonic() - begun < 10


def test_a_server_that_takes_the_connection_and_says_nothing() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(SourceUnreachable, match="no answer in time"):
            fetch(url, patience=Patience(attempts=2, read_s=0.2, pause_s=0.01))


def test_a_name_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(SourceUnreachable, match="Name or service not known"):
        fetch("http://archive.invalid/v1")


def test_a_name_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(8))
    begun = time.monotonic()
    with pytest.raises(SourceUnreachable, match="no answer in time"):
        fetch("http://archive.invalid/v1", patience=Patience(attempts=2, total_s=0.5, pause_s=0.01))
    assert time.monotonic() - begun < 6


def test_the_next_site_does_not_wait_as_long_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "_LONG_S", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        patience = Patience(attempts=4, read_s=0.2, pause_s=0.01)
        with pytest.raises(SourceUnreachable, match="4 times"):
            fetch(url, patience=patience)
        with pytest.raises(SourceUnreachable, match="2 times"):
            fetch(url, patience=patience)
    with scripted(says(503), says(200)) as server:
        web._remember(server.url)
        fetch(
            server.url, patience=patience
        )  # back again: one attempt more is allowed, and then all is as before
        assert not web._was_down(server.url)


def test_a_landing_page_that_answers_says_nothing_of_the_search() -> None:
    web._remember("http://archive.example/v1/search")
    web._forget("http://archive.example/v1")
    assert web._was_down("http://archive.example/v1/search?page=2")
    assert web._was_down("http://archive.example/v1")
    assert not web._was_down("http://other.example/v1")
    web._forget("http://archive.example/v1/search")
    assert not web._was_down("http://archive.example/v1")


def test_the_whole_wait_for_two_sites_is_less_than_a_minute() -> None:
    assert Patience().total_s + Patience().brief.total_s < 20


def test_an_answer_that_is_too_large() -> None:
    with scripted(says(200, b"x" * 5000)) as server, pytest.raises(TooLarge):
        fetch(server.url)
    assert server.count == 1


def test_redirects_are_followed_within_reason() -> None:
    with scripted(says(302, headers={"Location": "/there"}), says(200, b"here")) as server:
        assert fetch(server.url) == b"here"
        assert [path for _, _, path in server.asked] == ["/", "/there"]
    with scripted(says(302, headers={"Location": "/round"})) as server:
        with pytest.raises(SourceUnreachable, match="from one address to the next"):
            fetch(server.url)
        assert server.count == 6


def test_a_redirect_is_checked_like_any_address() -> None:
    with scripted(says(200)) as other, scripted(says(302, headers={"Location": other.url})) as server:
        with pytest.raises(SourceUnreachable, match="not there"):
            fetch(server.url, forbids=lambda url: "not there" if url.startswith(other.url) else None)
        assert other.count == 0


def test_its_pace_is_kept() -> None:
    begun = time.monotonic()
    with scripted(says(200)) as server, Web(patience=QUICK, pace=Pace("a", 20.0)) as asking:
        for _ in range(8):
            asking.fetch(server.url, limit=100)
    assert time.monotonic() - begun >= 7 / 20


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("http://localhost/x", True), ("http://127.0.0.1:80/x", True), ("http://10.1.2.3/x", True),
        ("http://169.254.169.254/latest", True), ("http://[::1]/x", True), ("http://192.168.0.1", True),
        ("https://earth-search.aws.element84.com/v1", False), ("https://8.8.8.8/x", False),
    ],
)  # fmt: skip
def test_addresses_inside_a_network(url: str, inside: bool) -> None:
    assert is_inside(url) is inside
