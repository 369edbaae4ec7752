"""Let errors of production become fix tasks: read the log, choose what is worth a task, ask for it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from keelway.app.commands import Commands
from keelway.app.sections import DetectSection
from keelway.clients.rounds import Rounds
from keelway.core.errors import KeelwayError
from keelway.core.model.lifecycle import CLOSED
from keelway.core.model.project import PRODUCTION
from keelway.core.model.task import SYSTEM, Request, Severity, Source
from keelway.core.words.text import clean, line
from keelway.ports.ledger import Deployment, TaskRow
from keelway.ports.signal import ExceptionSeen

COVERED_HOURS = 24
"""An error that had a task within this time gets no second one."""
ROUND_TASKS_MAX = 3
"""At most so many tasks are opened by one reading; the hourly cap of the intake policy holds besides."""
EVIDENCE_CHARS_MAX = 8_000
FILES_MAX = 20
TITLE_CHARS_MAX = 160
_UNSETTLED = frozenset({"running", "observing"})

_log = logging.getLogger("keelway.listen")


def live_release(deployments: Iterable[Deployment]) -> Deployment | None:
    """Return the live deployment; ``None`` also while a newer one is judged, whose errors are its gate's business."""
    for entry in deployments:
        if entry.status in _UNSETTLED:
            return None
        if entry.status == "live":
            return entry
    return None


def select(
    seen: Iterable[ExceptionSeen],
    live: Deployment,
    rows: Iterable[TaskRow],
    section: DetectSection,
    now: datetime,
) -> tuple[ExceptionSeen, ...]:
    """Choose the errors that deserve a task, the most frequent first.

    Args:
        seen: errors since the live release was deployed.
        live: the release that serves.
        rows: recent tasks; an open one or one of the last day covers its error.
        section: how often an error must occur.
        now: the present instant.
    """
    since = now - timedelta(hours=COVERED_HOURS)
    covered = {
        row.task.request.fingerprint
        for row in rows
        if row.status not in CLOSED or (row.created_at is not None and row.created_at >= since)
    }
    worthy = [
        entry
        for entry in seen
        if entry.fingerprint
        and entry.fingerprint not in covered
        and entry.count >= section.occurrences_min
        and entry.release in {"", live.release}
        and entry.last_at >= live.started_at
    ]
    worthy.sort(key=lambda entry: (-entry.count, entry.fingerprint))
    return tuple(worthy[:ROUND_TASKS_MAX])


def request_of(entry: ExceptionSeen, now: datetime) -> Request:
    """Return the request for a fix; what the log said travels as evidence, which is data."""
    where = f" on {line(entry.route, TITLE_CHARS_MAX)}" if entry.route else ""
    return Request(
        text=f"Fix {line(entry.title, TITLE_CHARS_MAX)}{where}",
        requested_by=SYSTEM,
        requested_at=now,
        source=Source.DETECTOR,
        severity=Severity.HIGH,
        files=entry.files[-FILES_MAX:],
        fingerprint=entry.fingerprint,
        evidence=clean(entry.evidence)[-EVIDENCE_CHARS_MAX:],
    )


class Detector(Rounds):
    """Read again and again in a thread of its own; a failing reading is logged and tried again."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self._section = commands.app.config.file.detect
        super().__init__(
            self.look,
            self._section.interval_seconds,
            _log,
            name="detector",
            failed="A reading of the errors of production failed.",
        )

    def start(self) -> None:
        """Begin, when the configuration wants it."""
        if self._section.enabled:
            super().start()

    def look(self) -> int:
        """Read once and open what is due; return how many tasks were opened."""
        app, now = self._commands.app, datetime.now(UTC)
        try:
            live = live_release(app.ledger.deployments(PRODUCTION))
            if live is None:
                return 0
            seen = app.doors.signal.exceptions(PRODUCTION, live.started_at)
            due = select(seen, live, app.ledger.tasks(), self._section, now)
        except KeelwayError as error:
            _log.warning("The errors of production could not be read: %s", error)
            return 0
        return sum(self._open(entry, now) for entry in due)

    def _open(self, entry: ExceptionSeen, now: datetime) -> bool:
        try:
            row = self._commands.submit(request_of(entry, now))
        except KeelwayError as error:
            _log.info("No task for %s: %s", entry.fingerprint, error)
            return False
        _log.info("%s was opened for %s.", row.task.name, entry.fingerprint)
        return True
