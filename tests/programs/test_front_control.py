"""Prove that the control socket is private, says what is wrong, and that the command line refuses nonsense."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keelway.programs.front.__main__ import parse_options

sys.path.append(str(Path(__file__).parent))

from front_rig import FrontRig


@pytest.fixture(scope="module")
def front(tmp_path_factory) -> Iterator[FrontRig]:
    rig = FrontRig(tmp_path_factory.mktemp("front"))
    try:
        yield rig.start()
    finally:
        rig.leave()


def test_only_the_owner_may_open_the_socket_and_the_state(front):
    assert front.control.stat().st_mode & 0o777 == 0o600
    front.route()
    assert front.state.stat().st_mode & 0o777 == 0o600


def test_the_state_says_who_where_and_since_when(front):
    status, state = front.call("GET", "/state")
    assert status == 200
    assert state["version"] == 1
    assert state["pid"] == front.process.pid
    assert state["listen"] == f"127.0.0.1:{front.port}"
    assert state["tick_seconds"] == 1.0
    assert (state["restarts"], state["stopping"], state["state_error"]) == (0, False, None)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("PUT", "/routes", b"{", 400, "body"),
        ("PUT", "/routes", b"[" * 100_000, 400, "body"),
        ("PUT", "/routes", {"epoch": 10**9}, 400, "backends"),
        ("PUT", "/routes", {"epoch": "1", "backends": {}}, 400, "epoch"),
        (
            "PUT",
            "/routes",
            {"epoch": 10**9, "backends": {"a": {"url": "http://10.0.0.1:1", "weight": 1}}},
            400,
            "backends.a.url",
        ),
        ("POST", "/drain", {"deadline_seconds": 1}, 400, "release"),
        ("POST", "/drain", {"release": "a", "deadline_seconds": -1}, 400, "deadline_seconds"),
        ("POST", "/drain", {"release": "a", "deadline_seconds": 1e9}, 400, "deadline_seconds"),
        ("POST", "/drain", {"release": "a", "deadline_seconds": True}, 400, "deadline_seconds"),
        ("POST", "/drain", {"release": "a"}, 400, "deadline_seconds"),
        ("POST", "/drain", {"release": "a", "deadline_seconds": 1, "now": 1}, 400, "now"),
        ("POST", "/shutdown", {}, 400, "deadline_seconds"),
        ("POST", "/shutdown", [], 400, "body"),
        ("GET", "/history?since=-1", None, 400, "since"),
        ("GET", "/history?since=nan", None, 400, "since"),
        ("GET", "/history?since=soon", None, 400, "since"),
        ("GET", "/nothing", None, 404, None),
        ("DELETE", "/routes", None, 405, None),
        ("PUT", "/routes", b" " * 300_000, 413, None),
    ],
)
def test_a_bad_order_is_refused_in_json_and_changes_nothing(front, method, path, body, status, field):
    before = front.call("GET", "/state")[1]
    got, answer = front.call(method, path, body)
    assert got == status
    assert answer.get("field") == field
    assert answer["error"]
    assert answer["message"]
    assert front.call("GET", "/state")[1] == before


def test_draining_an_unknown_release_is_already_done(front):
    assert front.call("POST", "/drain", {"release": "nobody", "deadline_seconds": 5}) == (
        200,
        {"release": "nobody", "inflight": 0},
    )


REQUIRED = ("--listen", "127.0.0.1:0", "--control", "c", "--state", "s")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--listen", "0.0.0.0:80", "--control", "c", "--state", "s"),
        ("--listen", "example.org:80", "--control", "c", "--state", "s"),
        ("--listen", ":80", "--control", "c", "--state", "s"),
        ("--listen", "127.0.0.1", "--control", "c", "--state", "s"),
        ("--listen", "127.0.0.1:99999", "--control", "c", "--state", "s"),
        (*REQUIRED, "--tick-seconds", "0"),
        (*REQUIRED, "--tick-seconds", "nan"),
        (*REQUIRED, "--drain-seconds", "-1"),
        (*REQUIRED, "--header-bytes-max", "1"),
        (*REQUIRED, "--body-bytes-max", "many"),
    ],
)
def test_a_bad_command_line_is_a_usage_error(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        parse_options(arguments)
    assert caught.value.code == 2
    assert "keelway-front: error:" in capsys.readouterr().err


def test_a_good_command_line_is_understood():
    options = parse_options((*REQUIRED, "--body-bytes-max", "7", "--drain-seconds", "0", "--behind-proxy"))
    assert (options.host, options.port, options.limits.body_bytes_max, options.drain_seconds) == (
        "127.0.0.1",
        0,
        7,
        0.0,
    )
    assert options.limits.trusted_proxy
    assert parse_options(("--listen", "[::1]:80", *REQUIRED[2:])).host == "::1"
    assert parse_options(("--listen", "0.0.0.0:80", "--public", *REQUIRED[2:])).host == "0.0.0.0"


def start(tmp_path: Path, listen: str, control: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "keelway.programs.front", "--listen", listen]
    command += ["--control", control, "--state", str(tmp_path / "s")]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_a_taken_port_ends_the_start_with_the_cure(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        done = start(tmp_path, listen, "/tmp/kwf-none")
    assert done.returncode == 1
    assert f"cannot listen on {listen}" in done.stderr
    assert "--listen" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("name", "cure"), [("x" * 120, "shorter --control"), ("file", "not a socket")])
def test_a_bad_control_path_ends_the_start_with_the_cure(tmp_path, name, cure):
    (tmp_path / "file").write_text("precious")
    done = start(tmp_path, "127.0.0.1:0", str(tmp_path / name))
    assert done.returncode == 1
    assert cure in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "file").read_text() == "precious"
