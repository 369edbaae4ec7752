"""Read what really runs; a program that cannot be asked makes the answer unhealthy, never an exception."""

from __future__ import annotations

from keelway.adapters.target.process import running, schema
from keelway.adapters.target.process.running import WEB, Running, is_web
from keelway.adapters.target.process.site import Record, Site
from keelway.core.errors import KeelwayError
from keelway.ports.target import EnvironmentState, RunningRelease
from keelway.ports.traffic import TrafficState


def look(site: Site, environment: str) -> EnvironmentState:
    """Put together what the disk, the supervisor, the balancer and the application say."""
    url, wrong = site.url(environment), []
    processes: tuple[Running, ...] = ()
    traffic = TrafficState(0, ())
    try:
        processes = running.kept(site, environment)
    except KeelwayError as error:
        wrong.append(f"the supervisor does not answer: {error.message}")
    try:
        traffic = site.traffic.state(environment)
    except KeelwayError as error:
        wrong.append(f"the front does not answer: {error.message}")
    active = traffic.active
    records = site.records.built(environment)
    releases = tuple(_release(site, environment, record, processes, traffic) for record in records)
    version, said = _version(site, environment, active)
    ill = _ill(site, environment, releases, active)
    wrong += [one for one in (said, ill, traffic.detail) if one]
    return EnvironmentState(
        environment=environment,
        url=url,
        active=active,
        releases=releases,
        schema=version,
        epoch=traffic.epoch,
        healthy=not wrong,
        detail=site.vault.redact("; ".join(wrong)),
    )


def one(site: Site, environment: str, release: str) -> RunningRelease:
    """Describe one release.

    Raises:
        KeelwayError: there is no such release, or the supervisor or the balancer does not answer.
    """
    record = site.record(environment, release)
    processes = running.kept(site, environment)
    return _release(site, environment, record, processes, site.traffic.state(environment))


def _release(
    site: Site, environment: str, record: Record, processes: tuple[Running, ...], traffic: TrafficState
) -> RunningRelease:
    mine = [one for one in processes if one.release == record.release]
    web = next((one for one in mine if one.process == WEB), None)
    workers = [one for one in mine if not is_web(one.process) and one.state == "running"]
    routed = traffic.of(record.release)
    return RunningRelease(
        release=record.release,
        sha=record.sha,
        state=_state(site, environment, record.release, web),
        weight=routed.weight,
        url=web.url if web else "",
        inflight=routed.inflight,
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


def _ill(site: Site, environment: str, releases: tuple[RunningRelease, ...], active: str) -> str:
    if not active:
        return "no release takes traffic"
    mine = next((one for one in releases if one.release == active), None)
    if mine is None:
        return f"{active} takes traffic, but its files are gone"
    if mine.state != "running":
        return f"{active} takes traffic, but its web process is {mine.state}"
    return running.unwell_by_itself(site, environment, mine.url, active)
