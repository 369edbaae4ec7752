"""Read what really runs; a program that cannot be asked makes the answer unhealthy, never an exception."""

from __future__ import annotations

from keelway.adapters.target.process import running, schema
from keelway.adapters.target.process.running import WEB, Running
from keelway.adapters.target.process.site import Record, Site
from keelway.clients.control import Json
from keelway.core.errors import KeelwayError
from keelway.ports.target import EnvironmentState, RunningRelease


def look(site: Site, environment: str) -> EnvironmentState:
    """Put together what the disk, the supervisor, the front and the application say."""
    url, wrong = site.url(environment), []
    processes: tuple[Running, ...] = ()
    front: Json = {}
    try:
        processes = running.kept(site, environment)
    except KeelwayError as error:
        wrong.append(f"the supervisor does not answer: {error.message}")
    try:
        front = site.front(environment).state()
    except KeelwayError as error:
        wrong.append(f"the front does not answer: {error.message}")
    backends: Json = front.get("backends", {})
    active = max(backends, key=lambda name: int(backends[name]["weight"]), default="")
    active = active if active and backends[active]["weight"] else ""
    records = site.built(environment)
    releases = tuple(_release(site, environment, record, processes, backends) for record in records)
    version, said = _version(site, environment, active)
    ill = _ill(site, releases, active)
    wrong += [one for one in (said, ill, str(front.get("state_error") or "")) if one]
    return EnvironmentState(
        environment=environment,
        url=url,
        active=active,
        releases=releases,
        schema=version,
        epoch=int(front.get("epoch", 0)),
        healthy=not wrong,
        detail=site.vault.redact("; ".join(wrong)),
    )


def one(site: Site, environment: str, release: str) -> RunningRelease:
    """Describe one release.

    Raises:
        KeelwayError: there is no such release, or the supervisor or the front does not answer.
    """
    record = site.record(environment, release)
    processes = running.kept(site, environment)
    return _release(site, environment, record, processes, site.front(environment).state()["backends"])


def _release(
    site: Site, environment: str, record: Record, processes: tuple[Running, ...], backends: Json
) -> RunningRelease:
    mine = [one for one in processes if one.release == record.release]
    web = next((one for one in mine if one.process == WEB), None)
    workers = [one for one in mine if one.process != WEB and one.state == "running"]
    traffic = backends.get(record.release, {})
    return RunningRelease(
        release=record.release,
        sha=record.sha,
        state=_state(site, environment, record.release, web),
        weight=int(traffic.get("weight", 0)),
        url=web.url if web else "",
        inflight=int(traffic.get("inflight", 0)),
        restarts=sum(one.restarts for one in mine),
        workers=len(workers),
    )


def _state(site: Site, environment: str, release: str, web: Running | None) -> str:
    if web is not None and web.state != "stopped":
        return "running" if web.state == "running" else "degraded"
    ran = (site.places.logs(environment, release) / f"{WEB}.log").exists()
    return "stopped" if ran or web is not None else "built"


def _version(site: Site, environment: str, active: str) -> tuple[int | None, str]:
    if not active:
        return None, ""
    try:
        return schema.version(site, environment, active), ""
    except KeelwayError as error:
        return None, error.message


def _ill(site: Site, releases: tuple[RunningRelease, ...], active: str) -> str:
    if not active:
        return "no release takes traffic"
    mine = next((one for one in releases if one.release == active), None)
    if mine is None:
        return f"{active} takes traffic, but its files are gone"
    if mine.state != "running":
        return f"{active} takes traffic, but its web process is {mine.state}"
    return running.unwell(site, mine.url)
