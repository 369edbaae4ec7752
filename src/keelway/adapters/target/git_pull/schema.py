"""Read and move the schema by the commands of the release whose files are there."""

from __future__ import annotations

from keelway.adapters.target.git_pull.walk import Walk, variables, words
from keelway.clients.release.schema import STATUS_SECONDS, insist_way, version_in
from keelway.core.errors import TheirFault
from keelway.ports.target import Migrated


def version(walk: Walk) -> int | None:
    """Read the schema version; ``None`` when the project has no status command.

    Raises:
        TheirFault: the command failed or printed something else (``schema_unreadable``).
    """
    project, spec = walk.project, walk.spec
    argv = project.migrate.status
    if not argv:
        return None
    said, why = walk.place.ask(_words(walk, argv), STATUS_SECONDS, _variables(walk))
    found = None if why else version_in(said.stdout.decode("utf-8", "replace"))
    if found is None:
        raise TheirFault(
            "schema_unreadable",
            f"The schema of {spec.name} cannot be read: {' '.join(argv)} {why or 'printed no version'}",
            'let it print an integer or {"version": n}',
        )
    return found


def migrate(walk: Walk, wanted: int | None) -> Migrated:
    """Move the schema up to the newest (``None``) or down to a version.

    Raises:
        YourFault: the project has no command for that (``no_migrations``).
        TheirFault: the command failed (``migration_failed``), with the version that was reached.
    """
    commands = walk.project.migrate
    insist_way(commands, wanted)
    walk.prepare()
    before = _insist(walk)
    if wanted is not None and before <= wanted:
        return Migrated(before, before, f"the schema is at {before} already")
    argv = commands.up if wanted is None else commands.down
    steps = "" if wanted is None else str(before - wanted)
    words, env = _words(walk, argv, steps=steps), _variables(walk)
    _, why = walk.place.step(words, commands.seconds_max, env, walk.epoch)
    after = _insist(walk)
    if why or (wanted is not None and after != wanted):
        raise TheirFault(
            "migration_failed",
            f"The migration of {walk.spec.name} by {walk.release} {why or 'went elsewhere'}; "
            f"the schema is at version {after}.",
            "see the output of the migration command",
        )
    return Migrated(before, after)


def _insist(walk: Walk) -> int:
    found = version(walk)
    if found is None:
        raise TheirFault("schema_unreadable", f"The schema of {walk.spec.name} has no version.")
    return found


def _words(walk: Walk, argv: tuple[str, ...], **more: str) -> tuple[str, ...]:
    return words(argv, walk.spec, walk.release, walk.sha, **more)


def _variables(walk: Walk) -> dict[str, str]:
    return variables(walk.project, walk.spec, walk.release, walk.sha)
