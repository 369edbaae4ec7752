"""Take, prove, lend and restore backups of everything that an environment keeps, several kinds as one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from keelway.clients.backup.part import opened, put_part
from keelway.clients.backup.seal import Seal
from keelway.clients.backup.shelf import Shelf
from keelway.clients.backup.source import CopyFailed, Counted, Lent, Source
from keelway.clients.backup.trial import Steps, try_migration
from keelway.clients.files import free_bytes, remove_tree, sha256_file
from keelway.core.backup.backup import Backup, Loss, Part, Proof, joined
from keelway.core.backup.keep import choose_over
from keelway.core.codec import digest
from keelway.core.errors import KeelwayError, TheirFault
from keelway.core.migration.dry_run import NO_COPY, Beside, DryRun

SPACE_FACTOR = 2
"""A copy, and the scratch copy that proves it."""

Sources = Callable[[str], tuple[Source, ...]]
"""Return what an environment is configured to keep."""

OnCopy = Callable[[str, str, dict[str, str]], Steps]
"""The steps of a release in an environment, with other addresses in place of those of the live data."""


class Cellar:
    """Keep backups below the home, each part a file, each backup a record."""

    def __init__(self, home: Path, sources: Sources, seal: Seal | None = None) -> None:
        self._home, self.sources, self._seal = home, sources, seal

    def take(self, environment: str, *, key: str) -> Backup | None:
        """Copy everything, prove each copy, and record them as one; the same key returns the same backup.

        Raises:
            TheirFault: no space (``no_space``), a copy failed (``backup_failed``), or the one that was
                taken under this key is damaged (``backup_damaged``).
        """
        return self._take(environment, key, self.sources(environment))

    def verify(self, backup: Backup) -> str:
        """Hash every file again and look through it; return "" or what is wrong."""
        for part in backup.files:
            path = Path(part.path)
            try:
                if path.stat().st_size != part.size_bytes or sha256_file(path) != part.sha256:
                    return f"{path.name} is not the file that was written"
                if not part.sealed and (wrong := self._source(backup, part).check(path, part.rows)):
                    return f"{path.name}: {wrong}"
            except (CopyFailed, OSError) as error:
                return f"{path.name} cannot be read: {error}"
            except KeelwayError as error:
                return error.message
        return ""

    def prove(self, backup: Backup) -> Proof:
        """Restore every part into a scratch place, compare it with what was counted, and clear away."""
        began = time.monotonic()
        wrong = self.verify(backup)
        for part in () if wrong else backup.files:
            try:
                with opened(self._seal, part) as path:
                    wrong = wrong or self._source(backup, part).prove(path, part.rows)
            except (CopyFailed, OSError) as error:
                wrong = str(error)
            except KeelwayError as error:
                wrong = error.message
        return Proof(time.monotonic() - began, {} if wrong else backup.rows, wrong)

    def loss(self, backup: Backup) -> Loss:
        """Count what is newer than the backup.

        Raises:
            TheirFault: the data or the backup cannot be read (``data_unreadable``).
        """
        losses = []
        for part in backup.files:
            source = self._source(backup, part)
            with _unreadable(source):
                if source.size_bytes() is None:
                    losses.append(_labelled(Loss(returning=part.rows), part, backup.files))
                    continue
                with opened(self._seal, part) as path:
                    found = source.loss(path, Counted(part.rows, part.mark))
                losses.append(_labelled(found, part, backup.files))
        return joined(losses)

    def restore(self, backup: Backup, *, key: str) -> None:
        """Put every part in place of what is there, which is kept; the same key restores once.

        Raises:
            TheirFault: it does not verify (``backup_damaged``), or the restore failed (``restore_failed``).
        """
        shelf = Shelf(self._home, backup.environment)
        if shelf.restored(key):
            return
        self._insist(backup, "backup_damaged")
        sources = [(part, self._source(backup, part)) for part in backup.files]
        fleeting = tuple(source for _, source in sources if not source.keeps_old)
        before = self._take(backup.environment, f"before {key}", fleeting)
        for part, source in sources:
            try:
                with shelf.locked(), opened(self._seal, part) as path:
                    source.write_back(path, part.rows, f"{backup.id} {key}")
            except (CopyFailed, OSError) as error:
                kept = f"What was there before is kept in {before.path}." if before else "Nothing is lost."
                said = f"{source.named()} could not be restored: {error}. {kept}"
                raise TheirFault("restore_failed", said, "see the disk and the database") from error
        shelf.note_restored(key, backup.id, before.id if before else "")

    def rehearse(self, backup: Backup, beside: Beside, on_copy: OnCopy, *, key: str) -> DryRun:
        """Restore a backup beside the data of an environment, try the migrations of a release on it, clear away."""
        shelf = Shelf(self._home, beside.environment)
        folder = self._home / "scratch" / shelf.name(key)
        try:
            on_copy(beside.environment, beside.release, {})  # who cannot says so before anything is restored
            with shelf.locked(), ExitStack() as stack:
                stack.callback(remove_tree, folder, folder.parent)
                self._clear(folder, backup)
                lent = [self._lend(stack, part, beside.environment, folder, key) for part in backup.files]
                instead = {live: there for one in lent for live, there in one.instead.items()}
                copy = Lent(instead, tuple(reader for one in lent for reader in one.readers))
                steps = on_copy(beside.environment, beside.release, instead)
                return try_migration(copy, steps, backup.environment, beside.live)
        except (CopyFailed, OSError) as error:
            return DryRun(backup.environment, wrong=f"no copy of the data could be lent: {error}")
        except KeelwayError as error:
            if error.code == NO_COPY:
                return DryRun(backup.environment, untried=error.message)
            return DryRun(backup.environment, wrong=error.message)

    def rows(self, environment: str) -> dict[str, int]:
        """Count the rows of every table now; none when there is no data.

        Raises:
            TheirFault: the data cannot be read (``data_unreadable``).
        """
        found: dict[str, int] = {}
        every = self.sources(environment)
        parts = tuple(Part(source.kind, "", "", 0) for source in every)
        for source, part in zip(every, parts, strict=True):
            with _unreadable(source):
                if source.size_bytes() is not None:
                    found.update(_named(source.rows(), part, parts))
        return found

    def kept(self, environment: str) -> tuple[Backup, ...]:
        """Return every backup of an environment that has a record."""
        return Shelf(self._home, environment).all()

    def prune(
        self,
        environment: str,
        *,
        needed: frozenset[str],
        before: datetime,
        at_least: int,
        dry_run: bool = False,
    ) -> tuple[str, ...]:
        """Remove backups whose time is over and return their ids; what is ``needed`` stays."""
        shelf = Shelf(self._home, environment)
        if not shelf.folder.is_dir():
            return ()
        with shelf.locked():
            over = choose_over(shelf.all(), needed=needed, before=before, at_least=at_least)
            for backup in () if dry_run else over:
                shelf.remove(backup)
        return tuple(backup.id for backup in over)

    def _take(self, environment: str, key: str, sources: tuple[Source, ...]) -> Backup | None:
        shelf = Shelf(self._home, environment)
        try:
            sizes = [(source, source.size_bytes()) for source in sources]
            there = [source for source, size in sizes if size is not None]
            if not there:
                return None
            with shelf.locked():
                known = shelf.read(shelf.name(key))
                if known is not None:
                    self._insist(known, "backup_damaged")
                    return known
                _insist_on_space(shelf.folder, sum(size or 0 for _, size in sizes), there)
                return self._put(shelf, shelf.name(key), environment, there)
        except (CopyFailed, OSError) as error:
            what = " and ".join(source.named() for source in sources)
            raise TheirFault(
                "backup_failed",
                f"{what} could not be copied: {error}.",
                "see disk and database, then try again",
            ) from error

    def _put(self, shelf: Shelf, name: str, environment: str, sources: list[Source]) -> Backup:
        parts: list[Part] = []
        try:
            for source in sources:
                parts.append(put_part(self._seal, source, shelf.folder / f"{name}{source.suffix}"))  # noqa: PERF401 - undone one by one
            backup = _backup(shelf, name, environment, tuple(parts))
            self._insist(backup, "backup_failed")
            shelf.write(backup)
        except BaseException:
            for part in parts:
                Path(part.path).unlink(missing_ok=True)
            raise
        return backup

    def _lend(self, stack: ExitStack, part: Part, beside: str, folder: Path, key: str) -> Lent:
        source = self._kind(beside, part)
        path = stack.enter_context(opened(self._seal, part))
        return stack.enter_context(source.lend(path, folder, key))

    def _clear(self, folder: Path, backup: Backup) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        remove_tree(folder, folder.parent)
        folder.mkdir(mode=0o700)
        if (free := free_bytes(folder)) < SPACE_FACTOR * backup.size_bytes:
            raise CopyFailed(f"{free} bytes are free, {SPACE_FACTOR * backup.size_bytes} are wanted")

    def _source(self, backup: Backup, part: Part) -> Source:
        return self._kind(backup.environment, part)

    def _kind(self, environment: str, part: Part) -> Source:
        for source in self.sources(environment):
            if source.kind == part.kind:
                return source
        raise TheirFault(
            "backup_unreadable",
            f"[data] names nothing of the kind {part.kind} for {environment}, so such a copy cannot be used.",
            "correct [data] in keelway.toml",
        )

    def _insist(self, backup: Backup, code: str) -> None:
        if wrong := self.verify(backup):
            raise TheirFault(
                code, f"The backup {backup.id} does not verify: {wrong}.", "choose another backup"
            )


def _backup(shelf: Shelf, name: str, environment: str, parts: tuple[Part, ...]) -> Backup:
    rows = {table: count for part in parts for table, count in _named(part.rows, part, parts).items()}
    first, now = parts[0], datetime.now(UTC)
    if len(parts) == 1:
        return Backup(name, environment, first.path, first.sha256, first.size_bytes, now, rows, parts)
    size, mark = sum(part.size_bytes for part in parts), digest([part.sha256 for part in parts])
    return Backup(name, environment, str(shelf.folder / f"{name}.json"), mark, size, now, rows, parts)


def _named(rows: dict[str, int], part: Part, parts: tuple[Part, ...]) -> dict[str, int]:
    """Return rows by names that tell apart the tables of several databases."""
    many = sum(each.kind != "files" for each in parts) > 1 and part.kind != "files"
    return {f"{part.kind}.{table}" if many else table: count for table, count in rows.items()}


def _labelled(loss: Loss, part: Part, parts: tuple[Part, ...]) -> Loss:
    return Loss(*(_named(rows, part, parts) for rows in (loss.rows, loss.changed, loss.returning)))


def _insist_on_space(folder: Path, size: int, sources: list[Source]) -> None:
    if (free := free_bytes(folder)) < SPACE_FACTOR * size:
        what = " and ".join(source.named() for source in sources)
        raise TheirFault(
            "no_space",
            f"{free} bytes are free, {SPACE_FACTOR * size} are wanted for a backup of {what}.",
            "free some space",
        )


@contextmanager
def _unreadable(source: Source) -> Iterator[None]:
    try:
        yield
    except (CopyFailed, OSError) as error:
        raise TheirFault("data_unreadable", f"{source.named()} cannot be read: {error}.") from error
