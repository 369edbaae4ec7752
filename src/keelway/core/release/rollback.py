"""Choose the release to go back to and the steps of the way, before anybody is in a hurry.

The decision table; the first row that fits rules. "fits" means: rehearsed to run on the schema
that is there now; unknown counts as no.

| # | previous release | schema | down-migrations | backup | another good release | way back |
|---|---|---|---|---|---|---|
| 1 | good | unaltered, or it fits | any | any | any | code only |
| 2 | good | altered, does not fit | allowed, reversible, not failed | any | any | down-migrations |
| 3 | good | altered, does not fit | no | verified, loss named, policy ``always`` or ``ask`` and a yes | any | restore |
| 4 | any other | any | any | any | good and fits | code only, to that one |
| 5 | good | altered, does not fit | no | verified, loss named, policy ``ask``, no yes yet | none | freeze, page, ask |
| 6 | any other | any | any | any | none | freeze and page |

Order: traffic, then code, then migrations, then data; then the merge is reverted, the commit is
quarantined and health is verified. One exception: a previous release that does not run any more
and does not fit cannot be started before its schema is back, so its start and the switch follow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from keelway.core.policy import DAY_SECONDS, RollbackPolicy

GOOD_STATUSES = frozenset({"live", "superseded"})
"""Statuses of a deployment that held its limits; any other proves nothing."""
TAKEN_BACK = frozenset({"rolled_back"})
BAD_STATUSES = TAKEN_BACK | {"failed"}
"""Statuses of a deployment that did not hold its limits."""
_REQUESTS_FULL = 1_000
_HOUR_SECONDS = 3_600.0
_NEVER = datetime.min.replace(tzinfo=UTC)


class Step(StrEnum):
    """Name one step of a way back."""

    SWITCH_TRAFFIC = "switch_traffic"
    START_PREVIOUS = "start_previous"
    STOP_WORKERS = "stop_workers"
    START_WORKERS = "start_workers"
    MIGRATE_DOWN = "migrate_down"
    RESTORE_DATA = "restore_data"
    REVERT_MERGE = "revert_merge"
    QUARANTINE = "quarantine"
    VERIFY = "verify"
    FREEZE = "freeze"
    PAGE = "page"


@dataclass(frozen=True)
class DeploymentFact:
    """Hold what is recorded about one past deployment."""

    id: str
    environment: str
    release: str
    sha: str
    status: str
    healthy_seconds: float
    """How long it was seen healthy."""
    requests: int
    """How much traffic it served."""
    schema_version: str
    artefact_present: bool
    """What it was built into is still there and has the recorded digest."""
    finished_at: datetime | None


@dataclass(frozen=True)
class Target:
    """Offer one release to go back to, with the evidence for it."""

    release: str
    sha: str
    deployment: str
    """Id of its last good deployment."""
    schema_fits: bool
    score: float
    """0 to 3: up to two points for a healthy day, up to one for a thousand requests."""
    previous: bool
    """It is the one that ran last before the current release."""
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class WayBackFacts:
    """Hold what decides about the way back."""

    previous: str
    """Name of the release before, empty for none."""
    previous_good: bool
    """Its artefact is there, it is not quarantined and it did not fail during this rollback."""
    previous_warm: bool
    """It still runs, so traffic can be switched at once."""
    migrated: bool
    """The bad release altered the schema."""
    previous_fits: bool | None
    """The previous release was rehearsed on the present schema; ``None`` when nobody knows."""
    down_migrations: bool
    """Every migration of the bad release has a rehearsed way down."""
    down_failed: bool
    """The down-migrations were tried in this rollback and failed."""
    backup_verified: bool
    loss: str
    """What a restore would lose, in words with figures; empty when unknown, which forbids it."""
    restore_approved: bool
    """A person said yes to restoring exactly this backup with this loss."""
    next_good: str
    """Another good release that fits the present schema, empty for none."""
    next_warm: bool
    merged: bool
    """There is a merge to revert."""
    workers: bool
    """The application has workers beside its web processes."""
    ordered_by_person: bool
    """A person asked for this rollback."""


@dataclass(frozen=True)
class WayBack:
    """State the steps of a way back and what they cost."""

    steps: tuple[Step, ...]
    loses_data: bool
    needs_person: bool
    """A person has to say yes before the steps, or has to take over."""
    reason: str
    release: str = ""
    """The release that serves afterwards, empty when nothing is switched."""


def rank_targets(
    history: Iterable[DeploymentFact],
    *,
    current: str,
    quarantined: frozenset[str],
    schema_version: str,
    limit: int = 4,
) -> tuple[Target, ...]:
    """Rank the releases of one environment that can be gone back to, the best evidence first.

    Left out: the current release, quarantined commits, releases that were taken back once, that
    were never seen healthy or whose artefact is gone. Of equal evidence the younger comes first.
    """
    facts = tuple(history)
    bad = {fact.release for fact in facts if fact.status in TAKEN_BACK or fact.sha in quarantined} | {current}
    runs: dict[str, list[DeploymentFact]] = {}
    for fact in sorted(facts, key=_finished, reverse=True):
        if fact.release not in bad and fact.status in GOOD_STATUSES and fact.healthy_seconds > 0:
            runs.setdefault(fact.release, []).append(fact)
    usable = [run for run in runs.values() if run[0].artefact_present]
    youngest = usable[0][0].release if usable else ""
    targets = [_target(run, schema_version, previous=run[0].release == youngest) for run in usable]
    targets.sort(key=lambda target: (not target.schema_fits, -target.score))
    return tuple(targets[: max(0, limit)])


def choose_way_back(facts: WayBackFacts, policy: RollbackPolicy) -> WayBack:
    """Return the way back of the first row of the table that fits."""
    way = _row(facts, policy)
    if way.needs_person or policy.automatic or facts.ordered_by_person:
        return way
    reason = f"{way.reason} The policy asks a person before any rollback."
    return WayBack(way.steps, way.loses_data, needs_person=True, reason=reason, release=way.release)


def _row(facts: WayBackFacts, policy: RollbackPolicy) -> WayBack:
    good = bool(facts.previous) and facts.previous_good
    if good and (not facts.migrated or facts.previous_fits is True):
        why = "runs on the new schema" if facts.migrated else "has the same schema"
        return _code_only(facts, facts.previous, f"{facts.previous} {why}.", warm=facts.previous_warm)
    if good and policy.rollback_migrations and facts.down_migrations and not facts.down_failed:
        reason = f"{facts.previous} needs the old schema; the migrations can be taken down."
        return _with_schema(facts, Step.MIGRATE_DOWN, reason)
    restorable = good and facts.backup_verified and bool(facts.loss.strip())
    if restorable and _may_restore(facts, policy):
        reason = (
            f"{facts.previous} needs the old schema; the backup is restored and this is lost: {facts.loss}"
        )
        return _with_schema(facts, Step.RESTORE_DATA, reason)
    if facts.next_good:
        reason = (
            f"{facts.previous or 'No previous release'} cannot be used; {facts.next_good} fits the schema."
        )
        return _code_only(facts, facts.next_good, reason, warm=facts.next_warm)
    if restorable and policy.restore_data == "ask":
        reason = (
            f"Only a restore leads back to {facts.previous}; a person has to accept this loss: {facts.loss}"
        )
    else:
        reason = "No good release fits the present schema and nothing can be restored."
    return WayBack((Step.FREEZE, Step.PAGE), loses_data=False, needs_person=True, reason=reason)


def _may_restore(facts: WayBackFacts, policy: RollbackPolicy) -> bool:
    return policy.restore_data == "always" or (policy.restore_data == "ask" and facts.restore_approved)


def _code_only(facts: WayBackFacts, release: str, reason: str, *, warm: bool) -> WayBack:
    begin = (Step.SWITCH_TRAFFIC,) if warm else (Step.START_PREVIOUS, Step.SWITCH_TRAFFIC)
    workers = (Step.STOP_WORKERS, Step.START_WORKERS) if facts.workers else ()
    return WayBack(
        (*begin, *workers, *_end(facts)), loses_data=False, needs_person=False, reason=reason, release=release
    )


def _with_schema(facts: WayBackFacts, step: Step, reason: str) -> WayBack:
    stop = (Step.STOP_WORKERS,) if facts.workers else ()
    start = (Step.START_WORKERS,) if facts.workers else ()
    if facts.previous_warm:
        steps = (Step.SWITCH_TRAFFIC, *stop, step, *start, *_end(facts))
    else:
        steps = (*stop, step, Step.START_PREVIOUS, Step.SWITCH_TRAFFIC, *start, *_end(facts))
    return WayBack(
        steps, loses_data=step is Step.RESTORE_DATA, needs_person=False, reason=reason, release=facts.previous
    )


def _end(facts: WayBackFacts) -> tuple[Step, ...]:
    revert = (Step.REVERT_MERGE,) if facts.merged else ()
    return (*revert, Step.QUARANTINE, Step.VERIFY)


def _finished(fact: DeploymentFact) -> datetime:
    return fact.finished_at or _NEVER


def _target(run: list[DeploymentFact], schema_version: str, *, previous: bool) -> Target:
    last = run[0]
    healthy = sum(fact.healthy_seconds for fact in run)
    requests = sum(fact.requests for fact in run)
    fits = last.schema_version == schema_version
    score = 2 * min(1.0, healthy / DAY_SECONDS) + min(1.0, requests / _REQUESTS_FULL)
    schema = f"schema {last.schema_version or 'unknown'}"
    reasons = (
        *(["the release before this one"] if previous else []),
        f"healthy for {healthy / _HOUR_SECONDS:.1f} hours",
        f"served {requests} requests",
        f"{schema} fits" if fits else f"{schema} differs from {schema_version or 'unknown'}",
        "its artefact is there",
    )
    return Target(last.release, last.sha, last.id, fits, round(score, 3), previous, reasons)
