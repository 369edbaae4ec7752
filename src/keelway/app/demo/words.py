"""What a spectator is told of the audit chain: short, with the numbers, and nothing that did not happen."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from keelway.app.view.task import Happened
from keelway.core.words.text import line, short

TEXT_CHARS_MAX = 200
_COUNTS = re.compile(r"(\d+) failed(?:, (\d+) passed)?")
_NAMES = re.compile(r"^FAILED \S+::(\w+)", re.MULTILINE)
_EFFECTS = {
    "build": "release built",
    "backup": "database backed up and verified",
    "migrate": "schema migrated",
    "previous boots": "the release before also boots on the new schema",
    "start": "new release healthy beside the old one",
    "switch": "traffic switched",
    "rehearse:switch": "way back rehearsed: traffic on the old release",
    "rehearse:forth": "and forth again",
    "back:at once": "traffic is back on the old release",
}
_QUIET_GATES = {"intake", "watch"}
_QUIET_KINDS = {"task.status", "control.changed", "watch.checked", "incident.opened", "question.asked"}


def told(event: Happened, attempt: int) -> str:
    """Return the line for an event, "" for what a spectator need not see.

    Args:
        event: what happened.
        attempt: how many agent runs its task has had.
    """
    if event.kind == "agent.finished":
        return f"agent attempt {attempt} ended: {event.data.get('stop', '')}"
    write = _WORDS.get(event.kind)
    if write is not None:
        return line(write(event.stage, event.data), TEXT_CHARS_MAX)
    quiet = event.kind in _QUIET_KINDS or event.kind.startswith(("stage.", "policy."))
    return line(event.text, TEXT_CHARS_MAX) if event.loud and not quiet else ""


def _created(_stage: str, data: dict[str, Any]) -> str:
    who = "the log of production asks" if data["request"]["source"] == "detector" else "asked"
    return f"{who}: {data['request']['text']}"


def _done(stage: str, data: dict[str, Any]) -> str:
    said = _EFFECTS.get(str(data["effect"]), "")
    return f"{stage}: {said}" if said else ""


def _merged(_stage: str, data: dict[str, Any]) -> str:
    return f"PR #{data['pull_request']} merged into {data['branch']} as {short(data['sha'])}"


def _barred(_stage: str, data: dict[str, Any]) -> str:
    return f"{short(data['sha'])} quarantined: no later release may carry it without its revert"


def _gate(_stage: str, data: dict[str, Any]) -> str:
    gate, ruling, findings = str(data["gate"]), str(data["ruling"]), data["findings"]
    if gate in _QUIET_GATES:
        return ""
    if ruling == "pass":
        return f"{gate} gate open: {_proof(gate, findings)}".rstrip(": ")
    said = [_reason(each) for each in findings if each["ruling"] != "pass"]
    word = "shut" if ruling == "fail" else "asks a person"
    return f"{gate} gate {word}: {' '.join(text for text in said if text)}".rstrip(": ")


def _proof(gate: str, findings: list[dict[str, Any]]) -> str:
    """Say what opened a gate, with how much was examined."""
    by_code = {str(each["code"]): each for each in findings}
    match gate:
        case "quality":
            counts = {
                "tests_replayed": "{} old tests pass on the new code",
                "new_tests_prove": "{} new tests fail without it",
                "coverage_kept": "all {} changed lines run",
                "canary_failed": "the planted failure was seen",
            }
            said = [
                text.format(by_code[code]["examined"]) for code, text in counts.items() if code in by_code
            ]
            return ", ".join(said)
        case "plan" | "merge":
            codes = [f"{gate}_auto_approved", "approved"]
        case "staging":
            codes = ["rehearsed", "previous_boots"]
        case _:
            codes = []
    return " ".join(str(by_code[code]["message"]) for code in codes if code in by_code)


def _reason(finding: dict[str, Any]) -> str:
    message, code = str(finding["message"]), finding["code"]
    if code == "evidence_missing":
        return ""  # what follows from a red check is no news
    counts = _COUNTS.search(message)
    if code == "check_failed" and counts:
        return f"{counts[1]} tests failed: {', '.join(_NAMES.findall(message)[:3])}."
    return message.split(";", maxsplit=1)[0].splitlines()[0] if message else ""


def _observed(_stage: str, data: dict[str, Any]) -> str:
    if "environment" not in data:
        return ""
    counted = f"{data['requests']} requests, {data['errors']} failed"
    why = str(next(iter(data["reasons"]), "")).split(";")[0]
    if data["decision"] == "inconclusive":
        why = "nothing speaks against it, and so few requests cannot prove more"
    return f"{data['environment']} watched, {counted}: {data['decision']} ({why})"


_WORDS: dict[str, Callable[[str, dict[str, Any]], str]] = {
    "task.created": _created,
    "gate.judged": _gate,
    "effect.done": _done,
    "branch.merged": _merged,
    "release.observed": _observed,
    "commit.quarantined": _barred,
}
