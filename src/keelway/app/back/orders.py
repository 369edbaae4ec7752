"""Order everything about the way back: rollbacks, drills, locks, drift, and the branch that undoes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ulid import ULID

from keelway.app.aim.choose import Chosen, choose
from keelway.app.back.offer import offer_of
from keelway.app.bootstrap import App
from keelway.app.target.known import insist_environment
from keelway.core.codec import to_json
from keelway.core.errors import RequestRefused, YourFault
from keelway.core.model.event import Event, EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION
from keelway.core.model.task import Actor, Request
from keelway.core.release.drill import PARTS
from keelway.core.release.lock import TEXT_CHARS_MAX, Lock
from keelway.core.release.undoing import undoing_request
from keelway.ports.engine import Runtime
from keelway.ports.ledger import Quarantine, TaskRow
from keelway.routines.back.drift import ADOPT, RESTORE
from keelway.routines.back.span import together, undone_by
from keelway.routines.order import BranchOrder, DriftOrder, DrillOrder, LandOrder, RollbackOrder
from keelway.routines.standing.recorded import standing_of
from keelway.workflows.narrator import WAKE

LOCK_HOURS_MAX = 24.0 * 365
Order = RollbackOrder | BranchOrder | LandOrder | DrillOrder | DriftOrder
_WATCHED = frozenset({Status.OBSERVING, Status.PROMOTING, Status.STAGING})


@dataclass(frozen=True)
class Ordered:
    """Name a run that was started, so that its end can be asked for."""

    run: str
    message: str


class BackOrders:
    """Start what people order about the way back; every refusal leaves everything as it was."""

    def __init__(
        self,
        app: App,
        runtime: Runtime,
        submit: Callable[[Request], TaskRow],
        now: Callable[[], datetime],
    ) -> None:
        self._app, self._runtime, self._submit, self._now = app, runtime, submit, now

    def choose(self, environment: str, words: str) -> Chosen:
        """Return what somebody means by the words behind ``--to``."""
        doors = self._app.doors
        return choose(offer_of(doors, environment), words, doors.forge, self._app.config.project.branches)

    def rollback(
        self, what: str, by: Actor, *, to: str = "", reason: str = "", restore: bool = False
    ) -> Ordered:
        """Take back a task, or an environment to a release, branch, tag or commit.

        Raises:
            RequestRefused: it is not live, later releases stand on it, or the target never passed the gates.
            YourFault: there is no such task or target.
        """
        environment, row = self._meant(what)
        why = reason or f"{by} asked for it."
        if row is not None and row.status in _WATCHED:
            self._app.ledger.amend(row.task.id, rollback_by=str(by))
            self._note(by, row.task.id, what="rollback asked")
            return Ordered(row.task.id, f"{row.task.name} is being taken back.")
        if row is not None:
            self._insist_newest(row)
        chosen = self.choose(environment, to) if to else Chosen()
        task = row.task if row else None
        order = RollbackOrder(str(ULID()), environment, by, why, chosen.release, task, chosen.sha)
        if restore:
            order = replace(order, restore=self._backup(environment, chosen))
        self._note(by, task.id if task else "", what="rollback ordered", order=order.id)
        return self._start("rollback", order, f"{environment} is being taken back.")

    def undo_feature(self, task: str, by: Actor, reason: str = "") -> TaskRow:
        """Open the task that takes one feature back and leaves what came later.

        Raises:
            RequestRefused: it is not live.
        """
        row = self._app.ledger.find(task)
        if row.status is not Status.DEPLOYED or not row.pull_request:
            raise RequestRefused("not_live", f"{row.task.name} is {row.status.value}.", "keelway releases")
        title = str((row.plan or {}).get("title") or row.task.request.text)
        return self._submit(undoing_request(row.task.name, title, reason, by, self._now()))

    def prepare(self, environment: str, by: Actor, *, to: str = "", reason: str = "") -> Ordered:
        """Open a branch and a pull request that would bring git back; nothing that runs is touched.

        Raises:
            RequestRefused: there is nothing to go back to.
        """
        environment, _ = self._meant(environment)
        chosen = self.choose(environment, to)
        history = self._app.ledger.deployments(environment)
        release, sha = chosen.release, chosen.sha
        if not release:
            bad = undone_by(history, environment)[-1]
            release, sha = bad.previous_release, bad.previous_sha
        sha = sha or next((entry.sha for entry in history if entry.release == release), "")
        if not sha:
            raise RequestRefused(
                "commit_unknown", f"The commit of {release} is not known.", "keelway releases"
            )
        why = reason or f"{by} asked for it."
        order = BranchOrder(str(ULID()), environment, sha, release, by, why)
        self._note(by, "", what="rollback branch ordered", order=order.id)
        return self._start(
            "branch", order, f"A branch that brings {environment} back to {release} is being made."
        )

    def land(self, pull: int, by: Actor) -> Ordered:
        """Merge the pull request of a rollback."""
        order = LandOrder(str(ULID()), pull, by)
        self._note(by, "", what=f"merge of #{pull} ordered", order=order.id)
        return self._start("land", order, f"#{pull} is being merged.")

    def drill(self, environment: str, by: Actor, parts: tuple[str, ...] = PARTS) -> Ordered:
        """Begin a drill of the way back.

        Raises:
            YourFault: there is no such environment or part, or it is production.
        """
        self._known(environment)
        unknown = sorted(set(parts) - set(PARTS))
        if unknown or not parts:
            raise YourFault("unknown_part", f"A drill has no part {unknown}.", f"use {', '.join(PARTS)}")
        if environment == PRODUCTION:
            said = "A drill takes a release back on purpose; users are no part of it."
            raise YourFault("drill_on_production", said, "keelway drill staging")
        order = DrillOrder(str(ULID()), environment, by, parts)
        self._note(by, "", what="drill ordered", order=order.id)
        return self._start("drill", order, f"A drill on {environment} begins ({', '.join(parts)}).")

    def settle_drift(self, environment: str, how: str, by: Actor, reason: str = "") -> Ordered:
        """Adopt what runs, or put back what is recorded.

        Raises:
            YourFault: there is no such environment.
        """
        self._known(environment)
        if how not in {ADOPT, RESTORE}:
            raise YourFault("unknown_way", f"Drift is not settled by {how!r}.", f"use {ADOPT} or {RESTORE}")
        order = DriftOrder(str(ULID()), environment, by, how, reason)
        self._note(by, "", what=f"drift: {how} ordered", order=order.id)
        return self._start("drift", order, f"The drift of {environment} is being settled.")

    def lock(self, environment: str, by: Actor, reason: str = "", hours: float = 0.0) -> Lock:
        """Keep deployments out of an environment; 0 hours keep them out until somebody lifts it.

        Raises:
            RequestRefused: somebody else has locked it.
            YourFault: there is no such environment, or the time is impossible.
        """
        self._known(environment)
        if not 0 <= hours <= LOCK_HOURS_MAX or len(reason) > TEXT_CHARS_MAX:
            said = f"A lock takes 0 to {LOCK_HOURS_MAX:.0f} hours and a reason of {TEXT_CHARS_MAX} letters."
            raise YourFault("lock_invalid", said, "keelway lock production --for 2")
        until = self._now() + timedelta(hours=hours) if hours else None
        return self._app.ledger.lock(environment, str(by), reason, until)

    def unlock(self, environment: str, by: Actor) -> Lock | None:
        """Let deployments in again; return the lock that was lifted."""
        self._known(environment)
        lifted = self._app.ledger.unlock(environment, str(by))
        for row in self._app.ledger.tasks(open_only=True) if lifted else ():
            self._runtime.send(row.task.id, WAKE, {"unlocked": environment})
        return lifted

    def cure(self, sha: str, by_commit: str, by: Actor) -> Quarantine:
        """Let later deployments carry a quarantined commit, because a later one undoes or cures it.

        Raises:
            YourFault: the commit is not in quarantine, or the cure does not stand on it.
        """
        ledger, forge = self._app.ledger, self._app.doors.forge
        entry = next((each for each in ledger.quarantined() if each.sha.startswith(sha) and sha), None)
        if entry is None:
            raise YourFault("not_quarantined", f"{sha} is not in quarantine.", "keelway quarantine")
        cure = forge.resolve(by_commit)
        if cure == entry.sha or not forge.contains(entry.sha, cure):
            said = f"{by_commit} does not come after {sha}, so it cannot undo or cure it."
            raise YourFault("no_cure", said, "name a later commit of a protected branch")
        ledger.quarantine(cured := replace(entry, revert_sha=cure))
        self._note(by, entry.task, what=f"quarantine of {entry.sha[:12]} ended by {cure[:12]}")
        return cured

    def _meant(self, what: str) -> tuple[str, TaskRow | None]:
        if what in {spec.name for spec in self._app.config.project.environments}:
            return what, None
        return PRODUCTION, self._app.ledger.find(what)

    def _known(self, environment: str) -> None:
        insist_environment(self._app.config.project, environment)

    def _insist_newest(self, row: TaskRow) -> None:
        """Refuse a task on which later releases stand; what serves counts, also after a way back."""
        if row.status is not Status.DEPLOYED:
            raise RequestRefused("not_live", f"{row.task.name} is {row.status.value}.", "keelway releases")
        book = standing_of(self._app.ledger.deployments(PRODUCTION))
        if row.task.id != book.task:
            name = row.task.name
            raise RequestRefused(
                "later_releases",
                f"Later releases stand on {name}.",
                f"only this feature: keelway rollback {name} --feature; or all since: keelway rollback production --to RELEASE",
            )

    def _backup(self, environment: str, chosen: Chosen) -> str:
        """Return the id of the backup that the way back would restore."""
        bad = together(undone_by(self._app.ledger.deployments(environment), environment, chosen.release))
        if not bad.backup:
            said = f"No backup was taken before {bad.release}, so nothing can be restored."
            raise RequestRefused("no_backup", said, "keelway rollback without --restore")
        return bad.backup

    def _start(self, story: str, order: Order, message: str) -> Ordered:
        self._runtime.start(story, order.id, to_json(order))
        return Ordered(order.id, message)

    def _note(self, by: Actor, task: str, **data: object) -> None:
        event = Event(EventKind.CONTROL_CHANGED, self._now(), task, actor=str(by), data=dict(data))
        self._app.ledger.record(event)
