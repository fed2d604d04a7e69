"""Who may use the desk, in a file and on a server: links that work once, sessions that end, roles read anew."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from catalog import reviewers
from catalog.database import reading
from catalog.errors import NotAdmitted
from catalog.reviewer_tables import invitations, sessions
from catalog.reviewers import Reviewer

pytestmark = pytest.mark.usefixtures("each_database")


def test_an_invitation_becomes_one_session(tmp_path: Path) -> None:
    token = reviewers.invite(tmp_path, "Ana Ünïcode", "reviewer", given_by="Lena")
    assert reviewers.invited(tmp_path, token) == (Reviewer(name="Ana Ünïcode", role="reviewer"), "invitation")
    who, secret = reviewers.accept(tmp_path, token)
    found = reviewers.session_of(tmp_path, secret)
    assert found is not None
    assert found.reviewer == who
    with pytest.raises(NotAdmitted, match="used already"):
        reviewers.accept(tmp_path, token)
    with reading(tmp_path) as connection:
        assert connection is not None
        kept = [str(connection.execute(select(table)).all()) for table in (invitations, sessions)]
    assert token not in "".join(kept)
    assert secret not in "".join(kept)


def test_of_many_who_follow_one_link_at_once_one_gets_in(tmp_path: Path) -> None:
    token = reviewers.invite(tmp_path, "Ana", "reviewer", given_by="Lena")

    def follow(_number: int) -> bool:
        try:
            reviewers.accept(tmp_path, token)
        except NotAdmitted:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(follow, range(6))) == 1


def test_names_that_differ_in_case_are_one_person(tmp_path: Path) -> None:
    for name, role in (("Ana", "reviewer"), ("ANA", "lead"), ("Omar", "read-only")):
        reviewers.invite(tmp_path, name, role, given_by="Lena")
    assert reviewers.list_reviewers(tmp_path) == (
        Reviewer(name="Ana", role="lead"), Reviewer(name="Omar", role="read-only"),
    )  # fmt: skip


def test_whoever_is_shut_out_is_out_at_once(tmp_path: Path) -> None:
    _, secret = reviewers.accept(tmp_path, reviewers.invite(tmp_path, "Ana", "reviewer", given_by="Lena"))
    waiting = reviewers.invite(tmp_path, "Ana", "reviewer", given_by="Lena")
    reviewers.shut_out(tmp_path, "Ana", given_by="Lena")
    assert reviewers.session_of(tmp_path, secret) is None
    assert reviewers.list_reviewers(tmp_path) == ()
    with pytest.raises(NotAdmitted, match="may no longer use"):
        reviewers.accept(tmp_path, waiting)
    with pytest.raises(NotAdmitted, match="nobody called"):
        reviewers.shut_out(tmp_path, "Ana", given_by="Lena")
    reviewers.invite(tmp_path, "Ana", "reviewer", given_by="Lena")
    assert reviewers.session_of(tmp_path, secret) is not None


def test_signing_out_and_time_end_a_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, secret = reviewers.accept(tmp_path, reviewers.invite(tmp_path, "Ana", "reviewer", given_by="Lena"))
    for _ in range(2):
        reviewers.sign_out(tmp_path, secret)
    assert reviewers.session_of(tmp_path, secret) is None
    reviewers.sign_out(tmp_path, "unknown")
    monkeypatch.setattr(reviewers, "SESSION_LASTS", timedelta(seconds=-1))
    _, late = reviewers.accept(tmp_path, reviewers.invite(tmp_path, "Ana", "reviewer", given_by="Lena"))
    assert reviewers.session_of(tmp_path, late) is None
    monkeypatch.setattr(reviewers, "INVITATION_LASTS", timedelta(seconds=-1))
    with pytest.raises(NotAdmitted, match="expired"):
        reviewers.accept(tmp_path, reviewers.invite(tmp_path, "Ana", "reviewer", given_by="Lena"))


def test_nothing_there_admits_nobody(tmp_path: Path) -> None:
    assert reviewers.session_of(tmp_path, "x") is None
    assert reviewers.list_reviewers(tmp_path) == ()
    with pytest.raises(NotAdmitted, match="not known here"):
        reviewers.invited(tmp_path, "x")
