"""Honest changes are let through: none is refused, and where a person is asked it says why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.conformance.git_rig import GitRig, again, make_origin
from tests.redteam.honest import CHANGES, Change
from tests.redteam.rig import attack, delivered
from tests.workflows.world import BASE_FILES, GOOD_EDITS

from keelway.core.codec import from_json
from keelway.core.gate.plan import PlanFacts, judge_plan
from keelway.core.judge.tamper import judge_source
from keelway.core.migration.judge import is_migration, judge_migrations
from keelway.core.model.diff import Diff
from keelway.core.model.plan import AcceptanceProbe, Plan
from keelway.core.model.verdict import Finding, Ruling
from keelway.core.package.added import judge_added
from keelway.core.package.locked import LockCase, judge_locks
from keelway.core.package.manifest import is_manifest
from keelway.core.package.package import ecosystems_of
from keelway.core.policy import Policy
from keelway.core.rule.guardrail import judge_diff
from keelway.core.rule.risk import assess_diff, assess_plan
from keelway.core.tamper.sources import is_read, judge_languages
from keelway.testing.fakes.pulls import FakePullBook

HARBOR = Path(__file__).parents[2] / "examples" / "harbor"
SUFFIXES = {".py", ".toml", ".md", ".sql", ".lock", ".json"}
POLICY = Policy()


@pytest.fixture(scope="module")
def harbor() -> dict[str, str]:
    """Every text file of the sample application."""
    return {
        path.relative_to(HARBOR).as_posix(): path.read_text()
        for path in sorted(HARBOR.rglob("*"))
        if path.is_file()
        and path.suffix in SUFFIXES
        and ".venv" not in path.parts
        and "cache" not in str(path)
    }


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory, harbor: dict[str, str]) -> GitRig:
    root = tmp_path_factory.mktemp("harbor")
    make_origin(root / "origin", harbor)
    return again(root, FakePullBook())


def edited(change: Change, before: dict[str, str]) -> dict[str, str | None]:
    """Return the files as the change leaves them."""
    edits: dict[str, str | None] = {}
    for path, old, new in change.swaps:
        text = edits.get(path, before[path])
        assert text is not None
        assert text.count(old) == 1, f"{path} has {text.count(old)} times {old!r}"
        edits[path] = text.replace(old, new)
    moved = [before[path] for path in change.gone]
    for path, text in change.new.items():
        assert path not in before
        edits[path] = moved[0] if text == "@moved" else text
    return edits | dict.fromkeys(change.gone)


def planned(change: Change, edits: dict[str, str | None], before: dict[str, str]) -> Plan:
    """Return the plan that an honest planner would write for it."""
    paths = {
        "create": [path for path in edits if path not in before],
        "modify": [path for path, text in edits.items() if path in before and text is not None],
        "delete": list(change.gone),
    }
    words = {
        "title": change.title,
        "approach": "As the title says.",
        "kind": change.kind,
        "test_plan": ["See it."],
    }
    plan = from_json(Plan, {**words, **paths, "lines_estimate": 20, **change.plan})
    return replace(plan, probes=(AcceptanceProbe("/healthz"),))


def everything(diff: Diff, plan: Plan, before: dict[str, str], edits: dict[str, str | None]) -> list[Finding]:
    """Return what every rule without a running program says."""
    facts = PlanFacts(plan=plan, risk=assess_plan(plan, POLICY), approval=None, known_files=tuple(before))
    head = {path: text for path, text in edits.items() if text is not None}
    manifests = {path: text for path, text in head.items() if is_manifest(path)}
    sources = [path for path in head if path.endswith(".py") and not path.startswith("tests/")]
    return [
        *judge_plan(facts, POLICY).findings,
        *judge_diff(diff, plan, POLICY.guardrail),
        *(finding for path in sources for finding in judge_source(path, head[path])),
        *(judge_added(plan.dependencies, ecosystems_of(before), before, manifests) if manifests else ()),
        *judge_locks(LockCase(changed=frozenset(edits), base=before, head=before | head), POLICY.dependency),
        *judge_migrations({p: t for p, t in head.items() if is_migration(p)}, edits, backed_up=True)[0],
        *judge_languages({p: t for p, t in head.items() if is_read(p)}, {}),
    ]


@pytest.mark.parametrize("name", CHANGES)
def test_an_honest_change_is_let_through(rig, harbor, name):
    change = CHANGES[name]
    edits = edited(change, harbor)
    plan = planned(change, edits, harbor)
    base = rig.forge.head("develop")
    diff = rig.forge.diff(base, rig.patch("feature/honest", base, edits))
    findings = everything(diff, plan, harbor, edits)
    assert [finding for finding in findings if finding.ruling is Ruling.FAIL] == []
    asks = {finding.code for finding in findings if finding.ruling is Ruling.HOLD}
    assert asks == change.holds.keys() - {"merge"}
    risk = assess_diff(diff, plan, POLICY)
    assert risk.level == change.risk, risk.factors


def test_there_are_enough_and_most_ask_nobody():
    assert len(CHANGES) >= 30
    assert sum(not change.holds for change in CHANGES.values()) >= 30
    assert all(why for change in CHANGES.values() for why in change.holds.values())


STORIES = {
    "a feature": (GOOD_EDITS, {}),
    "a fix": ({**GOOD_EDITS, "app.py": "one = 1.0\n"}, {"kind": "fix", "modify": ["app.py"]}),
    "a refactoring": ({"app.py": "# the first number\none = 1\n"}, {"kind": "refactor", "create": [], "modify": ["app.py"]}),
    "prose": ({"README.md": "# Numbers\n"}, {"kind": "docs", "create": ["README.md"]}),
    "only tests": (
        {"tests/test_more.py": 'from pathlib import Path\n\n\ndef test_more():\n    assert "one" in Path("app.py").read_text()\n'},
        {"kind": "test", "create": ["tests/test_more.py"]},
    ),
    "a removal": ({"app.py": BASE_FILES["app.py"], "old.py": None}, {"kind": "chore", "create": [], "delete": ["old.py"]}),
}  # fmt: skip


@pytest.mark.parametrize("name", STORIES)
def test_an_honest_task_reaches_production(make_world, name):
    edits, plan = STORIES[name]
    delivered(attack(make_world(files={**BASE_FILES, "old.py": "old = 1\n"}), edits, plan))
