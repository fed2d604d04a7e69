"""Who gets in, as what, and what a page elsewhere cannot make a browser do."""

import re
import sqlite3
from datetime import timedelta
from html import escape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from catalog import reviewers
from catalog.errors import NotAdmitted
from review.app import ROUTERS, create_app
from review.server import sign_in_link
from review.settings import DeskSettings
from tests.review.conftest import ADDRESS, Person, RunningDesk, meta


def test_the_start_link_signs_in_once_and_lands_on_the_queue(desk: RunningDesk) -> None:
    token = reviewers.invite(desk.root, "Lena", "lead", given_by="test", kind="start")
    first, second = desk.stranger(), desk.stranger()
    page = first.get(f"/signin?token={token}")
    assert (page.status_code, page.url.path) == (200, "/")
    assert "Test base" in page.text
    assert meta(page.text, "role") == "lead"
    again = second.get(f"/signin?token={token}")
    assert again.status_code == 403
    assert "used already" in again.text
    assert "Test base" not in again.text
    assert first.get(f"/signin?token={token}").url.path == "/", (
        "the browser that it signed in may follow it again"
    )


def test_an_invitation_asks_before_it_is_used_up(desk: RunningDesk) -> None:
    token = reviewers.invite(desk.root, "Omar", "reviewer", given_by="test")
    for _ in range(2):  # a program that looks at links in messages
        page = desk.stranger().get(f"/signin?token={token}")
        assert "Welcome, Omar" in page.text
        assert "set-cookie" not in page.headers
    client = desk.stranger()
    page = client.post("/signin", data={"token": token})
    assert page.url.path == "/"
    assert meta(page.text, "reviewer") == "Omar"
    assert desk.stranger().post("/signin", data={"token": token}).status_code == 403


@pytest.mark.parametrize("token", ["", "x", "x" * 5000, "\u0000", "'; DROP TABLE sessions; --"])
def test_other_links_let_nobody_in(desk: RunningDesk, token: str) -> None:
    client = desk.stranger()
    page = client.get("/signin", params={"token": token})
    assert page.status_code in (200, 403, 414)
    assert not client.cookies
    assert client.get("/", follow_redirects=False).headers["location"] == "/signin"


def test_an_expired_link_lets_nobody_in(desk: RunningDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviewers, "START_LASTS", timedelta(seconds=-1))
    token = reviewers.invite(desk.root, "Lena", "lead", given_by="test", kind="start")
    page = desk.stranger().get(f"/signin?token={token}")
    assert page.status_code == 403
    assert "expired" in page.text


@pytest.mark.parametrize("address", ["/", "/review?subject=x", "/disagreements", "/reviewers"])
def test_pages_lead_strangers_to_the_sign_in(desk: RunningDesk, address: str) -> None:
    answer = desk.stranger().get(address, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/signin")


def test_nothing_answers_strangers(desk: RunningDesk) -> None:
    """Every route there is: a new one is tried without being named here."""
    tried = set()
    for route in (route for router in ROUTERS for route in router.routes if route.path != "/signin"):
        address = re.sub(r"{\w+}", "0", route.path)
        (method,) = route.methods
        answer = desk.stranger().request(method, address, follow_redirects=False)
        page = method == "GET" and not address.startswith(("/api/", "/runs/"))
        assert answer.status_code == (303 if page else 401), (method, address)
        assert answer.headers.get("location", "/signin") == "/signin"
        assert "Test base" not in answer.text
        tried.add(route.path)
    assert len(tried) >= 18
    assert {"/", "/figures", "/api/answers", "/runs/{key}/thumbs/{change}.png", "/reviewers/invite"} <= tried


def test_a_made_up_session_is_none(desk: RunningDesk) -> None:
    client = desk.stranger()
    client.cookies.set(f"sitewatch-{desk.settings.port}", "A" * 43)
    assert client.get("/api/queue").status_code == 401


def test_the_cookie_is_for_the_desk_alone(desk: RunningDesk) -> None:
    token = reviewers.invite(desk.root, "Lena", "lead", given_by="test", kind="start")
    cookie = (
        desk.stranger().get(f"/signin?token={token}", follow_redirects=False).headers["set-cookie"].lower()
    )
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie


def test_behind_https_the_cookie_travels_by_nothing_else(desk: RunningDesk) -> None:
    settings = DeskSettings(
        root=desk.root, host="0.0.0.0", authentication="invitations", public_url="https://desk.example.org"
    )
    client = TestClient(create_app(settings), base_url="https://desk.example.org")
    token = reviewers.invite(desk.root, "Omar", "reviewer", given_by="test")
    cookie = client.post("/signin", data={"token": token}, follow_redirects=False).headers["set-cookie"]
    assert cookie.startswith("__Host-sitewatch=")
    assert "secure" in cookie.lower()


def test_secrets_are_not_in_the_database(desk: RunningDesk, ana: Person) -> None:
    token = reviewers.invite(desk.root, "Omar", "reviewer", given_by="test")
    stored = b"".join(path.read_bytes() for path in desk.root.glob("sitewatch.db*"))
    for secret in (token, *ana.client.cookies.values()):
        assert secret.encode() not in stored


def test_signing_out_ends_the_session(desk: RunningDesk, ana: Person) -> None:
    kept = dict(ana.client.cookies)
    assert ana.client.post("/signout", data={"csrf": "wrong"}).status_code == 403
    assert ana.get("/").url.path == "/"
    assert ana.client.post("/signout", data={"csrf": ana.csrf}).url.path == "/signin"
    thief = desk.stranger()
    thief.cookies.update(kept)
    assert thief.get("/api/queue").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF-Token": "0" * 64},
        {"X-CSRF-Token": "RIGHT", "Origin": "http://evil.example"},
        {"X-CSRF-Token": "RIGHT", "Origin": "null"},
        {"X-CSRF-Token": "RIGHT", "Origin": f"http://127.0.0.1:{8742}"},
        {"X-CSRF-Token": "RIGHT", "Sec-Fetch-Site": "cross-site"},
        {"X-CSRF-Token": "RIGHT", "Sec-Fetch-Site": "same-site"},
    ],
)
def test_answers_are_taken_from_the_desks_own_pages_alone(
    desk: RunningDesk, ana: Person, change: str, headers: dict[str, str]
) -> None:
    sent = {name: value.replace("RIGHT", ana.csrf) for name, value in headers.items()}
    document = {"key": "k" * 20, "act": "verdict", "subject": change, "body": {"verdict": "confirmed"}}
    assert ana.client.post("/api/answers", json=document, headers=sent).status_code == 403
    assert desk.app.state.store.events() == []
    sent = {"X-CSRF-Token": ana.csrf, "Origin": ADDRESS, "Sec-Fetch-Site": "same-origin"}
    assert ana.client.post("/api/answers", json=document, headers=sent).status_code == 200


def test_read_only_looks_and_does_not_decide(desk: RunningDesk, change: str) -> None:
    reader = desk.person("Rea", "read-only")
    assert reader.get("/").status_code == 200
    assert reader.item(change)["subject"] == change
    refused = reader.answer("verdict", change, {"verdict": "confirmed"})
    assert refused.status_code == 403
    assert "read-only" in refused.json()["error"]
    assert desk.app.state.store.events() == []


def test_what_only_a_lead_may_do(desk: RunningDesk, ana: Person, change: str) -> None:
    lead = desk.person("Lena", "lead")
    assert ana.get("/reviewers").status_code == 403
    assert lead.get("/reviewers").status_code == 200
    form = {"csrf": ana.csrf, "name": "Eve", "role": "lead"}
    assert ana.client.post("/reviewers/invite", data=form).status_code == 403
    assert ana.answer("verdict", change, {"verdict": "confirmed", "settles": True}).status_code == 403
    page = lead.client.post("/reviewers/invite", data=form | {"csrf": lead.csrf, "role": "reviewer"})
    link = page.text.split(f'value="{ADDRESS}', 1)[1].split('"', 1)[0]
    assert "Welcome, Eve" in desk.stranger().get(link).text
    assert (
        lead.client.post("/reviewers/invite", data=form | {"csrf": lead.csrf, "role": "king"}).status_code
        == 422
    )


def test_shutting_out_takes_effect_at_once_and_keeps_answers(
    desk: RunningDesk, ana: Person, change: str
) -> None:
    lead = desk.person("Lena", "lead")
    assert ana.answer("verdict", change, {"verdict": "confirmed"}).status_code == 200
    lead.client.post("/reviewers/shut-out", data={"csrf": lead.csrf, "name": "Ana"})
    assert ana.get("/api/queue").status_code == 401
    assert [event.reviewer for event in desk.app.state.store.events()] == ["Ana"]
    own = lead.client.post("/reviewers/shut-out", data={"csrf": lead.csrf, "name": "Lena"})
    assert own.status_code == 422


@pytest.mark.parametrize("name", ["sitewatch", " SiteWatch ", "SITEWATCH", "\uff53itewatch"])
def test_nobody_signs_as_the_program_itself(desk: RunningDesk, name: str) -> None:
    with pytest.raises(NotAdmitted, match="the program itself signs"):
        reviewers.invite(desk.root, name, "reviewer", given_by="test")
    lead = desk.person("Lena", "lead")
    page = lead.client.post("/reviewers/invite", data={"csrf": lead.csrf, "name": name, "role": "reviewer"})
    assert page.status_code == 422
    assert "the program itself signs" in page.text
    assert [person.name for person in reviewers.list_reviewers(desk.root)] == ["Lena"]


@pytest.mark.parametrize("user", ["sitewatch", "", "x" * 90])
def test_whoever_has_no_name_that_can_be_used_is_called_lead(
    desk: RunningDesk, monkeypatch: pytest.MonkeyPatch, user: str
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: user)
    assert "Lena" not in sign_in_link(desk.settings)
    assert [person.name for person in reviewers.list_reviewers(desk.root)] == ["lead"]


@pytest.mark.parametrize("name", ["", " ", "x" * 81, "a\u0000b", "a\u202eb", "line\nbreak\u0007"])
def test_names_that_cannot_be_used_are_refused(desk: RunningDesk, name: str) -> None:
    with pytest.raises(NotAdmitted):
        reviewers.invite(desk.root, name, "reviewer", given_by="test")


@pytest.mark.parametrize("tag", ["<script>alert(1)</script>", "<svg onload=alert(1)>"])
def test_a_hostile_name_is_text_on_every_page(desk: RunningDesk, tag: str) -> None:
    person = desk.person(f'">{tag}', "lead")
    for address in ("/", "/reviewers", "/disagreements", "/figures"):
        page = person.get(address).text
        assert tag not in page
        assert escape(tag) in page


def test_names_that_differ_in_case_alone_are_one_person(desk: RunningDesk) -> None:
    reviewers.invite(desk.root, "Ana", "reviewer", given_by="test")
    reviewers.invite(desk.root, "ANA", "lead", given_by="test")
    assert [(r.name, r.role) for r in reviewers.list_reviewers(desk.root)] == [("Ana", "lead")]


def test_tables_of_people_only_grow(desk: RunningDesk, ana: Person) -> None:
    with sqlite3.connect(Path(desk.root) / "sitewatch.db") as connection:
        for table in (
            "reviewers",
            "reviewer_roles",
            "sessions",
            "invitations",
            "invitation_uses",
            "session_ends",
        ):
            if connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]:
                with pytest.raises(sqlite3.DatabaseError, match="append-only"):
                    connection.execute(f"DELETE FROM {table}")
