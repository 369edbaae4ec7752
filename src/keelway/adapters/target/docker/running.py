"""Start, watch and stop the containers of a release."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from uuid import uuid4

from keelway.adapters.target.docker import inside
from keelway.adapters.target.docker.site import BOOT, PORT, PROCESS, RELEASE, WEB, Site
from keelway.clients.container.images import find_image
from keelway.clients.container.values import Contained
from keelway.clients.control import free_port
from keelway.clients.files import write_atomic
from keelway.clients.release.schema import why
from keelway.clients.release.well import unwell
from keelway.clients.shell import Done
from keelway.core.errors import KeelwayError, TheirFault
from keelway.core.model.project import ProcessCommand
from keelway.core.target.docker import HOST

_STEP_SECONDS = 0.1
_GOOD_IN_A_ROW = 2
_RESTARTS_MAX = 2
_PORT_TRIES_MAX = 5
_TAKEN = re.compile(
    r"address already in use|port is already allocated|ports? (?:is|are) not available", re.IGNORECASE
)
_SMOKED = "smoked"


def url_of(one: Contained) -> str:
    """Return where a container listens here, empty for one that takes no traffic."""
    port = int(one.labels.get(PORT, "0") or 0)
    return f"http://127.0.0.1:{port}" if port else ""


def find(site: Site, environment: str, release: str, process: str) -> Contained | None:
    """Return the container of a process of a release."""
    return site.engine(environment).find(site.name(environment, release, process))


def put(
    site: Site, environment: str, release: str, process: ProcessCommand, *, once: bool = False
) -> Contained:
    """Start a container, or find it running; what has ended is made afresh from the pinned image.

    Raises:
        TheirFault: the image is gone (``image_gone``), or the engine refused.
    """
    name, engine = site.name(environment, release, process.name), site.engine(environment)
    old = engine.find(name)
    if old is not None and old.alive:
        return old
    if find_image(engine, site.record(environment, release).image) is None:
        raise TheirFault(
            "image_gone",
            f"The image of {release} is not on this machine any more, so it cannot be started in {environment}.",
            "build it again, or choose another release",
        )
    for left in reversed(range(_PORT_TRIES_MAX)):
        engine.remove(name)
        port = _port(site, environment) if process.name in {WEB, BOOT} else 0
        try:
            engine.make(inside.wanted(site, environment, release, process, port=port, once=once))
            break
        except TheirFault as error:
            if not left or not _TAKEN.search(error.message):
                inside.forget(site, name)
                raise
    made = engine.find(name)
    if made is None:
        raise TheirFault("not_running", f"{name} was made and is gone again.", "see who removes containers")
    return made


def _port(site: Site, environment: str) -> int:
    taken = {int(one.labels.get(PORT, "0") or 0) for one in site.all(environment)}
    return free_port(frozenset(taken | {spec.port for spec in site.project.environments}))


def start_web(site: Site, environment: str, release: str, web: Contained, *, serves: bool) -> None:
    """Wait until the web container is healthy, and smoke-test it once; one that is not well is stopped again.

    Raises:
        TheirFault: it is ``unhealthy``, with the probe and the last lines of its log.
    """
    wrong = wait_healthy(site, environment, web, site.healthy_seconds)
    if not wrong and not serves:
        wrong = _smoke(site, environment, release, web)
    if not wrong:
        return
    wrong = site.vault.redact(wrong)
    if serves:
        raise TheirFault("unhealthy", f"{release} in {environment} takes traffic and is not well: {wrong}")
    stop(site, environment, web)
    raise TheirFault(
        "unhealthy",
        f"{release} did not become healthy in {environment} and was stopped: {wrong}",
        "see its log, then try another commit",
    )


def wait_healthy(site: Site, environment: str, web: Contained, seconds_max: float) -> str:
    """Ask all probes until they answer well twice in a row; return "" or what is wrong in the end."""
    engine, good, wrong = site.engine(environment), 0, "it was not asked"
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        wrong = unwell_by_itself(site, environment, url_of(web), web.labels[RELEASE])
        now = engine.find(web.name)
        if now is None or not now.alive or now.restarts >= web.restarts + _RESTARTS_MAX:
            return f"its process ended: {_ended(now)}. Last lines: {engine.last_lines(web.name)}"
        if now.health == "unhealthy":
            wrong = wrong or "the health check of its image fails"
        good = 0 if wrong else good + 1
        if good == _GOOD_IN_A_ROW:
            return ""
        time.sleep(_STEP_SECONDS)
    return f"{wrong}; not healthy within {seconds_max:g} s. Last lines: {engine.last_lines(web.name)}"


def _ended(now: Contained | None) -> str:
    if now is None:
        return "somebody removed it"
    if now.alive:
        return f"it was started {now.restarts} times"
    return now.why or f"exit code {now.exit_code}"


def unwell_by_itself(site: Site, environment: str, url: str, release: str) -> str:
    """Ask once what a release answers by itself; return "" or which question was not answered well."""
    return unwell(site.project.readiness(environment), url, {"environment": environment, "release": release})


def _smoke(site: Site, environment: str, release: str, web: Contained) -> str:
    """Let the smoke command ask a new release beside its web process; return "" or what it complained of."""
    settings, done = site.settings(environment), site.places.release(environment, release) / _SMOKED
    if not settings.smoke or done.exists():
        return ""  # a release that passed is not held up when it is brought back
    host = settings.network == HOST
    port = int(web.labels[PORT]) if host else settings.port
    words = tuple(word.replace("{url}", f"http://127.0.0.1:{port}") for word in settings.smoke)
    network = HOST if host else f"container:{web.id}"
    said = run_once(site, environment, release, ("smoke", words), settings.smoke_seconds_max, network)
    if said.passed:
        write_atomic(done, b"")
        return ""
    return f"smoke test: {why(said)}"


def run_once(
    site: Site,
    environment: str,
    release: str,
    named: tuple[str, tuple[str, ...]],
    seconds_max: float,
    network: str = "",
) -> Done:
    """Run a command of a release in a container of its own; a name of its own keeps two from running at once.

    A name that begins with ``?`` is a question, of which there may be many at a time.
    """
    name, argv = named
    label = f"{name.lstrip('?')}-{uuid4().hex[:8]}" if name.startswith("?") else name
    wished = inside.wanted(site, environment, release, ProcessCommand(label, argv), once=True)
    if network:
        wished = replace(wished, network=network, hosts={})
    try:
        return site.engine(environment).once(wished, seconds_max)
    finally:
        inside.forget(site, wished.name)


def boots(site: Site, environment: str, release: str) -> str:
    """Start a release once on a port of its own, ask its probes and remove it; return "" or what failed."""
    web = site.command(WEB)
    name, engine = site.name(environment, release, BOOT), site.engine(environment)
    engine.remove(name)
    try:
        made = put(site, environment, release, replace(web, name=BOOT), once=True)
        return site.vault.redact(wait_healthy(site, environment, made, site.healthy_seconds / 2))
    except KeelwayError as error:
        return error.message
    finally:
        engine.remove(name)
        inside.forget(site, name)


def stop(site: Site, environment: str, one: Contained) -> None:
    """Stop a container; it stays for its log, its secrets do not."""
    process = next((each for each in site.project.processes if each.name == one.labels.get(PROCESS)), None)
    site.engine(environment).stop(one.name, process.stop_seconds if process else 0)
    inside.forget(site, one.name)


def of(kept: tuple[Contained, ...], release: str) -> tuple[Contained, ...]:
    """Return the containers of one release."""
    return tuple(one for one in kept if one.labels.get(RELEASE) == release)
