"""Look whether what runs is what the book says, and tell people once when it is not."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

from keelway.app.bootstrap import App
from keelway.clients.rounds import Rounds
from keelway.core.codec import digest
from keelway.core.errors import KeelwayError
from keelway.core.model.event import Event, EventKind
from keelway.core.model.task import Actor
from keelway.core.model.verdict import Finding, Ruling
from keelway.core.release.drift import DriftFacts, Seen, judge_drift
from keelway.core.words.alert import drift_alert
from keelway.ports.channel import Message
from keelway.routines.context import Doors
from keelway.routines.standing.recorded import seen_of, standing_of

_log = logging.getLogger("keelway.drift")


@runtime_checkable
class Numbering(Protocol):
    """Know the highest epoch of an environment."""

    def epoch(self, environment: str) -> int:
        """Return it, 0 for none."""
        ...


@runtime_checkable
class Moving(Protocol):
    """Know which protected branches were moved by hand."""

    def drift(self) -> tuple[str, ...]:
        """Return them."""
        ...


def compare(doors: Doors, environment: str) -> tuple[DriftFacts, tuple[Finding, ...]]:
    """Compare an environment with the book; one that cannot be asked is a finding as well."""
    ledger, forge = doors.ledger, doors.forge
    book = standing_of(ledger.deployments(environment))
    try:
        seen = seen_of(doors.target.state(environment))
        branches = forge.drift() if isinstance(forge, Moving) else ()
    except KeelwayError as error:
        seen, branches = Seen(asked=False, detail=error.message), ()
    epoch = ledger.epoch(environment) if isinstance(ledger, Numbering) else seen.epoch
    facts = DriftFacts(environment=environment, book=book, epoch=epoch, seen=seen, branches=branches)
    return facts, judge_drift(facts)


class DriftWatch(Rounds):
    """Compare every environment again and again; each new drift is recorded and told once."""

    def __init__(self, app: App, every_seconds: float) -> None:
        super().__init__(self.look, every_seconds, _log, name="drift", failed="A look for drift failed.")
        self._app, self._every_seconds = app, every_seconds
        self._known: dict[str, str] = {}

    def start(self) -> None:
        """Begin, when the configuration wants it."""
        if self._every_seconds > 0:
            super().start()

    def look(self) -> int:
        """Compare once; return how many environments have drifted since the last look.

        Only what two looks in a row say counts: between the effect and its record lies a moment.
        """
        fresh = 0
        for spec in self._app.config.project.environments:
            _, findings = compare(self._app.doors, spec.name)
            wrong = [finding for finding in findings if finding.ruling is Ruling.FAIL]
            mark = digest([finding.message for finding in wrong]) if wrong else ""
            before = self._known.get(spec.name, "")
            if mark and before == mark:
                self._known[spec.name] = f"told:{mark}"
                self._tell(spec.name, tuple(wrong))
                fresh += 1
            elif before != f"told:{mark}":
                self._known[spec.name] = mark
        return fresh

    def _tell(self, environment: str, wrong: tuple[Finding, ...]) -> None:
        now = datetime.now(UTC)
        reasons = [finding.message for finding in wrong]
        data = {"environment": environment, "reasons": reasons}
        self._app.ledger.record(Event(EventKind.DRIFT_FOUND, now, data=data))
        _log.warning("%s has drifted: %s", environment, " ".join(reasons))
        key = f"drift/{environment}/{now.isoformat()}"
        owner = str(Actor(self._app.config.project.owner))
        subject = f"{environment} was changed by hand"
        message = Message(owner, subject, drift_alert(environment, wrong), urgent=True)
        try:
            self._app.doors.notifier.tell(message, key=key)
        except KeelwayError as error:
            _log.warning("Nobody could be told of the drift: %s", error)
