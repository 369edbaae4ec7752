"""Who works in a stage: its queue, its budget and its rights, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Name a kind of worker; one queue each."""

    PLAN = "plan"
    DEV = "dev"
    REVIEW = "review"
    OPS = "ops"


class Stage(StrEnum):
    """Name the seven stages in their order."""

    INTAKE = "intake"
    PLANNING = "planning"
    DEVELOPMENT = "development"
    REVIEW = "review"
    STAGING = "staging"
    PRODUCTION = "production"
    REPORT = "report"


@dataclass(frozen=True)
class Rights:
    """State what a role's agent may do; Keelway's own code is not bound by it."""

    write_workspace: bool
    merge: bool
    deploy: bool


RIGHTS: dict[Role, Rights] = {
    Role.PLAN: Rights(write_workspace=False, merge=False, deploy=False),
    Role.DEV: Rights(write_workspace=True, merge=False, deploy=False),
    Role.REVIEW: Rights(write_workspace=False, merge=True, deploy=False),
    Role.OPS: Rights(write_workspace=False, merge=False, deploy=True),
}

ROLE_OF: dict[Stage, Role] = {
    Stage.INTAKE: Role.PLAN,
    Stage.PLANNING: Role.PLAN,
    Stage.DEVELOPMENT: Role.DEV,
    Stage.REVIEW: Role.REVIEW,
    Stage.STAGING: Role.OPS,
    Stage.PRODUCTION: Role.OPS,
    Stage.REPORT: Role.OPS,
}
