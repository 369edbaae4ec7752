"""The data of the application: can it be backed up from here, by programs that are installed?"""

from __future__ import annotations

from keelway.adapters.vault.file import FileVault
from keelway.app.config import Config
from keelway.app.data.choose import make_backup
from keelway.app.doctor.check import Check, fail, ok
from keelway.app.home import Home
from keelway.clients.backup.cellar import Cellar
from keelway.clients.backup.seal import Seal
from keelway.clients.backup.source import CopyFailed, Source
from keelway.clients.secret_file import resolve
from keelway.core.errors import KeelwayError

_CURES = {
    "postgres": "let its role connect and make databases: ALTER ROLE name CREATEDB",
    "mysql": "let its user connect and make databases: GRANT ALL ON `name%`.* TO user",
    "files": "correct the rights of the folders",
    "sqlite": "correct the rights of the file",
}


def check_data(config: Config, home: Home) -> tuple[Check, ...]:
    """Look at everything that ``[data]`` names in each environment; nothing is copied."""
    vault = FileVault(str(home.root))
    store = make_backup(config.project, str(home.root), vault)
    if not isinstance(store, Cellar):
        return ()
    checks = [check for spec in config.project.environments for check in _environment(store, spec.name)]
    if config.project.data.encrypt:
        checks.append(_seal(config, vault))
    return tuple(checks)


def _environment(store: Cellar, environment: str) -> tuple[Check, ...]:
    try:
        return tuple(_source(environment, source) for source in store.sources(environment))
    except KeelwayError as error:
        return (fail(f"data of {environment}", error.message, error.hint),)


def _source(environment: str, source: Source) -> Check:
    name = f"{source.kind} of {environment}"
    try:
        size = source.size_bytes()
        source.ready()
    except KeelwayError as error:
        return fail(name, error.message, error.hint)
    except (CopyFailed, OSError) as error:
        return fail(name, f"{source.named()} cannot be backed up: {error}.", _CURES[source.kind])
    if size is None:
        return ok(name, f"{source.named()} is not there yet.")
    return ok(name, f"{source.named()} has {size / 1e6:.1f} MB and can be backed up.")


def _seal(config: Config, vault: FileVault) -> Check:
    key = config.project.data.encrypt
    try:
        Seal(lambda: resolve(vault.reference(key))).ready()
    except KeelwayError as error:
        return fail("encryption of backups", error.message, error.hint)
    return ok("encryption of backups", f"{key} holds an age identity.")
