"""Make the scanners."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from keelway.app.config import Config, environment_variables
from keelway.app.home import Home
from keelway.app.index.choose import addresses
from keelway.app.registry import load, names
from keelway.app.scan.bench import ScanBench
from keelway.core.errors import YourFault
from keelway.core.policy import ScanPolicy
from keelway.ports.scanner import Scanner
from keelway.ports.vault import Vault


def make_scanners(policy: ScanPolicy, vault: Vault, outside: Path, npm: str = "") -> Mapping[str, Scanner]:
    """Return every scanner by name: which of them look at a patch is said by the policy of its base.

    Args:
        policy: the one of this machine: how long a scanner may take, and what it asks.
        vault: that holds the values which may not stand in a patch.
        outside: the repository that agents write to.
        npm: address of the registry that is asked for advisories; empty for npm's own choice.

    Raises:
        YourFault: the rules of semgrep lie inside ``outside``.
    """
    if policy.rules and Path(policy.rules).resolve().is_relative_to(outside.resolve()):
        raise YourFault(
            "rules_in_repository",
            f"policy.scan.rules: {policy.rules} lies in the repository, where an agent could alter it.",
            "move the rules to a directory of yours",
        )
    return {tool: _make(tool, policy, vault, npm) for tool in names("scanner")}


def _make(tool: str, policy: ScanPolicy, vault: Vault, npm: str) -> Scanner:
    kind, seconds = load("scanner", tool), policy.seconds_max
    made: Scanner
    match tool:
        case "known_secrets":
            made = kind(vault)
        case "semgrep":
            made = kind(policy.rules, seconds)
        case "pip_audit":
            made = kind(seconds, policy.feed)
        case "npm_audit":
            made = kind(seconds, "" if "@" in npm else npm)  # an argument is seen by everybody on the machine
        case _:
            made = kind(seconds)
    return made


def make_bench(config: Config, home: Home, vault: Vault) -> ScanBench:
    """Return the door to the scanners of a project.

    Raises:
        YourFault: the rules of semgrep lie in the repository.
    """
    npm = addresses(config.file.index, environment_variables())["npm"]
    scanners = make_scanners(config.policy.scan, vault, config.repository, npm)
    return ScanBench(str(home.repository), str(home.checkouts), scanners)
