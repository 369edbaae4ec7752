"""Ask one health question over HTTP and compare the answer with what is expected."""

from __future__ import annotations

import json
from dataclasses import dataclass

from keelway.clients.http import Answer, HttpClient
from keelway.core.errors import TheirFault
from keelway.core.model.project import ProbeSpec

_BODY_BYTES_MAX = 1024 * 1024
_SHOWN_MAX = 200


@dataclass(frozen=True)
class Asked:
    """Hold how a question was answered; ``wrong`` is empty for a good answer."""

    latency_ms: float
    status: int = 0
    wrong: str = ""


def ask(url: str, spec: ProbeSpec) -> Asked:
    """Ask once; no answer in time, a large one or one that is not expected is a wrong one."""
    limit_seconds = spec.latency_ms_max / 1000
    try:
        payload = json.loads(spec.send_json) if spec.send_json else None
    except ValueError as error:
        return Asked(0.0, wrong=f"the probe's send_json is not JSON: {error}")
    try:
        with HttpClient(url, timeout_seconds=limit_seconds, body_bytes_max=_BODY_BYTES_MAX) as client:
            answer = client.request(spec.method, spec.path, json=payload)
    except TheirFault as error:
        return Asked(spec.latency_ms_max, wrong=error.message)
    return Asked(answer.seconds * 1000, answer.status, _wrong(answer, spec))


def _wrong(answer: Answer, spec: ProbeSpec) -> str:
    if answer.status != spec.status:
        shown = answer.text[:_SHOWN_MAX].strip()
        return f"{spec.method} {spec.path} answered {answer.status}, not {spec.status}: {shown}"
    if spec.body_contains not in answer.text:
        return f"{spec.method} {spec.path} answered without {spec.body_contains!r}"
    if answer.seconds * 1000 > spec.latency_ms_max:
        return (
            f"{spec.method} {spec.path} took {answer.seconds * 1000:.0f} ms, at most {spec.latency_ms_max:g}"
        )
    return ""
