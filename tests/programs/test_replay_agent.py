"""The replay program by itself: its script, its choice of a play, its manners on the wire."""

from __future__ import annotations

import contextlib
import json
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keelway.programs.replay_agent.memory import Memory
from keelway.programs.replay_agent.script.grammar import STEPS
from keelway.programs.replay_agent.script.parse import ScriptRefused, load, parse
from keelway.programs.replay_agent.script.play import Cue, read_cue

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "replay-script.md"
SAY = {"do": "say", "text": "hi"}


def one(**step: Any) -> dict[str, Any]:
    return {"plays": [{"steps": [step]}]}


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ([], "script: expected an object, got a list"),
        ({}, "plays: expected a list, got nothing"),
        ({"plays": []}, "plays: expected 1 to 1000 entries, got 0"),
        ({"plays": [{"steps": []}], "play": 1}, 'script.play: unknown "play"; did you mean "plays"?'),
        ({"plays": [{}]}, "plays[0].steps: missing"),
        ({"plays": [{"steps": []}, {"steps": {}}]}, "plays[1].steps: expected a list, got an object"),
        ({"plays": [{"steps": [], "role": "devs"}]}, 'plays[0].role: unknown "devs"; did you mean "dev"?'),
        ({"plays": [{"steps": [], "attempt": 0}]}, "plays[0].attempt: expected 1 to 1000000000, got 0"),
        ({"plays": [{"steps": [], "attempt": True}]}, "expected a number, got true or false"),
        ({"plays": [{"steps": [], "times": 1.5}]}, "plays[0].times: expected a whole number"),
        ({"plays": [{"steps": [], "stop": "stop"}]}, "plays[0].stop: unknown"),
        (one(do="edt"), 'plays[0].steps[0].do: unknown "edt"; did you mean "edit"?'),
        (one(text="x"), "plays[0].steps[0].do: unknown null; known: ask,"),
        (one(do="edit", path="a"), "plays[0].steps[0].text: missing"),
        (one(do="edit", path="a", text=1), "plays[0].steps[0].text: expected text, got a number"),
        (one(do="edit", pth="a", text=""), 'plays[0].steps[0].pth: unknown "pth"; did you mean "path"?'),
        (one(do="run", argv=[]), "plays[0].steps[0].argv: expected 1 to 1000 entries, got 0"),
        (one(do="run", argv=["a", 1]), "plays[0].steps[0].argv[1]: expected text, got a number"),
        (one(do="say", text="x", delay_seconds=-1), "steps[0].delay_seconds: expected 0 to 86400, got -1"),
        (one(do="say", text="x", if_allowed="yes"), "if_allowed: expected true or false, got text"),
        (one(do="say", text="x", if_allowed=True), 'steps[0].if_allowed: no "ask" step comes before it'),
        (one(do="ask", title="t"), 'plays[0].steps[0]: "ask" needs either "path" or "argv"'),
        (one(do="ask", title="t", path="a", argv=["b"]), '"ask" needs either "path" or "argv"'),
        (one(do="fail", message="m", data=3), "plays[0].steps[0].data: expected an object, got a number"),
    ],
)
def test_a_bad_script_is_told_where_and_why(script: Any, fault: str) -> None:
    with pytest.raises(ScriptRefused, match=re.escape(fault)):
        parse(script)


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_NEAR = st.fixed_dictionaries(
    {"do": st.sampled_from([*STEPS, "nothing"])},
    optional={name: _PLAIN for fields in STEPS.values() for name in fields} | {"if_allowed": _PLAIN},
)


@settings(max_examples=40)
@given(
    _PLAIN
    | st.fixed_dictionaries(
        {"plays": st.lists(st.fixed_dictionaries({"steps": st.lists(_NEAR, max_size=3)}), max_size=3)}
    )
)
def test_any_value_is_a_script_or_is_refused(value: Any) -> None:
    with contextlib.suppress(ScriptRefused):
        assert parse(value).plays


@given(st.text())
def test_any_prompt_has_a_cue(prompt: str) -> None:
    cue = read_cue(prompt)
    assert cue.attempt >= 0


def test_the_head_of_a_prompt_is_read_and_the_rest_is_not() -> None:
    assert read_cue("Task: T-1\nRole: DEV\nAttempt: 2\n\nRole: review\n") == Cue(
        "T-1", "dev", 2, "task: t-1\nrole: dev\nattempt: 2\n\nrole: review\n"
    )
    assert read_cue("Please\nRole: review").role == ""
    assert read_cue("Attempt: ²\n").attempt == 1


def test_the_first_play_that_fits_is_chosen(tmp_path: Path) -> None:
    script = parse(
        {
            "plays": [
                {"match": "XMPP support", "role": "dev", "attempt": 2, "steps": []},
                {"match": "add", "steps": []},
                {"match": "", "role": "dev", "times": 1, "steps": []},
                {"role": "dev", "steps": []},
            ]
        }
    )
    memory = Memory(tmp_path / "state")

    def chosen(role: str, attempt: int, words: str) -> int | None:
        cue = read_cue(f"Task: T-1\nRole: {role}\nAttempt: {attempt}\n\n{words}")
        play = script.choose(cue, lambda number: memory.played(cue.task, number))
        if play:
            memory.begin(cue, play.number)
        return play.number if play else None

    assert chosen("dev", 2, "Please support xmpp, and add it") == 0
    assert chosen("dev", 1, "Please support xmpp, and add it") == 1
    assert chosen("plan", 1, "the address") is None
    assert chosen("dev", 1, "the address") == 2
    assert chosen("dev", 1, "the address") == 3
    memory = Memory(tmp_path / "state")
    assert chosen("dev", 1, "the address") == 3, "a new process remembers"


def test_every_step_has_an_example_that_is_valid() -> None:
    blocks = re.findall(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert len(blocks) > len(STEPS)
    shown = set()
    for block in blocks:
        value = json.loads(block)
        if "plays" in value:
            parse(value)
        else:
            shown.add(value["do"])
            parse({"plays": [{"steps": [value]}]})
    assert shown == set(STEPS)


@pytest.mark.parametrize(("text", "fault"), [("{", "not JSON"), ('{"plays": 1}', "plays: expected a list")])
def test_a_bad_file_ends_the_program_with_one_line(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "script.json"
    path.write_text(text)
    argv = [sys.executable, "-I", "-m", "keelway.programs.replay_agent", "--script", str(path)]
    done = subprocess.run(
        argv, check=False, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert str(path) in done.stderr
    assert fault in done.stderr


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScriptRefused, match="No such file"):
        load(tmp_path / "none.json")


class Wire:
    """Speak raw JSON lines with the real program."""

    def __init__(self, tmp_path: Path, script: dict[str, Any]) -> None:
        path = tmp_path / "script.json"
        path.write_text(json.dumps(script))
        argv = [sys.executable, "-I", "-m", "keelway.programs.replay_agent", "--script", str(path)]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.process:
            assert self.process.stdin
            self.process.stdin.close()
            self.process.wait(20)

    def send(self, method: str, **params: Any) -> int:
        self.count += 1
        self.tell(method, params, id=self.count)
        return self.count

    def tell(self, method: str, params: dict[str, Any], **more: Any) -> None:
        assert self.process.stdin
        line = json.dumps({"jsonrpc": "2.0", "method": method, "params": params} | more)
        self.process.stdin.write(line.encode() + b"\n")

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout
        ready, _, _ = select.select([self.process.stdout], [], [], 20)
        assert ready, "the agent says nothing"
        return json.loads(self.process.stdout.readline())

    def answer(self, method: str, **params: Any) -> dict[str, Any]:
        number = self.send(method, **params)
        while (message := self.hear()).get("id") != number:
            pass
        return message

    def open(self, cwd: Path) -> str:
        self.answer("initialize", protocolVersion=1)
        return str(self.answer("session/new", cwd=str(cwd), mcpServers=[])["result"]["sessionId"])


def test_cancel_ends_a_turn_promptly_and_the_session_lives_on(tmp_path: Path) -> None:
    steps = [SAY, {"do": "run", "argv": ["sleep", "61.5"], "timeout_seconds": 100}]
    script = {"plays": [{"match": "slow", "steps": steps}, {"steps": [SAY]}]}
    with Wire(tmp_path, script) as wire:
        session = wire.open(tmp_path)
        prompt = [{"type": "text", "text": "slow"}]
        number = wire.send("session/prompt", sessionId=session, prompt=prompt)
        while wire.hear().get("params", {}).get("update", {}).get("sessionUpdate") != "tool_call":
            pass
        started = time.monotonic()
        wire.tell("session/cancel", {"sessionId": session})
        while (message := wire.hear()).get("id") != number:
            pass
        assert message["result"]["stopReason"] == "cancelled"
        assert time.monotonic() - started < 5
        assert not sleepers("61.5")
        again = wire.answer("session/prompt", sessionId=session, prompt=[{"type": "text", "text": "quick"}])
        assert again["result"]["stopReason"] == "end_turn"


def sleepers(seconds: str) -> list[int]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cmdline() == ["sleep", seconds]:
                found.append(process.pid)
    return found


def test_an_unknown_session_is_an_error(tmp_path: Path) -> None:
    with Wire(tmp_path, {"plays": [{"steps": []}]}) as wire:
        wire.open(tmp_path)
        assert wire.answer("session/prompt", sessionId="nobody", prompt=[])["error"]["code"] == -32602


def test_sessions_are_numbered_and_the_agent_names_itself(tmp_path: Path) -> None:
    with Wire(tmp_path, {"plays": [{"steps": []}]}) as wire:
        assert wire.open(tmp_path) == "session-1"
        info = wire.answer("initialize", protocolVersion=9)["result"]
        assert (info["protocolVersion"], info["agentInfo"]["name"]) == (1, "keelway-replay")
        assert (
            wire.answer("session/new", cwd=str(tmp_path), mcpServers=[])["result"]["sessionId"] == "session-2"
        )
