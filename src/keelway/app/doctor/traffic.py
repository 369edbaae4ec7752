"""What carries the traffic, and whether the targets can do what the strategy asks for."""

from __future__ import annotations

from keelway.app.config import Config
from keelway.app.doctor.check import Check, fail, ok
from keelway.app.home import Home
from keelway.app.registry import load
from keelway.app.target.choose import make_target, make_traffic
from keelway.clients.balance.carried import CarriedTraffic
from keelway.core.errors import KeelwayError
from keelway.core.strategy.choose import lack_of

_CURE = "correct [strategy] or [target] in keelway.toml"


def check_traffic(config: Config, home: Home) -> tuple[Check, ...]:
    """Look for the program of the balancer, and hold the strategy against every target that it is for."""
    return (_check_balancer(config, home), *_check_strategy(config, home))


def _check_balancer(config: Config, home: Home) -> Check:
    use = config.file.traffic.use
    try:
        traffic = make_traffic(config, home, config.project)
        if isinstance(traffic, CarriedTraffic):
            traffic.module()
    except KeelwayError as error:
        return fail("traffic", error.message, error.hint or "correct [traffic] in keelway.toml")
    return ok("traffic", f"The traffic is carried by {use}.")


def _check_strategy(config: Config, home: Home) -> tuple[Check, ...]:
    strategy = config.project.strategy
    concerned = [spec.name for spec in config.project.environments if not strategy.at(spec.name).is_plain]
    if not concerned:
        return ()
    try:
        target = make_target(config, home, load("vault", "file")(str(home.root)))
        lacks = [lack_of(strategy, target.capabilities(name).moves) for name in concerned]
    except KeelwayError as error:
        return (fail("strategy", error.message, error.hint or _CURE),)
    wrong = next((lack for lack in lacks if lack), "")
    if wrong:
        return (fail("strategy", wrong, _CURE),)
    return (ok("strategy", f"{' and '.join(concerned)} can do {strategy.use}."),)
