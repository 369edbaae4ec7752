"""Read and move the schema by the commands that a release brings."""

from __future__ import annotations

import json

from keelway.adapters.target.process.site import Site
from keelway.clients.balance.daemon import make_folder
from keelway.clients.secret_file import resolve
from keelway.clients.shell import Command, Done, run
from keelway.core.errors import TheirFault, YourFault
from keelway.ports.target import Migrated

MIGRATION_SECONDS = 900.0
_STATUS_SECONDS = 30.0
_SHOWN_CHARS = 2_000


def version(site: Site, environment: str, release: str) -> int | None:
    """Read the schema version; None when the project has no status command.

    Raises:
        TheirFault: the command failed or printed something else (``schema_unreadable``).
    """
    argv = site.project.migrate.status
    if not argv:
        return None
    site.record(environment, release)
    done = _run(site, environment, release, argv, _STATUS_SECONDS)
    if not done.passed:
        raise TheirFault(
            "schema_unreadable", f"The schema of {environment} cannot be read: {_why(site, done)}"
        )
    found = _parsed(done.stdout.decode("utf-8", "replace"))
    if found is None:
        raise TheirFault(
            "schema_unreadable",
            f"{' '.join(argv)} printed no schema version: {_why(site, done)}",
            'let it print an integer or {"version": n}',
        )
    return found


def _parsed(said: str) -> int | None:
    try:
        value = json.loads(said.strip())
    except ValueError:
        return None
    value = value.get("version") if isinstance(value, dict) else value
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def migrate(site: Site, environment: str, release: str, wanted: int | None) -> Migrated:
    """Move the schema up to the newest (None) or down to a version by a release's own commands.

    Raises:
        YourFault: the project has no command for that (``no_migrations``).
        TheirFault: the command failed (``migration_failed``), with the version that was reached.
    """
    site.record(environment, release)
    commands = site.project.migrate
    if not commands.status or not (commands.up if wanted is None else commands.down):
        raise YourFault(
            "no_migrations",
            "The project has no migration command for this way.",
            "add [migrate] to keelway.toml",
        )
    with site.locked(f"migrate-{environment}", MIGRATION_SECONDS):
        before = _insist(site, environment, release)
        if wanted is not None and before <= wanted:
            return Migrated(before, before, f"the schema is at {before} already")
        argv = commands.up
        if wanted is not None:
            argv = tuple(word.replace("{steps}", str(before - wanted)) for word in commands.down)
        done = _run(site, environment, release, argv, MIGRATION_SECONDS)
        return _judged(site, environment, release, done, (before, wanted))


def _judged(site: Site, environment: str, release: str, done: Done, span: tuple[int, int | None]) -> Migrated:
    before, wanted = span
    try:
        after = _insist(site, environment, release)
    except TheirFault as error:
        raise TheirFault(
            "migration_failed",
            f"After the migration by {release}: {error.message} {_why(site, done)}",
            error.hint,
        ) from error
    if not done.passed or (wanted is not None and after != wanted):
        goal = "the newest version" if wanted is None else f"version {wanted}"
        raise TheirFault(
            "migration_failed",
            f"The migration of {environment} from version {before} to {goal} failed; "
            f"the schema is at version {after}: {_why(site, done)}",
            "correct the migration; a way back can start from the version that was reached",
        )
    return Migrated(before, after, site.vault.redact(_said(done)))


def _insist(site: Site, environment: str, release: str) -> int:
    found = version(site, environment, release)
    if found is None:
        raise TheirFault("schema_unreadable", "There is no status command.", "add [migrate] status")
    return found


def _run(site: Site, environment: str, release: str, argv: tuple[str, ...], seconds_max: float) -> Done:
    make_folder(site.places.data(environment))
    secrets = {name: resolve(reference) for name, reference in site.secrets(environment).items()}
    env = {**site.variables(environment, release), **secrets}
    filled = tuple(site.fill(word, environment, release) for word in argv)
    return run(Command(filled, str(site.tree(environment, release)), env, seconds_max))


def _why(site: Site, done: Done) -> str:
    if done.could_not_start:
        return f"it did not start: {done.could_not_start}"
    ended = "it timed out" if done.timed_out else f"it ended with {done.exit_code}"
    return site.vault.redact(f"{ended}. Last lines: {_said(done) or 'none'}")


def _said(done: Done) -> str:
    return (done.stdout + done.stderr).decode("utf-8", "replace").strip()[-_SHOWN_CHARS:]
