"""Every step of a script, seen through the real adapter, protocol and process."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.adapters.agent.conftest import Stand, updates

from keelway.ports.agent import Stop, Usage

pytestmark = pytest.mark.long


def test_words_thoughts_and_a_plan_arrive(stand: Stand) -> None:
    effort = stand.play(
        {"do": "think", "text": "Let me see."},
        {"do": "say", "text": "First words. "},
        {"do": "plan", "entries": ["look", "write"], "done": 1},
        {"do": "read", "path": "missing.txt"},
        {"do": "say", "text": "Last "},
        {"do": "say", "text": "words."},
    )
    assert effort.stop is Stop.COMPLETED
    assert effort.text == "Last words."
    assert [entry["status"] for entry in updates(effort, "plan")[0]["entries"]] == ["completed", "pending"]


def test_files_are_read_written_replaced_and_deleted(stand: Stand) -> None:
    (stand.workspace / "old.txt").write_text("bye")
    (stand.workspace / "app.py").write_text("one = 1\none = 1\n")
    effort = stand.play(
        {"do": "read", "path": "app.py"},
        {"do": "edit", "path": "deep/er/new.txt", "text": "grüße\n"},
        {"do": "replace", "path": "app.py", "old": "one", "new": "two", "count": 2},
        {"do": "delete", "path": "old.txt"},
    )
    assert effort.tool_calls == 4
    assert stand.text("deep/er/new.txt") == "grüße\n"
    assert stand.text("app.py") == "two = 1\ntwo = 1\n"
    assert not (stand.workspace / "old.txt").exists()
    assert {update["status"] for update in updates(effort, "tool_call_update")} == {"completed"}


def test_a_replacement_that_does_not_fit_changes_nothing(stand: Stand) -> None:
    (stand.workspace / "app.py").write_text("one one")
    effort = stand.play({"do": "replace", "path": "app.py", "old": "one", "new": "two"})
    assert stand.text("app.py") == "one one"
    failed = updates(effort, "tool_call_update")[0]
    assert failed["status"] == "failed"
    assert "occurs 2 times, not 1" in failed["content"][0]["content"]["text"]


def test_edit_stays_inside_even_through_a_link(stand: Stand, tmp_path: Path) -> None:
    (stand.workspace / "way").symlink_to(tmp_path)
    effort = stand.play(
        {"do": "edit", "path": "../up.txt", "text": "x"},
        {"do": "edit", "path": "way/through.txt", "text": "x"},
        {"do": "edit", "path": str(tmp_path / "absolute.txt"), "text": "x"},
    )
    assert [update["status"] for update in updates(effort, "tool_call_update")] == ["failed"] * 3
    assert not {"up.txt", "through.txt", "absolute.txt"} & {path.name for path in tmp_path.iterdir()}


def test_write_outside_tries_and_says_so(stand: Stand, tmp_path: Path) -> None:
    effort = stand.play(
        {"do": "write_outside", "path": "../escaped.txt", "text": "out"},
        {"do": "write_outside", "path": "/proc/nowhere/x", "text": "out"},
    )
    assert (tmp_path / "escaped.txt").read_text() == "out"
    assert "Writing outside failed: /proc/nowhere/x" in effort.text


def test_run_shows_output_and_exit_code(stand: Stand) -> None:
    effort = stand.play(
        {"do": "run", "argv": ["python", "-c", "print('ran'); open('made.txt', 'w').write('x')"]},
        {"do": "run", "argv": ["sh", "-c", "exit 3"]},
        {"do": "run", "argv": ["sleep", "30"], "timeout_seconds": 0.1},
        {"do": "run", "argv": ["no-such-program"]},
    )
    shown = [update["content"][0]["content"]["text"] for update in updates(effort, "tool_call_update")]
    assert shown[0] == "exit 0\nran\n"
    assert shown[1].startswith("exit 3")
    assert shown[2] == "sleep was ended after 0.1 seconds"
    assert shown[3].startswith("no-such-program did not start")
    assert stand.text("made.txt") == "x"


def test_usage_adds_up(stand: Stand) -> None:
    effort = stand.play(
        {"do": "usage", "input_tokens": 1000, "output_tokens": 50, "cost_usd": 0.01},
        {"do": "usage", "input_tokens": 200, "output_tokens": 10, "cost_usd": 0.005},
    )
    assert effort.usage == Usage(1200, 60, 0.015)


def test_no_play_says_so_and_changes_nothing(stand: Stand) -> None:
    effort = stand.play({"do": "edit", "path": "x", "text": "x"}, role="review")
    assert effort.stop is Stop.COMPLETED
    assert effort.text == "No play fits role dev, attempt 1. Nothing was changed.\n"
    assert list(stand.workspace.iterdir()) == []


def test_the_same_script_gives_the_same_messages(stand: Stand) -> None:
    steps = [
        {"do": "think", "text": "hm"},
        {"do": "edit", "path": "a.txt", "text": "a"},
        {"do": "ask", "title": "again", "path": "b.txt"},
        {"do": "say", "text": "done", "delay_seconds": 0.05},
    ]
    first = updates(stand.agent(*steps).work(stand.order(attempt=1)), "tool_call_update")
    (stand.workspace / "a.txt").unlink()
    second = updates(stand.agent(*steps).work(stand.order(attempt=2)), "tool_call_update")
    assert first == second


def test_a_play_may_be_good_for_one_turn_only(stand: Stand) -> None:
    agent = stand.scripted(
        {
            "plays": [
                {"times": 1, "steps": [{"do": "crash", "exit_code": 7}]},
                {"steps": [{"do": "edit", "path": "a.txt", "text": "second"}]},
            ]
        }
    )
    first, second = agent.work(stand.order()), agent.work(stand.order())
    assert (first.stop, first.exit_code, second.stop) == (Stop.CRASHED, 7, Stop.COMPLETED)
    assert stand.text("a.txt") == "second"
