"""The scripted model speaks four dialects, keeps to its script and takes one key."""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.agents.model_server import (
    Answer,
    Call,
    Edit,
    Finish,
    ModelServer,
    Plan,
    Read,
    Run,
    Script,
    Turn,
    Usage,
    Write,
    calc_play,
    calc_workspace,
    cut,
    hang,
    refuse,
)
from tests.agents.model_server.fixture import Serve
from tests.agents.model_server.tools import SUBMIT
from tests.agents.talk import Anthropic, Chat, Gemini, Responses, Wire

DIALECTS = [Chat, Responses, Anthropic, Gemini]
each_dialect = pytest.mark.parametrize("dialect", DIALECTS)
each_way = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def carry_out(folder: Path, name: str, arguments: dict[str, Any]) -> str:
    """Do what a call of the coder's tools asks."""
    path = folder / arguments.get("path", "")
    match name:
        case "read_file":
            return path.read_text()
        case "write_file":
            path.write_text(arguments["content"])
        case "edit_file":
            assert path.read_text().count(arguments["old_text"]) == 1
            path.write_text(path.read_text().replace(arguments["old_text"], arguments["new_text"]))
        case "shell":
            done = subprocess.run(
                ["sh", "-c", arguments["command"]], check=False, cwd=folder, capture_output=True, text=True
            )
            return f"{done.returncode}: {done.stdout}{done.stderr}"
    return "done"


def play(wire: Any, folder: Path, prompt: str = "Mend add.") -> list[Any]:
    """Let a conversation go on until the model calls nothing."""
    heard = [wire.ask(prompt)]
    while heard[-1].calls:
        results = [carry_out(folder, name, arguments) for _, name, arguments in heard[-1].calls]
        heard.append(wire.give(heard[-1], *results))
        assert len(heard) < 20
    return heard


@each_dialect
@each_way
def test_the_play_mends_the_program(
    dialect: type[Wire], stream: bool, tmp_path: Path, model_server: Serve
) -> None:
    server = model_server(calc_play())
    folder = calc_workspace(tmp_path / "calc")
    heard = play(dialect(server.port, stream=stream), folder)
    assert [name for answer in heard for _, name, _ in answer.calls] == [
        "read_file",
        "edit_file",
        "write_file",
        "shell",
    ]
    assert heard[-1].text == "[5/5] The sum is right now."
    assert {answer.usage for answer in heard} == {(1000, 50)}
    assert "return a + b" in (folder / "calc.py").read_text()
    assert (folder / "CHANGES.md").read_text().startswith("# Changes")
    assert server.seen[-1].results[-1].find("all is well") >= 0
    assert [seen.turn for seen in server.seen] == [0, 1, 2, 3, 4]
    assert {(seen.status, seen.key, seen.model, seen.streamed) for seen in server.seen} == {
        (200, server.key, "m", stream)
    }


@each_dialect
def test_another_key_is_refused(dialect: type[Wire], model_server: Serve) -> None:
    server = model_server(calc_play())
    heard: Any = dialect(server.port, key="a-token")
    answer = heard.ask("Mend add.")
    assert answer.status == (400 if dialect is Gemini else 401)
    assert "API key" in json.dumps(answer.raw)
    assert [(seen.key, seen.turn, seen.status) for seen in server.seen] == [("a-token", -1, answer.status)]


@each_dialect
@each_way
def test_it_refuses_for_a_while_and_then_goes_on(
    dialect: type[Wire], stream: bool, model_server: Serve
) -> None:
    server = model_server(Script((Turn("Here.", trouble=refuse(429, times=2, retry_after_seconds=7)),)))
    answers = []
    for _ in range(3):
        wire: Any = dialect(server.port, stream=stream)
        answers.append(wire.ask("Go."))
    assert [answer.status for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "7"
    other: Any = dialect(server.port, stream=stream)
    assert other.ask("Go elsewhere.").status == 429, "another conversation fails on its own account"


@each_dialect
@pytest.mark.parametrize("status", [401, 500, 529])
def test_it_fails_for_good(dialect: type[Wire], status: int, model_server: Serve) -> None:
    server = model_server(Script((Turn(trouble=refuse(status)),)))
    for _ in range(3):
        wire: Any = dialect(server.port)
        answer = wire.ask("Go.")
        assert answer.status == status
        assert answer.raw["error"]["message"]


@each_dialect
@each_way
def test_the_line_breaks_in_the_middle(dialect: type[Wire], stream: bool, model_server: Serve) -> None:
    server = model_server(Script((Turn("A long story. " * 40, trouble=cut(pieces=2, times=1)),)))
    broken: Any = dialect(server.port, stream=stream)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        broken.ask("Go.")
    assert not server.seen[0].left
    again: Any = dialect(server.port, stream=stream)
    assert "A long story." in again.ask("Go.").text


@each_way
@pytest.mark.parametrize("pieces", [0, 2])
def test_it_falls_silent_and_notices_who_leaves(stream: bool, pieces: int, model_server: Serve) -> None:
    server = model_server(Script((Turn("A long story. " * 40, trouble=hang(pieces=pieces)),)))
    wire = http.client.HTTPConnection("127.0.0.1", server.port, timeout=0.5)
    body = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": "Go."}], "tools": []}
    wire.request(
        "POST",
        "/v1/chat/completions",
        json.dumps({**body, "tools": OFFERED}),
        {"Authorization": f"Bearer {server.key}"},
    )
    with pytest.raises(TimeoutError):
        wire.getresponse().read()
    assert not server.seen[0].left
    wire.close()
    wire.sock = None
    until(lambda: server.seen[0].left)


OFFERED = [{"type": "function", "function": {"name": "bash", "parameters": {}}}]


def until(true: Any) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@each_dialect
def test_conversations_do_not_disturb_each_other(
    dialect: type[Wire], tmp_path: Path, model_server: Serve
) -> None:
    server = model_server(calc_play())
    folders = [calc_workspace(tmp_path / f"calc{number}") for number in range(4)]
    threads = [threading.Thread(target=play, args=(dialect(server.port), folder)) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all("return a + b" in (folder / "calc.py").read_text() for folder in folders)
    assert len(server.played) == 20


@each_dialect
def test_a_second_prompt_goes_on_after_the_script(
    dialect: type[Wire], tmp_path: Path, model_server: Serve
) -> None:
    script = Script(
        (Turn("One.", (Run("true"),)), Turn("Two."), Turn("Three.", (Run("true"),)), Turn("Four."))
    )
    wire: Any = dialect(model_server(script).port)
    heard = play(wire, tmp_path)
    assert [answer.text for answer in heard] == ["[1/4] One.", "[2/4] Two."]
    remember(wire, heard[-1])
    heard = play(wire, tmp_path, "Now the rest.")
    assert [answer.text for answer in heard] == ["[3/4] Three.", "[4/4] Four."]
    remember(wire, heard[-1])
    assert wire.ask("And now?").text == "[5/4] Nothing is left to do."


def remember(wire: Any, heard: Any) -> None:
    match wire:
        case Chat():
            wire.items.append({"role": "assistant", "content": heard.text})
        case Responses():
            wire.items += wire.last
        case Anthropic():
            wire.items.append({"role": "assistant", "content": wire.last})
        case Gemini():
            wire.items.append({"role": "model", "parts": wire.last})


@each_dialect
@each_way
def test_without_tools_a_title_is_given(dialect: type[Wire], stream: bool, model_server: Serve) -> None:
    server = model_server(calc_play())
    wire: Any = dialect(server.port, stream=stream, tools={})
    answer = wire.ask("Give this a title.")
    assert answer.text == "Mend the sum"
    assert not answer.calls
    assert (server.seen[0].turn, server.played) == (-1, [])


@each_dialect
def test_a_typed_answer_comes_by_tool_or_as_text(dialect: type[Wire], model_server: Serve) -> None:
    value = {"verdict": "comment", "reasons": ["fine"]}
    server = model_server(Script((Turn("My view.", (Answer(value),)),), plain=True))
    by_tool: Any = dialect(server.port, tools={"final_result": ("verdict",)})
    assert [call[1:] for call in by_tool.ask("Review.").calls] == [("final_result", value)]
    as_text: Any = dialect(server.port, tools={})
    assert json.loads(as_text.ask("Review.").text) == value


@each_dialect
def test_usage_pace_and_the_echoed_key_are_as_told(dialect: type[Wire], model_server: Serve) -> None:
    turn = Turn("Slow.", usage=Usage(70, 7), echo_key=True, pace_seconds=0.01, wait_seconds=0.2)
    server = model_server(Script((turn,)))
    began = time.monotonic()
    wire: Any = dialect(server.port, stream=True)
    answer = wire.ask("Go.")
    assert time.monotonic() - began > 0.2
    assert answer.usage == (70, 7)
    assert answer.text == f"[1/1] Slow. key={server.key}"


def test_the_script_is_chosen_by_model_and_words(model_server: Serve) -> None:
    server = model_server(
        Script((Turn("other"),), model="other"),
        Script((Turn("reviewed"),), when="You review"),
        Script((Turn("rest"),)),
    )
    assert Chat(server.port).ask("You review this.").text == "[1/1] reviewed"
    assert Chat(server.port).ask("Do it.").text == "[1/1] rest"
    lost = model_server(Script((Turn("other"),), model="other"))
    assert Chat(lost.port).ask("Do it.").status == 400


def ask_once(server: ModelServer, tools: Any, system: str = "") -> Any:
    wire = Chat(server.port, tools=tools)
    if system:
        wire.items.append({"role": "system", "content": system})
    return wire.ask("Go.").calls


AGENTS = [
    (
        {"bash": {"type": "object", "properties": {"command": {"type": "string"}, "description": {"type": "string"}},
                  "required": ["command", "description"]}},
        Run("ls"),
        ("bash", {"command": "ls", "description": "ok"}),
    ),
    ({"shell": {"properties": {"command": {"type": "array", "items": {"type": "string"}}}}}, Run("ls"),
     ("shell", {"command": ["bash", "-lc", "ls"]})),
    ({"run_commands": {"properties": {"commands": {"type": "array", "items": {"type": "string"}}}}}, Run("ls"),
     ("run_commands", {"commands": ["ls"]})),
    ({"exec_command": ("cmd",)}, Run("ls"), ("exec_command", {"cmd": "ls"})),
    ({"run_shell_command": {"type": "OBJECT", "properties": {"command": {"type": "STRING"}}}}, Run("ls"),
     ("run_shell_command", {"command": "ls"})),
    ({"write": ("filePath", "content")}, Write("a", "b"), ("write", {"filePath": "/w/a", "content": "b"})),
    ({"Write": ("file_path", "content")}, Write("/a", "b"), ("Write", {"file_path": "/a", "content": "b"})),
    ({"edit": ("filePath", "oldString", "newString")}, Edit("a", "b", "c"),
     ("edit", {"filePath": "/w/a", "oldString": "b", "newString": "c"})),
    (
        {"replace": {"properties": {"instruction": {"type": "string"}, "file_path": {"type": "string"},
                                    "old_string": {"type": "string"}, "new_string": {"type": "string"}},
                     "required": ["instruction", "file_path"]}},
        Edit("a", "b", "c"),
        ("replace", {"file_path": "/w/a", "old_string": "b", "new_string": "c", "instruction": "ok"}),
    ),
    (
        {"edit": {"properties": {"path": {"type": "string"}, "edits": {"type": "array", "items": {
            "type": "object", "properties": {"oldText": {"type": "string"}, "newText": {"type": "string"}}}}}}},
        Edit("a", "b", "c"),
        ("edit", {"path": "/w/a", "edits": [{"oldText": "b", "newText": "c"}]}),
    ),
    (
        {"read_files": {"properties": {"files": {"type": "array", "items": {
            "type": "object", "properties": {"path": {"type": "string"}}}}}}},
        Read("a"),
        ("read_files", {"files": [{"path": "/w/a"}]}),
    ),
    ({"todowrite": {"properties": {"todos": {"type": "array", "items": {
        "type": "object", "properties": {name: {"type": "string"} for name in ("content", "status", "priority", "id")}}}}}},
     Plan(("a",)),
     ("todowrite", {"todos": [{"content": "a", "status": "pending", "priority": "medium", "id": "1"}]})),
    ({"bash": ("command",)}, Read("a b"), ("bash", {"command": "cat 'a b'"})),
    ({"bash": ("command",)}, Finish(), ("bash", {"command": "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"})),
    ({"bash": ("command",)}, Plan(("a", "b")), ("bash", {"command": "echo 'plan: a; b'"})),
    (
        {"update_plan": {"properties": {"explanation": {"type": "string"}, "plan": {"type": "array", "items": {
            "type": "object", "required": ["step", "status"],
            "properties": {"step": {"type": "string"}, "status": {"type": "string", "enum": ["pending", "done"]}}}}}}},
        Plan(("a",)),
        ("update_plan", {"plan": [{"step": "a", "status": "pending"}]}),
    ),
    ({"apply_patch": ("input",)}, Edit("a", "b", "c"),
     ("apply_patch", {"input": "*** Begin Patch\n*** Update File: a\n@@\n-b\n+c\n*** End Patch\n"})),
    ({"bash": ("command",)}, Call("made_up", {"x": 1}), ("made_up", {"x": 1})),
]  # fmt: skip


@pytest.mark.parametrize(("tools", "intent", "call"), AGENTS, ids=lambda value: str(value)[:30])
def test_an_intent_becomes_a_call_of_the_agents_own_tool(
    tools: Any, intent: Any, call: Any, model_server: Serve
) -> None:
    server = model_server(Script((Turn("x", (intent,)),)))
    system = "Working directory: /w\nFinish with COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT."
    assert [found[1:] for found in ask_once(server, tools, system)] == [call]


def test_a_shell_alone_does_the_whole_play(tmp_path: Path, model_server: Serve) -> None:
    folder = calc_workspace(tmp_path / "calc")
    play(Chat(model_server(calc_play()).port, tools={"shell": ("command",)}), folder)
    assert "return a + b" in (folder / "calc.py").read_text()
    assert (folder / "CHANGES.md").read_text() == "# Changes\n\n- `add` adds.\n"


def test_custom_and_built_in_tools_of_responses(model_server: Serve) -> None:
    script = Script((Turn("x", (Write("a", "b\n"), Run("ls"))),))
    wire = Responses(model_server(script).port)
    body = {
        "model": "m",
        "input": "Go.",
        "tools": [{"type": "custom", "name": "apply_patch"}, {"type": "local_shell"}, {"type": "web_search"}],
    }
    _, _, raw = wire.send("/v1/responses", body, {"Authorization": f"Bearer {wire.key}"})
    patch, shell = raw["output"][1:]
    assert patch["type"] == "custom_tool_call"
    assert patch["input"] == "*** Begin Patch\n*** Add File: a\n+b\n*** End Patch\n"
    assert shell["action"]["command"] == ["bash", "-lc", "ls"]


def test_edits_are_spoken_to_whom_reads_them_from_the_text(model_server: Serve) -> None:
    server = model_server(
        Script((Turn("Mended.", (Edit("calc.py", "a - b", "a + b"), Write("C.md", "c\n"))),))
    )
    wire = Chat(server.port, tools={})
    wire.items += [
        {"role": "system", "content": "Answer with *SEARCH/REPLACE* blocks."},
        {"role": "user", "content": "An example."},
        {"role": "assistant", "content": "An example's answer."},
    ]
    text = wire.ask("Go.").text
    assert text.startswith("[1/1] Mended.")
    assert "calc.py\n```\n<<<<<<< SEARCH\na - b\n=======\na + b\n>>>>>>> REPLACE\n```" in text
    assert "C.md\n```\n<<<<<<< SEARCH\n=======\nc\n>>>>>>> REPLACE\n```" in text


def test_whom_reads_edits_gets_all_up_to_the_next_test_at_once(model_server: Serve) -> None:
    server = model_server(calc_play())
    wire = Chat(server.port, tools={})
    wire.items.append({"role": "system", "content": "Answer with *SEARCH/REPLACE* blocks."})
    first = wire.ask("Go.").text
    assert [line[:5] for line in first.splitlines() if line.startswith("[")] == [
        "[1/5]",
        "[2/5]",
        "[3/5]",
        "[4/5]",
    ]
    assert first.count("<<<<<<< SEARCH") == 2
    wire.items.append({"role": "assistant", "content": first})
    assert wire.ask("The test failed.").text.startswith("[5/5]")


def test_commands_are_spoken_to_whom_reads_them_from_the_text(model_server: Serve) -> None:
    server = model_server(Script((Turn("Look.", (Run("ls"),)), Turn("Done.", (Finish(),)))))
    wire = Chat(server.port, tools={})
    wire.items.append({"role": "system", "content": f"Answer with\n```bash\ncommand\n```\nuntil {SUBMIT}"})
    first = wire.ask("Go.").text
    assert first == "[1/2] Look.\n\n```bash\nls\n```\n"
    wire.items.append({"role": "assistant", "content": first})
    assert "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT" in wire.ask("Output: calc.py").text


def test_nothing_fits_is_said(model_server: Serve) -> None:
    wire = Chat(model_server(calc_play()).port, tools={"search_web": ("query",)})
    answer = wire.ask("Go.")
    assert answer.status == 400
    assert "no tool among ['search_web'] runs 'cat calc.py'" in answer.raw["error"]["message"]


def test_a_wanted_shape_is_met_without_a_script(model_server: Serve) -> None:
    wire = Chat(model_server(calc_play()).port)
    wanted = {
        "type": "object",
        "properties": {"next": {"type": "string", "enum": ["user", "model"]}, "why": {"type": "string"}},
        "required": ["next", "why"],
    }
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "Who?"}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": wanted}},
    }
    _, _, raw = wire.send("/v1/chat/completions", body, {"Authorization": f"Bearer {wire.key}"})
    assert json.loads(raw["choices"][0]["message"]["content"]) == {"next": "user", "why": "ok"}


def test_tokens_are_counted_and_strange_paths_are_remembered(model_server: Serve) -> None:
    server = model_server(calc_play())
    wire = Chat(server.port)
    key = {"Authorization": f"Bearer {wire.key}"}
    assert wire.send("/v1/messages/count_tokens", {}, key)[2] == {"input_tokens": 1000}
    assert wire.send("/v1beta/models/m:countTokens", {"contents": []}, key)[2] == {"totalTokens": 1000}
    assert wire.send("/telemetry", {}, key)[0] == 404
    assert [(seen.path, seen.status) for seen in server.seen][-1] == ("/telemetry", 404)
