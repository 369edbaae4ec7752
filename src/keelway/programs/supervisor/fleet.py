"""Hold every kept process, fence off older control planes, and write down each step before it is taken."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import logging
import secrets as randomness
import time
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from keelway.programs.supervisor.keeper import Keeper, still_alive
from keelway.programs.supervisor.process.ending import StillAlive
from keelway.programs.supervisor.process.logfile import rotate
from keelway.programs.supervisor.process.secret import resolve
from keelway.programs.supervisor.process.stray import Strays
from keelway.programs.supervisor.process.table import Entry, Identity, alive, marks, scan
from keelway.programs.supervisor.refusal import Refusal
from keelway.programs.supervisor.spec import MARKER_NAME, Spec, digest
from keelway.programs.supervisor.state import Book, Row, load, save

PROCESSES_MAX = 100
TICK_SECONDS = 1.0
STRAY_SECONDS = 10.0
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

log = logging.getLogger("keelway.supervisor")


class Fleet:
    """Own the book and one keeper per row."""

    def __init__(self, state_path: Path) -> None:
        self.closing = False
        self.state_error: str | None = None
        self.started_at = time.time()
        self._path = state_path
        self._origin = hashlib.sha256(str(state_path.parent.resolve()).encode()).hexdigest()[:12]
        self._book = Book()
        self._keepers: dict[str, Keeper] = {}
        self._leaving: set[str] = set()
        self._strays = Strays({}, self._origin)
        self._unsaved: str | None = None

    def open(self) -> None:
        """Read the book, adopt what lives, and let the rest follow its policy.

        Raises:
            NewerState: a later version wrote the file.
            OSError: the file cannot be read.
        """
        self._book, self.state_error = load(self._path, datetime.now(UTC))
        if self.state_error:
            log.error("%s", self.state_error)
        found = marks(scan(), MARKER_NAME)
        for process_id, row in self._book.processes.items():
            keeper = self._keepers[process_id] = Keeper(process_id, row, self.note)
            self._take_over(keeper, found.pop(keeper.mark, []))
        self._strays = Strays(found, self._origin)
        self.note()

    def health(self) -> dict[str, object]:
        """Say who serves, how much is kept, and what is wrong with the state file or left without a row."""
        return {
            "version": 1,
            "started_at": self.started_at,
            "processes": len(self._keepers),
            "state_error": self.state_error,
            "unsaved": self._unsaved,
            "unclaimed": self._strays.shown()[:PROCESSES_MAX],
        }

    def keeper(self, process_id: str) -> Keeper:
        """Find one keeper.

        Raises:
            Refusal: 404 when nothing with this id is kept.
        """
        if process_id not in self._keepers:
            raise Refusal(
                HTTPStatus.NOT_FOUND, "unknown_process", f"No process {process_id} is kept.", "GET /processes"
            )
        return self._keepers[process_id]

    def keepers(self) -> list[Keeper]:
        """Give all keepers in the order of their ids."""
        return [self._keepers[process_id] for process_id in sorted(self._keepers)]

    def put(self, process_id: str, spec: Spec) -> bool:
        """Start the process unless the very same one is kept; say whether it is new.

        Raises:
            Refusal: 409 for an older epoch, another spec or a leftover; 422 for what cannot be started;
                503 while shutting down; 507 or 500 when the book cannot be written. Nothing is started then.
        """
        if self.closing:
            raise Refusal(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "shutting_down",
                "The supervisor is shutting down.",
                "ask the next one",
            )
        self._fence(spec)
        kept = self._keepers.get(process_id)
        if kept is not None:
            self._repeat(kept, spec)
            return False
        self._refuse_new(process_id)
        values = resolve(spec.secrets)
        row = Row(spec=spec, nonce=self._origin + randomness.token_hex(16))
        self._commit(spec, {**self._book.processes, process_id: row})
        keeper = Keeper(process_id, row, self.note)
        try:
            keeper.start(values)
        except Refusal:
            del self._book.processes[process_id]
            self.note()
            raise
        self._keepers[process_id] = keeper
        self.note()
        keeper.begin()
        return True

    async def delete(self, process_id: str, deadline_seconds: float | None) -> bool:
        """Stop the process and forget it; say whether a kill was needed.

        An id without a row but with living processes of an unreadable state file is cleared up the same way.

        Raises:
            Refusal: 404 when there is nothing; 500 when something survives; 507 or 500 when the row stays on disk.
        """
        if process_id not in self._keepers and self._strays.pids(process_id):
            try:
                return await self._strays.end(
                    process_id, STRAY_SECONDS if deadline_seconds is None else deadline_seconds
                )
            except StillAlive as error:
                raise still_alive(process_id, error) from None
        keeper = self.keeper(process_id)
        self._leaving.add(process_id)
        try:
            await keeper.stop(keeper.row.spec.stop_seconds if deadline_seconds is None else deadline_seconds)
            if self._keepers.get(process_id) is keeper:  # else a second call has forgotten it already
                self._forget(process_id)
        finally:
            self._leaving.discard(process_id)
        return keeper.killed

    async def stop_all(self, deadline_seconds: float) -> list[str]:
        """Stop everything at once; give the ids that needed a kill.

        Raises:
            Refusal: 500 when something survives; the supervisor then stays.
        """
        keepers = self.keepers()
        ends = await asyncio.gather(*(one.stop(deadline_seconds) for one in keepers), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end
        return [one.process_id for one in keepers if one.killed]

    async def let_go(self) -> None:
        """Stop watching, leave every process alone and write the book a last time."""
        self.closing = True
        await asyncio.gather(*(one.let_go() for one in self.keepers()))
        self.note()

    async def tick_forever(self) -> None:
        """Keep logs within their limit and retry a failed write, once a second."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            for path in sorted({one.row.spec.log_path for one in self.keepers()}):
                try:
                    await asyncio.to_thread(rotate, Path(path))
                except OSError as error:
                    log.warning("the log %s could not be rotated: %s", path, error.strerror)
            if self._unsaved is not None:
                self.note()

    def note(self) -> None:
        """Write the book; a failure is kept for ``health`` and tried again every tick."""
        try:
            save(self._path, self._book)
        except OSError as error:
            if self._unsaved is None:
                log.warning("the state file cannot be written: %s", error.strerror)
            self._unsaved = f"{self._path.name} cannot be written: {error.strerror}"
        else:
            self._unsaved = None

    def _take_over(self, keeper: Keeper, marked: list[Entry]) -> None:
        row = keeper.row
        if row.phase in {"stopped", "failed"}:
            return
        identity = self._living(row, marked)
        if identity is not None:
            keeper.adopt(identity)
        if row.phase == "stopping":
            keeper.begin_stop(row.spec.stop_seconds)
        if identity is not None or row.phase == "stopping":
            keeper.begin()
        else:
            keeper.begin_again()

    def _living(self, row: Row, marked: list[Entry]) -> Identity | None:
        if row.pid is not None and row.born is not None:
            recorded = Identity(row.pid, row.born)
            return recorded if alive(recorded) else None
        if row.phase == "backoff":
            return None  # whatever carries our mark now is a remnant of the last run
        # Written before the start, never after it: the process, if any, leads a session and carries our mark.
        return next((one.identity for one in marked if one.session == one.identity.pid), None)

    def _refuse_new(self, process_id: str) -> None:
        if pids := self._strays.pids(process_id):
            raise Refusal(
                HTTPStatus.CONFLICT,
                "unclaimed_process",
                f"{process_id} still runs from before the state file was lost (pid {pids[0]}).",
                f"DELETE /processes/{process_id} ends it, then send the description again",
                {"pids": pids},
            )
        if len(self._keepers) >= PROCESSES_MAX:
            raise Refusal(
                HTTPStatus.CONFLICT,
                "too_many_processes",
                f"{PROCESSES_MAX} processes are kept already, which is the limit.",
                "DELETE the ones that are no longer needed",
            )

    def _fence(self, spec: Spec) -> None:
        highest = self._book.epochs.get(spec.environment, 0)
        if spec.epoch < highest:
            raise Refusal(
                HTTPStatus.CONFLICT,
                "stale_epoch",
                f"Epoch {spec.epoch} is older than {highest}, the highest seen for environment "
                f"{spec.environment or '(none)'}: another control plane took over.",
                "read the current epoch and decide again whether this is still wanted",
                {"epoch": spec.epoch, "epoch_seen": highest},
            )

    def _repeat(self, kept: Keeper, spec: Spec) -> None:
        """Accept the same description again; a newer epoch takes the process over as it is."""
        if kept.process_id in self._leaving:
            raise Refusal(
                HTTPStatus.CONFLICT,
                "being_deleted",
                f"{kept.process_id} is being deleted.",
                "send it again when it is gone",
            )
        running, asked = digest(kept.row.spec), digest(spec)
        if running != asked:
            raise Refusal(
                HTTPStatus.CONFLICT,
                "other_spec",
                f"{kept.process_id} is kept with another description.",
                f"DELETE /processes/{kept.process_id} first, or use another id",
                {"digest_kept": running, "digest_asked": asked},
            )
        if spec.epoch > kept.row.spec.epoch:
            before, kept.row.spec = kept.row.spec, spec
            try:
                self._commit(spec, self._book.processes)
            except Refusal:
                kept.row.spec = before
                raise

    def _commit(self, spec: Spec, rows: dict[str, Row]) -> None:
        epochs = {**self._book.epochs, spec.environment: spec.epoch}
        self._replace(Book(epochs=epochs, processes=rows))

    def _replace(self, book: Book) -> None:
        try:
            save(self._path, book)
        except OSError as error:
            full = error.errno in FULL
            raise Refusal(
                HTTPStatus.INSUFFICIENT_STORAGE if full else HTTPStatus.INTERNAL_SERVER_ERROR,
                "state_not_written",
                f"{self._path.name} cannot be written ({error.strerror}), so nothing was changed.",
                "free space or correct the rights of the supervisor's home, then send it again",
            ) from None
        self._book, self._unsaved = book, None

    def _forget(self, process_id: str) -> None:
        rows = {key: row for key, row in self._book.processes.items() if key != process_id}
        self._replace(Book(epochs=self._book.epochs, processes=rows))
        del self._keepers[process_id]
