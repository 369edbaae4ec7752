"""Every reason for which a run ends, from a real process."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.adapters.agent.conftest import Stand, events

from keelway.adapters.agent.acp import AcpAgent
from keelway.clients.run import Launch
from keelway.ports.agent import AgentLimits, Effort, Stop

pytestmark = pytest.mark.long

HANG = {"do": "hang", "seconds": 60}


def limited(stand: Stand, *steps: dict[str, Any], **limits: Any) -> Effort:
    return stand.agent(*steps).work(stand.order(AgentLimits(**({"grace_seconds": 0.5} | limits))))


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        ("end_turn", Stop.COMPLETED),
        ("refusal", Stop.REFUSED),
        ("max_tokens", Stop.LIMIT_TOKENS),
        ("max_turn_requests", Stop.LIMIT_TOOLS),
        ("cancelled", Stop.CANCELLED),
    ],
)
def test_the_agents_own_reason_is_mapped(stand: Stand, stop: str, expected: Stop) -> None:
    assert stand.play(stop=stop).stop is expected


def test_ending_the_turn_over_a_refusal_is_called_refused(stand: Stand) -> None:
    ask = {"do": "ask", "title": "t", "kind": "fetch", "path": "x"}
    assert stand.play(ask, stop="cancelled").stop is Stop.REFUSED


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"code": -32000, "message": "Authentication required"}, Stop.AUTH_ERROR),
        ({"message": "failed", "data": {"errorKind": "authentication_failed"}}, Stop.AUTH_ERROR),
        ({"message": "Incorrect API key provided"}, Stop.AUTH_ERROR),
        ({"message": "upstream overloaded (529)"}, Stop.PROVIDER_ERROR),
        ({"code": -32602, "message": "Invalid params"}, Stop.PROTOCOL_ERROR),
    ],
)
def test_an_error_answer_is_told_apart(stand: Stand, fault: dict[str, Any], expected: Stop) -> None:
    effort = stand.play({"do": "fail"} | fault)
    assert effort.stop is expected
    assert fault["message"] in effort.detail


def test_crash_keeps_the_exit_code(stand: Stand) -> None:
    effort = stand.play({"do": "edit", "path": "a.txt", "text": "a"}, {"do": "crash", "exit_code": 42})
    assert (effort.stop, effort.exit_code) == (Stop.CRASHED, 42)
    assert stand.text("a.txt") == "a"


def test_a_crash_is_noticed_although_a_daemon_holds_the_pipes(stand: Stand) -> None:
    code = (
        "import subprocess, sys, os\n"
        "sys.stdin.readline()\n"
        "subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "sys.stderr.write('out of luck\\n'); os._exit(9)\n"
    )
    effort = stand.program(code).work(stand.order())
    assert (effort.stop, effort.exit_code) == (Stop.CRASHED, 9)
    assert "out of luck" in effort.detail
    assert effort.seconds < 15


def test_a_missing_program_is_not_started(stand: Stand) -> None:
    agent = AcpAgent(Launch("gone", ("no-such-agent",), str(stand.runs)))
    effort = agent.work(stand.order())
    assert effort.stop is Stop.NOT_STARTED
    assert "no-such-agent" in effort.detail
    facts = agent.probe()
    assert (facts.installed, facts.name) == (False, "gone")
    assert "no-such-agent" in facts.detail


def test_a_missing_workspace_is_not_started(stand: Stand) -> None:
    effort = stand.agent().work(stand.order(workspace=str(stand.tmp_path / "none")))
    assert effort.stop is Stop.NOT_STARTED
    assert "none does not exist" in effort.detail


def test_a_run_without_a_workspace_gets_an_empty_folder(stand: Stand) -> None:
    effort = stand.agent({"do": "edit", "path": "a.txt", "text": "a"}).work(stand.order(workspace=""))
    assert effort.stop is Stop.COMPLETED
    assert not list(stand.runs.rglob("a.txt"))


def test_tool_calls_are_bounded(stand: Stand) -> None:
    reads = [{"do": "read", "path": "x"} for _ in range(4)]
    assert limited(stand, *reads, HANG, tool_calls_max=3).stop is Stop.LIMIT_TOOLS


def test_tool_calls_up_to_the_bound_pass(stand: Stand) -> None:
    reads = [{"do": "read", "path": "x"} for _ in range(3)]
    effort = limited(stand, *reads, tool_calls_max=3)
    assert (effort.stop, effort.tool_calls) == (Stop.COMPLETED, 3)


def test_reported_tokens_and_money_are_bounded(stand: Stand) -> None:
    use = {"do": "usage", "input_tokens": 900, "output_tokens": 200, "cost_usd": 0.5}
    assert limited(stand, use, HANG, tokens_max=1000).stop is Stop.LIMIT_TOKENS
    assert limited(stand, use, HANG, cost_usd_max=0.4).stop is Stop.LIMIT_COST


def test_output_is_bounded(stand: Stand) -> None:
    effort = limited(stand, {"do": "flood", "bytes": 50_000_000}, output_bytes_max=300_000)
    assert effort.stop is Stop.LIMIT_OUTPUT
    assert len(effort.text) <= 100_000


def test_silence_counts_from_the_last_message(stand: Stand) -> None:
    said = [{"do": "say", "text": ".", "delay_seconds": 0.4} for _ in range(6)]
    effort = limited(stand, *said, HANG, silence_seconds=5.0)
    assert (effort.stop, effort.text) == (Stop.LIMIT_SILENCE, "......")
    assert effort.seconds > 4


def test_a_deaf_agent_is_killed(stand: Stand) -> None:
    started = time.monotonic()
    deaf = {"do": "hang", "seconds": 60, "deaf": True}
    effort = limited(stand, {"do": "say", "text": "x"}, deaf, silence_seconds=1.5)
    assert effort.stop is Stop.LIMIT_SILENCE
    assert effort.exit_code is None
    assert time.monotonic() - started < 20


def test_garbage_is_a_protocol_error(stand: Stand) -> None:
    effort = stand.program("for n in range(30): print('no', n)\nimport time; time.sleep(60)").work(
        stand.order()
    )
    assert effort.stop is Stop.PROTOCOL_ERROR
    banner = stand.program("print('Welcome!')").work(stand.order())
    assert banner.stop is Stop.PROTOCOL_ERROR
    assert [event["text"] for event in events(banner) if event["event"] == "stray"]


def test_an_endless_line_is_a_protocol_error(stand: Stand) -> None:
    code = "import sys\nfor _ in range(60): sys.stdout.write('x' * 1_000_000)\nimport time; time.sleep(60)"
    limits = AgentLimits(output_bytes_max=200_000_000, grace_seconds=0.5)
    assert stand.program(code).work(stand.order(limits)).stop is Stop.PROTOCOL_ERROR


def test_the_probe_of_what_is_no_agent_says_why(stand: Stand) -> None:
    facts = stand.program("import sys; sys.exit('needs a newer node')").probe()
    assert not facts.installed
    assert "needs a newer node" in facts.detail
    assert list(stand.runs.iterdir()) == []
