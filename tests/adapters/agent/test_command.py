"""Programs that take one prompt: what they print is understood by rules, and their end is never believed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.agent.conftest import Stand, events, living

from keelway.adapters.agent.command import CommandAgent
from keelway.clients.command import Output, Take
from keelway.clients.run import Launch
from keelway.ports.agent import AgentLimits, Effort, Stop, Usage

LINES = Output(
    "jsonl",
    take=(
        Take(when={"type": "say"}, text="words.*.text"),
        Take(when={"type": "chunk"}, text="text", append=True),
        Take(
            when={"type": "step"}, input_tokens="used.in", output_tokens="used.out", cost_usd="usd", add=True
        ),
        Take(when={"type": "total"}, input_tokens="in"),
        Take(when={"type": "tool", "call.ok": "true"}, tools="call.id"),
        Take(when={"type": "broken"}, error="why"),
        Take(when={"type": "enough"}, stop="limit_tools"),
    ),
)


def program(stand: Stand, code: str, output: Output = LINES, **launch: Any) -> CommandAgent:
    argv = (sys.executable, "-I", "-u", "-c", f"import json, sys, os, time\n{code}", "${prompt}")
    return CommandAgent(Launch("odd", argv, str(stand.runs), **launch), output)


def printed(stand: Stand, *lines: dict[str, Any], code: int = 0) -> Effort:
    text = "".join(json.dumps(line) + "\n" for line in lines)
    return program(stand, f"sys.stdout.write({text!r}); sys.exit({code})").work(stand.order())


def test_the_prompt_comes_by_argument_input_or_file(stand: Stand) -> None:
    code = "open('seen.txt', 'w').write(sys.argv[1] + sys.stdin.read() + open(sys.argv[2]).read())"
    argv = (sys.executable, "-I", "-c", f"import sys\n{code}", "${prompt}|", "${home}/notes/p.md")
    launch = Launch(
        "odd",
        argv,
        str(stand.runs),
        stdin="${prompt}|",
        files={"notes/p.md": "${prompt} for ${model}"},
        model="m1",
    )
    effort = CommandAgent(launch).work(stand.order(prompt="Say ${home} and $HOME."))
    assert effort.stop is Stop.COMPLETED, effort
    prompt = stand.order(prompt="Say ${home} and $HOME.").prompt
    assert stand.text("seen.txt") == f"{prompt}|{prompt}|{prompt} for m1"


def test_words_tools_and_consumption_are_taken_by_rule(stand: Stand) -> None:
    effort = printed(
        stand,
        {"type": "say", "words": [{"text": "first"}]},
        {"type": "tool", "call": {"id": "a", "ok": True}},
        {"type": "tool", "call": {"id": "b", "ok": False}},
        {"type": "step", "used": {"in": 10, "out": 2}, "usd": 0.25},
        {"type": "step", "used": {"in": 20, "out": 3}, "usd": 0.25},
        {"type": "total", "in": 25},
        {"type": "say", "words": [{"text": "The "}, {"text": "end"}, {"image": 1}]},
        {"type": "chunk", "text": "."},
    )
    assert (effort.stop, effort.text, effort.tool_calls) == (Stop.COMPLETED, "The end.", 1)
    assert effort.usage == Usage(30, 5, 0.5)
    assert effort.agent == "odd"
    assert next(event["message"]["type"] for event in events(effort) if event["event"] == "in") == "say"


@pytest.mark.parametrize(
    ("line", "code", "stop"),
    [
        ({"type": "broken", "why": "Incorrect API key"}, 0, Stop.AUTH_ERROR),
        ({"type": "broken", "why": "overloaded"}, 1, Stop.PROVIDER_ERROR),
        ({"type": "enough"}, 0, Stop.LIMIT_TOOLS),
        ({"type": "nothing known"}, 0, Stop.COMPLETED),
        ({"type": "nothing known"}, 3, Stop.CRASHED),
    ],
)
def test_why_it_ended_is_told_apart(stand: Stand, line: dict[str, Any], code: int, stop: Stop) -> None:
    effort = printed(stand, line, code=code)
    assert (effort.stop, effort.exit_code) == (stop, code)


def test_output_that_nobody_can_read_is_no_success(stand: Stand) -> None:
    effort = program(stand, "print('Welcome! Please log in.')").work(stand.order())
    assert effort.stop is Stop.PROTOCOL_ERROR
    silent = program(stand, "pass", Output("json-file", "end.json", LINES.take)).work(stand.order())
    assert silent.stop is Stop.PROTOCOL_ERROR


def test_the_last_words_of_plain_text_are_kept(stand: Stand) -> None:
    effort = program(stand, "print('a' * 200_000 + 'end')", Output()).work(stand.order())
    assert effort.stop is Stop.COMPLETED
    assert (len(effort.text), effort.text.strip()[-3:]) == (100_000, "end")


def test_a_result_file_is_read_but_no_link(stand: Stand) -> None:
    output = Output("json-file", "end.json", (Take(text="result", error="error"),))
    write = "open(os.environ['HOME'] + '/end.json', 'w').write(json.dumps({'result': 'Done'}))"
    assert program(stand, write, output).work(stand.order()).text == "Done"
    secret = stand.tmp_path / "secret.json"
    secret.write_text('{"result": "secret"}')
    link = f"os.symlink({str(secret)!r}, os.environ['HOME'] + '/end.json')"
    effort = program(stand, link, output).work(stand.order())
    assert (effort.stop, effort.text) == (Stop.PROTOCOL_ERROR, "")


def test_limits_hold_a_program_as_they_hold_a_conversation(stand: Stand) -> None:
    def limited(code: str, **limits: Any) -> Stop:
        return program(stand, code).work(stand.order(AgentLimits(**({"grace_seconds": 0.3} | limits)))).stop

    assert limited("print('{}'); time.sleep(60)", silence_seconds=1.5) is Stop.LIMIT_SILENCE
    assert limited("while True: print('{}'); time.sleep(0.1)", wall_seconds=2.5) is Stop.LIMIT_WALL
    assert limited("while True: print('x' * 9999)", output_bytes_max=100_000) is Stop.LIMIT_OUTPUT
    tool = '{"type": "tool", "call": {"id": 1, "ok": true}}'
    assert (
        limited(f"for _ in range(9): print({tool!r})\ntime.sleep(60)", tool_calls_max=5) is Stop.LIMIT_TOOLS
    )
    step = '{"type": "step", "used": {"in": 900, "out": 200}, "usd": 0.5}'
    assert limited(f"print({step!r}); time.sleep(60)", tokens_max=1000) is Stop.LIMIT_TOKENS
    assert limited(f"print({step!r}); time.sleep(60)", cost_usd_max=0.4) is Stop.LIMIT_COST


def test_nothing_of_a_program_stays_behind(stand: Stand) -> None:
    mark = str(stand.tmp_path)
    child = f"import subprocess; subprocess.Popen(['sleep', '600', {mark!r}], start_new_session=True)"
    assert program(stand, child).work(stand.order()).stop is Stop.COMPLETED
    assert living(mark) == []
    assert not list(Path(stand.runs).glob("*/home"))


def test_the_probe_asks_for_the_version(stand: Stand) -> None:
    version = (sys.executable, "-c", "print('odd, version 1.2.3-beta (x)')")
    facts = program(stand, "", version_argv=version).probe()
    assert (facts.installed, facts.version) == (True, "1.2.3-beta")
    none = program(stand, "", version_argv=(sys.executable, "-c", "import sys; sys.exit('too old')")).probe()
    assert not none.installed
    assert "too old" in none.detail


def test_the_token_of_a_run_and_secrets_are_masked(stand: Stand) -> None:
    agent = program(
        stand, "print('{}'); print('the key is s3cr3t-value')", Output(), redact=("s3cr3t-value",)
    )
    effort = agent.work(stand.order())
    assert "s3cr3t" not in Path(effort.transcript).read_text() + effort.text
