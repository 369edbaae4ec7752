"""Read what really runs; an engine that cannot be asked makes the answer unhealthy, never an exception."""

from __future__ import annotations

from keelway.adapters.target.docker import running, schema
from keelway.adapters.target.docker.site import PROCESS, WEB, Record, Site
from keelway.clients.container.images import image_ids
from keelway.clients.container.values import Contained
from keelway.core.errors import KeelwayError
from keelway.ports.target import EnvironmentState, RunningRelease
from keelway.ports.traffic import TrafficState


def look(site: Site, environment: str) -> EnvironmentState:
    """Put together what the disk, the engine, the front and the application say."""
    url, wrong = site.url(environment), []
    kept: tuple[Contained, ...] = ()
    records: tuple[Record, ...] = ()
    traffic = TrafficState(0, ())
    try:
        records, kept = site.records.built(environment), site.kept(environment)
        records = _there(site, environment, records, kept)
    except KeelwayError as error:
        wrong.append(error.message)
    try:
        traffic = site.traffic.state(environment)
    except KeelwayError as error:
        wrong.append(f"the front does not answer: {error.message}")
    active = traffic.active
    releases = tuple(describe(record, kept, traffic) for record in records)
    version, said = _version(site, environment, active)
    ill = _ill(site, environment, releases, active, _strange(records, kept, active))
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


def _there(
    site: Site, environment: str, records: tuple[Record, ...], kept: tuple[Contained, ...]
) -> tuple[Record, ...]:
    """Leave out what could not be started again because somebody removed its image."""
    if not records:
        return ()
    ids = image_ids(site.engine(environment))
    return tuple(
        one
        for one in records
        if one.image in ids or any(each.alive for each in running.of(kept, one.release))
    )


def describe(record: Record, kept: tuple[Contained, ...], traffic: TrafficState) -> RunningRelease:
    """Describe one release."""
    mine = running.of(kept, record.release)
    web = next((one for one in mine if one.labels[PROCESS] == WEB), None)
    alive = [one for one in mine if one.alive]
    routed = traffic.of(record.release)
    return RunningRelease(
        release=record.release,
        sha=record.sha,
        state=_state(web),
        weight=routed.weight,
        url=running.url_of(web) if web is not None and web.alive else "",
        inflight=routed.inflight,
        restarts=sum(one.restarts for one in alive),
        workers=sum(one.labels[PROCESS] != WEB and one.state == "running" for one in mine),
    )


def _state(web: Contained | None) -> str:
    if web is None or web.state in {"created", "configured", "initialized"}:
        return "built"
    if not web.alive:
        return "stopped"
    return "running" if web.state == "running" and web.health != "unhealthy" else "degraded"


def _version(site: Site, environment: str, active: str) -> tuple[int | None, str]:
    if not active:
        return None, ""
    try:
        return schema.version(site, environment, active), ""
    except KeelwayError as error:
        return None, error.message


def _strange(records: tuple[Record, ...], kept: tuple[Contained, ...], active: str) -> str:
    """Return "" or which containers of a release run another image than its own."""
    images = {record.image for record in records if record.release == active}
    names = [one.name for one in running.of(kept, active) if one.alive and one.image not in images]
    return f"{', '.join(names)} runs another image than the one that was built" if names else ""


def _ill(
    site: Site, environment: str, releases: tuple[RunningRelease, ...], active: str, strange: str
) -> str:
    if not active:
        return "no release takes traffic"
    mine = next((one for one in releases if one.release == active), None)
    if mine is None:
        return f"{active} takes traffic, but its image is gone"
    if mine.state != "running":
        return f"{active} takes traffic, but its web container is {mine.state}"
    return strange or running.unwell_by_itself(site, environment, mine.url, active)
