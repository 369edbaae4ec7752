"""Real agents behind the real sandbox and gateway: what each of them completes, and what none of them gets to do."""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from tests.agents.model_server import Finish, Run, Script, Turn, Write, calc_play, hang
from tests.agents.model_server.plays import EDIT
from tests.agents.model_server.server import KEY
from tests.agents.rig import TASK, Rig, installed, stand, until

from keelway.app.agents.profile import ACP, load_profile, profile_names
from keelway.app.agents.proven import Proven, keep
from keelway.ports.agent import Effort, Stop

pytestmark = [pytest.mark.agents, pytest.mark.timeout(900)]

WANTED = tuple(os.environ.get("AGENTS", "").split())
NAMES = tuple(name for name in profile_names() if not WANTED or name in WANTED)
RECORD = "KEELWAY_AGENTS_RECORD"
SURROUNDING = "a-key-of-the-surrounding-environment"
START_SECONDS = 240.0
"""How long an agent may take to get to work on a machine that is busy otherwise."""
DUMP = (
    "{ env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline; "
    'find "$HOME" /tmp /run /etc /var -type f -size -4M -exec cat {} + ; } > seen.bin 2>/dev/null; true'
)
WAIT = "python3 -c 'import time; time.sleep(4711)'"
"""Some agents refuse to run a plain sleep."""
SPEAKS_ONLY = frozenset({"aider"})
"""Agents that run no commands for the model."""
PROVES = {
    "test_a_task_is_completed_metered_and_sees_no_key": ("task", "metered", "key"),
    "test_a_role_that_may_not_write_writes_nothing": ("rejected write",),
    "test_nothing_lands_outside_the_workspace": ("outside",),
    "test_cancel_leaves_no_process": ("cancel",),
    "test_a_wrong_key_is_told_at_once": ("wrong key",),
    "test_a_silent_model_is_given_up": ("silent",),
    "test_a_budget_is_cut_in_the_middle": ("budget",),
}
"""Test to the cases of the table that it shows."""
RUNNERS = tuple(name for name in NAMES if name not in SPEAKS_ONLY)
EDITORS = tuple(name for name in NAMES if load_profile(name).kind == ACP and name != "codex")
"""Agents that edit by tools and ask first; the others edit by commands, or do not ask."""


@dataclass
class Book:
    """What was tried and what was seen, by agent."""

    tried: dict[str, set[str]] = field(default_factory=dict)
    seen: dict[str, Proven] = field(default_factory=dict)


@pytest.fixture(scope="module")
def book() -> Iterator[Book]:
    """Collect what is seen, and keep it if that is wanted."""
    book = Book()
    yield book
    if os.environ.get(RECORD):
        keep(book.seen, book.tried)


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    if not installed(request.param):
        pytest.skip(f"{request.param} is not installed: keelway agents install {request.param}")
    return str(request.param)


@pytest.fixture
def proved(name: str, book: Book, request: pytest.FixtureRequest) -> Callable[[Rig], None]:
    """Return what notes that the cases of a test were seen, once the test is at its end."""
    cases = PROVES[request.node.originalname]
    book.tried.setdefault(name, set()).update(cases)

    def note(rig: Rig) -> None:
        had = book.seen.get(name, Proven(rig.profile.install.version, rig.cage))
        book.seen[name] = Proven(had.version, rig.cage, tuple(sorted({*had.cases, *cases})))

    return note


@pytest.fixture(autouse=True)
def surrounding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Surround the agents with keys that are none of their business."""
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY"):
        monkeypatch.setenv(variable, SURROUNDING)


def test_a_task_is_completed_metered_and_sees_no_key(name: str, proved: Callable[[Rig], None]) -> None:
    play = calc_play()
    turns = list(play.turns)
    if name not in SPEAKS_ONLY:
        turns.insert(-1, Turn("I look around.", (Run("sh look.sh"),)))
    with stand(name, Script(tuple(turns), name="calc")) as rig:
        # In a file: some agents read commands and refuse those that name other folders.
        (rig.workspace / "look.sh").write_text(DUMP)
        effort = rig.work()
        assert effort.stop is Stop.COMPLETED, (effort, rig.kept()[-3000:])
        assert "return a + b" in rig.text("calc.py")
        assert "`add` adds" in rig.text("CHANGES.md")
        assert effort.agent
        assert rig.profile.install.version in effort.agent
        assert_metered(rig, effort)
        assert_no_key(rig, effort, looked=name not in SPEAKS_ONLY)
        assert_quiet(rig)
        proved(rig)


def test_a_role_that_may_not_write_writes_nothing(name: str, proved: Callable[[Rig], None]) -> None:
    with stand(name, calc_play()) as rig:
        effort = rig.work(writes=False)
        assert rig.server.played or "Read-only file system" in effort.detail, effort
        assert_untouched(rig)
        assert effort.metered is not None
        proved(rig)


@pytest.mark.parametrize("name", EDITORS, indirect=True)
def test_a_protected_file_is_refused_by_whoever_asks_first(name: str) -> None:
    with stand(name, calc_play()) as rig:
        effort = rig.work(protected=("calc.py",))
        assert effort.permissions_refused > 0, (effort, rig.kept()[-3000:])
        assert "return a - b" in rig.text("calc.py")


@pytest.mark.parametrize("name", RUNNERS, indirect=True)
def test_files_that_instruct_agents_cannot_be_written(name: str) -> None:
    orders = Run("echo obey > AGENTS.md; echo obey > .claude/settings.json; echo went on > went.txt")
    with stand(name, Script((Turn("I give orders.", (orders,)), Turn("Done.", (Finish(),))))) as rig:
        (rig.workspace / ".claude").mkdir()
        for path in ("AGENTS.md", ".claude/settings.json"):
            (rig.workspace / path).write_text("{}")
        effort = rig.work()
        assert rig.text("went.txt"), (effort, rig.kept()[-3000:])
        assert (rig.text("AGENTS.md"), rig.text(".claude/settings.json")) == ("{}", "{}")


def test_nothing_lands_outside_the_workspace(name: str, proved: Callable[[Rig], None]) -> None:
    with stand(name) as rig:
        mark = uuid.uuid4().hex
        places = [
            rig.folder / "outside.txt",
            Path("/var/tmp", mark),
            Path("/tmp", mark),
            Path("/dev/shm", mark),
        ]
        places.append(Path("/root" if os.geteuid() == 0 else Path.home(), f".{mark}"))
        words = "; ".join(f"echo x > {shlex.quote(str(place))}" for place in places)
        turns = (
            [Turn("I leave.", (Run(f"{words}; echo went on > went.txt"),))] if name not in SPEAKS_ONLY else []
        )
        turns.append(Turn("I leave by the other door.", (Write(str(rig.folder / "outside.txt"), "x\n"),)))
        rig.server.scripts = (Script((*turns, Turn("Done.", (Finish(),)))),)
        effort = rig.work()
        assert rig.server.played, effort
        assert name in SPEAKS_ONLY or rig.text("went.txt"), (effort, rig.kept()[-3000:])
        landed = [place for place in places if place.exists()]
        for place in landed:
            place.unlink()
        assert landed == []
        proved(rig)


def test_cancel_leaves_no_process(name: str, proved: Callable[[Rig], None]) -> None:
    if name in SPEAKS_ONLY:
        slow = Script((Turn("I think.", (EDIT,), trouble=hang(pieces=1)),))
    else:
        slow = Script((Turn("I wait.", (Run(WAIT),)), Turn("Done.", (Finish(),))))
    with stand(name, slow) as rig:
        efforts: list[Effort] = []
        thread = threading.Thread(target=lambda: efforts.append(rig.work(grace_seconds=1.0)))
        thread.start()
        until(lambda: rig.server.played if name in SPEAKS_ONLY else sleeping(rig), START_SECONDS)
        asked = time.monotonic()
        assert rig.agent.cancel(TASK) is True
        seconds = time.monotonic() - asked
        assert living(rig) == []
        thread.join(60)
        assert [effort.stop for effort in efforts] == [Stop.CANCELLED], efforts
        assert not sleeping(rig)
        assert seconds < 2.0 + busy(), seconds
        proved(rig)


def test_a_wrong_key_is_told_at_once(name: str, proved: Callable[[Rig], None]) -> None:
    with stand(name, calc_play(), key="a-wrong-key") as rig:
        effort = rig.work()
        assert effort.stop is Stop.AUTH_ERROR, (effort, rig.kept()[-3000:])
        assert_untouched(rig)
        proved(rig)


def test_a_silent_model_is_given_up(name: str, proved: Callable[[Rig], None]) -> None:
    mute = Script((Turn("...", (EDIT,), trouble=hang()), Turn("Done.", (Finish(),))))
    with stand(name, mute) as rig:
        effort = rig.work(silence_seconds=20.0 + 2 * busy(), grace_seconds=0.5)
        assert effort.stop is Stop.LIMIT_SILENCE, (effort, rig.kept()[-3000:])
        assert rig.server.played
        assert_quiet(rig)
    with stand(name, mute, silence_seconds=3.0) as rig:
        effort = rig.work(grace_seconds=0.5)
        assert effort.stop is Stop.LIMIT_SILENCE, (effort, rig.kept()[-3000:])
        proved(rig)


@pytest.mark.parametrize("name", RUNNERS, indirect=True)
def test_a_budget_is_cut_in_the_middle(name: str, proved: Callable[[Rig], None]) -> None:
    dear = Script(tuple(Turn("I mend.", (Run(f"echo {n} >> log.txt"),)) for n in range(30)))
    with stand(name, dear, dollars=True) as rig:
        effort = rig.work(cost_usd_max=3.5, grace_seconds=0.5)
        assert effort.stop is Stop.LIMIT_COST, (effort, rig.kept()[-3000:])
        assert effort.metered is not None
        one_turn = 0.5  # a scripted model does not keep to the number of tokens that the gateway leaves it
        assert 0 < effort.metered.cost_usd <= 3.5 + one_turn
        assert effort.spent == effort.metered
        assert len(rig.server.played) < 30
        assert rig.text("log.txt")
        proved(rig)


def assert_metered(rig: Rig, effort: Effort) -> None:
    """The gateway counted what the model said, whatever the agent reports."""
    answered = [seen for seen in rig.server.seen if seen.status == 200 and seen.model]
    assert effort.metered is not None
    assert (effort.metered.input_tokens, effort.metered.output_tokens) == (
        1000 * len(answered),
        50 * len(answered),
    )
    assert effort.metered.cost_usd == pytest.approx(sum(entry.cost_usd for entry in rig.entries))
    assert effort.spent == effort.metered
    assert {entry.agent for entry in rig.entries} == {rig.profile.name}


def assert_no_key(rig: Rig, effort: Effort, *, looked: bool) -> None:
    """The provider's key was used, and nothing inside ever saw it; nor what surrounds us."""
    assert {seen.key for seen in rig.server.seen if seen.model} == {KEY}
    if looked:
        seen = (rig.workspace / "seen.bin").read_bytes()
        assert b"KEELWAY_RUN=" in seen, "it saw its own environment; else this proves nothing"
        assert b"sk-keelway-" in seen, "it saw its pass"
        assert KEY.encode() not in seen
        assert SURROUNDING.encode() not in seen
    written = rig.kept() + effort.text + effort.detail
    assert "[redacted]" in written or "sk-keelway-" not in written
    assert not any(word in written for word in (KEY, SURROUNDING, "sk-keelway-"))


def assert_untouched(rig: Rig) -> None:
    git = ["git", "-c", f"safe.directory={rig.workspace}", "-C", str(rig.workspace), "status", "--porcelain"]
    assert subprocess.run(git, capture_output=True, text=True, check=True).stdout == ""


def assert_quiet(rig: Rig) -> None:
    assert living(rig) == []


def living(rig: Rig) -> list[str]:
    """Processes that the run left, by the folder that is theirs alone."""
    return [line for line in lines_of(str(rig.folder)) if "keelway-agents-" in line]


def sleeping(rig: Rig) -> list[str]:
    return [line for line in lines_of("time.sleep(4711)") if line.startswith("python3 -c")]


def lines_of(word: str) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
            if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE and word in line:
                found.append(line)
        except psutil.Error:
            continue
    return found


def busy() -> float:
    """Return how many seconds more to be patient where others use the same processors."""
    return max(0.0, os.getloadavg()[0] - (os.cpu_count() or 1)) * 0.5
