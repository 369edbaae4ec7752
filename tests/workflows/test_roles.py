"""What each role is told in a whole life, and what becomes of its answer."""

from __future__ import annotations

import json

from tests.workflows.world import GOOD_EDITS, PLAN, plan_of

from keelway.core.model.lifecycle import Status
from keelway.core.prompt import FENCE
from keelway.ports.agent import Effort, Stop


def prompts(world, role):
    return [seen.prompt for seen in world.agent.seen if seen.role == role]


def answer(**changed):
    return Effort(Stop.COMPLETED, json.dumps({**PLAN, **changed}))


def test_the_exact_error_of_the_schema_reaches_the_next_try(make_world):
    world = make_world(plays={("plan", 1): answer(create="two.py", colour="red"), ("plan", 2): plan_of()})
    world.baseline()
    assert world.ask().status is Status.DEPLOYED
    first, second = prompts(world, "plan")
    assert "wrong with the plan before" not in first
    said = "- The plan does not fit its schema: $.create: expected a list, got str; $: unknown field colour."
    assert f"{FENCE}\n{said}\n{FENCE}" in second


def test_what_the_gate_has_against_a_plan_reaches_the_next_try(make_world):
    world = make_world(plays={("plan", 1): answer(create=[], modify=["gone.py"]), ("plan", 2): plan_of()})
    world.baseline()
    assert world.ask().status is Status.DEPLOYED
    assert "- gone.py does not exist; list it under create" in prompts(world, "plan")[1]


def test_a_fixer_gets_what_was_found_field_by_field(make_world):
    bad = {**GOOD_EDITS, "two.py": "two = 2  # fails lint\n", "other.py": "x = 1\n"}
    world = make_world(plays={("dev", 1): bad, ("dev", 2): {**GOOD_EDITS, "other.py": None}})
    world.baseline()
    assert world.ask().status is Status.DEPLOYED
    first, second = prompts(world, "dev")
    assert "You are the developer." in first
    assert "You are the fixer." in second
    assert "  code: out_of_scope\n  file: other.py\n  message: 1 file(s) are not in the plan" in second
    assert "  code: check_failed\n  evidence: check=lint\n  message: The check lint failed." in second
