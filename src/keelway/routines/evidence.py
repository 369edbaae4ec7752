"""The first judge: what a patch proves, on clean checkouts of immutable commits that we compose."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.codec import digest
from keelway.core.judge.coverage import changed_coverage, judge_coverage
from keelway.core.judge.flaky import Excused, red
from keelway.core.judge.settings import holds_settings, judge_settings
from keelway.core.judge.tamper import is_python, judge_source
from keelway.core.judge.tests import TestResult, judge_canary, judge_new_tests, judge_replay
from keelway.core.model.diff import Diff
from keelway.core.model.handover import CheckFact
from keelway.core.model.plan import Kind, Plan
from keelway.core.model.verdict import Finding, Ruling, failed, passed
from keelway.core.package.added import judge_added
from keelway.core.package.manifest import is_manifest
from keelway.core.package.package import ecosystems_of
from keelway.core.rule.sensitive import is_runner_config
from keelway.core.runner.known import RUNNERS, measured_by
from keelway.core.tamper.scripts import judge_scripts
from keelway.core.tamper.sources import is_read, judge_languages
from keelway.ports.ci import CheckJob, CheckReport, CommandResult
from keelway.routines.context import Context
from keelway.routines.judge.black_box import ask_box
from keelway.routines.judge.flaky import Yardstick, book_flaky, excuse, forgive
from keelway.routines.judge.python import read_python
from keelway.routines.judge.related import ends_early, listed, related

NEED_NEW_TESTS = {Kind.FEATURE, Kind.FIX}
DETAIL_CHARS_MAX = 3_000


@dataclass(frozen=True)
class BaseRun:
    """Hold what the tests of the base do on the base: the yardstick that the patch cannot touch."""

    sha: str
    tests: tuple[TestResult, ...]
    files: tuple[str, ...]
    error: str = ""

    @property
    def passing(self) -> frozenset[str]:
        """Return the ids that pass on the base and therefore have to pass on every patch."""
        return frozenset(test.id for test in self.tests if test.outcome == "passed")

    @property
    def failing(self) -> frozenset[str]:
        """Return the ids that fail on the base already."""
        return red(self.tests)

    def yardstick(self, altered: tuple[str, ...]) -> Yardstick:
        """Return what red tests of a patch are held against."""
        return Yardstick(self.sha, self.passing, self.failing, altered)


@dataclass(frozen=True)
class Examination:
    """Hold the checks of a patch and the evidence for and against it."""

    checks: tuple[CheckFact, ...]
    evidence: tuple[Finding, ...]
    tests: tuple[TestResult, ...] = ()
    """How the tests of the patch ended, those of the base among them."""
    early: bool = False
    """Only related tests were asked, and they said no."""


def base_of(ctx: Context, base_sha: str) -> BaseRun:
    """Run the tests of the base on the base."""
    files = ctx.read("base:files", ctx.forge.files, base_sha)
    report = ctx.read("base:tests", ctx.ci.check, _job(ctx, base_sha, purpose="base"))
    return BaseRun(base_sha, report.tests, files, report.setup_error)


def examine(
    ctx: Context, turn: int, base: BaseRun, diff: Diff, plan: Plan, *, refused: bool = False
) -> Examination:
    """Check a patch; the deeper layers are only reached when the plain checks are green.

    A patch that a guardrail has ``refused`` already is still held against the old tests, because the
    agent has to be told what it broke; what its new tests prove is not looked at.
    """
    head_sha = diff.head_sha
    sources = tuple(sorted(path for path in _present(diff) if ctx.project.is_source(path)))
    first = related(ctx, turn, diff)
    if first is not None and (early := ends_early(first, base.failing)):
        evidence = (*early, *_tampering(ctx, turn, diff, sources))
        return Examination(facts_of(first), evidence, first.tests, early=True)
    every = tuple(check.name for check in ctx.project.checks)
    job = CheckJob(head_sha, every, coverage_of=sources, task=ctx.scene.subject)
    head = ctx.act(f"checks:{turn}", ctx.ci.check, job)
    yardstick = base.yardstick(plan.test_grants)
    excused = excuse(ctx, f"{turn}", yardstick, head.tests, head_sha, Excused())
    head = forgive(ctx, head, excused)
    checks = facts_of(head)
    if head.setup_error:
        return Examination(checks, (failed("setup_failed", f"The set-up failed: {head.setup_error}"),))
    tampered = (
        *_tampering(ctx, turn, diff, sources),
        *_languages(ctx, turn, diff, plan),
        *_packages(ctx, turn, base, diff, plan),
        *_settings(ctx, turn, base, diff, plan),
    )
    if not all(command.passed for command in head.commands):
        return Examination(checks, (*tampered, *_weakened(base, head)), head.tests)
    return Examination(
        checks,
        (
            *tampered,
            *_proof(ctx, turn, _Case(base, diff, plan, refused, excused), head),
            _coverage(ctx, diff, sources, head),
            *(() if refused else ask_box(ctx, turn, diff, plan)),
            *listed(first),
        ),
        head.tests,
    )


def _coverage(ctx: Context, diff: Diff, sources: tuple[str, ...], head: CheckReport) -> Finding:
    minimum = ctx.policy.development.diff_coverage_min
    if minimum <= 0:
        return passed("coverage_not_required", "The policy does not ask that tests run the changed lines.")
    measured = measured_by(ctx.project.checks)
    ran = changed_coverage(_added_lines(diff, sources), head.executable, head.executed, measured)
    return judge_coverage(ran, minimum)


def facts_of(report: CheckReport) -> tuple[CheckFact, ...]:
    """Turn the results of commands into facts that travel with the patch."""
    return tuple(
        CheckFact(command.name, command.passed, command.examined, command.seconds, _detail(command))
        for command in report.commands
    )


def _detail(command: CommandResult) -> str:
    if command.passed:
        return ""
    if command.could_not_start:
        return f"It could not start: {command.could_not_start}"
    if command.timed_out:
        return f"It was stopped after {command.seconds:.0f} s."
    return command.output[-DETAIL_CHARS_MAX:]


def _job(ctx: Context, sha: str, *, purpose: str, canary: str = "") -> CheckJob:
    return CheckJob(sha, _test_checks(ctx), canary=canary, purpose=purpose, task=ctx.scene.subject)


def _test_checks(ctx: Context) -> tuple[str, ...]:
    return tuple(check.name for check in ctx.project.checks if check.kind == "tests")


def _present(diff: Diff) -> tuple[str, ...]:
    return tuple(delta.path for delta in diff.files if delta.status != "D")


def _added_lines(diff: Diff, sources: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    return {path: tuple(number for number, _ in diff.added_text.get(path, ())) for path in sources}


def _tampering(ctx: Context, turn: int, diff: Diff, sources: tuple[str, ...]) -> tuple[Finding, ...]:
    changed = tuple(
        path for path in sorted(_present(diff)) if is_python(path) and not ctx.project.is_test(path)
    )
    if changed and ctx.engine.patch("python"):
        return read_python(ctx, turn, diff, changed)
    findings: list[Finding] = []
    for number, path in enumerate(sources):
        if path.endswith(".py"):
            text = ctx.read(f"source:{turn}:{number}", ctx.forge.read, diff.head_sha, path)
            findings += judge_source(path, text)
    return tuple(findings)


def _languages(ctx: Context, turn: int, diff: Diff, plan: Plan) -> tuple[Finding, ...]:
    """Hold changed files of other languages than Python against the rules of their language."""
    granted = frozenset(plan.test_grants)
    changed = tuple(
        path
        for path in sorted(_present(diff))
        if is_read(path) and path not in granted and not is_runner_config(path)
    )
    if not changed or not ctx.engine.patch("languages"):
        return ()
    texts = ctx.read(f"texts:{turn}", ctx.forge.texts, diff.head_sha, changed)
    tests = frozenset(path for path in changed if ctx.project.is_test(path))
    return judge_languages(texts, _added_lines(diff, changed), tests)


def _packages(ctx: Context, turn: int, base: BaseRun, diff: Diff, plan: Plan) -> tuple[Finding, ...]:
    """Hold what a patch adds to its manifests against what the plan names."""
    touched = tuple(sorted(path for path in _present(diff) if is_manifest(path)))
    if not touched or not ctx.engine.patch("manifests"):
        return ()
    before = ctx.read(f"manifests:base:{turn}", ctx.forge.texts, base.sha, touched)
    now = ctx.read(f"manifests:{turn}", ctx.forge.texts, diff.head_sha, touched)
    added = judge_added(plan.dependencies, ecosystems_of((*base.files, *touched)), before, now)
    return (*added, *judge_scripts(before, now, plan.test_grants))


def _settings(ctx: Context, turn: int, base: BaseRun, diff: Diff, plan: Plan) -> tuple[Finding, ...]:
    """Hold the settings of the test runner against those of the base, where a patch touches their file."""
    touched = tuple(sorted(path for path in diff.paths if holds_settings(path)))
    if not touched or not ctx.engine.patch("runner_settings"):
        return ()
    before = ctx.read(f"settings:base:{turn}", ctx.forge.texts, base.sha, touched)
    now = ctx.read(f"settings:{turn}", ctx.forge.texts, diff.head_sha, touched)
    return judge_settings(before, now, plan.test_grants)


def _weakened(base: BaseRun, head: CheckReport) -> tuple[Finding, ...]:
    """Say which tests of the base a failing patch lost, so that the agent is told at once."""
    there = {test.id for test in head.tests}
    lost = sorted(base.passing - there)
    if head.tests and lost:
        return (failed("tests_missing", f"{len(lost)} existing test(s) are gone: {', '.join(lost[:5])}."),)
    return ()


@dataclass(frozen=True)
class _Case:
    """Bind what a patch is judged by; ``refused`` when a guardrail has said no already."""

    base: BaseRun
    diff: Diff
    plan: Plan
    refused: bool
    excused: Excused
    """Red tests of the patch that say nothing against it."""


def _proof(ctx: Context, turn: int, case: _Case, head: CheckReport) -> tuple[Finding, ...]:
    """Replay the base's own tests on the new source with a canary, and the new tests on the old source."""
    changed = tuple(sorted(path for path in _present(case.diff) if ctx.project.is_test(path)))
    known = {test.id for test in case.base.tests}
    fresh = tuple(test for test in head.tests if test.id not in known or _in(test.id, changed))
    replay = _replay_job(ctx, turn, case.base, case.diff, case.plan)
    if case.refused or (case.plan.kind not in NEED_NEW_TESTS and not fresh):
        (replayed,) = ctx.act(f"judge:{turn}", ctx.ci.check_all, (replay,))
        return _judge_replay(ctx, turn, case, replayed)
    tree = ctx.act(f"compose:new:{turn}", ctx.forge.compose, case.base.sha, case.diff.head_sha, changed)
    new = _job(ctx, tree, purpose="new-tests")
    replayed, on_base = ctx.act(f"judge:{turn}", ctx.ci.check_all, (replay, new))
    return (
        *_judge_replay(ctx, turn, case, replayed),
        judge_new_tests(on_base.tests, fresh, case.plan.kind, known_ids=known),
    )


def _replay_job(ctx: Context, turn: int, base: BaseRun, diff: Diff, plan: Plan) -> CheckJob:
    head_files = ctx.read(f"files:{turn}", ctx.forge.files, diff.head_sha)
    granted = frozenset(plan.test_grants)
    judged = {
        path
        for path in (*base.files, *head_files)
        if (ctx.project.is_test(path) or is_runner_config(path)) and path not in granted
    }
    paths = tuple(sorted(judged))
    tree = ctx.act(f"compose:replay:{turn}", ctx.forge.compose, diff.head_sha, base.sha, paths)
    canary = "keelcanary_" + digest([tree, ctx.key("canary"), turn])[7:19]
    return _job(ctx, tree, canary=canary, purpose="replay")


def _judge_replay(ctx: Context, turn: int, case: _Case, report: CheckReport) -> tuple[Finding, ...]:
    base, grants = case.base, case.plan.test_grants
    if base.error or report.setup_error:
        return (failed("replay_impossible", base.error or report.setup_error, examined=0),)
    expected = frozenset(test for test in base.passing | base.failing if not _in(test, grants))
    yardstick = base.yardstick(grants)
    excused = excuse(ctx, f"{turn}:replay", yardstick, report.tests, report.sha, case.excused)
    booked = book_flaky(ctx, turn, yardstick, excused)
    forgiven = base.failing if any(finding.ruling is Ruling.FAIL for finding in booked) else excused.ids
    return (*judge_replay(expected, report.tests, forgiven), *booked, _judge_canary(report))


def _judge_canary(report: CheckReport) -> Finding:
    if report.canary_failed is None:
        return failed(
            "canary_unsupported",
            "No failing test could be planted for every test runner, so nothing shows that its judgement can fail. "
            f"Let a tests check start one of these by name: {', '.join(runner.name for runner in RUNNERS)}.",
            examined=0,
        )
    return judge_canary(report.canary_failed)


def _in(test: str, paths: tuple[str, ...]) -> bool:
    return any(test == path or test.startswith(f"{path}::") for path in paths)
