"""Run as many instances of a release as its share of the traffic asks for."""

from __future__ import annotations

from collections.abc import Mapping

from keelway.adapters.target.process import running
from keelway.adapters.target.process.running import WEB, Running
from keelway.adapters.target.process.site import Site
from keelway.core.errors import TheirFault
from keelway.core.strategy.choose import instances_of
from keelway.core.traffic.route import Route, instance_name

DRAIN_SECONDS = 30.0


def several(site: Site, environment: str) -> bool:
    """Tell whether releases of an environment run in several instances."""
    return instances_of(site.project.strategy.at(environment), 100) > 1


def grow(site: Site, environment: str, shares: Mapping[str, int], epoch: int) -> bool:
    """Start the instances that shares ask for and that do not run; tell whether there were any.

    Raises:
        TheirFault: one did not become healthy (``unhealthy``) and was stopped again.
    """
    grown = False
    for release, count in _wanted(site, environment, shares).items():
        there = {running.instance_number(one.process) for one in instances(site, environment, release)}
        for number in range(1, count):
            if number not in there:
                _start(site, environment, release, number, epoch)
                grown = True
    return grown


def shrink(site: Site, environment: str, shares: Mapping[str, int]) -> None:
    """Drain and stop the instances that shares do not ask for; a release without a share is left to be retired."""
    for release, count in _wanted(site, environment, shares).items():
        for one in running.kept(site, environment):
            number = running.instance_number(one.process) if running.is_web(one.process) else 0
            if one.release == release and number >= count:
                site.traffic.drain(environment, instance_name(release, number), DRAIN_SECONDS)
                site.supervisor.remove(one.id)


def routes(site: Site, environment: str, shares: Mapping[str, int]) -> dict[str, Route]:
    """Return the routes to the instances that run, as many as the shares ask for.

    Raises:
        TheirFault: a release does not run (``not_running``).
    """
    counts = _wanted(site, environment, shares)
    return {
        release: Route(share, _urls(site, environment, release, counts[release]))
        for release, share in shares.items()
    }


def _wanted(site: Site, environment: str, shares: Mapping[str, int]) -> dict[str, int]:
    strategy = site.project.strategy.at(environment)
    return {release: instances_of(strategy, share) for release, share in shares.items()}


def instances(site: Site, environment: str, release: str) -> tuple[Running, ...]:
    """Return the web processes of a release that run, the first one first."""
    found = {
        running.instance_number(one.process): one
        for one in running.kept(site, environment)
        if one.release == release and running.is_web(one.process) and one.state == "running"
    }
    return tuple(found[number] for number in sorted(found))


def _urls(site: Site, environment: str, release: str, count: int) -> tuple[str, ...]:
    found = instances(site, environment, release)
    if not found or found[0].process != WEB:
        raise TheirFault(
            "not_running",
            f"{release} does not run in {environment}, so it cannot take traffic.",
            "start it first",
        )
    return tuple(one.url for one in found[:count])


def _start(site: Site, environment: str, release: str, number: int, epoch: int) -> None:
    """Start one further instance and wait until it is healthy; one that does not become so is stopped again."""
    one = running.put_instance(site, environment, release, number, epoch)
    wrong = running.wait_healthy(site, environment, one, site.healthy_seconds)
    if wrong:
        site.supervisor.remove(one.id)
        said = site.vault.redact(wrong)
        raise TheirFault("unhealthy", f"Instance {number + 1} of {release} did not become healthy: {said}")
