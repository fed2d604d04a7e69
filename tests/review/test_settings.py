"""Where a desk may listen, and what the command says when it may not."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from catalog import reviewers
from flows.cli_review import PORT, review
from review.errors import CannotOpen
from review.settings import DEFAULT_PORT, DeskSettings, is_loopback


def sitewatch(*args: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows.cli", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.0.2", "desk.example.org", "127.0.0.1.example.org", ""]
)
def test_not_loopback(host: str, tmp_path: Path) -> None:
    assert not is_loopback(host)
    with pytest.raises(CannotOpen, match="--auth invitations"):
        DeskSettings(root=tmp_path, host=host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_every_address_is_no_name(host: str, tmp_path: Path) -> None:
    with pytest.raises(CannotOpen, match="--public-url"):
        DeskSettings(root=tmp_path, host=host, authentication="invitations")


@pytest.mark.parametrize(
    "url", ["desk", "ftp://desk", "https://", "https://desk/path", "javascript:alert(1)", "https://desk?x=1"]
)
def test_public_urls_that_cannot_be(url: str, tmp_path: Path) -> None:
    with pytest.raises(CannotOpen, match="--public-url"):
        DeskSettings(root=tmp_path, public_url=url)


def test_a_desk_behind_a_proxy_wants_invitations(tmp_path: Path) -> None:
    for url in ("https://desk.example.org", "http://10.1.2.3:80", "https://127.0.0.1.example.org"):
        for authentication in (None, "start-link"):
            with pytest.raises(CannotOpen, match="--auth invitations"):
                DeskSettings(root=tmp_path, public_url=url, authentication=authentication)
        desk = DeskSettings(root=tmp_path, public_url=url, authentication="invitations")
        assert not desk.start_link
    for url in ("http://localhost:9000", "http://127.0.0.1:8741", "http://[::1]:8741"):
        assert DeskSettings(root=tmp_path, public_url=url).start_link


def test_names_that_requests_may_carry(tmp_path: Path) -> None:
    usual = DeskSettings(root=tmp_path)
    assert usual.hosts == {f"{name}:{DEFAULT_PORT}" for name in ("127.0.0.1", "localhost", "[::1]")}
    public = DeskSettings(
        root=tmp_path, host="10.1.2.3", authentication="invitations", public_url="https://desk.example.org"
    )
    assert public.hosts == {"desk.example.org", f"10.1.2.3:{DEFAULT_PORT}"}
    assert not public.start_link
    assert public.secure


def test_help_and_settings_name_one_port() -> None:
    assert PORT == DEFAULT_PORT


def test_beyond_loopback_the_command_refuses_also_with_standing_invitations(tmp_path: Path) -> None:
    reviewers.invite(tmp_path, "Omar", "lead", given_by="test")
    done = sitewatch("review", "--host", "0.0.0.0", "--no-browser", "--out", tmp_path)
    assert done.returncode == 2
    assert "--auth invitations" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    import socket  # noqa: PLC0415

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = sitewatch("review", "--port", str(taken.getsockname()[1]), "--no-browser", "--out", tmp_path)
    assert done.returncode == 2
    assert "cannot be used" in done.stderr


def test_inviting_starts_nothing_and_prints_the_link(tmp_path: Path) -> None:
    done = CliRunner().invoke(review, ["--invite", "Omar", "--role", "lead", "--out", str(tmp_path)])
    assert done.exit_code == 0
    token = done.output.strip().split("token=")[1]
    invited, kind = reviewers.invited(tmp_path, token)
    assert (invited.name, invited.role, kind) == ("Omar", "lead", "invitation")
