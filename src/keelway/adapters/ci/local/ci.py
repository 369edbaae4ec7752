"""Check commits on this machine with the project's own commands.

What is asked and what the answers mean comes from the operator's configuration and from here,
never from the commit. What it cannot rule out: the tests run as the same user as Keelway and read
the path of their report from the command line, so a test process can forge the report. The ids
that are expected from the base and the canaries are the answer to that, both of which the judge
weighs. Plug-ins of pytest load as the project's set-up installed them, since its own coverage and
its own fixtures need them; a project that needs none says ``-p no:...`` or ``env
PYTEST_DISABLE_PLUGIN_AUTOLOAD=1`` in its command. A command that stops at the first failure cannot
be asked with a canary: it would leave expected tests out, and fail.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from keelway.adapters.ci.local.box import answers_of
from keelway.adapters.ci.local.canary import NO_CANARY, Canary, plant
from keelway.adapters.ci.local.command import Told, chosen, refused, run_check
from keelway.adapters.ci.local.fence import CheckFence
from keelway.adapters.ci.local.known import Known
from keelway.adapters.ci.local.lines import python_lines
from keelway.adapters.ci.local.place import Place, end_places, lend_place, sweep
from keelway.adapters.ci.local.reading import PLAIN, Reading, readings_of, restore_tests
from keelway.adapters.ci.local.text import readable
from keelway.clients.coverage_xml import Hits
from keelway.clients.git import Git
from keelway.core.errors import KeelwayError
from keelway.core.model.project import Project
from keelway.core.source.inert import runs_nothing
from keelway.ports.ci import CheckJob, CheckReport, Ci

__all__ = ["ADAPTER", "LocalCi"]

_SOURCE_BYTES_MAX = 4 * 1024 * 1024
_SETUP_OUTPUT_CHARS = 3_000
_PYTHON = ".py"
_JOBS_AT_ONCE = 2

Lines = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class LocalCi:
    """Run jobs one by one, each in its own checkout; several may run at once."""

    project: Project
    repository: str
    """Our own bare repository."""
    root: str
    """Folder of the checkouts and of the download caches that only the set-up is told about."""
    fence: CheckFence | None = None
    """What checks run behind, and the set-up where there are hosts that it may load from."""

    def check(self, job: CheckJob) -> CheckReport:
        """Run a job to its end; failures are part of the report, never an exception."""
        try:
            return self._report(job)
        except (KeelwayError, OSError) as error:
            return CheckReport(job.sha, (), setup_error=str(error))

    def _report(self, job: CheckJob) -> CheckReport:
        git, root = Git(self.repository), Path(self.root)
        tree_sha, known = git.tree_of(job.sha), Known(root / "known", self.project)
        report = known.recall(job, tree_sha)
        if report is None:
            with lend_place(git, job.sha, root, self.project.path, job.task, self.fence) as place:
                report = self._set_up(place, job)
            known.keep(job, tree_sha, report)
        return report

    def check_all(self, jobs: tuple[CheckJob, ...]) -> tuple[CheckReport, ...]:
        """Run jobs side by side, two at a time, each in a checkout of its own."""
        with ThreadPoolExecutor(_JOBS_AT_ONCE, thread_name_prefix="keelway-ci") as pool:
            return tuple(pool.map(self.check, jobs))

    def sweep(self) -> int:
        """Remove the checkouts of processes that died and return how many there were."""
        return sweep(Path(self.root))

    def end(self, task: str) -> bool:
        """End the jobs of a task on this machine now; their reports say that they could not be run."""
        return end_places(Path(self.root), task)

    def _set_up(self, place: Place, job: CheckJob) -> CheckReport:
        if self.project.setup:
            fenced = self.fence is not None and self.fence.lets_out
            # What a fenced set-up downloads is its own: a cache that patches write would be a way from one to the next.
            caches = {} if fenced else self._caches()
            done = place.run(
                self.project.setup, self.project.setup_seconds_max, fenced=fenced, out=fenced, **caches
            )
            if not done.passed:
                how = "took too long" if done.timed_out else f"ended with {done.exit_code}"
                said = readable(done.stdout, done.stderr, str(place.tree))[-_SETUP_OUTPUT_CHARS:]
                why = (
                    done.could_not_start
                    or f"{' '.join(self.project.setup)} {how}: {said or 'it said nothing.'}"
                )
                return CheckReport(job.sha, (), setup_error=why)
            made = restore_tests(self.project, Git(self.repository), job.sha, place)
            if made:
                why = f"The set-up made {made}, which would configure the test runner. Next: commit it, or make it elsewhere."
                return CheckReport(job.sha, (), setup_error=why)
        known = {check.name: check for check in self.project.checks}
        checks = [known[name] for name in job.checks if name in known]
        readings = readings_of(self.project, Git(self.repository), job.sha, place.files, checks)
        canaries = _planted(readings, place, job.canary) if job.canary else {}
        rounds = range(max(1, job.repeat))
        told = [one for _ in rounds for one in self._run(job, place, canaries, readings)]
        hits = _merged(told)
        executable, executed = self._measured(job, hits) if hits is not None else ({}, {})
        return CheckReport(
            job.sha,
            tuple(item.result for item in told),
            tuple(test for item in told for test in item.tests),
            executable,
            executed,
            canary_failed=_believed(canaries, readings, told),
            answers=answers_of(self.project, place, job.questions),
        )

    def _run(
        self, job: CheckJob, place: Place, canaries: dict[str, Canary], readings: dict[str, Reading]
    ) -> list[Told]:
        known = {check.name: check for check in self.project.checks}
        told: list[Told] = []
        for name in job.checks:
            if name in known:
                check = chosen(known[name], job)
                if check is None:
                    continue
                canary, reading = canaries.get(name, NO_CANARY), readings.get(name, PLAIN)
                told.append(run_check(check, place, canary, reading))
            else:
                names = ", ".join(known) or "none"
                told.append(refused(name, f"No check is called {name!r}. Next: use one of: {names}."))
            if job.stop_at_first and not told[-1].result.passed:
                break
        return told

    def _caches(self) -> dict[str, str]:
        """Let set-ups share what they download; copies, because a linked file could be altered for all."""
        cache = Path(self.root).resolve() / "downloads"
        return {
            "UV_CACHE_DIR": str(cache / "uv"),
            "UV_LINK_MODE": "copy",
            "PIP_CACHE_DIR": str(cache / "pip"),
            "NPM_CONFIG_CACHE": str(cache / "npm"),
        }

    def _measured(self, job: CheckJob, hits: Hits) -> tuple[Lines, Lines]:
        """Count lines from the commit itself: the checkout belongs to the tests by now."""
        executable: Lines = {}
        executed: Lines = {}
        for path in job.coverage_of:
            ran = hits.get(path, {})
            did, can = {number for number, count in ran.items() if count > 0}, set(ran)
            if path.endswith(_PYTHON):
                text = Git(self.repository).read(job.sha, path, _SOURCE_BYTES_MAX)
                lines = python_lines(text.decode("utf-8", "replace")) if text is not None else None
                if lines is None:
                    continue
                can = {*lines, *did}  # what the tool counts as well, such as a main guard, nobody has to run
            elif path not in hits:
                text = Git(self.repository).read(job.sha, path, _SOURCE_BYTES_MAX)
                if text is None or not runs_nothing(path, text.decode("utf-8", "replace")):
                    continue
            executable[path] = tuple(sorted(can))
            executed[path] = tuple(sorted(did))
        return executable, executed


def _planted(readings: dict[str, Reading], place: Place, name: str) -> dict[str, Canary]:
    """Plant once for each runner; the checks of one runner share what was planted."""
    by_runner: dict[str, Canary] = {}
    for reading in readings.values():
        if reading.runner is not None and reading.runner.name not in by_runner:
            by_runner[reading.runner.name] = plant(reading.runner, reading.texts, place, name)
    return {
        check: by_runner[reading.runner.name]
        for check, reading in readings.items()
        if reading.runner is not None
    }


def _believed(canaries: dict[str, Canary], readings: dict[str, Reading], told: list[Told]) -> bool | None:
    """Tell whether every runner met its canary and failed it each time; None when one had none to meet."""
    if not canaries or not all(canaries.get(name, NO_CANARY).seeds for name in readings):
        return None
    met: dict[str, list[bool]] = {
        canary.runner.name: [] for canary in canaries.values() if canary.runner is not None
    }
    for item in told:
        runner = canaries.get(item.result.name, NO_CANARY).runner
        if runner is not None and item.canary_failed is not None:
            met[runner.name].append(item.canary_failed)
    return all(heard and all(heard) for heard in met.values())


def _merged(told: list[Told]) -> Hits | None:
    measured = [item.hits for item in told if item.hits is not None]
    if not measured:
        return None
    merged: Hits = {}
    for hits in measured:
        for path, lines in hits.items():
            known = merged.setdefault(path, {})
            for number, count in lines.items():
                known[number] = max(known.get(number, 0), count)
    return merged


ADAPTER = LocalCi
_check: type[Ci] = LocalCi
