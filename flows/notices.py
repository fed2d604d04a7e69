"""Notices to people and programs: by web hook, e-mail or file. No Prefect here.

Mail goes through ``SITEWATCH_SMTP`` (``smtp[s]://[user:password@]host[:port]``, percent-encoded) and comes from
``SITEWATCH_MAIL_FROM``: a password belongs on no command line and into no deployment.
"""

import fcntl
import json
import os
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import httpx

from flows.errors import BadRequest, FlowError

SMTP_VARIABLE = "SITEWATCH_SMTP"
FROM_VARIABLE = "SITEWATCH_MAIL_FROM"
DEFAULT_SMTP = "smtp://localhost:25"
DEFAULT_FROM = "sitewatch@localhost"
TIMEOUT_S = 30.0


class NotDelivered(FlowError):
    """A notification did not reach its receiver."""


def parsed_target(text: str) -> tuple[str, str]:
    """Kind and address of ``webhook=URL``, ``email=ADDRESS`` or ``file=PATH``.

    Raises
    ------
    BadRequest
        It is none of these.
    """
    kind, _, address = text.partition("=")
    if kind == "webhook" and (
        urlsplit(address).scheme not in {"http", "https"} or not urlsplit(address).netloc
    ):
        raise BadRequest(
            f"--notify {text}: a web hook needs an http(s) address, such as webhook=https://host/path"
        )
    if kind == "email" and "@" not in parseaddr(address)[1]:
        raise BadRequest(f"--notify {text}: not an e-mail address; give email=somebody@example.org")
    if kind == "file" and (not address or Path(address).is_dir()):
        raise BadRequest(f"--notify {text}: give the path of a file, such as file=alerts.jsonl")
    if kind not in {"webhook", "email", "file"}:
        raise BadRequest(f"--notify {text}: give webhook=URL, email=ADDRESS or file=PATH")
    return kind, address


def checked_target(text: str) -> str:
    """A target that holds wherever it is used: paths absolute.

    Raises
    ------
    BadRequest
        It is none.
    """
    kind, address = parsed_target(text)
    return f"file={Path(address).expanduser().resolve()}" if kind == "file" else text


def send(target: str, document: dict[str, Any]) -> None:
    """Post, mail or append the document.

    Raises
    ------
    NotDelivered
        The receiver refused it or did not answer.
    """
    kind, address = parsed_target(target)
    senders = {"webhook": _post, "email": _mail, "file": _append}
    try:
        senders[kind](address, document)
    except httpx.HTTPStatusError as problem:  # its message holds the whole address
        raise NotDelivered(f"{public_name(target)}: answered {problem.response.status_code}") from None
    except (httpx.HTTPError, smtplib.SMTPException, OSError) as problem:
        raise NotDelivered(f"{public_name(target)}: {type(problem).__name__}: {problem}") from problem


def _post(url: str, document: dict[str, Any]) -> None:
    """The whole document as JSON; chat programs show its ``text``."""
    httpx.post(url, json=document, timeout=TIMEOUT_S).raise_for_status()


def _append(path: str, document: dict[str, Any]) -> None:
    """One line of JSON."""
    line = json.dumps(document, ensure_ascii=False) + "\n"
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(line)


def _mail(recipient: str, document: dict[str, Any]) -> None:
    server = urlsplit(os.environ.get(SMTP_VARIABLE) or DEFAULT_SMTP)
    with _connected(server) as smtp:
        smtp.ehlo()
        if (
            server.scheme == "smtp"
            and smtp.has_extn("starttls")
            and (server.username or not _is_here(server))
        ):
            smtp.starttls(context=ssl.create_default_context())
        if server.username:
            smtp.login(unquote(server.username), unquote(server.password or ""))
        smtp.send_message(message(recipient, document))


def _connected(server: SplitResult) -> smtplib.SMTP:
    host = server.hostname or "localhost"
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(
            host, server.port or 465, timeout=TIMEOUT_S, context=ssl.create_default_context()
        )
    return smtplib.SMTP(host, server.port or 25, timeout=TIMEOUT_S)


def _is_here(server: SplitResult) -> bool:
    """Whether the mail server is this machine's own, whose certificate mostly is made up."""
    return (server.hostname or "localhost") in {"localhost", "127.0.0.1", "::1"}


def message(recipient: str, document: dict[str, Any]) -> EmailMessage:
    """The e-mail of an event: what happened in the subject, everything else below."""
    mail = EmailMessage()
    mail["From"] = os.environ.get(FROM_VARIABLE) or DEFAULT_FROM
    mail["To"] = recipient
    mail["Subject"] = f"sitewatch: {' '.join(str(document['text']).split())}"[:200]
    lines = [str(document["text"]), ""]
    for change in document.get("top", ()):
        zone = f", {change['zone']}" if change.get("zone") else ""
        zone += ", rejected here before" if change.get("suppressed_until") else ""
        lines.append(
            f"- {change['kind']}: {change['label']}, {change['length_m']:.0f} m, score {change['score']:.2f}{zone}"
        )
    if document.get("folder"):
        lines += ["", f"Files: {document['folder']}"]
    lines += ["", json.dumps(document, indent=1, ensure_ascii=False)]
    mail.set_content("\n".join(lines))
    return mail


def public_name(target: str) -> str:
    """A target without what may be secret in it: the path of a web hook often is its password."""
    kind, address = target.split("=", 1)
    return f"webhook at {urlsplit(address).netloc.rpartition('@')[2]}" if kind == "webhook" else target
