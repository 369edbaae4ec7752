"""Compose what each role is told from its file and the facts of the task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import indent

from keelway.core.codec import canonical
from keelway.core.model.handover import ApprovedPlan, CheckFact, TestedPatch
from keelway.core.model.plan import Plan, plan_json
from keelway.core.model.task import Task
from keelway.core.model.verdict import Finding
from keelway.core.prompt.fence import DIFF_CHARS_MAX, data
from keelway.core.prompt.template import fill

FILES_MAX = 400
"""A map, not a dump."""

_LESSONS = "What earlier tasks learnt"


@dataclass(frozen=True, kw_only=True)
class PlanBrief:
    """Hold what a planner is told besides the request."""

    files: Sequence[str] = ()
    """Every path of the base commit."""
    facts: str = ""
    """What research found."""
    lessons: Sequence[str] = ()
    """What earlier tasks like this one have taught."""
    before: Plan | None = None
    """The plan that the remarks are about."""
    remarks: Sequence[str] = ()
    """What people, the gate or the schema had against it."""


@dataclass(frozen=True, kw_only=True)
class ReviewBrief:
    """Hold what a reviewer is told besides the task and its plan."""

    diff: str
    """The change as text."""
    remarks: Sequence[str] = ()
    """What was wrong with the answer before."""


def plan_prompt(task: Task, attempt: int, brief: PlanBrief) -> str:
    """Ask for a plan."""
    rest = len(brief.files) - FILES_MAX
    listed = "\n".join((*brief.files[:FILES_MAX], *([f"... {rest} more"] if rest > 0 else [])))
    before = canonical(plan_json(brief.before)) if brief.before is not None else ""
    return fill(
        "plan",
        {
            "header": _header(task, "plan", attempt),
            "request": _request(task),
            "evidence": data("Evidence", "production", task.request.evidence),
            "facts": data(
                "What is known without asking anybody", "the base commit and package indexes", brief.facts
            ),
            "files": data("Files of the application", "the base commit", listed),
            "lessons": _lessons(brief.lessons),
            "before": data("The plan before", "the planner", before),
            "remarks": data(
                "What is wrong with the plan before", "the gate and people", _list(brief.remarks)
            ),
        },
    )


def dev_prompt(approved: ApprovedPlan, attempt: int, lessons: Sequence[str] = ()) -> str:
    """Ask for the work itself."""
    return fill("dev", _work(approved, attempt, lessons))


def fix_prompt(
    approved: ApprovedPlan, attempt: int, findings: Sequence[Finding], lessons: Sequence[str] = ()
) -> str:
    """Ask to correct what was found wrong with the try before."""
    found = "\n".join(_finding(number, finding) for number, finding in enumerate(findings, 1))
    block = data("What was found wrong with the present files", "the gates", found)
    return fill("fix", {**_work(approved, attempt, lessons), "findings": block})


def review_prompt(patch: TestedPatch, attempt: int, brief: ReviewBrief) -> str:
    """Ask for a review of a finished change."""
    return fill(
        "review",
        {
            "header": _header(patch.task, "review", attempt),
            "request": _request(patch.task),
            "plan": _plan(patch.approved),
            "evidence": data("What was checked", "our own checks", _list(map(_check, patch.checks))),
            "diff": data("The change", "the developing agent", brief.diff, DIFF_CHARS_MAX),
            "remarks": data("What was wrong with your answer before", "the schema", _list(brief.remarks)),
        },
    )


def _header(task: Task, role: str, attempt: int) -> str:
    return f"Task: {task.name}\nRole: {role}\nAttempt: {attempt}"


def _work(approved: ApprovedPlan, attempt: int, lessons: Sequence[str]) -> dict[str, str]:
    return {
        "header": _header(approved.task, "dev", attempt),
        "request": _request(approved.task),
        "plan": _plan(approved),
        "lessons": _lessons(lessons),
    }


def _request(task: Task) -> str:
    return data("The request, as it was made", str(task.request.requested_by), task.request.text)


def _plan(approved: ApprovedPlan) -> str:
    return data("The approved plan", "the planner", canonical(plan_json(approved.plan, for_developer=True)))


def _lessons(lessons: Sequence[str]) -> str:
    return data(_LESSONS, "earlier tasks", _list(lessons))


def _list(items: Sequence[str] | map[str]) -> str:
    return "\n".join(f"- {indent(item, '  ').strip()}" for item in items)


def _check(fact: CheckFact) -> str:
    end = "passed" if fact.passed else "failed"
    return f"{fact.name}: {end}, {fact.examined} examined" + (f"; {fact.detail}" if fact.detail else "")


def _finding(number: int, finding: Finding) -> str:
    """Show a finding field by field; its lines are indented, so that none passes for another finding."""
    evidence = dict(finding.evidence)
    where = evidence.pop("path", "") or evidence.pop("paths", "")
    line = evidence.pop("line", "")
    fields = {
        "code": finding.code,
        "file": f"{where}:{line}" if where and line else where,
        "evidence": "; ".join(f"{name}={value}" for name, value in sorted(evidence.items()) if value),
        "message": finding.message,
    }
    rows = [f"{name}: {indent(value, '    ').strip()}" for name, value in fields.items() if value]
    return f"{number}.\n" + indent("\n".join(rows), "  ")
