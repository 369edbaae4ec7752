"""Scanners of patches: is each one that the policy names there."""

from __future__ import annotations

from keelway.adapters.vault.file import FileVault
from keelway.app.config import Config
from keelway.app.doctor.check import Check, fail, ok
from keelway.app.home import Home
from keelway.app.scan.choose import make_scanners
from keelway.core.errors import YourFault


def check_scanners(config: Config, home: Home) -> tuple[Check, ...]:
    """Look whether each configured scanner is installed: one that is not stops every patch that concerns it."""
    policy = config.policy.scan
    try:
        made = make_scanners(policy, FileVault(str(home.root)), config.repository)
    except YourFault as fault:
        return (fail("scanners", fault.message, fault.hint),)
    checks = []
    for tool in dict.fromkeys(policy.tools):
        name = f"scanner {tool}"
        if tool not in made:
            checks.append(fail(name, "No scanner has this name.", f"use any of: {', '.join(made)}"))
            continue
        found = made[tool].probe()
        if found.install:
            checks.append(
                fail(name, "It is configured and not installed, so patches do not pass.", found.install)
            )
        else:
            checks.append(ok(name, f"Version {found.version}."))
    return tuple(checks)
