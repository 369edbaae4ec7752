"""What a spectator is told of the audit chain: short, with the numbers, and nothing that did not happen."""

from __future__ import annotations

import re
from typing import Any

from keelway.app.view.task import Happened
from keelway.core.words.text import line, short

TEXT_CHARS_MAX = 150
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
_PROOF = {
    "quality": ("new_tests_prove", "tests_replayed", "canary_failed", "coverage_kept"),
    "plan": ("plan_auto_approved",),
    "merge": ("merge_auto_approved",),
    "staging": ("rehearsed", "previous_boots"),
    "production": ("probe_ok",),
}


def told(event: Happened, attempt: int) -> str:
    """Return the line for an event, "" for what a spectator need not see.

    Args:
        event: what happened.
        attempt: how many agent runs its task has had.
    """
    data = event.data
    match event.kind:
        case "task.created":
            who = "production's log asks" if data["request"]["source"] == "detector" else "asked"
            text = f"{who}: {data['request']['text']}"
        case "agent.finished":
            text = f"agent attempt {attempt} ended: {data.get('stop', '')}"
        case "gate.judged":
            text = _gate(data)
        case "effect.done":
            said = _EFFECTS.get(str(data["effect"]), "")
            text = f"{event.stage}: {said}" if said else ""
        case "branch.merged":
            text = f"PR #{data['pull_request']} merged into {data['branch']} as {short(data['sha'])}"
        case "effect.failed" | "task.status" | "control.changed" | "watch.checked":
            text = event.text if event.kind == "effect.failed" else ""
        case _:
            text = event.text if event.loud and not event.kind.startswith(("stage.", "policy.")) else ""
    return line(text, TEXT_CHARS_MAX)


def _gate(data: dict[str, Any]) -> str:
    gate, ruling = data["gate"], data["ruling"]
    if gate in {"intake", "watch"}:
        return ""
    if ruling == "pass":
        said = [each["message"] for each in data["findings"] if each["code"] in _PROOF.get(gate, ())]
        return f"{gate} gate open. {' '.join(said)}"
    said = [_reason(each) for each in data["findings"] if each["ruling"] != "pass"]
    if ruling == "fail":
        # What follows from a red check is no news.
        said = [text for text in said if text] or [f"{len(data['findings'])} findings"]
        return f"{gate} gate shut: {' '.join(said)}"
    return f"{gate} gate asks a person: {' '.join(said)}"


def _reason(finding: dict[str, Any]) -> str:
    message = str(finding["message"])
    if finding["code"] == "evidence_missing":
        return ""
    counts = _COUNTS.search(message)
    if finding["code"] == "check_failed" and counts:
        names = ", ".join(_NAMES.findall(message)[:3])
        return f"{counts[1]} tests failed ({names})." if names else f"{counts[1]} tests failed."
    return message.splitlines()[0] if message else ""
