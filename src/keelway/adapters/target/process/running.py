"""Start, watch and stop the processes of a release by way of the supervisor."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from keelway.adapters.target.process.site import Site
from keelway.clients.balance.daemon import make_folder, tail
from keelway.clients.control import Json, free_port
from keelway.clients.release.well import unwell
from keelway.core.errors import KeelwayError, TheirFault, YourFault
from keelway.core.model.project import ProcessCommand

WEB, BOOT = "web", "boot"
ALIVE = frozenset({"starting", "running", "backoff"})
_STEP_SECONDS = 0.1
_GOOD_IN_A_ROW = 2
_RESTARTS_MAX = 2
_SHOWN_BYTES = 2_000


@dataclass(frozen=True)
class Running:
    """Describe one kept process of a release."""

    id: str
    release: str
    process: str
    state: str
    port: int
    restarts: int
    why: str

    @property
    def url(self) -> str:
        """Return where it listens, empty for one that takes no traffic."""
        return f"http://127.0.0.1:{self.port}" if self.port else ""


def kept(site: Site, environment: str) -> tuple[Running, ...]:
    """Return what the supervisor keeps for an environment.

    Raises:
        TheirFault: the supervisor does not answer.
    """
    mine = [one for one in site.supervisor.processes() if one["labels"].get("environment") == environment]
    return tuple(_running(one) for one in mine)


def _running(one: Json) -> Running:
    labels = one["labels"]
    return Running(
        id=str(one["id"]),
        release=str(labels.get("release", "")),
        process=str(labels.get("process", "")),
        state=str(one["state"]),
        port=int(labels.get("port", 0)),
        restarts=int(one["restarts"]),
        why=str(one["last_error"] or ""),
    )


def find(site: Site, environment: str, release: str, process: str) -> Running | None:
    """Return one process of a release as the supervisor keeps it."""
    said = site.supervisor.find(process_id(environment, release, process))
    return _running(said) if said else None


def process_id(environment: str, release: str, process: str) -> str:
    """Return the name by which the supervisor knows a process."""
    return f"{environment}.{release}.{process}"


def command(site: Site, name: str) -> ProcessCommand:
    """Return a configured process.

    Raises:
        YourFault: there is none of this name.
    """
    for process in site.project.processes:
        if process.name == name:
            return process
    raise YourFault("no_process", f"The project has no process called {name!r}.", "add it to keelway.toml")


def is_web(process: str) -> bool:
    """Tell whether a process is an instance of the one that takes traffic."""
    return process == WEB or (process.startswith(f"{WEB}.") and process[len(WEB) + 1 :].isdigit())


def instance_number(process: str) -> int:
    """Return which instance a web process is, from 0."""
    return int(process.rpartition(".")[2]) - 1 if process != WEB else 0


def put_instance(site: Site, environment: str, release: str, number: int, epoch: int) -> Running:
    """Start an instance of the web process, or find it running."""
    web = command(site, WEB)
    return put(site, environment, release, replace(web, name=f"{WEB}.{number + 1}"), epoch)


def put(site: Site, environment: str, release: str, process: ProcessCommand, epoch: int) -> Running:
    """Start a process, or find it running; what has ended is started afresh.

    Raises:
        StaleEpoch: a newer holder has acted since.
        TheirFault: the supervisor refused.
    """
    here = process_id(environment, release, process.name)
    old = find(site, environment, release, process.name)
    if old is not None and old.state in ALIVE:
        return old
    if old is not None:
        site.supervisor.remove(here)
    port = _port(site) if is_web(process.name) else 0
    labels = {"environment": environment, "release": release, "process": process.name, "port": str(port)}
    return _running(site.supervisor.put(here, _spec(site, process, labels, epoch=epoch)))


def _spec(site: Site, process: ProcessCommand, labels: Mapping[str, str], *, epoch: int) -> Json:
    environment, release = labels["environment"].partition(":")[0], labels["release"]
    port = int(labels["port"])
    logs, data = site.places.logs(environment, release), site.places.data(environment)
    for folder in (logs, data):
        make_folder(folder)
    return {
        "argv": [site.fill(word, environment, release, port) for word in process.run],
        "cwd": str(site.tree(environment, release)),
        "env": site.variables(environment, release, port),
        "secrets": site.secrets(environment),
        "log_path": str(logs / f"{labels['process']}.log"),
        "restart": "never" if labels["process"] == BOOT else "always",
        "stop_seconds": process.stop_seconds,
        "epoch": epoch,
        "labels": dict(labels),
    }


def _port(site: Site) -> int:
    taken = {int(one["labels"].get("port", 0)) for one in site.supervisor.processes()}
    taken |= {spec.port for spec in site.project.environments}
    return free_port(frozenset(taken))


def wait_healthy(site: Site, environment: str, web: Running, seconds_max: float) -> str:
    """Ask all probes until they answer well twice in a row; return "" or what is wrong in the end."""
    deadline, good, wrong = time.monotonic() + seconds_max, 0, "it was not asked"
    while time.monotonic() < deadline:
        wrong = unwell_by_itself(site, environment, web.url, web.release)
        good = 0 if wrong else good + 1
        if good == _GOOD_IN_A_ROW:
            return ""
        said = site.supervisor.find(web.id)
        now = _running(said) if said else None
        if now is None or now.state not in ALIVE or now.restarts >= web.restarts + _RESTARTS_MAX:
            return f"its process ended: {now.why if now else 'somebody removed it'}"
        time.sleep(_STEP_SECONDS)
    log = site.places.logs(environment, web.release) / f"{web.process}.log"
    return f"{wrong}; not healthy within {seconds_max:g} s. Last lines: {tail(log, _SHOWN_BYTES)}"


def unwell_by_itself(site: Site, environment: str, url: str, release: str) -> str:
    """Ask once what a release answers by itself; return "" or which question was not answered well."""
    return unwell(site.project.readiness(environment), url, {"environment": environment, "release": release})


def start_web(site: Site, environment: str, release: str, epoch: int) -> Running:
    """Start the web process and wait until it is healthy; one that does not become so is stopped again.

    Raises:
        TheirFault: it is ``unhealthy``, with the probe and the last lines of its log.
    """
    web = put(site, environment, release, command(site, WEB), epoch)
    wrong = wait_healthy(site, environment, web, site.healthy_seconds)
    if not wrong:
        return web
    wrong = site.vault.redact(wrong)
    if _serves(site, environment, release):
        raise TheirFault("unhealthy", f"{release} in {environment} takes traffic and is not well: {wrong}")
    site.supervisor.remove(web.id)
    raise TheirFault(
        "unhealthy",
        f"{release} did not become healthy in {environment} and was stopped: {wrong}",
        "see its log, then try another commit",
    )


def _serves(site: Site, environment: str, release: str) -> bool:
    """Tell whether a release takes traffic, as far as that can be asked."""
    try:
        return release in site.traffic.state(environment).table
    except KeelwayError:
        return False


def boots(site: Site, environment: str, release: str) -> str:
    """Start a release once on a port of its own, ask its probes and stop it; return "" or what failed."""
    web = command(site, WEB)
    here = process_id(environment, release, BOOT)
    site.supervisor.remove(here)
    # An environment of its own for the fence: a question is not an act of whoever holds this one.
    labels = {
        "environment": f"{environment}:{BOOT}",
        "release": release,
        "process": BOOT,
        "port": str(_port(site)),
    }
    try:
        running = _running(site.supervisor.put(here, _spec(site, web, labels, epoch=0)))
        return site.vault.redact(wait_healthy(site, environment, running, site.healthy_seconds / 2))
    except KeelwayError as error:
        return error.message
    finally:
        site.supervisor.remove(here)
