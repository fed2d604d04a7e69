"""``serve``, ``replay`` and ``automations``: what they refuse, before anything is started."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from flows import serve, serve_state
from flows.cli import call
from flows.cli_replay import exit_code
from flows.serve import CannotServe, free_port, server_env, sole_server
from flows.serve_state import running_api
from flows.work import write_json
from tests.services import prefect_server as service

SERVE = ["serve", "khmeimim", "--source", "demo"]
REPLAY = ["replay", "khmeimim", "--source", "demo", "--from", "2024-12-01"]


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        ([*SERVE, "--every", "soon"], 2, "'soon' is not a length of time such as 90m, 6h, 30d or 2w"),
        ([*SERVE, "--every", "6h", "--cron", "0 6 * * *"], 2, "both say when; give one of them"),
        ([*SERVE, "--cron", "every morning"], 2, "give minute, hour, day, month and weekday"),
        ([*SERVE, "--cron", "0 6 * * *", "--timezone", "Asia/Damascos"], 2, "no such zone"),
        ([*SERVE, "--notify", "pigeon=home"], 2, "give webhook=URL, email=ADDRESS or file=PATH"),
        (["serve", "atlantis", "--source", "demo"], 2, "atlantis: no such site in the built-in sites"),
        (["serve", "--source", "no-such-thing"], 2, "no-such-thing"),
        ([*SERVE, "--providers", "gone.toml"], 2, "gone.toml"),
        ([*REPLAY, "--to", "2024-11-01"], 2, "lies after --to"),
        ([*REPLAY, "--to", "2025-01-01", "--step", "36h"], 2, "give whole days, such as 7d"),
        (["automations"], 2, "or --remove to end notifications"),
        (["automations", "--remove", "--notify", "file=x"], 2, "or --remove to end notifications"),
    ],
)
def test_refused_with_what_to_do(
    args: list[str], code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert call(args) == code
    stderr = " ".join(capsys.readouterr().err.split())
    assert said in stderr
    assert "Traceback" not in stderr


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            CannotServe, match=rf"port {port} of 127\.0\.0\.1 is taken; choose another with --port"
        ):
            free_port(port)
    assert free_port(None) >= serve.FIRST_PORT


def test_one_folder_is_served_once(tmp_path: Path) -> None:
    assert running_api(tmp_path) is None
    with sole_server(tmp_path):
        state = {"pid": 4711, "ui": "http://127.0.0.1:4200", "api": "http://127.0.0.1:4200/api"}
        write_json(serve_state.serve_folder(tmp_path) / serve_state.STATE, state)
        with (
            pytest.raises(CannotServe, match=r"process 4711, http://127\.0\.0\.1:4200"),
            sole_server(tmp_path),
        ):
            pass
        assert running_api(tmp_path) == "http://127.0.0.1:4200/api"
    assert running_api(tmp_path) is None, "a killed one leaves its state but no lock"


def test_what_the_user_has_set_is_kept_but_for_the_address(tmp_path: Path) -> None:
    env = server_env(
        {"PREFECT_SERVER_DATABASE_TIMEOUT": "7", "PREFECT_SERVER_API_PORT": "1"},
        tmp_path,
        4321,
        "postgresql://x",
    )
    assert env["PREFECT_SERVER_DATABASE_TIMEOUT"] == "7"
    assert env["PREFECT_SERVER_API_PORT"] == "4321"
    assert env["PREFECT_API_URL"] == "http://127.0.0.1:4321/api"
    assert env["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == "postgresql://x"


@pytest.mark.parametrize(("more", "hint"), [({}, "set PREFECT_API_URL"), ({"PREFECT_API_URL": ""}, "")])
def test_automations_without_a_server_end_with_4(tmp_path: Path, more: dict[str, str], hint: str) -> None:
    if more:
        more, hint = (
            {"PREFECT_API_URL": f"http://127.0.0.1:{service.free_port()}/api"},
            "no Prefect server answers",
        )
    more |= {"PREFECT_HOME": str(tmp_path), "PREFECT_CLIENT_MAX_RETRIES": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "automations", "--notify", "email=a@example.org"],
        env=service.clean_env(**more), capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 4, done.stderr
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_help_loads_no_prefect() -> None:
    code = "import sys; from flows.cli import call; call(['serve', '--help']); sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=service.clean_env(), check=False).returncode == 0


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ((), 0),
        (("nothing new", "done"), 0),
        (("no pair", "done"), 0),
        (("no pair", "nothing new"), 3),
        (("done", "degraded"), 3),
    ],
)
def test_replay_ends_with_three_where_something_is_missing(outcomes: tuple[str, ...], code: int) -> None:
    assert exit_code([{"outcome": outcome, "day": "", "message": ""} for outcome in outcomes]) == code
