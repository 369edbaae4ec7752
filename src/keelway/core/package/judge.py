"""Whether a plan may bring in the packages that it names: by what the index says, never by a guess."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from keelway.core.model.verdict import Finding, failed, held, passed
from keelway.core.package.licence import is_allowed
from keelway.core.package.package import Ecosystem, Package, PackageFacts, State, package_of
from keelway.core.package.popular.typo import taken_for
from keelway.core.policy import DependencyPolicy
from keelway.core.words.text import line


def packages_of(dependencies: Sequence[str], ecosystems: Collection[Ecosystem]) -> tuple[Package, ...]:
    """Return the packages that a plan's dependencies name, each once; what is no plain name is left out."""
    found = (package_of(said, ecosystems) for said in dependencies)
    return tuple(dict.fromkeys(package for package in found if package is not None))


def judge_dependencies(
    dependencies: Sequence[str],
    ecosystems: Collection[Ecosystem],
    facts: Sequence[PackageFacts],
    policy: DependencyPolicy,
) -> tuple[Finding, ...]:
    """Judge every new dependency of a plan; none gives no finding.

    Args:
        dependencies: as the plan names them.
        ecosystems: of the application.
        facts: what an index said about the packages that they name.
        policy: what is asked of a new package.
    """
    known = {fact.package: fact for fact in facts}
    return tuple(
        replace(finding, evidence={**finding.evidence, "package": line(said, 100)})
        for said in dependencies
        for finding in _judge(said, ecosystems, known, policy)
    )


def _judge(
    said: str,
    ecosystems: Collection[Ecosystem],
    known: Mapping[Package, PackageFacts],
    policy: DependencyPolicy,
) -> list[Finding]:
    package, name = package_of(said, ecosystems), line(said, 100)
    if package is None:
        worlds = ", ".join(sorted(ecosystems)) or "none that can be asked"
        return [
            failed(
                "dependency_not_by_name",
                f"The dependency {name!r} is no plain name of a package (package worlds of the application: {worlds}); "
                'name it as the index does, such as "name", "name==1.2" or "npm:name".',
            )
        ]
    fact = known.get(package)
    if fact is None or fact.state is State.UNKNOWN:
        why = line(fact.why) if fact else "it was not looked up"
        return [held("dependency_unknown", f"Nothing is known about the package {name}: {why}", examined=0)]
    if fact.state is State.ABSENT:
        return [
            failed(
                "dependency_absent",
                f"The index {package.ecosystem} has no package {package.name}; correct the name or do without.",
            )
        ]
    judged = (_version(fact), _age(fact, policy), _licence(fact, policy), _typo(fact))
    against = [finding for finding in judged if finding]
    return against or [passed("dependency_known", f"{_named(fact)}: {fact.licence}, {_since(fact)}.")]


def _version(fact: PackageFacts) -> Finding | None:
    if not fact.version_known:
        known = f"; the newest is {line(fact.latest)}" if fact.latest else ""
        return failed("dependency_version_absent", f"{_named(fact)} does not exist{known}.")
    if fact.withdrawn:
        return failed("dependency_withdrawn", f"{_named(fact)} was withdrawn: {line(fact.withdrawn)}.")
    return None


def _age(fact: PackageFacts, policy: DependencyPolicy) -> Finding | None:
    if policy.age_days_min <= 0:
        return None
    if fact.first_at is None:
        return held(
            "dependency_age_unknown", f"{_named(fact)}: nothing says since when it exists.", examined=0
        )
    if fact.looked_at - fact.first_at < timedelta(days=policy.age_days_min):
        return failed(
            "dependency_young",
            f"{_named(fact)} exists {_since(fact)}; a package must be {policy.age_days_min} days old.",
        )
    return None


def _licence(fact: PackageFacts, policy: DependencyPolicy) -> Finding | None:
    if not policy.licences:
        return None
    if not fact.licence:
        return held("dependency_licence_unknown", f"{_named(fact)}: no licence can be read.", examined=0)
    if not is_allowed(fact.licence, policy.licences):
        return failed(
            "dependency_licence",
            f"{_named(fact)} has the licence {line(fact.licence)}, which the policy does not allow.",
        )
    return None


def _typo(fact: PackageFacts) -> Finding | None:
    known = taken_for(fact.package.name, fact.package.ecosystem)
    if not known:
        return None
    said = f"{_named(fact)} can be taken for the well-known {known}; a person has to say that it is meant."
    return held("dependency_typosquat", said, known=known)


def _named(fact: PackageFacts) -> str:
    return f"The package {fact.package.name} {fact.package.version or line(fact.latest)}".rstrip()


def _since(fact: PackageFacts) -> str:
    return f"since {fact.first_at:%Y-%m-%d}" if fact.first_at else "since an unknown day"
