"""Every event of the audit chain as one plain sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keelway.core.codec import from_json
from keelway.core.model.event import Event, EventKind
from keelway.core.model.verdict import Finding, Verdict
from keelway.core.rule.allowance import Cap
from keelway.core.words.question import spent_of
from keelway.core.words.text import amount, duration, line, short

_QUIET = frozenset(
    {
        EventKind.EFFECT_INTENDED,
        EventKind.EFFECT_DONE,
        EventKind.POLICY_LOADED,
        EventKind.STAGE_STARTED,
        EventKind.PERSON_TOLD,
        EventKind.LESSON_TOLD,
        EventKind.LESSON_LEARNT,
        EventKind.USAGE_BOOKED,
    }
)


def sentence(event: Event) -> str:
    """Return what happened as one line, whatever an event of another version holds."""
    write = _SENTENCES.get(event.kind)
    try:
        text = write(event, event.data) if write else ""
    except (KeyError, TypeError, ValueError, AttributeError):
        text = ""
    return line(text) or event.kind.value


def is_loud(event: Event) -> bool:
    """Tell whether somebody who watches wants a line for it; what a stage and the book both record counts once."""
    match event.kind:
        case EventKind.STAGE_FINISHED:
            return "output" not in event.data
        case EventKind.TASK_CLOSED:
            return "duration_ms" in event.data
        case EventKind.QUESTION_ASKED:
            return "binding" in event.data
        case EventKind.CONTROL_CHANGED:
            return "record" not in event.data
        case EventKind.OBSERVED:
            return "ticks" not in event.data
        case _:
            return event.kind not in _QUIET


def verdict_of(event: Event) -> Verdict:
    """Rebuild the verdict that a ``gate.judged`` event records.

    Raises:
        Exception: the event holds no findings in the form that this version knows.
    """
    findings = tuple(from_json(Finding, plain) for plain in event.data["findings"])
    return Verdict(str(event.data["gate"]), findings)


def _gate(event: Event, data: dict[str, Any]) -> str:
    verdict = verdict_of(event)
    shown = verdict.reasons or verdict.findings
    words = {"pass": "open", "hold": "asks a person", "fail": "shut"}
    ruling = str(data["ruling"])
    return f"gate {verdict.gate}: {words.get(ruling, ruling)}. {' '.join(each.message for each in shown[:2])}"


def _stage(event: Event, data: dict[str, Any]) -> str:
    output = data.get("output") or data
    said = f": {output['message']}" if output.get("message") else ""
    return f"{event.stage} {data['status']}{said}"


def _rolled(_event: Event, data: dict[str, Any]) -> str:
    seconds = data.get("traffic_seconds")
    traffic = f"traffic back after {duration(seconds)}, " if seconds is not None else ""
    verified = "healthy" if data["verified"] else "NOT verified"
    whole = duration(data["total_seconds"])
    return (
        f"{data['environment']} is back on {data['release'] or 'nothing'}: {traffic}{verified} after {whole}"
    )


def _quarantined(_event: Event, data: dict[str, Any]) -> str:
    if data.get("revert_sha"):
        return f"{short(data['sha'])} may only be deployed with its revert {short(data['revert_sha'])}"
    return f"{short(data['sha'])} is quarantined: {data['reason']}"


def _observed(_event: Event, data: dict[str, Any]) -> str:
    if "ticks" in data:
        return f"{data['ticks']} ticks of {data['series']} kept"
    why = " ".join(data["reasons"][:2])
    seen = f"{data['requests']} requests, {data['errors']} failed"
    return f"{data['environment']} watched: {data['decision']}, {seen}. {why}"


def _reviewed(_event: Event, data: dict[str, Any]) -> str:
    review = data["review"]
    if review is None:
        return f"{short(data['head_sha'])} was not reviewed: {data['fault']}"
    return f"{short(data['head_sha'])} reviewed: {review['verdict']}. {review['summary']}"


def _booked(_event: Event, data: dict[str, Any]) -> str:
    tokens = amount(data["input_tokens"] + data["output_tokens"], "tokens")
    beside = "" if data["counted"] else ", beside the meter"
    return f"{data['agent'] or 'agent'} as {data['role']}: {tokens}, {amount(data['cost_usd'])} {data['source']}{beside}"


def _capped(_event: Event, data: dict[str, Any]) -> str:
    return "cap reached: " + "; ".join(spent_of(from_json(Cap, plain)) for plain in data["caps"])


def _raised(_event: Event, data: dict[str, Any]) -> str:
    cap = from_json(Cap, data["cap"])
    return f"{data['by']} allows {amount(cap.more, cap.unit)} more, after {spent_of(cap)}"


def _drilled(_event: Event, data: dict[str, Any]) -> str:
    words = [f"{each['kind']} {'passed' if each['passed'] else 'FAILED'}" for each in data["results"]]
    return f"drill on {data['environment']}: {', '.join(words)}"


def _lessons(numbers: list[int]) -> str:
    return ", ".join(f"L-{number}" for number in numbers)


def _control(_event: Event, data: dict[str, Any]) -> str:
    return str(data["what"]) if "what" in data else f"{data['record']} recorded"


_SENTENCES: dict[EventKind, Callable[[Event, dict[str, Any]], str]] = {
    EventKind.TASK_CREATED: lambda _, data: f"asked: {data['request']['text']}",
    EventKind.TASK_REFUSED: lambda _, data: f"refused ({data['code']}): {data['text']}",
    EventKind.TASK_STATUS: lambda _, data: f"{data['from']} -> {data['to']}",
    EventKind.TASK_CLOSED: lambda _, data: f"closed: {data['status']} ({data['code'] or 'no reason given'})",
    EventKind.STAGE_STARTED: _stage,
    EventKind.STAGE_FINISHED: _stage,
    EventKind.GATE_JUDGED: _gate,
    EventKind.EFFECT_INTENDED: lambda _, data: f"{data['effect']} begins",
    EventKind.EFFECT_DONE: lambda _, data: f"{data['effect']} done",
    EventKind.EFFECT_FAILED: lambda _, data: f"{data['effect']} failed: {data['error']}",
    EventKind.AGENT_FINISHED: lambda _, data: (
        f"agent {data.get('agent', '')} ended: {data.get('stop', '')}"
        + (
            f"; {refused} requests for permission refused"
            if (refused := data.get("permissions_refused"))
            else ""
        )
    ),
    EventKind.LESSON_TOLD: lambda _, data: f"an agent was told {_lessons(data['lessons'])}",
    EventKind.LESSON_LEARNT: lambda _, data: (
        f"taught {_lessons(data['lessons'])}" if data["lessons"] else f"of use: {_lessons(data['told'])}"
    ),
    EventKind.LESSON_FORGOTTEN: lambda event, data: f"L-{data['lesson']} forgotten by {event.actor}",
    EventKind.TESTS_FLAKY: lambda _, data: (
        f"fail by chance on the base too: {', '.join(data['tests'])}"
        + ("" if data["excused"] else "; too many to be excused")
    ),
    EventKind.REVIEWED: _reviewed,
    EventKind.USAGE_BOOKED: _booked,
    EventKind.BUDGET_SPENT: _capped,
    EventKind.BUDGET_RAISED: _raised,
    EventKind.MERGED: lambda _, data: f"{short(data['sha'])} merged into {data['branch']}",
    EventKind.REVERTED: lambda _, data: f"{short(data['bad_sha'])} reverted on {data['branch']}",
    EventKind.QUESTION_ASKED: lambda _, data: (
        f"asks: {data['action'] if 'action' in data else data['binding']['action']}?"
    ),
    EventKind.QUESTION_ESCALATED: lambda _, data: f"nobody answered; told too: {', '.join(data['to'])}",
    EventKind.DECISION_REFUSED: lambda event, data: f"answer of {event.actor} refused ({data['code']})",
    EventKind.LINK_ISSUED: lambda event, data: f"{event.actor} issued a link for {data['person']}",
    EventKind.DECISION_MADE: lambda event, data: f"{event.actor} says {data['approval']['answer']}",
    EventKind.PERSON_TOLD: lambda _, data: f"told {data['to']}: {data['subject']}",
    EventKind.OBSERVED: _observed,
    EventKind.ROLLBACK_STARTED: lambda _, data: f"{data['environment']}: {data['release']} is taken back",
    EventKind.ROLLBACK_STEP: lambda _, data: f"way back, {data['step']}: {data.get('error', 'done')}",
    EventKind.ROLLBACK_FINISHED: _rolled,
    EventKind.QUARANTINED: _quarantined,
    EventKind.INCIDENT_OPENED: lambda _, data: f"incident #{data['incident']}: {data['title']}",
    EventKind.FREEZE_SET: lambda event, data: f"frozen by {event.actor}: {data.get('reason', '')}",
    EventKind.FREEZE_LIFTED: lambda event, _: f"freeze lifted by {event.actor}",
    EventKind.CONTROL_CHANGED: _control,
    EventKind.DAEMON_STARTED: lambda _, data: f"{data['daemon']} had died and was started again",
    EventKind.WATCH_CHECKED: lambda _, data: f"watch: {data.get('message') or data.get('ruling', '')}",
    EventKind.LOCK_SET: lambda event, data: (
        f"{data['environment']} locked by {event.actor}: {data['reason']}"
    ),
    EventKind.LOCK_LIFTED: lambda event, data: f"{data['environment']} unlocked by {event.actor}",
    EventKind.DRIFT_FOUND: lambda _, data: f"{data['environment']} drifted: {' '.join(data['reasons'][:2])}",
    EventKind.DRIFT_SETTLED: lambda event, data: (
        f"{data['environment']}: {event.actor} {'adopted' if data['how'] == 'adopt' else 'put back'} {data['release']}"
    ),
    EventKind.DRILL_FINISHED: _drilled,
    EventKind.POLICY_LOADED: lambda _, data: f"policy {data['policy'][:19]} in force",
}
