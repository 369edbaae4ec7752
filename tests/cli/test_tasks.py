"""Ask, look, decide: the verbs about tasks, over HTTP, and from the book alone."""

from __future__ import annotations

import json
import threading
import time

import pytest

from keelway.core.policy import PlanPolicy, Policy, ReviewPolicy

pytestmark = pytest.mark.long

ASKING = Policy(
    plan=PlanPolicy(auto_approve_risk="none"),
    review=ReviewPolicy(auto_merge_risk="medium", approve_stages=("production",)),
)


def drive(house, stop):
    """Let time pass for a house until told to stop."""
    while not stop.is_set():
        house.settle()
        time.sleep(0.02)


@pytest.fixture
def moving():
    stop, threads = threading.Event(), []

    def start(house):
        threads.append(threading.Thread(target=drive, args=(house, stop), daemon=True))
        threads[-1].start()

    yield start
    stop.set()
    for thread in threads:
        thread.join(10)


def test_ask_opens_a_task_and_says_what_next(terminal):
    said = terminal("ask", "Add the number two")
    assert (said.code, said.out) == (0, "T-1: research. Next: keelway watch T-1\n")
    again = terminal("ask", "add the NUMBER two!")
    assert again.code == 3
    assert again.err.splitlines()[0] == "Error: T-1 already works on this."
    assert "keelway show T-1" in again.err
    assert "duplicate (exit 3)" in again.err


def test_ask_and_wait_ends_with_the_task(terminal, moving):
    terminal.house.world.baseline()
    moving(terminal.house)
    said = terminal("ask", "Add the number two", "--wait")
    assert said.code == 0, said.err
    assert "gate production: open" in said.err
    assert "Answer with two" in said.out
    assert "deployed" in said.out


def test_ask_and_wait_ends_at_a_question_with_exit_8(make_terminal, moving):
    terminal = make_terminal(policy=ASKING)
    terminal.house.world.baseline()
    moving(terminal.house)
    said = terminal("ask", "Add the number two", "--wait")
    assert said.code == 8
    assert "keelway approve T-1" in said.out


def test_ask_and_wait_tells_failure_by_exit_1(make_terminal, moving):
    terminal = make_terminal(plays={("dev", number): {"app.py": "# fails lint\n"} for number in range(1, 12)})
    moving(terminal.house)
    said = terminal("ask", "Add the number two", "--wait", "--json")
    assert said.code == 1
    assert json.loads(said.out)["line"]["status"] == "failed"
    assert said.err == ""


def test_everything_about_a_task_in_text_and_json(terminal):
    terminal.house.world.baseline()
    terminal.house.world.ask()
    for verb, needle in {
        "show": "gate",
        "plan": "Answer with two",
        "diff": "+two = 2",
        "explain": "It passed every gate and is live.",
        "logs": "production",
        "status": "T-1",
    }.items():
        text, plain = terminal(verb, "@last"), terminal(verb, "1", "--json")
        assert (text.code, plain.code) == (0, 0), (verb, text.err)
        assert needle.lower() in text.out.lower(), (verb, text.out)
        json.loads(plain.out)
        assert "\x1b" not in text.out
    watched = terminal("watch", "T-1")
    assert watched.code == 0
    assert "gate plan: open" in watched.err


@pytest.mark.parametrize("verb", ["status", "tasks", "show", "plan", "explain", "releases", "audit", "logs"])
def test_reading_works_without_a_server(make_terminal, verb):
    terminal = make_terminal(serve=False)
    terminal.house.world.baseline()
    terminal.house.world.ask()
    words = [verb, "T-1"] if verb in {"show", "plan", "explain", "logs"} else [verb]
    text, plain = terminal(*words), terminal(*words, "--json")
    assert (text.code, plain.code) == (0, 0), text.err
    assert text.out
    json.loads(plain.out)


def test_status_says_that_the_control_plane_does_not_run(make_terminal):
    terminal = make_terminal(serve=False)
    terminal.house.world.baseline()
    said = terminal("status")
    assert "does not run" in said.out
    assert "not asked" in said.out


def test_acting_without_a_server_is_one_clear_error(make_terminal):
    terminal = make_terminal(serve=False)
    for words in (
        ["ask", "Add two"],
        ["approve", "1"],
        ["abort", "1", "--yes"],
        ["deploy", "staging"],
        ["health"],
    ):
        said = terminal(*words)
        assert (said.code, said.out) == (1, "")
        assert said.err.splitlines()[1:] == ["Next:  keelway up", "Code:  not_running (exit 1)"]


def test_a_stale_address_is_no_server(make_terminal):
    terminal = make_terminal()
    terminal.house.world.baseline()
    text = (terminal.house.world.home / "server.json").read_text()
    (terminal.house.world.home / "server.json").write_text(text.replace("4711", "4712"))
    assert "does not run" in terminal("status").out


def test_a_plan_is_approved_then_promoted(make_terminal):
    terminal = make_terminal(policy=ASKING)
    house = terminal.house
    house.world.baseline()
    terminal("ask", "Add the number two")
    house.settle()
    asked = terminal("show", "T-1")
    assert "keelway revise T-1" in asked.out
    early = terminal("promote", "T-1")
    assert (early.code, "nothing_asked" in early.err) == (3, True)
    assert "T-1: plan: yes by owner@cli" in terminal("approve", "1", "--note", "fine").out
    house.settle()
    assert [line["waits_for"] for line in json.loads(terminal("tasks", "--waiting", "--json").out)] == [
        "deploy"
    ]
    assert "deploy production: yes" in terminal("promote", "T-1").out
    house.settle()
    assert json.loads(terminal("show", "1", "--json").out)["line"]["status"] == "deployed"


def test_a_plan_is_revised(make_terminal):
    terminal = make_terminal(policy=ASKING)
    terminal("ask", "Add the number two")
    terminal.house.settle()
    assert terminal("revise", "T-1", " ").code == 2
    assert "plan: revise" in terminal("revise", "T-1", "use three").out


def test_controls(terminal):
    terminal("ask", "Add the number two")
    assert "T-1: paused" in terminal("pause", "1").out
    assert "keelway resume T-1" in terminal("explain", "1").out
    assert terminal("resume", "@last").code == 0
    refused = terminal("abort", "1")
    assert (refused.code, "--yes" in refused.err) == (2, True)
    assert "ends at its next effect" in terminal("abort", "1", "--yes").out
    terminal.house.world.run()
    assert terminal("watch", "1").code == 1
    assert "T-2" in terminal("retry", "1").out


def test_errors_as_json(terminal):
    said = terminal("show", "99", "--json")
    assert said.code == 2
    assert json.loads(said.out)["error"]["code"] == "unknown_task"
    assert "keelway tasks" in said.err


def test_no_task_yet(terminal):
    said = terminal("show", "@last")
    assert (said.code, 'keelway ask "..."' in said.err) == (2, True)
    assert "No tasks yet" in terminal("tasks").out


def test_control_characters_of_a_request_never_reach_the_terminal(terminal):
    terminal("ask", "Add \x1b[2J\x1b]0;owned\x07 the number two")
    for verb in ("status", "tasks", "show", "explain", "audit"):
        words = [verb, "1"] if verb in {"show", "explain"} else [verb]
        assert not {"\x1b", "\x07"} & set(terminal(*words).out), verb


def test_logs_follow_to_the_end(terminal):
    terminal.house.world.baseline()
    terminal.house.world.ask()
    said = terminal("logs", "1", "-f", "--stage", "staging")
    assert said.code == 0
    assert "staging" in said.out
    assert "closed: deployed" in said.out
