"""Errors are found in whatever an application leaves in its log."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.signal.mast import TRACE

from keelway.adapters.signal.front import FrontSignal, logfile
from keelway.adapters.signal.front.logfile import exceptions_in
from keelway.adapters.signal.front.trace import masked, read_trace
from keelway.core.errors import TheirFault

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def event(seconds: float = 0.0, **more: object) -> dict[str, object]:
    at = (AT + timedelta(seconds=seconds)).isoformat()
    return {"time": at, "level": "ERROR", "message": "it broke", "logger": "app", **more}


def write(path: Path, *lines: object) -> Path:
    with path.open("a") as file:
        for line in lines:
            file.write((line if isinstance(line, str) else json.dumps(line)) + "\n")
    return path


def trace(words: str = "berth", line: int = 3, root: str = "/home/x", release: str = "r-1") -> str:
    return TRACE.format(line=line, words=words, root=root, release=release)


def test_the_same_error_in_another_release_and_line_is_the_same() -> None:
    one = read_trace(trace(line=3, release="r-1"), "ValueError", "m", "l")
    two = read_trace(trace(line=99, release="r-2", root="/elsewhere"), "ValueError", "m", "l")
    assert one.fingerprint == two.fingerprint
    assert one.files == ("src/app/jobs.py", "src/app/berth.py")
    assert one.last_line == "ValueError: job 3 of 'ship 3' failed"
    other = read_trace(trace("crane"), "ValueError", "m", "l")
    assert other.fingerprint != one.fingerprint
    kind = read_trace(trace().replace("ValueError: job", "KeyError: job"), "KeyError", "m", "l")
    assert kind.fingerprint != one.fingerprint


def test_a_chain_of_exceptions_is_part_of_the_kind() -> None:
    chained = f"{trace('berth')}\nDuring handling of the above exception, another exception occurred:\n\n{trace('berth')}"
    assert read_trace(chained, "", "", "").fingerprint != read_trace(trace("berth"), "", "", "").fingerprint
    long_message = trace() + "Key: second line of the message\nnumber: 7\n"
    assert read_trace(long_message, "", "", "").fingerprint == read_trace(trace(), "", "", "").fingerprint


def test_without_frames_the_masked_message_tells() -> None:
    one = read_trace("", "ValueError", "ship 17 'Ada' lies at 0xdeadbeef", "app")
    two = read_trace("", "ValueError", "ship 4 'Bo' lies at 0x1234", "app")
    assert one.fingerprint == two.fingerprint
    assert read_trace("", "ValueError", "ship sank", "app").fingerprint != one.fingerprint
    assert masked("id 8f14e45f-ceea-467f-a83c-0a1b2c3d4e5f x 12.5") == "id <id> x <n>"


def test_errors_are_grouped_with_first_and_last(tmp_path: Path) -> None:
    path = write(
        tmp_path / "app.jsonl",
        event(0, traceback=trace(line=1), release="r-1", route="GET /berths"),
        event(5, traceback=trace(line=2), release="r-2", route="POST /berths"),
        event(6, exc_type="KeyError", message="'x'"),
    )
    berth, key = exceptions_in(path, AT)
    assert (berth.count, berth.release, berth.route) == (2, "r-2", "POST /berths")
    assert (berth.first_at, berth.last_at) == (AT, AT + timedelta(seconds=5))
    assert "src/app/berth.py" in berth.evidence
    assert key.title == "KeyError: 'x'"
    assert [one.count for one in exceptions_in(path, AT + timedelta(seconds=1))] == [1, 1]


def test_garbage_and_good_news_are_passed_over(tmp_path: Path) -> None:
    path = write(
        tmp_path / "app.jsonl",
        "error: this is no JSON",
        '{"level": "ERROR", "torn',
        '[1, 2, "error"]',
        '"error"',
        event(level="INFO", message="no error here"),
        event(level="WARNING", message="exception handled"),
        event(time="yesterday", message="without a time"),
        '{"level": 5, "message": ["error"]}',
        "[" * 5_000 + '"error"',
    )
    path.write_bytes(path.read_bytes() + b"\xff\xfe error \x00\n")
    (only,) = exceptions_in(path, LONG_AGO)
    assert only.title == "without a time"
    assert only.last_at.timestamp() == pytest.approx(path.stat().st_mtime, abs=1)


@given(st.lists(st.binary(max_size=80), max_size=20))
def test_no_log_content_raises(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("log") / "app.jsonl"
    path.write_bytes(b"error\n".join(lines) + b'{"level":"ERROR","traceback":"' + b"x" * 10 + b'"}\n')
    exceptions_in(path, LONG_AGO)


def test_rotated_parts_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "app.jsonl"
    write(path.with_name("app.jsonl.2"), event(0, message="first"))
    write(path.with_name("app.jsonl.1"), event(1, message="second"))
    assert {one.title for one in exceptions_in(path, AT)} == {"first", "second"}
    write(path, event(2, message="third"))
    assert len(exceptions_in(path, AT)) == 3
    old = path.with_name("app.jsonl.2")
    os.utime(old, (0, 0))
    assert len(exceptions_in(path, AT)) == 2


def test_only_the_newest_of_a_huge_log_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "BYTES_MAX", 4_000)
    path = write(
        tmp_path / "app.jsonl", *(event(number, message=f"number {number}") for number in range(500))
    )
    (only,) = exceptions_in(path, AT)
    assert 10 < only.count < 50
    assert only.last_at == AT + timedelta(seconds=499)


def test_many_kinds_of_errors_stay_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "GROUPS_MAX", 5)
    path = write(tmp_path / "app.jsonl", *(event(message=f"word{'x' * number}") for number in range(9)))
    assert len(exceptions_in(path, AT)) == 5


def test_a_missing_log_is_empty_only_where_it_could_be(tmp_path: Path) -> None:
    assert exceptions_in(tmp_path / "app.jsonl", AT) == ()
    for path in (tmp_path / "nowhere/app.jsonl", tmp_path / "file/app.jsonl"):
        (tmp_path / "file").write_text("x")
        with pytest.raises(TheirFault) as caught:
            exceptions_in(path, AT)
        assert caught.value.code == "log_unreadable"


def test_numbers_without_a_front_are_no_silence(tmp_path: Path) -> None:
    from tests.adapters.target.process_rig import project_of

    signal = FrontSignal(project_of((8001, 8002)), str(tmp_path))
    for act in (
        lambda: signal.ticks("production", "", AT, AT + timedelta(seconds=9), 1.0),
        lambda: signal.totals("production"),
    ):
        with pytest.raises(TheirFault) as caught:
            act()
        assert caught.value.code == "unreachable"
