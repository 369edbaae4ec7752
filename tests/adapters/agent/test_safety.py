"""What an agent may do, see and leave in writing."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.agent.conftest import Stand, events

from keelway.adapters.agent.acp import AcpAgent
from keelway.clients.run import Launch
from keelway.ports.agent import Effort, Stop

pytestmark = pytest.mark.long


def asked(stand: Stand, kind: str, path: str, **order: Any) -> Effort:
    ask = {"do": "ask", "title": f"{kind} {path}", "kind": kind, "path": path}
    write = {"do": "edit", "path": "landed.txt", "text": "x", "if_allowed": True}
    return stand.agent(ask, write).work(stand.order(**order))


def landed(stand: Stand) -> bool:
    return (stand.workspace / "landed.txt").exists()


def test_a_write_inside_the_workspace_is_allowed_once(stand: Stand) -> None:
    effort = asked(stand, "edit", "landed.txt")
    assert effort.permissions_refused == 0
    assert landed(stand)
    answers = [event["message"]["result"] for event in events(effort) if _is_answer(event)]
    # The script's agent names its options in its own words: "go" is its allow_once.
    assert answers == [{"outcome": {"outcome": "selected", "optionId": "go"}}]


@pytest.mark.parametrize(
    ("kind", "path", "order"),
    [
        ("edit", "landed.txt", {"writes": False}),
        ("delete", "landed.txt", {"writes": False}),
        ("edit", "ci/build.yml", {"protected": ("ci/**",)}),
        ("edit", "CI/Build.yml", {"protected": ("ci/**",)}),
        ("edit", "sub/../ci/build.yml", {"protected": ("ci/**",)}),
        ("move", ".git/hooks/pre-commit", {}),
        ("edit", "../outside.txt", {}),
        ("read", "../../etc/passwd", {}),
        ("fetch", "page", {}),
        ("switch_mode", "plan", {}),
        ("other", "thing", {}),
    ],
)
def test_what_is_not_permitted_is_refused_and_never_lands(
    stand: Stand, kind: str, path: str, order: dict[str, Any]
) -> None:
    effort = asked(stand, kind, path, **order)
    assert (effort.stop, effort.permissions_refused) == (Stop.COMPLETED, 1)
    assert not landed(stand)
    assert "Permission refused" in effort.text


def test_a_link_does_not_open_a_protected_path(stand: Stand) -> None:
    (stand.workspace / "ci").mkdir()
    (stand.workspace / "harmless").symlink_to("ci")
    (stand.workspace / "away").symlink_to(stand.tmp_path)
    assert asked(stand, "edit", "harmless/build.yml", protected=("ci/**",)).permissions_refused == 1
    assert asked(stand, "edit", "away/file.txt", attempt=2).permissions_refused == 1


def test_a_command_may_run(stand: Stand) -> None:
    ask = {"do": "ask", "title": "make", "kind": "execute", "argv": ["make"]}
    effort = stand.play(ask, {"do": "edit", "path": "a", "text": "x", "if_allowed": True})
    assert (effort.permissions_refused, stand.text("a")) == (0, "x")


def test_the_agent_sees_only_what_it_was_given(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-real-key")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    stand.env = {"MODEL_URL": "http://127.0.0.1:1"}
    code = "import os, json; json.dump(dict(os.environ), open('env.json', 'w'))"
    stand.play({"do": "run", "argv": ["python", "-I", "-c", code]})
    env = json.loads(stand.text("env.json"))
    assert set(env) - {"LC_CTYPE"} == {"PATH", "LANG", "HOME", "KEELWAY_RUN", "MODEL_URL"}
    assert env["HOME"] != os.environ["HOME"]
    assert not Path(env["HOME"]).exists(), "the private home goes with the run"


def test_a_module_in_the_workspace_does_not_stand_in_for_ours(stand: Stand) -> None:
    for name in ("acp", "keelway", "asyncio"):
        (stand.workspace / f"{name}.py").write_text("raise SystemExit('taken over')")
    assert stand.play({"do": "no_change"}).stop is Stop.COMPLETED


def test_secret_values_are_masked_wherever_they_turn_up(stand: Stand) -> None:
    secret = 'sk-"quoted"-ключ-1234567890'
    stand.redact = (secret, "sk-")
    effort = stand.agent(
        {"do": "think", "text": f"the key is {secret}"},
        *({"do": "say", "text": letter} for letter in f"in pieces: {secret}!"),
        {"do": "edit", "path": "key.txt", "text": secret},
        {"do": "run", "argv": ["cat", "key.txt"]},
        {"do": "fail", "message": f"bad key {secret}", "data": {secret: [secret]}},
    ).work(stand.order(prompt=f"Use {secret}."))
    assert "[redacted]" in effort.detail
    written = (
        Path(effort.transcript).read_text() + Path(effort.transcript).with_name("stderr.log").read_text()
    )
    for line in written.splitlines():
        assert "1234567890" not in json.dumps(json.loads(line), ensure_ascii=False)
    assert "1234567890" not in repr(effort)
    assert "1234567890" not in repr(stand.agent())
    assert any(event.get("text") == "in pieces: [redacted]!" for event in events(effort))
    assert stat.S_IMODE(Path(effort.transcript).stat().st_mode) == 0o600


def test_complaints_are_kept_bounded_and_masked(stand: Stand) -> None:
    stand.redact = ("hush-hush",)
    code = "import sys; sys.stderr.write('x' * 1_000_000 + ' hush-hush'); sys.exit(1)"
    effort = stand.program(code).work(stand.order())
    kept = Path(effort.transcript).with_name("stderr.log").read_text()
    assert len(kept) < 250_000
    assert kept.endswith("[redacted]")
    assert "hush-hush" not in effort.detail


def test_words_that_no_store_accepts_are_made_plain(stand: Stand) -> None:
    effort = stand.play(
        {"do": "edit", "path": "a\0b", "text": "x"},
        {"do": "edit", "path": "half.txt", "text": "\ud800"},
        {"do": "say", "text": "one\0two\ud800"},
    )
    assert (effort.stop, effort.text) == (Stop.COMPLETED, "onetwo?")


def test_what_belongs_to_newer_agents_is_tolerated(stand: Stand) -> None:
    """Banners, unknown updates, unknown fields and calls that we do not offer end no run."""
    code = (Path(__file__).parent / "odd_agent.py").read_text()
    effort = stand.program(code).work(stand.order())
    assert (effort.stop, effort.text) == (Stop.COMPLETED, "refused with -32601"), effort
    assert effort.agent == "odd"
    assert (effort.usage.input_tokens, effort.usage.output_tokens) == (6300, 250)
    assert effort.tool_calls == 1
    # It announced an edit and asked for permission without naming the kind again.
    assert effort.permissions_refused == 1


def test_the_generic_adapter_reads_the_version(stand: Stand) -> None:
    replay = stand.agent()
    agent = AcpAgent(Launch("mine", replay._driver._launch.argv, str(stand.runs)))
    assert (agent.probe().name, agent.probe().version) == ("mine", "1")


def _is_answer(event: dict[str, Any]) -> bool:
    result = event.get("message", {}).get("result")
    return event["event"] == "out" and isinstance(result, dict) and "outcome" in result
