"""What has been made already: the book, the daemons, the freeze, the agent."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from keelway.app.bootstrap import make_agent
from keelway.app.config import Config
from keelway.app.doctor.check import Check, fail, ok, warn
from keelway.app.home import Home
from keelway.clients.control import ControlSocket
from keelway.clients.places import Places
from keelway.core.errors import KeelwayError
from keelway.store.chain.audit import verify
from keelway.store.database import VERSION, check_schema, open_database, schema_version
from keelway.store.freeze import read_freeze


def check_store(home: Home) -> tuple[Check, ...]:
    """Look at the schema of the book and walk its audit chain."""
    if not (home.root / "keelway.sqlite").is_file():
        return (ok("store", "The book will be made by keelway up."),)
    try:
        database = open_database(home.database_url)
        try:
            found = schema_version(database)
            if found > VERSION:
                check_schema(database)
            audit = verify(database, home.root)
        finally:
            database.dispose()
    except (KeelwayError, SQLAlchemyError, OSError) as error:
        said = error.message if isinstance(error, KeelwayError) else f"The book cannot be read: {error}."
        return (fail("store", said, "restore a backup of the home, or set KEELWAY_HOME to a new one"),)
    schema = ok("store", f"The book has schema {found}.")
    if audit.ok:
        return (schema, ok("audit", f"The audit chain is whole: {audit.sentence}"))
    return (schema, fail("audit", f"The audit chain is broken: {audit.sentence}", "keelway audit --verify"))


def check_freeze(home: Home) -> Check:
    """Say whether the emergency stop is pulled."""
    freeze = read_freeze(home.root) if home.root.is_dir() else None
    if freeze is None or not freeze.active:
        return ok("freeze", "No freeze is in force.")
    why = f": {freeze.reason}" if freeze.reason else ""
    return warn(
        "freeze",
        f"A freeze of {freeze.by or 'an unknown person'} holds every effect{why}.",
        "keelway unfreeze",
    )


def check_daemons(config: Config, home: Home) -> tuple[Check, ...]:
    """Ask the supervisor and the fronts whether they serve, when something was deployed."""
    if not (home.root / "releases").is_dir():
        return (ok("daemons", "Nothing is deployed yet, so no supervisor and no front is needed."),)
    places = Places(home.root)
    checks = [_daemon("supervisor", places.supervisor() / "supervisor.sock", "/healthz")]
    checks += [
        _daemon(f"front of {spec.name}", places.front_socket(spec.name), "/state")
        for spec in config.project.environments
        if (places.front(spec.name) / "state.json").is_file()
    ]
    return tuple(checks)


def _daemon(name: str, socket: Path, path: str) -> Check:
    if socket.exists() and ControlSocket(socket).answers(path) is not None:
        return ok(name, f"The {name} serves.")
    return warn(name, f"The {name} does not answer.", "keelway up starts it")


def check_agent(config: Config) -> Check:
    """Start the coding agent and greet it, in a private directory that is removed again."""
    folder = Path(tempfile.mkdtemp(prefix="keelway-doctor-"))
    try:
        facts = make_agent(config, Home(folder)).probe()
    except KeelwayError as error:
        return fail("agent", error.message, error.hint or "correct [agent] in keelway.toml")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if facts.installed:
        return ok("agent", f"{facts.name} answers{f' (version {facts.version})' if facts.version else ''}.")
    cure = (
        f"install {config.file.agent.argv[0]}"
        if config.file.agent.argv
        else "correct [agent] in keelway.toml"
    )
    return fail("agent", f"{facts.name} does not answer: {facts.detail or 'no reason given'}.", cure)


def check_sandbox() -> Check:
    """Say plainly what protects this machine from its agent."""
    sentence = (
        "Agent processes run without a sandbox in this version: they can read and write what this user can."
    )
    return warn("sandbox", sentence, "use only agents that you trust, best as a user of their own")
