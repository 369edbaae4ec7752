"""Make the scanners."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from keelway.app.registry import load, names
from keelway.app.scan.bench import ScanBench
from keelway.core.errors import YourFault
from keelway.core.policy import ScanPolicy
from keelway.ports.scanner import Scanner
from keelway.ports.vault import Vault


def make_scanners(policy: ScanPolicy, vault: Vault, outside: Path) -> Mapping[str, Scanner]:
    """Return every scanner by name: which of them look at a patch is said by the policy of its base.

    Raises:
        YourFault: the rules of semgrep lie inside ``outside``, the repository that agents write to.
    """
    if policy.rules and Path(policy.rules).resolve().is_relative_to(outside.resolve()):
        raise YourFault(
            "rules_in_repository",
            f"policy.scan.rules: {policy.rules} lies in the repository, where an agent could alter it.",
            "move the rules to a directory of yours",
        )
    return {tool: _make(tool, policy, vault) for tool in names("scanner")}


def _make(tool: str, policy: ScanPolicy, vault: Vault) -> Scanner:
    kind, seconds = load("scanner", tool), policy.seconds_max
    made: Scanner
    match tool:
        case "known_secrets":
            made = kind(vault)
        case "semgrep":
            made = kind(policy.rules, seconds)
        case "pip_audit":
            made = kind(seconds, policy.feed)
        case _:
            made = kind(seconds)
    return made


def make_bench(
    policy: ScanPolicy, vault: Vault, *, repository: Path, checkouts: Path, outside: Path
) -> ScanBench:
    """Return the door to the scanners.

    Raises:
        YourFault: the rules of semgrep lie inside ``outside``.
    """
    return ScanBench(str(repository), str(checkouts), make_scanners(policy, vault, outside))
