"""What will be done, as a value that can be checked, approved and compared with the result."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from cattrs import BaseValidationError, transform_error

from keelway.core.codec import digest, from_json
from keelway.core.errors import TheirFault

TEXT_CHARS_MAX = 4_000
ITEMS_MAX = 100


class Kind(StrEnum):
    """Name the class of a task; commit prefix and autonomy depend on it."""

    FEATURE = "feat"
    FIX = "fix"
    MAINTENANCE = "chore"
    REFACTOR = "refactor"
    DOCS = "docs"
    TESTS = "test"


@dataclass(frozen=True)
class AcceptanceProbe:
    """Ask a running release one question whose answer shows that the task is fulfilled."""

    path: str
    method: str = "GET"
    status: int = 200
    body_contains: str = ""
    send_json: str = ""
    """The request body as JSON text; empty for none."""


@dataclass(frozen=True)
class Plan:
    """Describe the intended result and its limits; the reviewers hold the patch against it."""

    title: str
    approach: str
    kind: Kind = Kind.FEATURE
    create: tuple[str, ...] = ()
    modify: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    """Packages that the project does not use yet."""
    migrations: tuple[str, ...] = ()
    """Migration files, a subset of ``create``."""
    probes: tuple[AcceptanceProbe, ...] = ()
    risks: tuple[str, ...] = ()
    test_plan: tuple[str, ...] = ()
    test_grants: tuple[str, ...] = ()
    """Existing test files that the task may alter; shown to and approved by a person."""
    usage: str = ""
    """How to use the result, told to the requester when it is live."""
    lines_estimate: int = 0

    @property
    def files(self) -> frozenset[str]:
        """Return every path that the patch may touch."""
        return frozenset((*self.create, *self.modify, *self.delete))


def plan_digest(plan: Plan) -> str:
    """Return the digest that an approval of this plan names."""
    return digest(plan)


def parse_plan(text: str) -> Plan:
    """Read a plan from an agent's answer: the last JSON object in it, strictly checked.

    Raises:
        TheirFault: no JSON object, an unknown or missing field, or a bound exceeded;
            the message can be given back to the agent as it is.
    """
    document = _last_object(text)
    if document is None:
        raise TheirFault("plan_missing", "The answer holds no JSON object.", "Answer with the plan only.")
    try:
        plan = from_json(Plan, document)
    except (BaseValidationError, ValueError, TypeError) as error:
        said = transform_error(error) if isinstance(error, BaseValidationError) else [str(error)]
        raise TheirFault("plan_invalid", "The plan does not fit its schema: " + "; ".join(said)) from error
    return _bounded(plan)


def _last_object(text: str) -> Any:
    decoder = json.JSONDecoder()
    found: Any = None
    at = text.find("{")
    while at != -1:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at = text.find("{", at + 1)
            continue
        found = value
        at = text.find("{", end)
    return found


def _bounded(plan: Plan) -> Plan:
    if not plan.title.strip() or not plan.approach.strip():
        raise TheirFault("plan_invalid", "The plan needs a title and an approach.")
    if len(plan.title) > 120 or "\n" in plan.title:  # noqa: PLR2004 - one line of a commit
        raise TheirFault("plan_invalid", "The title must be one line of at most 120 characters.")
    if max(len(plan.approach), len(plan.usage)) > TEXT_CHARS_MAX:
        raise TheirFault("plan_invalid", f"A text of the plan is longer than {TEXT_CHARS_MAX} characters.")
    if len(plan.files) > ITEMS_MAX or len(plan.probes) > ITEMS_MAX:
        raise TheirFault("plan_invalid", f"The plan lists more than {ITEMS_MAX} files or probes.")
    wrong = sorted(path for path in plan.files if not is_plain_path(path))
    if wrong:
        raise TheirFault("plan_invalid", f"Not a plain path inside the repository: {wrong[0]!r}.")
    strange = set(plan.migrations) - plan.files
    if strange:
        raise TheirFault("plan_invalid", f"A migration is not among the files: {min(strange)!r}.")
    return replace(plan, title=plan.title.strip(), lines_estimate=max(0, plan.lines_estimate))


def is_plain_path(path: str) -> bool:
    """Tell whether ``path`` is relative, normal and free of control characters."""
    parts = path.split("/")
    return (
        bool(path)
        and path.isprintable()
        and "\\" not in path
        and all(part not in {"", ".", ".."} for part in parts)
    )
