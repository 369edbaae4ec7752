"""How a stage or an effect ends, and how that is said in JSON, so that a replay meets the same end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from keelway.core import errors
from keelway.core.codec import to_json
from keelway.core.errors import KeelwayError, OurFault, StaleEpoch, TheirFault
from keelway.core.model.verdict import Finding, Verdict

WAIT_SECONDS, WAIT_SECONDS_MAX = 1.0, 30.0
PATIENT_ATTEMPTS, PATIENT_SECONDS = 120, 120.0
"""After so many looks, which take the better part of an hour, there are fewer: a lock may hold for days."""

LASTING = frozenset(
    {
        *("base_moved", "head_moved", "merge_conflict", "revert_conflict", "nothing_to_merge"),
        *("pull_not_open", "moved_by_hand", "import_refused", "file_refused", "file_too_large"),
        *("path_not_text", "diff_unreadable", "tag_taken", "release_taken", "release_damaged"),
        *("plan_invalid", "plan_missing", "artefact_changed", "hook_failed"),
        *("step_failed", "platform_failed", "platform_slow", "operator_refused", "operator_silent"),
        *("tree_altered"),
    }
)
"""Faults that say something about the work itself: the same try would end in the same way."""


class StageFailed(Exception):
    """End a stage because its gate said no or its work cannot be done."""

    def __init__(self, code: str, message: str, hint: str = "", findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.findings = code, message, hint, findings

    @classmethod
    def by_gate(cls, verdict: Verdict) -> StageFailed:
        """Make the failure that a verdict states."""
        reasons = verdict.reasons
        message = " ".join(reason.message for reason in reasons) or "The gate examined nothing."
        return cls(verdict.code, message, findings=reasons)

    @classmethod
    def by_error(cls, error: KeelwayError) -> StageFailed:
        """Make the failure that an error states."""
        return cls(error.code, error.message, error.hint)


class Held(Exception):
    """Leave a stage until a person has answered a question; it is entered again afterwards."""

    def __init__(self, question: str, wait_seconds: float) -> None:
        super().__init__(question)
        self.question, self.wait_seconds = question, wait_seconds


class Waiting(Exception):
    """Leave a stage until something of ours is free; it is entered again afterwards."""

    def __init__(self, reason: str, attempt: int) -> None:
        """Wait soon at first, then ever more rarely; ``attempt`` counts the entries so far, from 1."""
        super().__init__(reason)
        self.reason = reason
        soon = min(WAIT_SECONDS * attempt, WAIT_SECONDS_MAX)
        self.wait_seconds = soon if attempt <= PATIENT_ATTEMPTS else PATIENT_SECONDS


class Rework(Exception):
    """Send a patch back to development with what was found."""

    def __init__(self, code: str, message: str, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(message)
        self.code, self.message, self.findings = code, message, findings


class Aborted(Exception):
    """End a stage because a person asked to."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


@dataclass(frozen=True)
class Envelope:
    """Carry the end of a stage across the engine."""

    kind: str
    """``passed``, ``failed``, ``faulted``, ``held``, ``waiting``, ``rework`` or ``aborted``."""
    value: Any = None
    code: str = ""
    message: str = ""
    hint: str = ""
    wait_seconds: float = 0.0
    findings: tuple[Finding, ...] = field(default=())


def envelope_of(end: Exception) -> Envelope:
    """Turn the exception that ended a stage into its envelope.

    A fault of the machine or the network is ``faulted``: it may pass, so the stage may be tried
    again. What a gate, a person or a newer holder of the environment said is not.

    Raises:
        Exception: ``end`` itself, when it is none of the ends above.
    """
    match end:
        case StageFailed():
            return Envelope("failed", None, end.code, end.message, end.hint, 0.0, end.findings)
        case Held():
            return Envelope("held", None, "held", end.question, "", end.wait_seconds)
        case Waiting():
            return Envelope("waiting", None, "waiting", end.reason, "", end.wait_seconds)
        case Rework():
            return Envelope("rework", None, end.code, end.message, "", 0.0, end.findings)
        case Aborted():
            return Envelope("aborted", None, "aborted", f"Aborted by {end.by}.")
        case TheirFault() if end.code not in LASTING and not isinstance(end, StaleEpoch):
            return Envelope("faulted", None, end.code, end.message, end.hint)
        case KeelwayError():
            return Envelope("failed", None, end.code, end.message, end.hint)
        case _:
            raise end


def outcome_of(effect: Callable[[], Any]) -> dict[str, Any]:
    """Run an effect and return its value, or its error when it is one of ours or the machine's."""
    try:
        return {"ok": to_json(effect())}
    except KeelwayError as error:
        return _error(type(error).__name__, error)
    except OSError as error:
        cause = TheirFault("io_error", f"The machine refused: {error}.", "Check space, rights and limits.")
        return _error("TheirFault", cause)


def _error(kind: str, error: KeelwayError) -> dict[str, Any]:
    said = {"kind": kind, "code": error.code, "message": error.message, "hint": error.hint}
    return {"error": said}


def raise_error(plain: dict[str, Any]) -> None:
    """Raise the recorded error again, when there is one."""
    if "error" in plain:
        said = plain["error"]
        fault = getattr(errors, said["kind"], OurFault)
        raise fault(said["code"], said["message"], said["hint"])
