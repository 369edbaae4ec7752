"""Hand patches to the real judge: real git, real test runs in clean checkouts, every layer, one verdict.

``Bench`` takes the files of a base, a project and a policy; ``Bench.judge`` takes the edits of a patch and a
plan, and returns what the quality gate said, by layer. Nothing is faked but the clock of the engine.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.conformance.git_rig import git

from keelway.adapters.ci.local import LocalCi
from keelway.adapters.forge.local import LocalForge
from keelway.adapters.sandbox.private_clone import PrivateClone
from keelway.core.codec import from_json, to_json
from keelway.core.gate.quality import QualityFacts, judge_quality
from keelway.core.model.plan import Kind, Plan
from keelway.core.model.project import Branches, Project
from keelway.core.model.verdict import Finding, Ruling, Verdict
from keelway.core.policy import Policy
from keelway.core.rule.guardrail import judge_diff
from keelway.engine.memory import MemoryEngine
from keelway.ports.ci import CheckJob, CheckReport, Ci
from keelway.ports.engine import Queue
from keelway.routines.context import Context, Doors, Scene
from keelway.routines.evidence import BaseRun, base_of, examine
from keelway.store.database import open_database, upgrade
from keelway.store.ledger import SqlLedger
from keelway.testing.fakes.agent import FakeAgent
from keelway.testing.fakes.backup import FakeBackup
from keelway.testing.fakes.channel import FakeNotifier
from keelway.testing.fakes.hook import FakeHooks
from keelway.testing.fakes.index import FakeIndex
from keelway.testing.fakes.probe import FakeProbe
from keelway.testing.fakes.pulls import FakePullBook
from keelway.testing.fakes.scanner import FakeScanners
from keelway.testing.fakes.signal import FakeSignal
from keelway.testing.fakes.target import FakeTarget

Edits = Mapping[str, str | None]
"""New text by path; None removes the file."""

LAYERS = (
    "own run",
    "paths",
    "added lines",
    "source",
    "replay",
    "canary",
    "new tests",
    "coverage",
    "black box",
)
"""From the naive gate, which believes the exit code and the report of the patch's own run, to the last one."""

_ADDED = ("secret", "hidden_character", "suppression_added", "line_too_long", "mixed_scripts", "text_unread")
_PREFIXES = (
    ("check", "own run"),
    ("setup", "own run"),
    ("tamper", "source"),
    ("source", "source"),
    ("runner_settings", "source"),
    ("tests_", "replay"),
    ("flaky", "replay"),
    ("replay", "replay"),
    ("canary", "canary"),
    ("new_tests", "new tests"),
    ("coverage", "coverage"),
    ("black_box", "black box"),
)


def layer_of(code: str) -> str:
    """Return the layer that a finding comes from."""
    if code in _ADDED:
        return "added lines"
    return next((layer for prefix, layer in _PREFIXES if code.startswith(prefix)), "paths")


@dataclass(frozen=True)
class Judged:
    """Hold what the judge said about one patch."""

    verdict: Verdict
    naive: bool
    """Whether the exit codes of the patch's own run are all that a gate would need."""

    @property
    def accepted(self) -> bool:
        """Tell whether the patch would leave development."""
        return self.verdict.passed

    @property
    def codes(self) -> frozenset[str]:
        """Return the codes of everything that keeps the gate shut."""
        return frozenset(reason.code for reason in self.verdict.reasons)

    @property
    def layers(self) -> frozenset[str]:
        """Return the layers that say no, each of which would have been enough."""
        said = {layer_of(code) for code in self.codes} - {"own run"}
        return frozenset(said if self.naive else {*said, "own run"})


class _Listening:
    """Ask the real CI, and remember whether the patch's own run would have satisfied a naive gate."""

    def __init__(self, ci: Ci, *, thorough: bool) -> None:
        self._ci, self._thorough = ci, thorough
        self.naive = True

    def check(self, job: CheckJob) -> CheckReport:
        report = self._ci.check(job)
        if job.purpose != "head":
            return report
        self.naive = bool(report.commands) and all(one.exit_code == 0 for one in report.commands)
        if not self._thorough:
            return report
        green = tuple(replace(one, exit_code=0, examined=max(1, one.examined)) for one in report.commands)
        return replace(report, commands=green)

    def check_all(self, jobs: tuple[CheckJob, ...]) -> tuple[CheckReport, ...]:
        return self._ci.check_all(jobs)

    def end(self, task: str) -> bool:
        return self._ci.end(task)


@dataclass
class Bench:
    """Judge patches of one base."""

    root: Path
    files: Mapping[str, str]
    project: Project
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        origin = self.root / "origin"
        origin.mkdir(parents=True)
        git(origin, "init", "-q", "-b", "main")
        _write(origin, self.files)
        git(origin, "add", "-A")
        git(origin, "commit", "-q", "-m", "base")
        bare = str(self.root / "bare.git")
        self.forge = LocalForge(bare, str(origin), Branches(), FakePullBook())
        self.base_sha = self.forge.head("main")
        self.rooms = PrivateClone(bare, str(self.root / "rooms"))
        self.ci = LocalCi(self.project, bare, str(self.root / "ci"))
        database = open_database(f"sqlite:///{self.root / 'book.sqlite'}")
        upgrade(database)
        self.database = database
        self.ledger = SqlLedger(database, self.root)
        self._count = 0

    def close(self) -> None:
        """Let go of files."""
        self.database.dispose()
        shutil.rmtree(self.root, ignore_errors=True)

    def judge(self, edits: Edits, plan: Plan | None = None, *, thorough: bool = False) -> Judged:
        """Judge a patch on the base, as the development stage does.

        Args:
            edits: the patch.
            plan: what was agreed; without one every file of the patch is planned.
            thorough: let every layer speak, also those that a refused patch does not reach.
        """
        self._count += 1
        name = f"T-{self._count}"
        ci = _Listening(self.ci, thorough=thorough)
        engine = MemoryEngine()

        async def story(conductor: Any, payload: Any) -> Any:
            return await conductor.call("dev", "judge", "judge", payload)

        def stage(engine_of_stage: Any, payload: Any) -> Any:
            scene = Scene(payload, "development", 1, has_task=False)
            ctx = Context(engine_of_stage, self._doors(ci), self.project, self.policy, scene)
            return to_json(self._look(ctx, name, edits, plan, thorough=thorough))

        engine.launch({"case": story}, {"judge": stage}, (Queue("dev"),))
        engine.start("case", name, name)
        engine.run_until_idle()
        status, why = engine.status(name), engine.failure(name)
        plain = engine.result(name)
        engine.close()
        assert status == "done", why
        return Judged(from_json(Verdict, plain), ci.naive)

    def _look(self, ctx: Context, name: str, edits: Edits, plan: Plan | None, *, thorough: bool) -> Verdict:
        room = self.rooms.open(name, self.base_sha, f"feature/{name}")
        _write(Path(room.path), edits)
        collected = self.rooms.collect(room, self.base_sha, name, f"feature/{name}")
        self.rooms.close(name)
        diff = self.forge.diff(self.base_sha, collected.head_sha)
        agreed = plan or planned(edits, self.files)
        guardrail = judge_diff(diff, agreed, self.policy.guardrail)
        refused = not thorough and any(finding.ruling is Ruling.FAIL for finding in guardrail)
        base: BaseRun = base_of(ctx, self.base_sha)
        seen = examine(ctx, 1, base, diff, agreed, refused=refused)
        return judge_quality(
            QualityFacts(
                checks=seen.checks,
                expected_checks=tuple(
                    check.name for check in self.project.checks if not seen.early or check.related
                ),
                guardrail=guardrail,
                evidence=seen.evidence,
                owned_approved=True,
                iterations=1,
                diff_files=len(diff.files),
            ),
            self.policy,
        )

    def _doors(self, ci: Ci) -> Doors:
        return Doors(
            agent=FakeAgent({}, lambda _: {}),
            sandbox=self.rooms,
            forge=self.forge,
            ci=ci,
            target=FakeTarget(self.project),
            backup=FakeBackup({}),
            probe=FakeProbe(),
            signal=FakeSignal(),
            notifier=FakeNotifier(),
            ledger=self.ledger,
            index=FakeIndex(),
            scanner=FakeScanners(),
            hook=FakeHooks(),
        )


def planned(edits: Edits, base: Mapping[str, str], **more: Any) -> Plan:
    """Return a plan that allows exactly the files of a patch, so that scope alone stops nobody."""
    fields: dict[str, Any] = {
        "kind": Kind.FEATURE,
        "create": tuple(
            sorted(path for path, text in edits.items() if text is not None and path not in base)
        ),
        "modify": tuple(sorted(path for path, text in edits.items() if text is not None and path in base)),
        "delete": tuple(sorted(path for path, text in edits.items() if text is None)),
    }
    return Plan("A change", "As asked.", **{**fields, **more})


def table(judged: Mapping[str, Judged]) -> str:
    """Return how many of the patches each layer refuses alone, and how many are left when it joins those before."""
    total, rows, left = len(judged), [], set(judged)
    for layer in LAYERS:
        alone = [name for name, one in judged.items() if layer in one.layers]
        left -= set(alone)
        rows.append(f"| {layer} | {len(alone)} | {len(left)} |")
    head = f"| layer | refuses alone, of {total} | accepted with all layers down to here |"
    return "\n".join([head, "|---|---|---|", *rows])


def reasons(judged: Judged) -> tuple[Finding, ...]:
    """Return what keeps the gate shut, for messages of failing tests."""
    return judged.verdict.reasons


def _write(folder: Path, edits: Edits) -> None:
    for name, text in edits.items():
        path = folder / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
