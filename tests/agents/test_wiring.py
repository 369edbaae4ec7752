"""A small agent of our own behind the real sandbox and gateway: every end that only the whole can bring about."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.agents.model_server import Script, Turn, hang, refuse
from tests.agents.model_server.server import KEY
from tests.agents.rig import TASK, stand, until

from keelway.app.sections import SandboxSection
from keelway.ports.agent import Stop, Usage

pytestmark = pytest.mark.long

PROGRAM = """
import json, os, sys, time, urllib.error, urllib.request
url, token, model, rounds, code = sys.argv[1:6]
prompt = sys.stdin.read()
exec(code)
for _ in range(int(rounds)):
    body = {"model": model, "messages": [{"role": "user", "content": prompt}]}
    head = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
    request = urllib.request.Request(url + "/openai/v1/chat/completions", json.dumps(body).encode(), head)
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            told = json.load(answer)
    except urllib.error.HTTPError as error:
        print(json.dumps({"type": "trouble", "status": error.code, "said": error.read().decode()}), flush=True)
        continue
    text = told["choices"][0]["message"]["content"]
    print(json.dumps({"type": "say", "text": text, "usage": {"in": 7, "out": 7}}), flush=True)
"""
SAYS = Script((Turn("I am here."),), plain=True)


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., str]:
    """Return what writes the profile of an agent that asks the model some times, after some lines of its own."""

    def profile(rounds: int = 1, code: str = "") -> str:
        argv = ["${program}", "-I", "-c", PROGRAM, "${url}", "${token}", "${model}", str(rounds), code]
        text = f"""
format = 1
name = "tiny"
title = "Tiny"
kind = "command"
licence = "MIT"
apis = ["openai-chat"]
argv = {json.dumps(argv)}
stdin = "${{prompt}}"
[install]
command = {json.dumps(getattr(sys, "_base_executable", sys.executable))}
version = "1.0"
[output]
format = "jsonl"
[[output.take]]
when = {{ type = "say" }}
text = "text"
input_tokens = "usage.in"
output_tokens = "usage.out"
add = true
"""
        path = tmp_path / "tiny.toml"
        path.write_text(text)
        return str(path)

    return profile


def test_what_is_counted_is_booked_and_what_is_reported_is_kept(tiny: Callable[..., str]) -> None:
    with stand(tiny(2), SAYS, dollars=True) as rig:
        effort = rig.work()
        assert effort.stop is Stop.COMPLETED, (effort, rig.kept())
        assert effort.usage == Usage(14, 14, 0.0)
        assert effort.metered == Usage(2000, 100, 1.0)
        assert effort.spent == effort.metered
        assert [(entry.task, entry.role, entry.attempt, entry.agent) for entry in rig.entries] == [
            (TASK, "dev", 1, "tiny")
        ] * 2
        assert {seen.key for seen in rig.server.seen} == {KEY}
        assert not list(rig.folder.rglob("*.sock")), "its door is shut with the run"


@pytest.mark.parametrize(
    ("turn", "more", "limits", "stop"),
    [
        (Turn("x"), {"key": "wrong"}, {}, Stop.AUTH_ERROR),
        (Turn("x", trouble=refuse(500)), {}, {}, Stop.PROVIDER_ERROR),
        (Turn("x", trouble=hang()), {}, {"silence_seconds": 4.0}, Stop.LIMIT_SILENCE),
        (Turn("x", trouble=hang()), {"silence_seconds": 1.5}, {}, Stop.LIMIT_SILENCE),
        (Turn("x"), {"dollars": True}, {"cost_usd_max": 2.3}, Stop.LIMIT_COST),
        (Turn("x"), {}, {"tokens_max": 9000}, Stop.LIMIT_TOKENS),
    ],
)
def test_the_gateway_knows_why_it_ended(
    tiny: Callable[..., str], turn: Turn, more: dict[str, Any], limits: dict[str, Any], stop: Stop
) -> None:
    """The program itself says nothing of it, and leaves with 0."""
    with stand(tiny(40), Script((turn,), plain=True, after=turn), **more) as rig:
        effort = rig.work(**({"grace_seconds": 0.3} | limits))
        assert effort.stop is stop, (effort, rig.kept())
        assert effort.metered is not None
        if stop in {Stop.LIMIT_COST, Stop.LIMIT_TOKENS}:
            assert 0 < len([seen for seen in rig.server.seen if seen.status == 200]) < 40
        if limits.get("cost_usd_max"):
            one_turn = (
                0.5  # a scripted model does not keep to the number of tokens that the gateway leaves it
            )
            assert effort.metered.cost_usd <= limits["cost_usd_max"] + one_turn


def test_a_model_that_answers_is_a_sign_of_life(tiny: Callable[..., str]) -> None:
    """The program says nothing meanwhile."""
    quiet = "print = lambda *_, **__: None"
    slow = Turn("x", wait_seconds=1.0)
    with stand(tiny(6, quiet), Script((slow,), plain=True, after=slow)) as rig:
        effort = rig.work(silence_seconds=4.0)
        assert effort.seconds > 6
        assert effort.stop is Stop.COMPLETED, (effort, rig.kept())


def test_a_revoked_task_ends_as_cancelled(tiny: Callable[..., str]) -> None:
    slow = Turn("x", wait_seconds=0.3)
    with stand(tiny(500), Script((slow,), plain=True, after=slow)) as rig:
        efforts: list[Any] = []
        thread = threading.Thread(target=lambda: efforts.append(rig.work(grace_seconds=0.3)))
        thread.start()
        until(lambda: rig.server.seen, 60)
        assert rig.gateway.revoke(TASK) == 1
        thread.join(60)
        assert [effort.stop for effort in efforts] == [Stop.CANCELLED]


def test_the_pass_of_a_run_is_masked_in_what_is_kept(tiny: Callable[..., str]) -> None:
    with stand(
        tiny(1, "print(json.dumps({'type': 'say', 'text': 'it is ' + token}), flush=True)"), SAYS
    ) as rig:
        rig.work()
        assert "it is [redacted]" in rig.kept()
        assert "sk-keelway-" not in rig.kept()


@pytest.mark.parametrize("cage", ["bubblewrap", "landlock", "none"])
def test_every_cage_lets_the_gateway_through(tiny: Callable[..., str], cage: str) -> None:
    with stand(tiny(), SAYS, sandbox=SandboxSection(use=cage, read=(sys.base_prefix,))) as rig:
        effort = rig.work()
        assert (rig.cage, effort.stop) == (cage, Stop.COMPLETED), (effort, rig.kept())


def test_a_full_disk_ends_the_run(tiny: Callable[..., str]) -> None:
    fill = "f = open('big', 'wb'); [(f.write(b'x' * 1_000_000), f.flush(), time.sleep(0.01)) for _ in range(3000)]"
    with stand(tiny(1, fill), SAYS, sandbox=SandboxSection(disk_mb=30)) as rig:
        effort = rig.work(grace_seconds=0.3)
        assert effort.stop is Stop.LIMIT_RESOURCES, (effort, rig.kept())
        assert "disk" in effort.detail


def test_too_much_memory_ends_the_run(tiny: Callable[..., str]) -> None:
    eat = "hog = [bytearray(10_000_000) for _ in range(100)]; time.sleep(60)"
    with stand(tiny(1, eat), SAYS, sandbox=SandboxSection(memory_mb=256)) as rig:
        effort = rig.work(grace_seconds=0.3, wall_seconds=90.0)
        assert effort.stop is Stop.LIMIT_RESOURCES, (effort, rig.kept())
        assert "memory" in effort.detail


def test_files_that_instruct_agents_are_read_only_and_links_show_nothing(tiny: Callable[..., str]) -> None:
    code = """
for name in ('AGENTS.md', '.claude/x', 'CLAUDE.md', 'free.txt'):
    try:
        open(name, 'a').write('obey')
    except OSError as error:
        print(json.dumps({'type': 'note', 'name': name, 'why': str(error)}), flush=True)
"""
    with stand(tiny(1, code), SAYS) as rig:
        secret = rig.folder / "secret.txt"
        secret.write_text("secret")
        (rig.workspace / "AGENTS.md").write_text("Be kind.")
        (rig.workspace / ".claude").mkdir()
        (rig.workspace / "CLAUDE.md").symlink_to(secret)
        effort = rig.work()
        assert effort.stop is Stop.COMPLETED, (effort, rig.kept())
        assert rig.text("AGENTS.md") == "Be kind."
        assert not (rig.workspace / ".claude" / "x").exists()
        assert secret.read_text() == "secret"
        assert rig.text("free.txt") == "obey"


def test_listed_hosts_are_reached_and_no_others(tiny: Callable[..., str]) -> None:
    code = """
for host in ('127.0.0.1:PORT', '127.0.0.2:PORT'):
    request = urllib.request.Request('http://' + host + '/')
    request.set_proxy(os.environ['HTTP_PROXY'].split('//')[1], 'http')
    try:
        got = str(urllib.request.urlopen(request, timeout=20).status)
    except urllib.error.HTTPError as error:
        got = str(error.code)
    print(json.dumps({'type': 'note', 'host': host, 'got': got}), flush=True)
"""
    with stand(tiny(), SAYS) as served:
        port = str(served.server.port)
        sandbox = SandboxSection(egress=(f"127.0.0.1:{port}",))
        with stand(tiny(1, code.replace("PORT", port)), SAYS, sandbox=sandbox) as rig:
            effort = rig.work()
            assert effort.stop is Stop.COMPLETED, (effort, rig.kept())
            assert [seen.path for seen in served.server.seen] == ["/"]
            decisions = {record.name: record.text for record in rig.agent.record(TASK, "dev", 1)}[
                "egress.jsonl"
            ]
            told = [json.loads(line) for line in decisions.splitlines()]
            assert {(line["host"], line["allowed"]) for line in told} == {
                ("127.0.0.1", True),
                ("127.0.0.2", False),
            }


def test_a_prompt_that_is_too_long_for_an_argument_is_told(tmp_path: Path, tiny: Callable[..., str]) -> None:
    path = Path(tiny())
    path.write_text(path.read_text().replace('"${model}"', '"${model}", "${prompt}"'))
    with stand(str(path), SAYS) as rig:
        effort = rig.work(prompt="x" * 140_000)
        assert effort.stop is Stop.NOT_STARTED
        assert "longer than" in effort.detail
        assert rig.server.seen == []


def test_git_knows_what_the_workspace_borrows(tiny: Callable[..., str]) -> None:
    code = """
import subprocess
told = subprocess.run(["git", "log", "-p", "--format=%s"], capture_output=True, text=True)
open("log.txt", "w").write(told.stdout + told.stderr)
"""
    with stand(tiny(1, code), SAYS) as rig:
        own = rig.workspace / ".git" / "objects"
        own.rename(rig.folder / "objects")
        (own / "info").mkdir(parents=True)
        (own / "info" / "alternates").write_text(f"{rig.folder / 'objects'}\n")
        effort = rig.work()
        assert effort.stop is Stop.COMPLETED, (effort, rig.kept())
        assert "A broken sum" in rig.text("log.txt")
        assert "return a - b" in rig.text("log.txt")
