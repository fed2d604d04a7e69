"""Notices really delivered: to a web hook, by mail and into a file."""

import email
import email.policy
import json
from pathlib import Path
from typing import Any

import pytest

from flows.errors import BadRequest
from flows.notices import FROM_VARIABLE, SMTP_VARIABLE, NotDelivered, checked_target, parsed_target, send
from tests.services.prefect_server import free_port
from tests.services.sinks import smtp, webhook

DOCUMENT: dict[str, Any] = {
    "event": "sitewatch.change.detected", "resource": "sitewatch.site.khmeimim",
    "text": "khmeimim, 2024-12-01 to 2024-12-11: 2 vanished\nBcc: evil@example.org", "folder": "outputs/khmeimim/x",
    "top": [{"id": "a", "kind": "vanished", "label": "aircraft", "length_m": 34.2, "score": 0.93, "zone": "apron"}],
}  # fmt: skip


def test_web_hook_gets_the_whole_document() -> None:
    with webhook() as (url, received):
        send(f"webhook={url}", DOCUMENT)
    assert received == [DOCUMENT]


def test_refused_web_hook_is_named_without_its_secret_path() -> None:
    with webhook(refuse_first=1) as (url, received), pytest.raises(NotDelivered) as said:
        send(f"webhook={url}", DOCUMENT)
    assert received == []
    assert "503" in str(said.value)
    assert str(said.value).startswith("webhook at 127.0.0.1:")
    assert "secret" not in str(said.value)


def test_mail_says_what_happened_and_one_line_of_it_is_the_subject(monkeypatch: pytest.MonkeyPatch) -> None:
    with smtp() as (server, mails):
        monkeypatch.setenv(SMTP_VARIABLE, server)
        monkeypatch.setenv(FROM_VARIABLE, "watch@example.org")
        send("email=analyst@example.org", DOCUMENT)
    (text,) = mails
    mail = email.message_from_string(text, policy=email.policy.default)
    assert mail["To"] == "analyst@example.org"
    assert mail["From"] == "watch@example.org"
    assert mail["Subject"].startswith("sitewatch: khmeimim, 2024-12-01 to 2024-12-11: 2 vanished")
    assert "Bcc" not in mail
    body = mail.get_content()
    assert "- vanished: aircraft, 34 m, score 0.93, apron" in body
    assert "Files: outputs/khmeimim/x" in body


def test_mail_without_a_server_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SMTP_VARIABLE, f"smtp://127.0.0.1:{free_port()}")
    with pytest.raises(NotDelivered, match=r"email=a@example\.org: ConnectionRefusedError"):
        send("email=a@example.org", DOCUMENT)


def test_file_gets_a_line_each_time(tmp_path: Path) -> None:
    target = f"file={tmp_path / 'new' / 'alerts.jsonl'}"
    send(target, DOCUMENT)
    send(target, DOCUMENT)
    lines = (tmp_path / "new" / "alerts.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [DOCUMENT, DOCUMENT]


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("webhook=ftp://host/x", "webhook=https://host/path"),
        ("webhook=https://", "webhook=https://host/path"),
        ("email=nobody", "somebody@example.org"),
        ("file=", "file=alerts.jsonl"),
        ("pigeon=home", "webhook=URL, email=ADDRESS or file=PATH"),
        ("https://host/x", "webhook=URL, email=ADDRESS or file=PATH"),
    ],
)
def test_wrong_targets_are_refused_with_what_to_give(target: str, hint: str) -> None:
    with pytest.raises(BadRequest, match=hint):
        parsed_target(target)


def test_a_relative_file_is_made_to_hold_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert checked_target("file=a.jsonl") == f"file={tmp_path / 'a.jsonl'}"
    assert checked_target("email=a@example.org") == "email=a@example.org"
