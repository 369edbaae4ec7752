"""The mutation run can say no: what it switches off is off, everywhere; the run itself is ``make redteam``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.redteam.mutation.change import exchange, harmless
from tests.redteam.mutation.find import codes, is_written, modules, rules
from tests.redteam.mutation.run import Known, Result, mutants, table

from keelway.core.model.verdict import Finding, Ruling, Verdict

ROOT = Path(__file__).parents[3]
OFF = """
from tests.redteam.mutation.change import silence, switch_off
from tests.redteam.mutation.find import rules
{what}
from keelway.core.model.diff import Diff
from keelway.core.model.plan import Plan
from keelway.core.model.verdict import Ruling
from keelway.core.policy import GuardrailPolicy
from keelway.core.rule.guardrail import judge_diff
print({{finding.ruling.value for finding in judge_diff(Diff("b", "h"), Plan("t", "a"), GuardrailPolicy())}})
"""


def test_gates_rules_and_reasons_are_found():
    names = [rule.id for rule in rules()]
    assert len(names) == len(set(names)) > 80
    assert {
        "gate.merge.judge_merge",
        "rule.guardrail._scope",
        "judge.tests.judge_canary",
        "rule.approval._not_valid",
    } <= set(names)
    assert {"out_of_scope", "secret", "approval_void", "check_missing", "*_missing"} <= set(codes())
    assert is_written("tamper_exit")
    assert not is_written("made_up_by_a_test")
    assert all(name.startswith("keelway.core.") for name in modules())


def test_every_kind_of_answer_has_one_that_lets_through():
    for rule in rules():
        said = harmless(rule.returns)
        findings = (
            said.findings
            if isinstance(said, Verdict)
            else [said]
            if isinstance(said, Finding)
            else list(said or ())
        )
        assert all(finding.ruling is Ruling.PASS for finding in findings), rule.id


def _sum(one: int, two: int = 2, *, three: int = 3) -> int:
    return one + two + three


def test_a_function_keeps_its_identity_when_it_does_something_else():
    same = _sum
    was = exchange(_sum, lambda *args, **kwargs: (args, kwargs))
    assert same(1, three=4) == ((1,), {"three": 4})
    assert (was(1), was(1, 1, three=1)) == (6, 3)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("", "{'fail'}"),
        ("silence('no_change')", "{'pass'}"),
        ("silence('another')", "{'fail'}"),
        ("[switch_off(rule) for rule in rules() if rule.id == 'rule.guardrail.judge_diff']", "{'pass'}"),
    ],
)
def test_what_is_switched_off_is_off(what, said):
    done = subprocess.run(
        [sys.executable, "-c", OFF.format(what=what)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == said, done.stderr


def test_reasons_that_only_tests_make_up_are_no_mutants():
    known = Known(
        {}, {"code:tamper_exit": ["t"], "code:probe_missing": ["t"], "code:made_up": ["t"], "rule:x": ["t"]}
    )
    found = mutants(known)
    assert {"code:tamper_exit", "code:probe_missing", "code:secret", "rule:gate.merge.judge_merge"} <= set(
        found
    )
    assert "code:made_up" not in found


def test_survivors_are_named():
    results = [
        Result("rule:gate.a", {"red team": "killed"}),
        Result("rule:rule.b", {"red team": "not met", "unit": "killed"}),
        Result("code:c", {"red team": "survived", "unit": "survived"}),
    ]
    said = "\n".join(table(results))
    assert "| functions of gates | 1 | 1 | 0 | 0 |" in said
    assert "| rules | 1 | 0 | 1 | 0 |" in said
    assert "Survivors: `code:c`." in said
