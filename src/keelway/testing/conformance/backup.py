"""Hold every backup store to the same promises."""
# ruff: noqa: D102, S101  these are tests, shipped for the authors of adapters

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

import pytest

from keelway.core.errors import TheirFault
from keelway.ports.backup import Backup, BackupStore


class Cellar(Protocol):
    """Give a store and the hands of an application that writes."""

    store: BackupStore
    environment: str
    """It has a table ``ships`` with two rows."""
    empty: str
    """An environment that keeps no data."""

    def write(self, table: str, count: int) -> None:
        """Add rows to a table, which may be new."""
        ...

    def spoil(self, backup: Backup) -> None:
        """Damage a copy."""
        ...


class BackupTests:
    """Subclass it with one fixture: ``cellar``."""

    def take(self, cellar: Cellar, key: str = "one") -> Backup:
        backup = cellar.store.take(cellar.environment, key=key)
        assert backup is not None
        return backup

    def test_a_backup_is_taken_once_and_verifies(self, cellar: Cellar) -> None:
        backup = self.take(cellar)
        assert backup.rows == {"ships": 2} == cellar.store.rows(cellar.environment)
        cellar.write("ships", 1)
        assert self.take(cellar) == backup
        assert self.take(cellar, "two").rows == {"ships": 3}
        assert cellar.store.verify(backup) == ""

    def test_no_data_is_no_backup(self, cellar: Cellar) -> None:
        assert cellar.store.take(cellar.empty, key="one") is None
        assert cellar.store.rows(cellar.empty) == {}

    def test_loss_counts_what_came_after(self, cellar: Cellar) -> None:
        backup = self.take(cellar)
        assert cellar.store.loss(backup).total == 0
        cellar.write("ships", 3)
        cellar.write("cargo", 2)
        loss = cellar.store.loss(backup)
        assert (loss.rows, loss.total) == ({"ships": 3, "cargo": 2}, 5)

    def test_restore_brings_the_rows_back_once(self, cellar: Cellar) -> None:
        backup = self.take(cellar)
        cellar.write("ships", 3)
        cellar.store.restore(backup, key="restore")
        assert cellar.store.rows(cellar.environment) == {"ships": 2}
        cellar.write("ships", 1)
        cellar.store.restore(backup, key="restore")
        assert cellar.store.rows(cellar.environment) == {"ships": 3}
        assert cellar.store.verify(backup) == ""

    def test_a_backup_is_proven_by_a_restore_elsewhere(self, cellar: Cellar) -> None:
        backup = self.take(cellar)
        cellar.write("ships", 1)
        proof = cellar.store.prove(backup)
        assert (proof.wrong, proof.rows) == ("", {"ships": 2})
        assert cellar.store.rows(cellar.environment) == {"ships": 3}
        cellar.spoil(backup)
        assert cellar.store.prove(backup).wrong != ""

    def test_old_backups_go_but_for_what_is_needed(self, cellar: Cellar) -> None:
        first, second, third = (self.take(cellar, key) for key in ("one", "two", "three"))
        later = third.taken_at + timedelta(seconds=1)
        needed = frozenset({first.id})
        planned = cellar.store.prune(
            cellar.environment, needed=needed, before=later, at_least=1, dry_run=True
        )
        gone = cellar.store.prune(cellar.environment, needed=needed, before=later, at_least=1)
        assert planned == gone
        assert {one.id for one in cellar.store.kept(cellar.environment)} == (
            {first.id, second.id, third.id} - set(gone)
        )
        assert len(gone) == 1
        kept = {first.id, second.id, third.id} - set(gone)
        assert first.id in kept
        assert cellar.store.verify(first) == ""
        assert cellar.store.prune(cellar.empty, needed=frozenset(), before=later, at_least=0) == ()

    def test_a_damaged_backup_is_not_restored(self, cellar: Cellar) -> None:
        backup = self.take(cellar)
        cellar.write("ships", 1)
        cellar.spoil(backup)
        assert cellar.store.verify(backup) != ""
        with pytest.raises(TheirFault) as caught:
            cellar.store.restore(backup, key="restore")
        assert caught.value.code == "backup_damaged"
        assert cellar.store.rows(cellar.environment) == {"ships": 3}
