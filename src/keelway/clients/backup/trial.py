"""Try a migration on a restored copy: up, down, up again, and compare each time."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Protocol

from keelway.clients.backup.source import Lent
from keelway.core.backup.likeness import Likeness, differences
from keelway.core.errors import KeelwayError
from keelway.core.migration.dry_run import DryRun


class Steps(Protocol):
    """Move the schema of a copy by the commands of a release."""

    def version(self) -> int | None:
        """Read the schema version; ``None`` when there is no such command."""
        ...

    def up(self) -> None:
        """Move up to the newest."""
        ...

    def down(self, version: int) -> bool:
        """Move down to a version; ``False`` when there is no way down."""
        ...


def try_migration(copy: Lent, steps: Steps, environment: str, live: int) -> DryRun:
    """Try a migration; commands that do not reach the copy are found out before they alter anything.

    Args:
        copy: restored, and of the schema from before.
        steps: of the release.
        environment: whose data it is.
        live: schema version of the live data, which has the new schema already.

    Raises:
        KeelwayError: a command failed.
    """
    original, before = copy.look(), steps.version()
    if before is None or before == live:
        said = f"the commands report version {before}, as for the live data, so they do not reach the copy"
        return DryRun(
            environment, rows=original.total, wrong=f"{said}; let them take the address from [data]"
        )
    began = time.monotonic()
    with copy.locks() as locks:
        steps.up()
    run = DryRun(environment, before, steps.version() or 0, original.total, time.monotonic() - began)
    run, there = replace(run, locks=dict(locks)), copy.look()
    if not differences(original, there):
        return replace(run, wrong="nothing of the copy was altered by the way up")
    return _down(copy, steps, run, (original, there))


def _down(copy: Lent, steps: Steps, run: DryRun, looks: tuple[Likeness, Likeness]) -> DryRun:
    original, there = looks
    began = time.monotonic()
    try:
        if not steps.down(run.before):
            return run
        run = replace(run, down_seconds=time.monotonic() - began, lost=differences(original, copy.look()))
        steps.up()
    except KeelwayError as error:
        return replace(run, down_seconds=time.monotonic() - began, lost=(*run.lost, error.message))
    return replace(run, again=differences(there, copy.look(), contents=False))
