"""Programs run in bounds and nothing of them stays behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil
import pytest

from keelway.clients import shell
from keelway.clients.shell import Command, Done, base_env, end_tree, run


def _run(
    *argv: str, cwd: Path, seconds: float = 20, stdin: bytes = b"", bytes_max: int = 100_000, **env: str
) -> Done:
    return run(Command(argv, str(cwd), {"PATH": os.environ["PATH"], **env}, seconds, bytes_max, stdin))


def _gone(pid: int, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def _read_pid(path: Path) -> int:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if path.exists() and path.read_text().strip():
            return int(path.read_text())
        time.sleep(0.02)
    raise AssertionError(f"{path} was never written")


def test_outputs_and_exit_code_come_back(tmp_path: Path) -> None:
    done = _run("sh", "-c", "echo out; echo err >&2; exit 3", cwd=tmp_path)
    assert (done.exit_code, done.stdout, done.stderr) == (3, b"out\n", b"err\n")
    assert not done.passed
    assert not done.timed_out
    assert not done.truncated


def test_environment_is_exactly_what_was_given(tmp_path: Path) -> None:
    done = run(
        Command((sys.executable, "-c", "import os; print(sorted(os.environ))"), str(tmp_path), {"A": "b"}, 20)
    )
    assert set(eval(done.stdout)) <= {"A", "LC_CTYPE"}


def test_input_larger_than_a_pipe_goes_through(tmp_path: Path) -> None:
    data = os.urandom(1_000_000)
    done = _run("cat", cwd=tmp_path, stdin=data, bytes_max=4_000_000)
    assert done.stdout == data


def test_input_that_nobody_reads_is_no_failure(tmp_path: Path) -> None:
    assert _run("true", cwd=tmp_path, stdin=b"x" * 1_000_000).passed


def test_endless_output_keeps_head_and_tail(tmp_path: Path) -> None:
    done = _run("sh", "-c", "echo first; head -c 3000000 /dev/zero; echo last", cwd=tmp_path, bytes_max=1000)
    assert done.passed
    assert done.truncated
    assert done.stdout.startswith(b"first\n")
    assert done.stdout.endswith(b"last\n")
    assert len(done.stdout) < 1100


def test_missing_program_and_missing_folder_are_results(tmp_path: Path) -> None:
    done = _run("no-such-program-here", cwd=tmp_path)
    assert done.exit_code is None
    assert "no-such-program-here" in done.could_not_start
    assert _run("true", cwd=tmp_path / "nowhere").could_not_start
    assert run(Command((), str(tmp_path), {}, 1)).could_not_start
    assert _run("echo", "a\0b", cwd=tmp_path).could_not_start


def test_signal_shows_as_negative_code(tmp_path: Path) -> None:
    assert _run("sh", "-c", "kill -9 $$", cwd=tmp_path).exit_code == -signal.SIGKILL


def test_timeout_ends_children_that_left_the_session(tmp_path: Path) -> None:
    script = "trap '' TERM; setsid sh -c 'echo $$ > daemon; exec sleep 60' & wait; sleep 60"
    done = _run("sh", "-c", script, cwd=tmp_path, seconds=0.7)
    assert done.timed_out
    assert done.exit_code is None
    assert done.seconds < 10
    assert _gone(_read_pid(tmp_path / "daemon"))


def test_background_child_does_not_outlive_its_parent_nor_delay_it(tmp_path: Path) -> None:
    done = _run("sh", "-c", "sleep 60 & echo $! > child; echo ready", cwd=tmp_path)
    assert done.stdout == b"ready\n"
    assert done.seconds < 5
    assert _gone(_read_pid(tmp_path / "child"))


def test_marker_finds_a_double_forked_daemon(tmp_path: Path) -> None:
    script = "(setsid sh -c 'echo $$ > daemon; exec sleep 60' >/dev/null 2>&1 &) ; while [ ! -s daemon ]; do :; done"
    done = _run("sh", "-c", script, cwd=tmp_path, KEELWAY_RUN=f"run-{uuid.uuid4()}")
    assert done.passed
    assert _gone(_read_pid(tmp_path / "daemon"))


def test_interrupt_of_the_caller_ends_the_program(tmp_path: Path) -> None:
    previous = signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(KeyboardInterrupt):
            _run("sh", "-c", "echo $$ > pid; exec sleep 60", cwd=tmp_path)
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert _gone(_read_pid(tmp_path / "pid"))


def test_daemon_lives_on_logs_and_ends_with_its_tree(tmp_path: Path) -> None:
    log = tmp_path / "log"
    pid = shell.start_detached(
        ["sh", "-c", "echo hello; sleep 60 & wait"], str(tmp_path), {"PATH": os.environ["PATH"]}, str(log)
    )
    started_at = shell.create_time(pid)
    deadline = time.monotonic() + 5
    while log.read_text() != "hello\n" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert log.read_text() == "hello\n"
    assert os.getsid(pid) == pid
    children = psutil.Process(pid).children()
    assert end_tree(pid, started_at + 100, 0), "another process under the same number is not ours to end"
    assert not _gone(pid, 0.2)
    assert end_tree(pid, started_at, 2)
    assert _gone(pid)
    assert all(_gone(child.pid) for child in children)
    assert end_tree(pid, started_at, 0), "ending what has ended is fine"


def test_grace_lets_a_program_tidy_up(tmp_path: Path) -> None:
    script = "trap 'echo tidy > tidied; exit 0' TERM; echo $$ > pid; while :; do sleep 0.05; done"
    pid = shell.start_detached(
        ["sh", "-c", script], str(tmp_path), {"PATH": os.environ["PATH"]}, str(tmp_path / "log")
    )
    _read_pid(tmp_path / "pid")
    assert end_tree(pid, shell.create_time(pid), 5)
    assert (tmp_path / "tidied").read_text() == "tidy\n"


async def test_piped_program_talks_and_ends(tmp_path: Path) -> None:
    command = Command(
        ("sh", "-c", "echo $$ > pid; trap '' TERM; echo grumble >&2; read line; echo got $line; sleep 60"),
        str(tmp_path),
        {"PATH": os.environ["PATH"]},
        60,
    )
    process = await shell.open_piped(command, str(tmp_path / "err"))
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"word\n")
    await process.stdin.drain()
    assert await asyncio.wait_for(process.stdout.readline(), 10) == b"got word\n"
    assert await shell.end_piped(process, 0.1)
    assert process.returncode == -signal.SIGKILL
    assert (tmp_path / "err").read_text() == "grumble\n"
    assert _gone(_read_pid(tmp_path / "pid"))


async def test_piped_program_with_a_full_pipe_ends(tmp_path: Path) -> None:
    command = Command(("sh", "-c", "yes"), str(tmp_path), {"PATH": os.environ["PATH"]}, 60, 1000)
    process = await shell.open_piped(command)
    await asyncio.sleep(0.1)
    assert await shell.end_piped(process, 0)
    assert await shell.end_piped(process, 0), "twice is fine"


def test_base_env_passes_certificates_but_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/ca.pem")
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:secret@index.invalid/simple")
    monkeypatch.setenv("UV_INDEX_URL", "https://index.invalid/simple")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("PATH", "/bin")
    env = base_env("/home/x", ("/first", "/second"))
    assert env["PATH"] == "/first:/second:/bin"
    assert env["HOME"] == "/home/x"
    assert env["SSL_CERT_FILE"] == "/etc/ca.pem"
    assert env["UV_INDEX_URL"] == "https://index.invalid/simple"
    assert "PIP_INDEX_URL" not in env
    assert "secret" not in str(env)


def test_a_process_that_has_ended_but_is_not_reaped_does_not_run() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    born = shell.create_time(process.pid)
    assert shell.runs(process.pid, born)
    assert not shell.runs(process.pid, born - 60), "its number may have been another's before"
    assert not shell.runs(process.pid, 0.0)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert shell.create_time(process.pid) == born, "it still holds its number"
    assert not shell.runs(process.pid, born)
    process.communicate()
    assert not shell.runs(process.pid, born)
