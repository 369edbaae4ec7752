"""What will be done, as a value that can be checked, approved and compared with the result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from typing import Any

from keelway.core.answer import read_answer
from keelway.core.codec import digest, to_json
from keelway.core.errors import TheirFault

TEXT_CHARS_MAX = 4_000
ITEMS_MAX = 100
TITLE_CHARS_MAX = 120
"""One line of a commit."""

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
"""What an acceptance probe may ask with."""

_STATUSES = range(100, 600)
_LISTS = (
    "create",
    "modify",
    "delete",
    "dependencies",
    "probes",
    "examples",
    "risks",
    "test_plan",
    "test_grants",
)


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
    examples: tuple[AcceptanceProbe, ...] = ()
    """Questions like ``probes`` that the developer is not shown: the black box asks them before the merge."""

    @property
    def files(self) -> frozenset[str]:
        """Return every path that the patch may touch."""
        return frozenset((*self.create, *self.modify, *self.delete))


def plan_digest(plan: Plan) -> str:
    """Return the digest that an approval of this plan names; a plan without examples keeps its digest of before."""
    return digest(plan_json(plan))


def plan_json(plan: Plan, *, for_developer: bool = False) -> dict[str, Any]:
    """Return a plan as plain JSON; the developer is not shown the examples that its work is held against."""
    plain: dict[str, Any] = to_json(plan)
    if for_developer or not plan.examples:
        del plain["examples"]
    return plain


def parse_plan(text: str) -> Plan:
    """Read a plan from an agent's answer: the last JSON object in it, strictly checked.

    Raises:
        TheirFault: no JSON object, an unknown or missing field, or a bound exceeded;
            the message can be given back to the agent as it is.
    """
    return _bounded(read_answer(Plan, text, "plan"))


def _bounded(plan: Plan) -> Plan:
    problem = next(chain(_texts(plan), _counts(plan), _paths(plan), _probes(plan)), "")
    if problem:
        raise TheirFault("plan_invalid", f"The plan cannot be used: {problem}.")
    return replace(plan, title=plan.title.strip(), lines_estimate=max(0, plan.lines_estimate))


def _texts(plan: Plan) -> Iterator[str]:
    for name in ("title", "approach"):
        if not getattr(plan, name).strip():
            yield f"$.{name}: empty; a plan needs a title and an approach"
    if len(plan.title) > TITLE_CHARS_MAX or "\n" in plan.title:
        yield f"$.title: must be one line of at most {TITLE_CHARS_MAX} characters"
    for name in ("approach", "usage"):
        length = len(getattr(plan, name))
        if length > TEXT_CHARS_MAX:
            yield f"$.{name}: {length} characters, longer than {TEXT_CHARS_MAX}"


def _counts(plan: Plan) -> Iterator[str]:
    for name in _LISTS:
        count = len(getattr(plan, name))
        if count > ITEMS_MAX:
            yield f"$.{name}: {count} entries, more than {ITEMS_MAX}"


def _paths(plan: Plan) -> Iterator[str]:
    for name in ("create", "modify", "delete"):
        for number, path in enumerate(getattr(plan, name)):
            if not is_plain_path(path):
                yield f"$.{name}[{number}]: not a plain path inside the repository: {path!r}"
    for number, path in enumerate(plan.migrations):
        if path not in plan.files:
            yield f"$.migrations[{number}]: not among the files of the plan: {path!r}"


def _probes(plan: Plan) -> Iterator[str]:
    asked = (("probes", plan.probes), ("examples", plan.examples))
    for place, probe in (
        (f"$.{name}[{n}]", probe) for name, probes in asked for n, probe in enumerate(probes)
    ):
        if not is_plain_target(probe.path):
            yield f"{place}.path: not a path of the application, such as /orders?late=1: {probe.path!r}"
        if probe.method not in METHODS:
            yield f"{place}.method: {probe.method!r}; expected one of {', '.join(sorted(METHODS))}"
        if probe.status not in _STATUSES:
            yield f"{place}.status: {probe.status} is no status of HTTP"


def is_plain_target(target: str) -> bool:
    """Tell whether ``target`` is a path of whoever is asked and can name nobody else (RFC 9112, 3.2.1)."""
    return (
        target.startswith("/")
        and not target.startswith("//")
        and target.isprintable()
        and not {" ", "\\", "#"} & set(target)
    )


def is_plain_path(path: str) -> bool:
    """Tell whether ``path`` is relative, normal and free of control characters."""
    parts = path.split("/")
    return (
        bool(path)
        and path.isprintable()
        and "\\" not in path
        and all(part not in {"", ".", ".."} for part in parts)
    )
