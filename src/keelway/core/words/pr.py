"""The text of a pull request: what, why, risk, way back, and the test plan with its results."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from keelway.core.model.handover import CheckFact
from keelway.core.model.plan import AcceptanceProbe, Plan
from keelway.core.model.task import Actor, Task
from keelway.core.rule.risk import Risk
from keelway.core.words.commit import subject
from keelway.core.words.text import bullets, code, duration, fenced, inline, instant, short

_FILES_SHOWN_MAX = 50


@dataclass(frozen=True, kw_only=True)
class PullRequestStory:
    """Hold everything that the text of a pull request tells."""

    task: Task
    plan: Plan
    risk: Risk
    iterations: int
    checks: tuple[CheckFact, ...]
    way_back: str
    """How the change is taken back, in one sentence."""
    research: tuple[str, ...] = ()
    """What was weighed and why, one line each."""
    excused: tuple[str, ...] = ()
    """Tests that failed on the base as well."""
    lines: int = 0


def marker(task: Task) -> str:
    """Return the hidden mark by which the text of a task is found again."""
    return f"<!-- keelway:{task.id}:{task.name} -->"


def pull_request_title(plan: Plan) -> str:
    """Return the title of a task's pull request."""
    return subject(plan)


def pull_request_body(story: PullRequestStory) -> str:
    """Return the text of a task's pull request in Markdown."""
    sections = (
        ("Summary", _summary(story)),
        ("Why", f"The request, as it was made:\n\n{fenced(story.task.request.text)}"),
        ("Agent Context", _context(story)),
        ("Risk", _risk(story)),
        ("Way Back", inline(story.way_back) or "No way back was stated."),
        ("Test Plan", _test_plan(story)),
    )
    text = "\n\n".join(f"## {name}\n\n{body}" for name, body in sections)
    return f"{text}\n\n{marker(story.task)}\n"


def promotion_body(task: Task, *, staging: str, sha: str, way_back: str) -> str:
    """Return the text of the pull request that promotes a staged commit to production."""
    return (
        f"## Summary\n\nPromotes {task.name} at {short(sha)} to production.\n\n"
        f"## Staging\n\n{inline(staging)}\n\n## Way Back\n\n{inline(way_back)}\n\n"
        f"## Test Plan\n\n- [x] Staging was healthy twice and the way back was rehearsed\n\n{marker(task)}\n"
    )


def approval_comment(task: Task, by: Actor, at: datetime, answer: str, binding_digest: str) -> str:
    """Return the comment that records a person's answer beside the pull request."""
    return (
        f"{inline(str(by))} answered **{inline(answer)}** for {task.name} at {instant(at)}.\n\n"
        f"The answer counts only for {code(binding_digest)}.\n\n{marker(task)}\n"
    )


def _summary(story: PullRequestStory) -> str:
    plan = story.plan
    files = [
        f"{verb} {code(path)}"
        for verb, paths in (("adds", plan.create), ("alters", plan.modify), ("removes", plan.delete))
        for path in paths
    ]
    shown = files[:_FILES_SHOWN_MAX]
    if len(files) > _FILES_SHOWN_MAX:
        shown.append(f"and {len(files) - _FILES_SHOWN_MAX} more")
    return f"{inline(plan.title)}\n\n{fenced(plan.approach)}\n\n{bullets(shown)}"


def _context(story: PullRequestStory) -> str:
    task, request = story.task, story.task.request
    facts = [
        f"Task: {task.name} (`{task.id}`)",
        f"Requested by: {inline(str(request.requested_by))} ({request.source.value}) at {instant(request.requested_at)}",
        *(f"Research: {inline(text)}" for text in story.research),
        f"Iterations: {story.iterations}",
    ]
    if story.lines:
        facts.append(f"Lines: {story.lines} added or removed")
    return bullets(facts)


def _risk(story: PullRequestStory) -> str:
    factors = bullets(inline(factor) for factor in (*story.risk.factors, *story.plan.risks))
    return f"**{story.risk.level}** (score {story.risk.score} of 100)\n\n{factors}"


def _test_plan(story: PullRequestStory) -> str:
    rows = [_check(fact) for fact in story.checks]
    rows += [f"- [ ] Read with the change: {inline(text)}" for text in story.plan.test_plan]
    rows += [f"- [ ] After the deploy: {_probe(probe)}" for probe in story.plan.probes]
    rows += [f"- [ ] Fails on the base as well, excused: {inline(name)}" for name in story.excused]
    return "\n".join(rows) or "- [ ] nothing was checked"


def _check(fact: CheckFact) -> str:
    good = fact.passed and fact.examined > 0
    detail = f": {inline(fact.detail)}" if fact.detail else ""
    return (
        f"- [{'x' if good else ' '}] {inline(fact.name)}, {fact.examined} examined "
        f"in {duration(fact.seconds)}{detail}"
    )


def _probe(probe: AcceptanceProbe) -> str:
    body = f" with {inline(probe.body_contains)}" if probe.body_contains else ""
    return f"{inline(probe.method)} {inline(probe.path)} answers {probe.status}{body}"
