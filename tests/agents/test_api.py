"""Keelway's own agent on Pydantic AI: with nothing but a key, behind the real sandbox and the real gateway."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.agents.model_server import (
    Answer,
    Finish,
    ModelServer,
    Run,
    Script,
    Turn,
    Write,
    calc_play,
    calc_workspace,
    hang,
)

from keelway.app.agents.fence import fence_of
from keelway.app.agents.make import from_profile, launch_of
from keelway.app.agents.profile import load_profile
from keelway.app.sections import AgentSection, SandboxSection
from keelway.clients.gateway.gateway import Gateway
from keelway.clients.gateway.values import ANY_MODEL, Allowance, Entry, GatewayLimits, Price, Provider
from keelway.core.errors import YourFault
from keelway.core.model.plan import parse_plan
from keelway.core.review.review import parse_review
from keelway.ports.agent import Agent, AgentLimits, Assignment, Effort, Stop

MODEL, TASK = "scripted-1", "T-8"
PLAN = {"title": "Mend add", "approach": "Turn the sign.", "kind": "fix", "modify": ["calc.py"]}
WORKS = Script((Turn("I work.", (Write("new.txt", "x"),)), Turn("Done.", (Finish(),))))

pytestmark = pytest.mark.timeout(600)
real = pytest.mark.agents


@dataclass
class Rig:
    agent: Agent
    server: ModelServer
    folder: Path
    workspace: Path
    entries: list[Entry] = field(default_factory=list)

    def work(self, role: str = "dev", *, protected: tuple[str, ...] = (), **limits: Any) -> Effort:
        bounds = AgentLimits(**({"wall_seconds": 300.0, "silence_seconds": 200.0} | limits))
        prompt = f"Task: {TASK}\nRole: {role}\nAttempt: 1\n\nMend calc.py so that add adds."
        writes = role not in {"plan", "review"}
        return self.agent.work(
            Assignment(TASK, role, 1, str(self.workspace), prompt, bounds, writes, protected)
        )


Stand = Callable[..., Rig]


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    """Return what sets the agent up, for a provider that speaks what it is told to."""
    with ExitStack() as stack:

        def build(*scripts: Script, api: str = "openai-chat", key: str = "", output_usd: float = 1.0) -> Rig:
            server = stack.enter_context(ModelServer(scripts))
            entries: list[Entry] = []
            url = server.openai_url if api.startswith("openai") else server.url
            prices = {ANY_MODEL: Price(0.0, output_usd)}
            provider = Provider("scripted", api, url, key=lambda: key or server.key, prices=prices)
            sandbox = SandboxSection()
            gateway = Gateway(
                [provider],
                tmp_path / "gateway",
                book=entries.append,
                allowance=lambda _task: Allowance(),
                limits=GatewayLimits(silence_seconds_max=4.0),
                uid=sandbox_uid(sandbox),
            )
            stack.callback(gateway.stop)
            try:
                fence = fence_of(sandbox, gateway)
            except YourFault as fault:
                pytest.skip(fault.message)
            section = AgentSection(use="api", provider="scripted", model=MODEL)
            agent = from_profile(load_profile("api"), section, str(tmp_path / "runs"), fence)
            return Rig(agent, server, tmp_path, calc_workspace(tmp_path / "workspace"), entries)

        yield build


def sandbox_uid(sandbox: SandboxSection) -> int:
    from keelway.app.doctor.sandbox import uid_of

    return uid_of(sandbox) or -1


@pytest.mark.slow
def test_a_key_is_all_it_needs_to_complete_a_task(stand: Stand) -> None:
    completes(stand(calc_play()), "openai-chat")


@real
@pytest.mark.parametrize(
    ("api", "dialect"),
    [("openai", "openai-chat"), ("openai-responses", "openai-responses"), ("anthropic", "anthropic")],
)
def test_a_task_is_completed_at_whatever_provider(api: str, dialect: str, stand: Stand) -> None:
    completes(stand(calc_play(), api=api), dialect)


def completes(rig: Rig, dialect: str) -> None:
    effort = rig.work()
    assert effort.stop is Stop.COMPLETED, effort
    assert "return a + b" in (rig.workspace / "calc.py").read_text()
    assert "`add` adds" in (rig.workspace / "CHANGES.md").read_text()
    assert "all is well" in rig.server.played[-1].results[-1]
    assert {seen.dialect for seen in rig.server.played} == {dialect}
    assert {seen.key for seen in rig.server.played} == {rig.server.key}
    assert effort.metered is not None
    assert (effort.metered.input_tokens, effort.metered.output_tokens) == (5000, 250)
    assert (effort.usage.input_tokens, effort.usage.output_tokens) == (5000, 250)
    assert {entry.agent for entry in rig.entries} == {"api"}
    assert effort.agent.startswith("keelway-api 2.")
    assert living(rig) == []


@real
def test_a_plan_is_given_back_until_it_fits(stand: Stand) -> None:
    wrong = {**PLAN, "modify": ["/etc/passwd"]}
    rig = stand(Script((Turn("So.", (Answer(wrong),)), Turn("Or so.", (Answer(PLAN),)))))
    effort = rig.work("plan")
    assert effort.stop is Stop.COMPLETED, effort
    assert parse_plan(effort.text).modify == ("calc.py",)
    assert len(rig.server.played) == 2


@real
def test_a_review_is_typed(stand: Stand) -> None:
    review = {"verdict": "comment", "summary": "It adds.", "comments": []}
    rig = stand(Script((Turn("So.", (Answer(review),)),)), api="anthropic")
    effort = rig.work("review")
    assert effort.stop is Stop.COMPLETED, effort
    assert parse_review(effort.text).summary == "It adds."


@real
def test_a_rejected_write_never_lands(stand: Stand) -> None:
    rig = stand(WORKS)
    effort = rig.work(protected=("new.txt",))
    assert (effort.stop, effort.permissions_refused) == (Stop.COMPLETED, 1), effort
    assert not (rig.workspace / "new.txt").exists()


@real
def test_cancel_leaves_no_process(stand: Stand) -> None:
    rig = stand(Script((Turn("I wait.", (Run("setsid sleep 4714 & sleep 4714"),)),)))
    efforts: list[Effort] = []
    thread = threading.Thread(target=lambda: efforts.append(rig.work(grace_seconds=1.0)))
    thread.start()
    deadline = time.monotonic() + 200
    while not lines_of("sleep 4714") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert rig.agent.cancel(TASK) is True
    thread.join(60)
    assert [effort.stop for effort in efforts] == [Stop.CANCELLED]
    assert (lines_of("sleep 4714"), living(rig)) == ([], [])


@real
def test_a_silent_model_is_given_up(stand: Stand) -> None:
    rig = stand(Script((Turn("...", (Finish(),), trouble=hang(pieces=1)),)))
    assert rig.work().stop is Stop.LIMIT_SILENCE


@real
def test_a_wrong_key_is_told_at_once(stand: Stand) -> None:
    assert stand(WORKS, key="wrong").work().stop is Stop.AUTH_ERROR


@real
def test_a_budget_is_cut_in_the_middle(stand: Stand) -> None:
    dear = Script(tuple(Turn("I go on.", (Run(f"echo {number} >> log.txt"),)) for number in range(30)))
    rig = stand(dear, output_usd=10_000.0)
    effort = rig.work(cost_usd_max=3.5)
    assert effort.stop is Stop.LIMIT_COST, effort
    assert effort.metered is not None
    assert 0 < effort.metered.cost_usd <= 3.5
    assert (rig.workspace / "log.txt").exists()
    assert len(rig.server.played) < 30


def test_a_provider_that_speaks_otherwise_is_told(stand: Stand) -> None:
    effort = stand(WORKS, api="gemini").work()
    assert effort.stop is Stop.NOT_STARTED
    assert (
        "api speaks openai-chat or anthropic or openai-responses, the provider scripted gemini"
        in effort.detail
    )


def test_what_is_missing_is_named_with_the_extra_that_brings_it(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    with pytest.raises(YourFault) as fault:
        launch_of(
            load_profile("api"),
            AgentSection(use="api", provider="p", model="m"),
            str(tmp_path),
            fence_of(SandboxSection(use="none")),
        )
    assert fault.value.hint == 'pip install "keelway[api]"'


def living(rig: Rig) -> list[str]:
    return lines_of(str(rig.folder))


def lines_of(word: str) -> list[str]:
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or ())
        if word in line and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(line)
    return found
