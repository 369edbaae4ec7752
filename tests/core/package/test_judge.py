"""New packages: what an index says against them stops a plan, what none says asks a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keelway.core.model.verdict import Ruling
from keelway.core.package.judge import judge_dependencies, packages_of
from keelway.core.package.package import Ecosystem, Package, PackageFacts, State
from keelway.core.policy import DependencyPolicy

NOW = datetime(2026, 2, 16, tzinfo=UTC)
PACKAGE = Package(Ecosystem.PYPI, "slixmpp")
GOOD = PackageFacts(
    PACKAGE, State.FOUND, NOW, latest="1.8.5", first_at=NOW - timedelta(days=90), licence="MIT", releases=9
)
WORLDS = (Ecosystem.PYPI,)
POLICY = DependencyPolicy()


def judged(
    said: str = "slixmpp", policy: DependencyPolicy = POLICY, **changed: Any
) -> list[tuple[str, Ruling]]:
    facts = (replace(GOOD, **changed),)
    return [(finding.code, finding.ruling) for finding in judge_dependencies([said], WORLDS, facts, policy)]


def test_a_known_old_free_package_passes_and_says_why() -> None:
    (finding,) = judge_dependencies(["slixmpp"], WORLDS, [GOOD], POLICY)
    assert (finding.code, finding.ruling) == ("dependency_known", Ruling.PASS)
    assert finding.message == "The package slixmpp 1.8.5: MIT, since 2025-11-18."


@pytest.mark.parametrize(
    ("changed", "code", "ruling"),
    [
        ({"state": State.ABSENT}, "dependency_absent", Ruling.FAIL),
        ({"state": State.UNKNOWN, "why": "503"}, "dependency_unknown", Ruling.HOLD),
        ({"withdrawn": "leaks"}, "dependency_withdrawn", Ruling.FAIL),
        ({"first_at": NOW - timedelta(days=89)}, "dependency_young", Ruling.FAIL),
        ({"first_at": None}, "dependency_age_unknown", Ruling.HOLD),
        ({"licence": "GPL-3.0-only"}, "dependency_licence", Ruling.FAIL),
        ({"licence": ""}, "dependency_licence_unknown", Ruling.HOLD),
    ],
)
def test_what_speaks_against_a_package(changed: dict[str, Any], code: str, ruling: Ruling) -> None:
    assert judged(**changed) == [(code, ruling)]


def test_a_version_that_does_not_exist_stops_the_plan() -> None:
    pinned = replace(PACKAGE, version="9.9")
    assert judged("slixmpp==9.9", package=pinned, version_known=False) == [
        ("dependency_version_absent", Ruling.FAIL)
    ]
    (finding,) = judge_dependencies(
        ["slixmpp==9.9"], WORLDS, [replace(GOOD, package=pinned, version_known=False)], POLICY
    )
    assert finding.message == "The package slixmpp 9.9 does not exist; the newest is 1.8.5."


def test_every_reason_is_told() -> None:
    assert len(judged(withdrawn="leaks", licence="", first_at=None)) == 3


def test_what_is_no_name_is_refused_and_what_was_not_looked_up_is_unknown() -> None:
    assert judged("git+https://example.org/x") == [("dependency_not_by_name", Ruling.FAIL)]
    assert judged("other") == [("dependency_unknown", Ruling.HOLD)]
    (finding,) = judge_dependencies(["left-pad"], (), (), POLICY)
    assert "none that can be asked" in finding.message


def test_the_policy_draws_the_lines() -> None:
    lax = DependencyPolicy(age_days_min=0, licences=())
    assert judged(policy=lax, first_at=None, licence="") == [("dependency_known", Ruling.PASS)]
    assert judged(policy=DependencyPolicy(licences=("GPL-3.0-only",)), licence="GPL-3.0-only") == [
        ("dependency_known", Ruling.PASS)
    ]
    (finding,) = judge_dependencies(["slixmpp"], WORLDS, [replace(GOOD, first_at=None)], lax)
    assert "since an unknown day" in finding.message


def test_no_dependency_is_no_finding() -> None:
    assert judge_dependencies((), WORLDS, (), POLICY) == ()


def test_each_package_is_looked_up_once() -> None:
    said = ["slixmpp", "slixmpp>=1", "git+https://x", "npm:left-pad"]
    assert packages_of(said, WORLDS) == (PACKAGE, Package(Ecosystem.NPM, "left-pad"))


def test_a_name_like_a_well_known_one_asks_a_person():
    package = Package(Ecosystem.PYPI, "reqeusts")
    fact = PackageFacts(
        package, State.FOUND, NOW, latest="1.0", first_at=NOW - timedelta(days=900), licence="MIT"
    )
    (finding,) = judge_dependencies(["reqeusts"], [Ecosystem.PYPI], [fact], DependencyPolicy())
    assert (finding.code, finding.ruling) == ("dependency_typosquat", Ruling.HOLD)
    assert finding.evidence["known"] == "requests"
