"""Write the page of everything that leaves an audit record."""

from __future__ import annotations

from keelway.app.reference.source import cell, settings_of
from keelway.core.model.event import Event, EventKind

_INTRO = """# Events

The audit trail is a chain of events; each carries the hash of the one before. Where CDEvents has a word for the same
fact, it is named, so that an export needs no invention; an export itself does not exist yet.

Show them with `keelway audit`, check the chain with `keelway audit --verify`.
"""

_MEANING: dict[EventKind, tuple[str, str]] = {
    EventKind.TASK_CREATED: ("A request became a task.", "ticket.created"),
    EventKind.TASK_REFUSED: ("A request was refused at the door; there is no task.", ""),
    EventKind.TASK_STATUS: ("The status or the row of a task changed.", "ticket.updated"),
    EventKind.TASK_CLOSED: ("A task ended, with its code.", "ticket.closed"),
    EventKind.STAGE_STARTED: ("A run of a stage began.", "taskrun.started"),
    EventKind.STAGE_FINISHED: ("A run of a stage ended: passed, held or failed.", "taskrun.finished"),
    EventKind.GATE_JUDGED: ("A gate spoke; all findings are in the record.", ""),
    EventKind.EFFECT_INTENDED: ("An effect is about to be tried.", ""),
    EventKind.EFFECT_DONE: ("An effect was done.", ""),
    EventKind.EFFECT_FAILED: ("An effect raised an error.", ""),
    EventKind.AGENT_FINISHED: ("A run of the coding agent ended, with the reason.", ""),
    EventKind.USAGE_BOOKED: ("What a request to a model, or a run of the agent, used was booked.", ""),
    EventKind.BUDGET_SPENT: ("A cap on money or tokens bit; what the stage knew is kept for later.", ""),
    EventKind.BUDGET_RAISED: ("A person let a task go beyond a cap, up to an amount.", ""),
    EventKind.LESSON_TOLD: ("An agent was told what earlier tasks learnt; the record names the lessons.", ""),
    EventKind.LESSON_LEARNT: ("What a task taught was kept; the record names the lessons.", ""),
    EventKind.LESSON_FORGOTTEN: ("A person removed a lesson.", ""),
    EventKind.TESTS_FLAKY: (
        "Tests that fail by chance on the base were red with a patch; excused or too many.",
        "",
    ),
    EventKind.REVIEWED: (
        "The reviewer role answered about one commit, or could not; its remarks are kept.",
        "",
    ),
    EventKind.MERGED: ("A commit entered a protected branch.", "change.merged"),
    EventKind.REVERTED: ("A commit of ours was reverted on a protected branch.", "change.merged"),
    EventKind.QUESTION_ASKED: ("A person was asked about one exact thing.", "approval.created"),
    EventKind.QUESTION_ESCALATED: ("Nobody answered in time, so a wider circle was told.", ""),
    EventKind.DECISION_MADE: ("A person answered.", "approval.closed"),
    EventKind.DECISION_REFUSED: ("An answer did not count, with the reason; nothing was changed by it.", ""),
    EventKind.LINK_ISSUED: ("A link that carries one answer was issued for one person.", ""),
    EventKind.PERSON_TOLD: ("A message was delivered.", ""),
    EventKind.OBSERVED: ("A watched release was judged by its numbers.", ""),
    EventKind.ROLLBACK_STARTED: ("A way back began.", ""),
    EventKind.ROLLBACK_STEP: ("One step of a way back was done or failed.", ""),
    EventKind.ROLLBACK_FINISHED: ("A way back ended, verified or not.", "service.rolledback"),
    EventKind.QUARANTINED: ("A commit was barred from every later deploy.", ""),
    EventKind.INCIDENT_OPENED: ("A problem in production was recorded.", "incident.detected"),
    EventKind.FREEZE_SET: ("The emergency stop was set.", ""),
    EventKind.FREEZE_LIFTED: ("The emergency stop was lifted.", ""),
    EventKind.CONTROL_CHANGED: ("A person paused, resumed, aborted, or ordered a deploy or rollback.", ""),
    EventKind.WATCH_CHECKED: ("One look of the day's watch.", ""),
    EventKind.POLICY_LOADED: ("The control plane began to work under a configuration and policy.", ""),
    EventKind.DAEMON_STARTED: ("A front or the supervisor had died and was started again.", ""),
    EventKind.LOCK_SET: ("A person locked an environment: no deployment begins there.", ""),
    EventKind.LOCK_LIFTED: ("The lock of an environment was lifted.", ""),
    EventKind.DRIFT_FOUND: ("What runs is not what the book says, or somebody moved a branch by hand.", ""),
    EventKind.DRIFT_SETTLED: ("A person adopted what runs, or had what is recorded put back.", ""),
    EventKind.DRILL_FINISHED: (
        "A drill of the way back ended; the record holds each part with its result.",
        "",
    ),
}


def page(_present: str) -> str:
    """Return the page."""
    rows = [_row(kind) for kind in EventKind]
    table = ["| kind | recorded when | CDEvents |", "|---|---|---|", *rows]
    fields = [f"| `{entry.name}` | `{entry.kind}` | {cell(entry.sentence)} |" for entry in settings_of(Event)]
    shape = ["", "## Fields", "", "| field | type | meaning |", "|---|---|---|", *fields, ""]
    return "\n".join([_INTRO, *table, *shape])


def _row(kind: EventKind) -> str:
    meaning, word = _MEANING[kind]
    named = f"`dev.cdevents.{word}`" if word else ""
    return f"| `{kind.value}` | {meaning} | {named} |"
