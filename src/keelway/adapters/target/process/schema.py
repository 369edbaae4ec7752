"""Read and move the schema by the commands that a release brings."""

from __future__ import annotations

from keelway.adapters.target.process.site import Site
from keelway.clients.balance.daemon import make_folder
from keelway.clients.release.schema import Mover
from keelway.clients.secret_file import resolve
from keelway.clients.shell import Command, Done, run
from keelway.ports.target import Migrated


def version(site: Site, environment: str, release: str) -> int | None:
    """Read the schema version; None when the project has no status command.

    Raises:
        TheirFault: the command failed or printed something else (``schema_unreadable``).
    """
    if not site.project.migrate.status:
        return None
    site.record(environment, release)
    return _mover(site, environment, release).version()


def migrate(site: Site, environment: str, release: str, wanted: int | None) -> Migrated:
    """Move the schema up to the newest (None) or down to a version by a release's own commands.

    Raises:
        YourFault: the project has no command for that (``no_migrations``).
        TheirFault: the command failed (``migration_failed``), with the version that was reached.
    """
    site.record(environment, release)
    with site.locked(f"migrate-{environment}", site.project.migrate.seconds_max):
        return Migrated(*_mover(site, environment, release).move(wanted))


def _mover(site: Site, environment: str, release: str) -> Mover:
    def run_here(argv: tuple[str, ...], seconds_max: float) -> Done:
        make_folder(site.places.data(environment))
        secrets = {name: resolve(reference) for name, reference in site.secrets(environment).items()}
        env = {**site.variables(environment, release), **secrets}
        filled = tuple(site.fill(word, environment, release) for word in argv)
        return run(Command(filled, str(site.tree(environment, release)), env, seconds_max))

    return Mover(environment, release, site.project.migrate, run_here, site.vault.redact)
