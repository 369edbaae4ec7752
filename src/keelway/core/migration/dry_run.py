"""What a migration did to a copy of real data: whether it works, how long it takes, whether it can be taken back."""

from __future__ import annotations

from dataclasses import dataclass, field

from keelway.core.model.verdict import Finding, failed, held, passed
from keelway.core.policy import MigrationPolicy

_SHOWN_MAX = 5
NO_COPY = "no_copy"
"""Code of the refusal of a target that cannot run migrations on a copy."""


@dataclass(frozen=True)
class Beside:
    """Say whose commands meet the copy, and beside which data it lies meanwhile."""

    environment: str
    release: str
    live: int
    """Schema version of the live data: commands that report it do not reach the copy."""


@dataclass(frozen=True)
class DryRun:
    """State what was seen when the migrations of a release were tried on a restored copy."""

    environment: str = ""
    """Whose data it was."""
    before: int = 0
    after: int = 0
    rows: int = 0
    """How many rows the copy has."""
    up_seconds: float = 0.0
    locks: dict[str, float] = field(default_factory=dict)
    """The longest time in a row for which a table was locked against its users."""
    down_seconds: float | None = None
    """How long the way down took; ``None`` when there is none."""
    lost: tuple[str, ...] = ()
    """What differs from the original after the way down."""
    again: tuple[str, ...] = ()
    """What differs between the first and the second way up."""
    untried: str = ""
    """Why the target could not try it at all; then nothing is known."""
    wrong: str = ""
    """What failed, or why it could not be tried."""

    @property
    def down_proven(self) -> bool | None:
        """Tell whether the way down led back to exactly what was there, and up again; ``None`` when untried."""
        if self.untried:
            return None
        return not self.wrong and self.down_seconds is not None and not self.lost and not self.again


def judge_dry_run(run: DryRun, policy: MigrationPolicy, *, down_needed: bool) -> tuple[Finding, ...]:
    """Judge a dry run; what failed or could not be tried is not passed.

    Args:
        run: what was seen.
        policy: how long a migration may take and lock.
        down_needed: the release before does not run on the new schema, so only the way down leads back to it.
    """
    if run.untried:
        return (passed("dry_run_untried", f"It was tried on no copy: {run.untried}"),)
    if run.wrong:
        return (
            failed(
                "dry_run_failed", f"The migration failed on a copy of {run.environment}'s data: {run.wrong}"
            ),
        )
    return (_time(run, policy), *_locks(run, policy), *_down(run, down_needed=down_needed))


def _time(run: DryRun, policy: MigrationPolicy) -> Finding:
    said = (
        f"On a copy of {run.environment}'s data ({run.rows} rows) the schema went from version {run.before} "
        f"to {run.after} in {run.up_seconds:.1f} s"
    )
    steps = max(0, run.after - run.before)
    if run.up_seconds > policy.seconds_max:
        return held("migration_slow", f"{said}, more than {policy.seconds_max:g} s.", examined=steps)
    return passed("dry_run_up", f"{said}.", examined=steps)


def _locks(run: DryRun, policy: MigrationPolicy) -> tuple[Finding, ...]:
    over = sorted(
        (table for table, seconds in run.locks.items() if seconds > policy.lock_seconds_max),
        key=lambda table: (-run.locks[table], table),
    )
    if not over:
        return ()
    named = ", ".join(f"{table} for {run.locks[table]:.1f} s" for table in over[:_SHOWN_MAX])
    said = f"The migration locks {named}; more than {policy.lock_seconds_max:g} s stops its users."
    return (held("migration_locks", said, examined=len(run.locks)),)


def _down(run: DryRun, *, down_needed: bool) -> tuple[Finding, ...]:
    if run.down_seconds is None:
        return ()
    if run.down_proven:
        said = f"Down again in {run.down_seconds:.1f} s the copy was as before, and up again as after."
        return (passed("down_equal", said, examined=max(1, run.rows)),)
    named = "; ".join((*run.lost, *run.again)[:_SHOWN_MAX])
    said = f"The way down does not lead back to what was there: {named}."
    if down_needed:
        return (failed("down_not_equal", f"{said} The release before needs it."),)
    return (passed("down_not_used", f"{said} It is not used: the release before runs on the new schema."),)
