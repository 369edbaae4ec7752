"""What has been made already: the book, the daemons, the freeze, the agent."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from keelway.app.agents.fence import check_fence
from keelway.app.agents.make import make_agent
from keelway.app.config import Config
from keelway.app.doctor.check import Check, fail, ok, warn
from keelway.app.doctor.sandbox import chosen
from keelway.app.home import Home
from keelway.clients.control import ControlSocket
from keelway.clients.places import Places
from keelway.core.cage.trust import describe
from keelway.core.codec import from_json, to_json
from keelway.core.errors import KeelwayError
from keelway.core.model.fence import Fence
from keelway.store.chain.audit import verify
from keelway.store.database import VERSION, check_schema, open_database, schema_version
from keelway.store.depot.choose import open_depot
from keelway.store.freeze import read_freeze


def check_store(home: Home) -> tuple[Check, ...]:
    """Look at the schema of the book and walk its audit chain."""
    if not home.has_book:
        return (ok("store", "The book will be made by keelway up."),)
    try:
        database = open_database(home.database_url)
        try:
            found = schema_version(database)
            if found == 0:
                return (ok("store", f"{_where(home)} is empty; keelway up makes the book there."),)
            if found > VERSION:
                check_schema(database)
            audit = verify(database, home.root)
        finally:
            database.dispose()
    except KeelwayError as error:
        return (fail("store", error.message, error.hint or "keelway db check"),)
    except (SQLAlchemyError, OSError) as error:
        cure = "restore a backup of the store, or set KEELWAY_HOME to a new home"
        return (fail("store", f"The book cannot be read: {error}.", cure),)
    schema = ok("store", f"The book has schema {found}, {_where(home)}.")
    if found < VERSION:
        schema = warn("store", f"The book has schema {found} of {VERSION}.", "keelway db upgrade")
    if audit.ok:
        return (schema, ok("audit", f"The audit chain is whole: {audit.sentence}"))
    return (schema, fail("audit", f"The audit chain is broken: {audit.sentence}", "keelway audit --verify"))


def _where(home: Home) -> str:
    if not home.store_url:
        return str(home.book)
    return str(make_url(home.store_url).render_as_string(hide_password=True))


def check_artefacts(config: Config, home: Home) -> Check:
    """Ask the place of large artefacts for what it holds."""
    address = config.file.store.artefacts
    try:
        depot = open_depot(address, home.root)
        some = next(depot.items(), None)
    except KeelwayError as error:
        return fail("artefacts", error.message, error.hint)
    if home.store_url and not address:
        sentence = "Large artefacts are files of this host; workers of other hosts cannot read them."
        return warn("artefacts", sentence, 'with several hosts: [store] artefacts = "s3://bucket/prefix"')
    said = "holds some already" if some else "is empty"
    return ok("artefacts", f"Large artefacts go to {address or 'files in the home'}, which {said}.")


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


def check_sandbox(config: Config) -> Check:
    """Say plainly what protects this machine from its agent; the agent itself is not started."""
    cure = "apt-get install bubblewrap, then keelway doctor sandbox"
    try:
        fence = _fence_of(config)
    except KeelwayError as error:
        return fail("sandbox", error.message, error.hint or cure)
    if not fence.works:
        return fail("sandbox", describe(fence), cure)
    return warn("sandbox", describe(fence), cure) if fence.trusted_only else ok("sandbox", describe(fence))


def check_checks(config: Config) -> Check:
    """Say what the checks of a patch run behind: they are a program that an agent wrote."""
    open_ones = [check.name for check in config.project.checks if not check.fenced]
    if check_fence(config.file.sandbox) is None:
        where = "Checks of a patch run WITHOUT A SANDBOX, as Keelway itself does."
        return warn("checks", where, 'apt-get install bubblewrap, and set use = "auto" under [sandbox]')
    if open_ones:
        return warn(
            "checks",
            f"Checks of a patch run in bubblewrap, but not {', '.join(open_ones)}.",
            "take fenced = false away where the check needs no service of this machine",
        )
    return ok("checks", "Checks of a patch run in bubblewrap, without a network.")


def _fence_of(config: Config) -> Fence:
    """Ask the agent, or the sandbox itself where there is no agent yet."""
    folder = Path(tempfile.mkdtemp(prefix="keelway-doctor-"))
    try:
        return make_agent(config, Home(folder)).fence()
    except KeelwayError:
        return from_json(Fence, to_json(chosen(config.file.sandbox).facts()))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
