"""Read and move the schema of an environment by the commands that a release brings, whoever runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from keelway.clients.shell import Done
from keelway.core.errors import TheirFault, YourFault
from keelway.core.model.project import MigrationCommands

STATUS_SECONDS = 30.0
_SHOWN_CHARS = 2_000


@dataclass(frozen=True)
class Mover:
    """Say by which commands the schema of an environment moves, and who runs them."""

    environment: str
    release: str
    commands: MigrationCommands
    run: Callable[[tuple[str, ...], float], Done]
    """Run a command of the release within some seconds."""
    redact: Callable[[str], str]

    def version(self) -> int | None:
        """Read the schema version; None when the project has no status command.

        Raises:
            TheirFault: the command failed or printed something else (``schema_unreadable``).
        """
        argv = self.commands.status
        if not argv:
            return None
        done = self.run(argv, STATUS_SECONDS)
        if not done.passed:
            raise TheirFault(
                "schema_unreadable", f"The schema of {self.environment} cannot be read: {self._why(done)}"
            )
        found = version_in(done.stdout.decode("utf-8", "replace"))
        if found is None:
            raise TheirFault(
                "schema_unreadable",
                f"{' '.join(argv)} printed no schema version: {self._why(done)}",
                'let it print an integer or {"version": n}',
            )
        return found

    def move(self, wanted: int | None) -> tuple[int, int, str]:
        """Move the schema up to the newest (None) or down to a version; return before, after and what was said.

        Raises:
            YourFault: the project has no command for that (``no_migrations``).
            TheirFault: the command failed (``migration_failed``), with the version that was reached.
        """
        commands = self.commands
        insist_way(commands, wanted)
        before = self._insist()
        if wanted is not None and before <= wanted:
            return before, before, f"the schema is at {before} already"
        argv = commands.up
        if wanted is not None:
            argv = tuple(word.replace("{steps}", str(before - wanted)) for word in commands.down)
        return self._judged(self.run(argv, commands.seconds_max), before, wanted)

    def _judged(self, done: Done, before: int, wanted: int | None) -> tuple[int, int, str]:
        try:
            after = self._insist()
        except TheirFault as error:
            raise TheirFault(
                "migration_failed",
                f"After the migration by {self.release}: {error.message} {self._why(done)}",
                error.hint,
            ) from error
        if not done.passed or (wanted is not None and after != wanted):
            goal = "the newest version" if wanted is None else f"version {wanted}"
            raise TheirFault(
                "migration_failed",
                f"The migration of {self.environment} from version {before} to {goal} failed; "
                f"the schema is at version {after}: {self._why(done)}",
                "correct the migration; a way back can start from the version that was reached",
            )
        return before, after, self.redact(_said(done))

    def _insist(self) -> int:
        found = self.version()
        if found is None:
            raise TheirFault("schema_unreadable", "There is no status command.", "add [migrate] status")
        return found

    def _why(self, done: Done) -> str:
        return self.redact(why(done))


def insist_way(commands: MigrationCommands, wanted: int | None) -> None:
    """Insist that the schema can be read and moved up (None) or down.

    Raises:
        YourFault: the project has no command for that (``no_migrations``).
    """
    if not commands.status or not (commands.up if wanted is None else commands.down):
        raise YourFault(
            "no_migrations",
            "The project has no migration command for this way.",
            "add [migrate] to keelway.toml",
        )


def why(done: Done) -> str:
    """Say how a command of a release failed."""
    if done.could_not_start:
        return f"it did not start: {done.could_not_start}"
    ended = "it timed out" if done.timed_out else f"it ended with {done.exit_code}"
    return f"{ended}. Last lines: {_said(done) or 'none'}"


def version_in(said: str) -> int | None:
    """Return the schema version that a status command printed; None when it is none."""
    try:
        value = json.loads(said.strip())
    except ValueError:
        return None
    value = value.get("version") if isinstance(value, dict) else value
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _said(done: Done) -> str:
    return (done.stdout + done.stderr).decode("utf-8", "replace").strip()[-_SHOWN_CHARS:]
