"""Questions to people: what is asked, for what exactly, and what happens if nobody answers."""

from __future__ import annotations

from collections.abc import Sequence

from keelway.core.consent.quorum import OwnerGroup, group_line
from keelway.core.model.plan import Plan
from keelway.core.model.task import Task
from keelway.core.policy import ReviewPolicy
from keelway.core.release.rollback import Target
from keelway.core.rule.allowance import Cap
from keelway.core.rule.approval import Binding
from keelway.core.rule.risk import Risk
from keelway.core.words.text import amount, bullets, duration, line, short


def if_unanswered(policy: ReviewPolicy) -> str:
    """Return the sentence that says what silence means."""
    after = duration(policy.approval_seconds_max)
    repeat = f"The question is repeated every {duration(policy.reminder_seconds)}."
    if policy.approval_expiry == "wait":
        return f"If nobody answers within {after}, the task keeps waiting. {repeat}"
    if policy.approval_expiry == "escalate":
        then = f"{duration(policy.escalation_seconds_max)} later it counts as a no and the task ends"
        return f"If nobody answers within {after}, more people are asked; {then}. {repeat}"
    return f"If nobody answers within {after}, that counts as a no and the task ends. {repeat}"


def plan_question(
    task: Task, plan: Plan, risk: Risk, policy: ReviewPolicy, reasons: Sequence[str] = ()
) -> str:
    """Ask whether a plan may be carried out; ``reasons`` say why, and what is known of new packages."""
    parts = [
        f"{task.name}: may this plan be carried out? {line(plan.title)}",
        f"Asked by {line(str(task.request.requested_by))}: {line(task.request.text)}",
        f"Approach\n{line(plan.approach, 1_200)}",
        f"Risk: {risk.level} (score {risk.score} of 100)\n{bullets(map(line, (*risk.factors, *plan.risks)))}",
        *([f"Why you are asked\n{bullets(map(line, reasons))}"] if reasons else []),
        *_lists(plan),
        f'Answer: keelway approve {task.name} | keelway revise {task.name} "..." | keelway reject {task.name}',
        if_unanswered(policy),
    ]
    return "\n\n".join(parts) + "\n"


def approval_question(
    task: Task,
    binding: Binding,
    risk: Risk,
    reason: str,
    policy: ReviewPolicy,
    *,
    groups: Sequence[OwnerGroup] = (),
) -> str:
    """Ask whether one exact action may happen; any later alteration needs a new yes."""
    where = f" on {line(binding.environment)}" if binding.environment else ""
    parts = [
        f"{task.name}: may I {line(binding.action)} commit {short(binding.head_sha)}{where}?",
        f"Why you are asked: {line(reason)}",
        f"Risk: {risk.level} (score {risk.score} of 100)\n{bullets(map(line, risk.factors))}",
        *(
            [
                f"A yes is needed of one member of each owner group\n{bullets(line(group_line(each)) for each in groups)}"
            ]
            if groups
            else []
        ),
        "The yes counts for this commit, base, plan and policy only; if one of them moves, you are asked again.",
        f"Answer: keelway approve {task.name} | keelway reject {task.name}",
        if_unanswered(policy),
    ]
    return "\n\n".join(parts) + "\n"


def restore_question(task: Task, environment: str, loss: str, policy: ReviewPolicy) -> str:
    """Ask whether a backup may be restored, naming what would be lost."""
    parts = [
        f"{task.name}: the way back on {line(environment)} needs a restore of the backup. May I restore it?",
        f"This would be lost for good: {line(loss) or 'unknown, so nothing is restored without you'}",
        "Until then the environment is frozen and nothing is deployed.",
        f"Answer: keelway approve {task.name} | keelway reject {task.name}",
        if_unanswered(policy),
    ]
    return "\n\n".join(parts) + "\n"


def budget_question(task: Task, caps: tuple[Cap, ...], policy: ReviewPolicy) -> str:
    """Ask whether a task may use more than its caps allow, and exactly how much more."""
    more = " and ".join(f"{amount(cap.more, cap.unit)} more {_where(cap)}" for cap in caps)
    tomorrow = "When the day is over (UTC), the task goes on without an answer."
    parts = [
        f"{task.name} is at its cap: {'; '.join(map(spent_of, caps))}. May it use {more}?",
        f"Asked by {line(str(task.request.requested_by))}: {line(task.request.text)}",
        "The caps that bite\n" + bullets(f"{cap.setting}: {spent_of(cap)}" for cap in caps),
        "A yes allows exactly that, and the task goes on where it was. A no stops it: it is closed as failed.",
        f"Answer: keelway approve {task.name} | keelway reject {task.name}",
        *([tomorrow] if {cap.name for cap in caps} == {"day"} else []),
        if_unanswered(policy),
    ]
    return "\n\n".join(parts) + "\n"


def spent_of(cap: Cap) -> str:
    """Return what was spent against a cap."""
    who = {
        "stage": f"in {line(cap.scope)}",
        "day": f"by all tasks on {line(cap.scope)}",
        "project": "by all tasks of the project",
    }
    used = amount(cap.used, cap.unit).split(" ")[0]
    return f"{used} of {amount(cap.in_force, cap.unit)} used {who.get(cap.name, 'by the task')}"


def _where(cap: Cap) -> str:
    return {"stage": f"in {line(cap.scope)}", "day": f"on {line(cap.scope)}"}.get(cap.name, "in all")


def rollback_menu(name: str, targets: tuple[Target, ...]) -> str:
    """Offer the ways back to choose from: the previous release, any tag, any commit, the recommended ones."""
    previous = next((target.release for target in targets if target.previous), "")
    rows = [
        f"A  the previous stable release{f': {line(previous)}' if previous else ' (there is none)'}",
        "B  a tag or branch of your choice: keelway rollback --to <tag>",
        "C  a commit of your choice: keelway rollback --to <commit>",
        "D  one of these, the best evidence first:",
        *(
            f"   {number}. {line(target.release)}: {'; '.join(map(line, target.reasons))}"
            for number, target in enumerate(targets, 1)
        ),
    ]
    if not targets:
        rows.append("   none has been seen healthy")
    return "\n".join([f"Where should {line(name)} go back to?", "", *rows]) + "\n"


def reminder(task: Task, question: str, waited_seconds: float) -> str:
    """Repeat a question that still waits."""
    first = line(_first_line(question))
    return f"{task.name} still waits for you, since {duration(waited_seconds)}: {first}\nSee: keelway show {task.name}\n"


def _first_line(text: str) -> str:
    return next((row for row in text.splitlines() if row.strip()), "")


def _lists(plan: Plan) -> list[str]:
    rows = (
        ("Files to create", plan.create),
        ("Files to modify", plan.modify),
        ("Files to delete", plan.delete),
        ("New dependencies", plan.dependencies),
        ("Migrations", plan.migrations),
        ("Existing tests to alter (needs your yes)", plan.test_grants),
        ("Tests", plan.test_plan),
        (
            "Acceptance probes",
            tuple(f"{probe.method} {probe.path} -> {probe.status}" for probe in plan.probes),
        ),
        (
            "Examples that the developer is not shown",
            tuple(
                f"{probe.method} {probe.path} -> {probe.status} {probe.body_contains}"
                for probe in plan.examples
            ),
        ),
    )
    return [f"{name}\n{bullets(map(line, items))}" for name, items in rows if items]
