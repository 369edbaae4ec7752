"""Put together what scanners, lock files and migrations say about a patch: findings, and what raises its risk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from keelway.core.migration.judge import judge_migrations
from keelway.core.model.verdict import Finding
from keelway.core.package.lock import GRAMMARS, is_lock
from keelway.core.package.locked import LockCase, judge_locks
from keelway.core.package.manifest import is_manifest
from keelway.core.policy import Policy
from keelway.core.rule.risk import Risk, worst
from keelway.core.scan.judge import ScanCase, judge_scans, left_to_a_person
from keelway.core.scan.report import ScanReport

FILES_MAX = 40
"""More manifests and lock files than this are not read for one patch."""
_CALM = Risk("low", 0, ())
_MIDDLE, _HIGH = 25, 75


@dataclass(frozen=True)
class Question:
    """Hold what a patch changes, as far as this is concerned."""

    paths: tuple[str, ...]
    """Files that are there after it and that it adds or alters."""
    lines: Mapping[str, Collection[int]]
    """Numbers of the added lines, by path."""
    by_recipe: bool = False
    backed_up: bool = False
    """The data is backed up before each deploy."""

    @property
    def asks_for_locks(self) -> bool:
        """Tell whether a manifest or a lock file changes."""
        return any(is_lock(path) or is_manifest(path) for path in self.paths)

    def locks_in(self, files: Collection[str]) -> tuple[str, ...]:
        """Return the manifests and lock files that change, and those that lie beside them."""
        touched = [path for path in self.paths if is_lock(path) or is_manifest(path)]
        names = {*GRAMMARS, *(grammar.manifest for grammar in GRAMMARS.values())}
        rooms = {path.rpartition("/")[0] for path in touched}
        beside = {f"{room}/{name}" if room else name for room in rooms for name in names}
        return tuple(sorted({*touched, *(beside & set(files))}))[:FILES_MAX]


@dataclass(frozen=True)
class Weighed:
    """Hold the findings for the gate, and the risk that they give to the patch."""

    findings: tuple[Finding, ...]
    level: str = "low"
    score: int = 0
    factors: tuple[str, ...] = ()

    @property
    def risk(self) -> Risk:
        """Return the risk that the findings give to the patch."""
        return Risk(self.level, self.score, self.factors)


NOTHING_WEIGHED = Weighed(())


def weigh(
    question: Question,
    policy: Policy,
    reports: Iterable[ScanReport],
    base: Mapping[str, str],
    head: Mapping[str, str],
    migrations: Mapping[str, str],
) -> Weighed:
    """Judge everything at once; what only a person can decide makes the risk high and is named in it.

    Args:
        question: what the patch changes.
        policy: in force.
        reports: of the scanners.
        base: texts of manifests and lock files before, by path.
        head: their texts now.
        migrations: texts of the migrations now.
    """
    case = LockCase(changed=frozenset(question.paths), base=base, head=head, by_recipe=question.by_recipe)
    steps, middle = judge_migrations(migrations, question.paths, backed_up=question.backed_up)
    scans = judge_scans(policy.scan.tools, reports, ScanCase(question.paths, question.lines))
    findings, high = left_to_a_person((*scans, *judge_locks(case, policy.dependency), *steps))
    risk = _CALM
    if middle:
        risk = worst(risk, Risk("medium", _MIDDLE, middle))
    if high:
        risk = worst(Risk("high", _HIGH, high), risk)
    return Weighed(findings, risk.level, risk.score, risk.factors)
