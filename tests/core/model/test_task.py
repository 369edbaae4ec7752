"""Tasks, roles and proofs as values."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keelway.core.codec import from_json, to_json
from keelway.core.model.handover import (
    Admitted,
    ApprovedPlan,
    CheckFact,
    Live,
    Merged,
    Staged,
    TestedPatch,
    Work,
)
from keelway.core.model.plan import Plan
from keelway.core.model.role import RIGHTS, ROLE_OF, Role, Stage
from keelway.core.model.task import Actor, Request, Task, intent_key


def test_names() -> None:
    assert str(Actor("anna", "telegram")) == "anna@telegram"


def test_a_task_is_called_by_its_number(task: Task) -> None:
    assert task.name == "T-142"


def test_the_same_intent_in_other_clothes_has_one_key(request_made: Request) -> None:
    key = intent_key("shop", request_made)
    assert key == intent_key("shop", replace(request_made, text="  please ADD xmpp, support!! "))
    assert key != intent_key("other", request_made)
    assert key != intent_key("shop", replace(request_made, text="Please add IRC support"))


def test_a_fingerprint_outranks_the_words(request_made: Request) -> None:
    first = replace(request_made, fingerprint="abc")
    assert intent_key("shop", first) == intent_key("shop", replace(first, text="other"))


def test_only_developers_write_and_only_operators_deploy() -> None:
    assert set(RIGHTS) == set(Role)
    assert set(ROLE_OF) == set(Stage)
    assert [role for role in Role if RIGHTS[role].write_workspace] == [Role.DEV]
    assert [role for role in Role if RIGHTS[role].deploy] == [Role.OPS]
    assert [role for role in Role if RIGHTS[role].merge] == [Role.REVIEW]


def test_every_proof_names_its_task_and_survives_its_plain_form(
    task: Task, plan: Plan, now: datetime
) -> None:
    approved = ApprovedPlan(
        admitted=Admitted(task, now),
        plan=plan,
        version=1,
        digest="sha256:0",
        base_sha="b" * 40,
        policy_digest="sha256:1",
        risk="low",
        risk_factors=(),
        approved_by="anna",
    )
    patch = TestedPatch(
        approved=approved,
        branch="feature/x",
        base_sha="b" * 40,
        head_sha="a" * 40,
        tree_sha="c" * 40,
        iterations=2,
        checks=(CheckFact("tests", passed=True, examined=3, seconds=1.5),),
        risk="low",
        risk_factors=(),
        files=("app/xmpp.py",),
        lines=3,
    )
    merged = Merged(patch, 4, "d" * 40, "c" * 40, now)
    staged = Staged(merged, "r-1", "dep-1", 3.5, "pass")
    live = Live(staged, "r-1", "d" * 40, "dep-2", "r-0", now, "pass")
    for proof in (Work(approved), approved, patch, merged, staged, live):
        assert proof.task == task
    assert from_json(Live, to_json(live)) == live
