"""Statements (in-toto v1): one for each verdict of a gate, one summary (VSA) for each release."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from keelway.core.codec import canonical, to_json
from keelway.core.model.event import Event, EventKind

STATEMENT = "https://in-toto.io/Statement/v1"
SUMMARY = "https://slsa.dev/verification_summary/v1"
GATE = "urn:keelway:gate:{gate}:v1"
MEDIA_TYPE = "application/vnd.in-toto+json"
VERIFIER = "urn:keelway"
ALL_GATES = "KEELWAY_ALL_GATES_PASSED"
PROVING = ("intake", "plan", "quality", "merge", "staging", "production")
"""The gates that a task passes on its way to production."""

_DIGEST = re.compile(r"[0-9a-f]{40,128}")
_GATE = re.compile(r"urn:keelway:gate:([a-z][a-z0-9_-]*):v1")


@dataclass(frozen=True)
class Verdict:
    """Hold a recorded verdict at its place in the chain."""

    sequence: int
    hash: str
    event: Event
    policy: str
    """Digest of the policy in force then."""

    @property
    def gate(self) -> str:
        """Return the name of the gate."""
        return str(self.event.data.get("gate", ""))

    @property
    def ruling(self) -> str:
        """Return ``pass``, ``hold`` or ``fail``."""
        return str(self.event.data.get("ruling", ""))


@dataclass(frozen=True)
class Released:
    """Name a release of a task in an environment."""

    task: str
    project: str
    environment: str
    release: str
    sha: str
    status: str
    at: datetime
    policy: str


def gate_statement(task: str, project: str, verdict: Verdict) -> dict[str, Any]:
    """Return what a gate said, about exactly which commit or plan, with its place in the chain."""
    event = verdict.event
    return {
        "_type": STATEMENT,
        "subject": _subjects(project, verdict),
        "predicateType": GATE.format(gate=verdict.gate),
        "predicate": {
            "task": task,
            "gate": verdict.gate,
            "ruling": verdict.ruling,
            "findings": event.data.get("findings", []),
            "stage": event.stage,
            "attempt": event.attempt,
            "judgedAt": to_json(event)["at"],
            "policy": {"digest": _sha256(verdict.policy)},
            "event": {"sequence": verdict.sequence, "sha256": verdict.hash},
        },
    }


def _subjects(project: str, verdict: Verdict) -> list[dict[str, Any]]:
    data = verdict.event.data
    found = [
        {"name": f"{project}:{word}", "digest": digest}
        for word, digest in (
            ("commit", _git(data.get("commit"))),
            ("plan", _sha256(data.get("plan"))),
        )
        if digest
    ]
    return found or [{"name": f"{project}:event:{verdict.sequence}", "digest": {"sha256": verdict.hash}}]


def summary_statement(
    released: Released, verdicts: Iterable[Verdict], payloads: Iterable[bytes]
) -> dict[str, Any]:
    """Return the summary of a release: passed only if it is live or was, and each gate said pass in the end.

    Args:
        released: the release.
        verdicts: of the gates of its task, in order.
        payloads: of their attestations, which the summary names by digest.
    """
    last = {verdict.gate: verdict.ruling for verdict in verdicts}
    passed = released.status in {"live", "superseded"} and all(last.get(gate) == "pass" for gate in PROVING)
    return {
        "_type": STATEMENT,
        "subject": [{"name": f"{released.project}:{released.release}", "digest": _git(released.sha)}],
        "predicateType": SUMMARY,
        "predicate": {
            "verifier": {"id": VERIFIER},
            "timeVerified": to_json(released)["at"],
            "resourceUri": f"urn:keelway:release:{released.project}:{released.environment}:{released.release}",
            "policy": {"uri": "urn:keelway:policy", "digest": _sha256(released.policy)},
            "inputAttestations": [
                {
                    "uri": f"urn:keelway:task:{released.task}",
                    "digest": {"sha256": hashlib.sha256(raw).hexdigest()},
                }
                for raw in payloads
            ],
            "verificationResult": "PASSED" if passed else "FAILED",
            "verifiedLevels": [ALL_GATES] if passed else [],
        },
    }


def payload_of(statement: dict[str, Any]) -> bytes:
    """Return the one text of a statement, which is what is signed."""
    return canonical(statement).encode()


def statement_line(plain: Any) -> str:
    """Say in one line what a statement states.

    Raises:
        ValueError: it is no statement, or of a kind that is not known here.
    """
    if not isinstance(plain, dict) or plain.get("_type") != STATEMENT:
        raise ValueError("it is no in-toto statement (v1)")
    subjects, predicate = plain.get("subject"), plain.get("predicate")
    names = [_name_of(each) for each in subjects] if isinstance(subjects, list) else []
    if not all(names) or not names or not isinstance(predicate, dict):
        raise ValueError("it names no subject with a digest, or states nothing")
    about, kind = names[0], str(plain.get("predicateType"))
    if kind == SUMMARY:
        return f"{about}: {predicate.get('verificationResult')}"
    gate = _GATE.fullmatch(kind)
    if gate is None or predicate.get("gate") != gate[1]:
        raise ValueError(f"the kind {kind[:100]!r} is not known here")
    return f"{about}: gate {gate[1]}: {predicate.get('ruling')}"


def _name_of(plain: Any) -> str:
    """Return the name of a subject, empty when it is none."""
    digests = plain.get("digest") if isinstance(plain, dict) else None
    if not isinstance(digests, dict) or not isinstance(plain.get("name"), str):
        return ""
    good = bool(digests) and all(isinstance(each, str) and each for each in digests.values())
    return str(plain["name"]) if good else ""


def is_verdict(event: Event) -> bool:
    """Tell whether an event records what a gate said."""
    return event.kind is EventKind.GATE_JUDGED


def _git(sha: Any) -> dict[str, str]:
    return {"gitCommit": sha} if isinstance(sha, str) and _DIGEST.fullmatch(sha) else {}


def _sha256(text: Any) -> dict[str, str]:
    found = text.removeprefix("sha256:") if isinstance(text, str) else ""
    return {"sha256": found} if _DIGEST.fullmatch(found) else {}
