"""Read and move the schema by commands that run in containers of a release."""

from __future__ import annotations

from keelway.adapters.target.docker import inside, running
from keelway.adapters.target.docker.site import WEB, Site
from keelway.clients.release.schema import Mover
from keelway.clients.shell import Done
from keelway.ports.target import Migrated

_ASKING = "?schema"
"""Name of the containers that only read; there may be many at a time."""


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

    A migration that an earlier life began is waited for first: two never run at a time.

    Raises:
        YourFault: the project has no command for that (``no_migrations``).
        TheirFault: the command failed (``migration_failed``), with the version that was reached.
    """
    site.record(environment, release)
    with site.locked(f"migrate-{environment}", site.project.migrate.seconds_max):
        return Migrated(*_mover(site, environment, release).move(wanted))


def _mover(site: Site, environment: str, release: str) -> Mover:
    status = site.project.migrate.status

    def run_inside(argv: tuple[str, ...], seconds_max: float) -> Done:
        if argv != status:
            return running.run_once(site, environment, release, ("migrate", argv), seconds_max)
        web = running.find(site, environment, release, WEB)
        if web is None or web.state != "running":
            return running.run_once(site, environment, release, (_ASKING, argv), seconds_max)
        words = inside.command(site, environment, release, argv)  # in there it takes a tenth of the time
        return site.engine(environment).inside(web.id, words, seconds_max)

    return Mover(environment, release, site.project.migrate, run_inside, site.vault.redact)
