"""Write the page of the lifecycle from its table."""

from __future__ import annotations

from keelway.core.model.lifecycle import CLOSED, FINAL, START, TRANSITIONS, Status

_INTRO = """# Lifecycle of a task

A task has one status. Every change of it is checked against the table below, whatever the workflow believes; a change
that is not in the table stops the run. Staying put is always allowed. `failed` and `aborted` can be reached from every
open status and are left out of the diagram.
"""

_MEANING: dict[Status, str] = {
    Status.RESEARCH: "The request is recorded and looked at.",
    Status.PLANNING: "A plan is being written.",
    Status.PLAN_PENDING_APPROVAL: "A person has to answer about the plan.",
    Status.DEVELOPING: "The agent works.",
    Status.TESTING: "The judge works on what the agent left.",
    Status.PR_OPEN: "The patch passed the judge; it waits for review, approval or its turn.",
    Status.STAGING: "It is merged and on its way to staging.",
    Status.OBSERVING: "A new release is being watched, on staging or in production.",
    Status.PROMOTING: "Staging was good; it is on its way to production.",
    Status.DEPLOYED: "It is live. No workflow runs; it can still be rolled back.",
    Status.FAILED: "A gate said no or something broke; nothing of it is left merged or deployed.",
    Status.ROLLED_BACK: "It was in production and has been taken back.",
    Status.ABORTED: "A person ended it.",
}
_ALWAYS = frozenset({Status.FAILED, Status.ABORTED})


def page(_present: str) -> str:
    """Return the page."""
    rows = [f"| `{status.value}` | {_MEANING[status]} | {_after(status)} |" for status in Status]
    table = ["| status | meaning | may become |", "|---|---|---|", *rows]
    return "\n".join([_INTRO, *_diagram(), "", *table, "", _ends(), ""])


def _after(status: Status) -> str:
    after = TRANSITIONS[status]
    return ", ".join(f"`{other.value}`" for other in Status if other in after) or "nothing"


def _diagram() -> list[str]:
    arrows = [
        f"    {status.value} --> {other.value}"
        for status in Status
        for other in Status
        if other in TRANSITIONS[status] - _ALWAYS
    ]
    ends = [f"    {status.value} --> [*]" for status in Status if status in FINAL - _ALWAYS]
    return ["```mermaid", "stateDiagram-v2", f"    [*] --> {START.value}", *arrows, *ends, "```"]


def _ends() -> str:
    closed = ", ".join(f"`{status.value}`" for status in Status if status in CLOSED)
    final = ", ".join(f"`{status.value}`" for status in Status if status in FINAL)
    return f"Closed (no workflow runs): {closed}. Final (never left again): {final}."
