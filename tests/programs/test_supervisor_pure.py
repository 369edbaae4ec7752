"""Show the rules of the supervisor that need no process, as tables."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.programs.supervisor.backoff import next_delay_seconds, recent
from keelway.programs.supervisor.keeper import describe_end
from keelway.programs.supervisor.process.ending import Ending, send
from keelway.programs.supervisor.process.logfile import open_log, rotate, tail
from keelway.programs.supervisor.process.table import Entry, Identity, alive, family, look_up, parse_stat
from keelway.programs.supervisor.process.watch import until_ended
from keelway.programs.supervisor.refusal import Refusal
from keelway.programs.supervisor.spec import Spec, check_id, digest, parse_spec
from keelway.programs.supervisor.state import Book, NewerState, Row, load, save

sys.path.append(str(Path(__file__).parent))

from test_supervisor_rig import bystander, until

GOOD = {"argv": ["x"], "cwd": "/", "log_path": "/l", "epoch": 0}
NOW = datetime(2030, 1, 2, tzinfo=UTC)


@contextmanager
def ended_after(child: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    with child:
        try:
            yield child
        finally:
            child.kill()


@pytest.mark.parametrize(
    ("used", "allowed", "seconds"),
    [(0, 5, 0.2), (1, 5, 0.4), (4, 5, 3.2), (5, 5, None), (0, 0, None), (6, 99, 10.0), (90, 99, 10.0)],
)
def test_delays_double_up_to_a_limit_and_end(used: int, allowed: int, seconds: float | None) -> None:
    assert next_delay_seconds(used, allowed) == (None if seconds is None else pytest.approx(seconds))


@given(st.lists(st.floats(0, 1e6)), st.floats(0, 1e6), st.floats(0.1, 1e5))
def test_only_young_restarts_count(starts: list[float], now: float, window: float) -> None:
    kept = recent(starts, now, window)
    assert set(kept) <= set(starts)
    assert all((one in kept) == (now - one < window) for one in starts)


@pytest.mark.parametrize(
    "change",
    [
        {"argv": []},
        {"argv": [""]},
        {"argv": ["a\0b"]},
        {"argv": "ls"},
        {"cwd": "relative"},
        {"epoch": -1},
        {"epoch": "1"},
        {"epoch": True},
        {"restart": "sometimes"},
        {"stop_seconds": 1e9},
        {"restart_window_seconds": 0},
        {"env": {"A=B": "x"}},
        {"env": {"KEELWAY_PROCESS": "x"}},
        {"secrets": {"A": "vault:a"}},
        {"secrets": {"A": "file:relative"}},
        {"secrets": {"A": "file:/a#not-a-key"}},
        {"env": {"A": "x"}, "secrets": {"A": "file:/a"}},
        {"unknown": 1},
    ],
)
def test_bad_descriptions_are_refused(change: dict[str, object]) -> None:
    assert parse_spec(json.dumps(GOOD).encode()).restart == "always"
    with pytest.raises(Refusal, match="not valid"):
        parse_spec(json.dumps({**GOOD, **change}).encode())


def test_the_digest_follows_what_runs_and_not_who_asks() -> None:
    one = Spec.model_validate_json(json.dumps(GOOD))
    assert digest(one) == digest(one.model_copy(update={"epoch": 9}))
    assert digest(one) != digest(one.model_copy(update={"stop_seconds": 9.0}))
    swapped = [{**GOOD, "env": dict(pairs)} for pairs in ([("A", "1"), ("B", "2")], [("B", "2"), ("A", "1")])]
    assert len({digest(Spec.model_validate_json(json.dumps(each))) for each in swapped}) == 1


@pytest.mark.parametrize("bad", ["", ".a", "-a", "a/b", "a b", "a\n", "x" * 101])
def test_bad_ids_are_refused(bad: str) -> None:
    with pytest.raises(Refusal):
        check_id(bad)
    assert check_id("T-142.web_1") == "T-142.web_1"


def stat_line(pid: int, *, name: str = "x", state: str = "S", threads: int = 1) -> str:
    rest = f"{state} 1 {pid} {pid} " + "0 " * 13 + f"{threads} 0 777 " + "0 " * 30
    return f"{pid} ({name}) {rest}"


@pytest.mark.parametrize("name", ["sh", "a b", "a) S 9 9 9", "((", "1 (x) Z"])
def test_a_process_name_cannot_confuse_the_table(name: str) -> None:
    entry = parse_stat(stat_line(42, name=name), "boot")
    assert entry == Entry(Identity(42, "boot:777"), 1, 42, 42, ended=False)


@pytest.mark.parametrize(
    ("state", "threads", "ended"), [("Z", 1, True), ("Z", 3, False), ("X", 1, True), ("T", 1, False)]
)
def test_what_counts_as_ended(state: str, threads: int, ended: bool) -> None:
    assert parse_stat(stat_line(1, state=state, threads=threads), "b").ended is ended


def entry(pid: int, parent: int, session: int, born: int = 1) -> Entry:
    return Entry(Identity(pid, f"b:{born}"), parent, session, session, ended=False)


def pids(found: set[Identity]) -> list[int]:
    return sorted(one.pid for one in found)


def test_the_family_is_session_descent_and_seeds_but_never_a_reused_number() -> None:
    everyone = [
        entry(10, 1, 10),
        entry(11, 10, 10),
        entry(12, 1, 10),
        entry(13, 11, 13),
        entry(14, 1, 14),
        entry(15, 1, 15),
    ]
    table = {one.identity.pid: one for one in everyone}
    assert pids(family(table, Identity(10, "b:1"), frozenset({Identity(14, "b:1")}))) == [10, 11, 12, 13, 14]
    assert pids(family(table, Identity(10, "b:0"), frozenset({Identity(15, "b:2")}))) == []
    assert pids(family(table, None, frozenset({Identity(11, "b:1")}))) == [11, 13]


def test_a_leader_whose_threads_go_on_is_alive() -> None:
    code = (
        "import ctypes,threading,time;threading.Thread(target=time.sleep,args=(60,)).start();"
        "print('up',flush=True);ctypes.CDLL(None).pthread_exit(None)"
    )
    with ended_after(subprocess.Popen([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE)) as child:
        assert child.stdout is not None
        child.stdout.readline()
        found = look_up(child.pid)
        assert found is not None
        until(lambda: ") Z " in Path(f"/proc/{child.pid}/stat").read_text())
        assert alive(found.identity)


@pytest.mark.parametrize("poll_only", [False, True])
async def test_the_end_of_a_process_that_nobody_reaps_is_seen(poll_only: bool) -> None:
    child = bystander()
    found = look_up(child.pid)
    assert found is not None
    watch = asyncio.create_task(until_ended(found.identity, poll_only=poll_only))
    await asyncio.sleep(0.05)
    assert not watch.done()
    assert send(found.identity, signal.SIGKILL)
    await asyncio.wait_for(watch, 5)
    assert not send(found.identity, signal.SIGKILL)
    child.wait()


async def test_a_wrong_birth_is_neither_watched_nor_signalled() -> None:
    with ended_after(bystander()) as child:
        found = look_up(child.pid)
        assert found is not None
        wrong = Identity(child.pid, found.identity.born + "0")
        await asyncio.wait_for(until_ended(wrong), 1)
        assert not send(wrong, signal.SIGKILL)
        assert await Ending(wrong, "nobody:1", lambda: 0.0).run() is False
        assert alive(found.identity)


@pytest.mark.parametrize(
    ("code", "said"), [(0, "exit code 0"), (-9, "SIGKILL"), (-250, "signal 250"), (None, "unknown")]
)
def test_ends_are_described(code: int | None, said: str) -> None:
    assert said in describe_end(code)


def test_a_full_log_is_copied_cut_and_bounded(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "app.log"
    writer = open_log(path)
    for round_number in range(5):
        os.write(writer, f"old {round_number}\n".encode() + b"x" * 200 + b"end\n")
        assert rotate(path, bytes_max=100, kept_max=3)
    os.write(writer, b"after\n")
    os.close(writer)
    assert not rotate(path, bytes_max=100)
    assert path.read_text() == "after\n"
    kept = sorted(one.name for one in path.parent.iterdir())
    assert kept == ["app.log", "app.log.1", "app.log.2", "app.log.3"]
    assert (path.parent / "app.log.1").read_text() == "x" * 96 + "end\n"
    assert tail(path, 4) == ("ter\n", True)
    assert tail(path, 99) == ("after\n", False)
    assert tail(tmp_path / "none", 9) == ("", False)


def test_a_log_is_cut_even_when_no_copy_can_be_made(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"x" * 200)
    for number in (1, 2, 3):
        (tmp_path / f"app.log.{number}").mkdir()
        (tmp_path / f"app.log.{number}" / "f").touch()
    rotate(path, bytes_max=100)
    assert path.stat().st_size == 0


def test_a_link_is_never_followed_as_a_log(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"x" * 200)
    (tmp_path / "app.log").symlink_to(precious)
    with pytest.raises(OSError, match="symbolic"):
        open_log(tmp_path / "app.log")
    assert not rotate(tmp_path / "app.log", bytes_max=100)
    assert precious.stat().st_size == 200


def test_the_book_survives_a_round_trip_and_a_failed_write(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    assert load(path, NOW) == (Book(), None)
    row = Row(spec=Spec.model_validate_json(json.dumps(GOOD)), nonce="n", pid=4, born="b:1", started_at=1.5)
    book = Book(epochs={"prod": 3}, processes={"a": row})
    save(path, book)
    assert load(path, NOW) == (book, None)
    (tmp_path / "state.json.tmp").mkdir()
    with pytest.raises(OSError, match="directory"):
        save(path, Book())
    assert load(path, NOW) == (book, None)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version":1,"x":2}', '{"version":"1"}', '{"version":0}', "\x00" * 99]
)
def test_a_broken_book_is_kept_aside(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    book, said = load(path, NOW)
    assert book == Book()
    assert said is not None
    assert (tmp_path / "state.json.corrupt-20300102T000000000000Z").read_text() == text
    path.write_text('{"version": 2}')
    with pytest.raises(NewerState):
        load(path, NOW)
