"""The agent on Pydantic AI by itself: with a scripted model, in front of a client that answers what it is told to."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import acp
import psutil
import pytest
from tests.agents.model_server import (
    Answer,
    Call,
    Edit,
    Finish,
    Read,
    Run,
    Script,
    Turn,
    Write,
    calc_play,
    calc_workspace,
    hang,
    refuse,
)
from tests.agents.model_server.fixture import Serve
from tests.agents.model_server.server import ModelServer

from keelway.core.model.plan import parse_plan
from keelway.core.review.review import parse_review
from keelway.programs.api_agent import files
from keelway.programs.api_agent.agent import ApiAgent
from keelway.programs.api_agent.command import run
from keelway.programs.api_agent.files import ToolFailed
from keelway.programs.api_agent.order import APIS, Order, role_of

MODEL = "scripted-1"
PLAN = {"title": "Mend add", "approach": "Turn the sign.", "kind": "fix", "modify": ["calc.py"]}
REVIEW = {"verdict": "comment", "summary": "It adds.", "comments": []}
HEAD = "Task: T-1\nRole: {}\nAttempt: 1\n\nMend calc.py."


@dataclass
class Client:
    """Hear what an agent tells and answer its questions."""

    allows: bool = True
    told: list[Any] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)

    async def session_update(self, session_id: str, update: Any, **_more: Any) -> None:
        self.told.append(update)

    async def request_permission(
        self, session_id: str, tool_call: Any, options: list[Any], **_more: Any
    ) -> Any:
        self.asked.append(tool_call)
        wanted = "allow_once" if self.allows else "reject_once"
        chosen = next(option.option_id for option in options if option.kind == wanted)
        return SimpleNamespace(outcome=SimpleNamespace(option_id=chosen))

    def of(self, kind: str) -> list[Any]:
        return [update for update in self.told if update.session_update == kind]

    @property
    def text(self) -> str:
        return "".join(update.content.text for update in self.of("agent_message_chunk"))


@dataclass
class Stage:
    agent: ApiAgent
    client: Client
    session: str

    async def prompt(self, role: str = "dev") -> acp.PromptResponse:
        return await self.agent.prompt(self.session, [acp.text_block(HEAD.format(role))])


async def stage(server: ModelServer, workspace: Path, client: Client | None = None, **bounds: Any) -> Stage:
    order = Order(**({"api": "openai-chat", "url": server.url, "token": server.key, "model": MODEL} | bounds))
    agent, client = ApiAgent(order, "1"), client or Client()
    agent.on_connect(client)  # type: ignore[arg-type]
    return Stage(agent, client, (await agent.new_session(str(workspace))).session_id)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return calc_workspace(tmp_path / "workspace")


def script(*does: Any) -> Script:
    return Script((*(Turn("I work.", (intent,)) for intent in does), Turn("Done.", (Finish(),))))


@pytest.mark.parametrize("api", sorted(APIS))
async def test_a_task_is_completed_in_every_dialect(api: str, model_server: Serve, workspace: Path) -> None:
    server = model_server(calc_play(plan=True))
    on = await stage(server, workspace, api=api)
    done = await on.prompt()
    assert done.stop_reason == "end_turn", on.client.text
    assert "return a + b" in (workspace / "calc.py").read_text()
    assert "`add` adds" in (workspace / "CHANGES.md").read_text()
    assert {seen.dialect for seen in server.played} == {api}
    assert all(seen.streamed for seen in server.played)
    assert done.usage is not None
    assert (done.usage.input_tokens, done.usage.output_tokens) == (6000, 300)
    assert [call.kind for call in on.client.asked] == ["edit", "edit", "execute"]
    assert on.client.asked[0].locations[0].path == str(workspace / "calc.py")
    assert [entry.content for entry in on.client.of("plan")[0].entries][:1] == ["Mend add"]
    assert [update.used for update in on.client.of("usage_update")] == [1050] * 6
    ends = [update.status for update in on.client.of("tool_call_update")]
    assert ends == ["completed"] * 4
    assert on.client.text.rstrip().endswith("The sum is right now.")


async def test_what_is_refused_is_not_done(model_server: Serve, workspace: Path) -> None:
    server = model_server(script(Write("new.txt", "x"), Edit("calc.py", "return", "raise"), Run("touch ran")))
    on = await stage(server, workspace, Client(allows=False))
    assert (await on.prompt()).stop_reason == "end_turn"
    assert len(on.client.asked) == 3
    assert names_in(workspace) == [
        ".git",
        "calc.py",
        "check.py",
        "test_calc.py",
    ]
    assert "raise" not in (workspace / "calc.py").read_text()
    assert all("Permission was refused" in result for result in server.played[-1].results)


@pytest.mark.parametrize("path", ["../outside.txt", "link/outside.txt", "/etc/outside.txt", "leaf"])
async def test_a_path_outside_is_refused(path: str, model_server: Serve, workspace: Path) -> None:
    outside = workspace.parent / "outside.txt"
    outside.write_text("theirs")
    (workspace / "link").symlink_to(workspace.parent)
    (workspace / "leaf").symlink_to(outside)
    server = model_server(
        script(Call("write", {"path": path, "content": "mine"}), Call("read", {"path": path}))
    )
    await (await stage(server, workspace)).prompt()
    assert outside.read_text() == "theirs"
    assert all("outside the workspace" in result for result in server.played[-1].results), server.played[-1]


async def test_a_plan_that_does_not_fit_is_given_back(model_server: Serve, workspace: Path) -> None:
    wrong = {**PLAN, "title": "T" * 121}
    odd = {**PLAN, "modify": ["../calc.py"]}
    server = model_server(script(Read("calc.py"), Answer(wrong), Answer(odd), Answer(PLAN)))
    on = await stage(server, workspace)
    done = await on.prompt("plan")
    assert done.stop_reason == "end_turn"
    assert parse_plan(on.client.text).title == "Mend add"
    assert parse_plan(on.client.text).modify == ("calc.py",)
    said = json.dumps(server.played[-1].body)
    assert "at most 120 characters" in said
    assert "not a plain path" in said
    assert set(server.played[0].tools) == {"list_files", "read", "grep", "update_plan", "final_result"}


async def test_a_plan_may_come_as_text(model_server: Serve, workspace: Path) -> None:
    words = (Turn("Here it is.", verbatim=True), Turn(json.dumps(PLAN), verbatim=True))
    server = model_server(Script(words))
    on = await stage(server, workspace)
    assert (await on.prompt("plan")).stop_reason == "end_turn"
    assert parse_plan(on.client.text).title == "Mend add"
    assert len(server.played) == 2


async def test_a_review_is_typed_too(model_server: Serve, workspace: Path) -> None:
    groundless = {**REVIEW, "verdict": "block"}
    server = model_server(script(Answer({"verdict": "approve"}), Answer(groundless), Answer(REVIEW)))
    on = await stage(server, workspace, api="anthropic")
    assert (await on.prompt("review")).stop_reason == "end_turn"
    assert parse_review(on.client.text).summary == "It adds."
    assert "a block must name" in json.dumps(server.played[-1].body)


async def test_an_answer_that_never_fits_is_given_up(model_server: Serve, workspace: Path) -> None:
    server = model_server(script(*([Answer({"title": ""})] * 20)))
    on = await stage(server, workspace)
    with pytest.raises(acp.RequestError, match="retries"):
        await on.prompt("plan")
    assert len(server.played) == 5


@pytest.mark.parametrize("bound", [{"requests_max": 3}, {"tool_calls_max": 3}])
async def test_a_turn_has_bounds(bound: dict[str, int], model_server: Serve, workspace: Path) -> None:
    server = model_server(script(*(Run(f"echo {number} >> log.txt") for number in range(20))))
    on = await stage(server, workspace, **bound)
    assert (await on.prompt()).stop_reason == "max_turn_requests"
    assert (workspace / "log.txt").read_text() == "0\n1\n2\n"


async def test_a_wrong_key_is_told(model_server: Serve, workspace: Path) -> None:
    on = await stage(model_server(calc_play()), workspace, token="wrong")
    with pytest.raises(acp.RequestError) as error:
        await on.prompt()
    assert error.value.code == -32000


async def test_a_provider_that_fails_is_told(model_server: Serve, workspace: Path) -> None:
    server = model_server(Script((Turn("x", trouble=refuse(400)),), plain=True))
    with pytest.raises(acp.RequestError, match="400") as error:
        await (await stage(server, workspace)).prompt()
    assert error.value.code == -32603


async def test_cancel_ends_the_turn_and_what_it_runs(model_server: Serve, workspace: Path) -> None:
    on = await stage(model_server(script(Run("sleep 4712 & sleep 4713"))), workspace)
    turn = asyncio.create_task(on.prompt())
    await until(lambda: len(sleepers()) == 2)
    asked = time.monotonic()
    await on.agent.cancel(on.session)
    assert (await turn).stop_reason == "cancelled"
    assert time.monotonic() - asked < 5
    await until(lambda: not sleepers(), 5)


async def test_cancel_is_heard_while_the_model_is_silent(model_server: Serve, workspace: Path) -> None:
    server = model_server(Script((Turn("...", (Finish(),), trouble=hang(pieces=1)),)))
    on = await stage(server, workspace)
    turn = asyncio.create_task(on.prompt())
    await until(lambda: server.played)
    await on.agent.cancel(on.session)
    assert (await asyncio.wait_for(turn, 5)).stop_reason == "cancelled"


async def until(happened: Callable[[], Any], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def sleepers() -> list[str]:
    lines = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    return [line for line in lines if line in {"sleep 4712", "sleep 4713"}]


@pytest.mark.parametrize(
    ("prompt", "role"),
    [
        (HEAD.format("plan"), "plan"),
        ("Role: Review\n", "review"),
        ("Mend it.\nRole: plan", ""),
        ("Task: T-1\n\nRole: plan", ""),
        ("", ""),
    ],
)
def test_the_head_of_a_prompt_names_the_role(prompt: str, role: str) -> None:
    assert role_of(prompt) == role


def test_files_are_shown_within_bounds(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    (root / "long.txt").write_text("".join(f"line {number}\n" for number in range(1, 5001)))
    assert files.read(root, "long.txt", 4999) == "line 4999\nline 5000\n"
    assert files.read(root, "long.txt").endswith("[lines 1 to 2000 of 5000; ask for first_line=2001]")
    os.mkfifo(root / "pipe")
    (root / "raw").write_bytes(b"\xff\xfe")
    for path, why in [("pipe", "not a file"), ("raw", "not UTF-8"), ("none", "not read"), (".", "not")]:
        with pytest.raises(ToolFailed, match=why):
            files.text_of(root, path)
    with pytest.raises(ToolFailed, match="not a file"):
        files.write(root, "pipe", "x")
    with pytest.raises(ToolFailed, match="longer than"):
        files.write(root, "big", "x" * (files.WRITE_BYTES_MAX + 1))
    with pytest.raises(ToolFailed, match="2 times"):
        files.replaced("aa", "a", "b", "x")
    (root / "node_modules").mkdir()
    (root / "node_modules" / "x.js").touch()
    assert files.listed(root).splitlines() == ["long.txt", "pipe", "raw"]


async def test_commands_are_bounded(tmp_path: Path) -> None:
    code, text = await run(["sh", "-c", "echo first; yes | head -c 2000000; echo last; exit 3"], tmp_path, 30)
    assert code == 3
    assert text.startswith("first\n")
    assert text.endswith("last\n")
    assert len(text) < 31_000
    with pytest.raises(ToolFailed, match="ended after 1 seconds"):
        await run(["sleep", "60"], tmp_path, 1)
    with pytest.raises(ToolFailed, match="did not start"):
        await run(["no-such-program"], tmp_path, 1)


def test_the_program_greets_without_loading_what_thinks(tmp_path: Path) -> None:
    words = ["--api", "openai-chat", "--url", "http://127.0.0.1:1", "--model", MODEL]
    argv = [sys.executable, "-I", "-X", "importtime", "-m", "keelway.programs.api_agent", *words]
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": 1}}
    done = subprocess.run(
        argv,
        input=json.dumps(hello) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        check=True,
    )
    answer = json.loads(done.stdout.splitlines()[0])["result"]
    assert answer["agentInfo"]["name"] == "keelway-api"
    assert "| pydantic_ai" not in done.stderr
