"""All checks in the order in which a broken one makes the later ones meaningless, and the few before a start."""

from __future__ import annotations

from keelway.app.config import Config
from keelway.app.desk import Place, running
from keelway.app.doctor import machine, project
from keelway.app.doctor.check import FAIL, Check, fail, ok
from keelway.app.doctor.containers import check_engines
from keelway.app.doctor.data.look import check_data
from keelway.app.doctor.policy import check_policy
from keelway.app.doctor.ports import check_ports
from keelway.app.doctor.providers import check_prices
from keelway.app.doctor.scanners import check_scanners
from keelway.app.doctor.targets import check_targets
from keelway.app.doctor.traffic import check_traffic
from keelway.app.home import Home
from keelway.core.errors import KeelwayError, YourFault

_CODES = {
    "git": "git_missing",
    "home": "home_unusable",
    "disk": "home_on_network",
    "space": "disk_full",
    "repository": "no_repository",
    "commands": "command_missing",
    "secrets": "secrets_unusable",
    "store": "store_unavailable",
}


def examine(place: Place, *, probe_agent: bool = True) -> tuple[Check, ...]:
    """Check every wire and alter nothing."""
    from keelway.app.doctor import (
        installation,
    )  # the book and its libraries cost a second; a refused start saves it

    first = (machine.check_git(), machine.check_sqlite())
    try:
        config = place.config
    except KeelwayError as error:
        return (*first, fail("config", error.message, error.hint))
    home = place.home
    server = running(place)
    return (
        *first,
        ok("config", f"{place.path} is valid."),
        *machine.check_home(home),
        *project.check_repository(config),
        check_policy(config, home),
        *project.check_commands(config),
        *check_ports(config, home, server.pid if server else None),
        *project.check_secrets(config, home),
        *check_targets(config, home),
        *check_engines(config),
        *check_traffic(config, home),
        *check_data(config, home),
        *check_prices(config, home),
        *check_scanners(config, home),
        *installation.check_store(home),
        installation.check_artefacts(config, home),
        *installation.check_daemons(config, home),
        *((installation.check_agent(config),) if probe_agent else ()),
        installation.check_freeze(home),
        installation.check_sandbox(config),
        installation.check_checks(config),
    )


def preflight(config: Config, home: Home) -> None:
    """Refuse a start that could only fail half-way; nothing is altered.

    Raises:
        YourFault: the first thing that is wrong.
    """
    checks = (
        machine.check_git(),
        *machine.check_home(home),
        *project.check_repository(config)[:1],
        *project.check_commands(config),
        *check_ports(config, home, None),
        *project.check_secrets(config, home),
    )
    for check in checks:
        if check.state == FAIL:
            code = "port_taken" if check.name.startswith("port of") else _CODES.get(check.name, check.name)
            raise YourFault(code, check.sentence, check.next)
