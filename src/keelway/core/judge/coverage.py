"""How much of the changed lines a passing test did run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from keelway.core.model.verdict import Finding, failed, passed
from keelway.core.rule.sensitive import is_test_path

COVERED_SUFFIXES = (".py",)
"""Languages whose lines the built-in measurement knows."""
_SHOWN_MAX = 10


@dataclass(frozen=True)
class Coverage:
    """Count the changed lines that can be executed, and those that were."""

    executable: int
    executed: int
    missing: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Changed executable lines that no passing test ran, by path."""
    sources: int = 0
    """How many source files of a covered language changed."""
    unmeasured: tuple[str, ...] = ()
    """Changed source files that the measurement says nothing about."""

    @property
    def share(self) -> float:
        """Return the executed share of the executable changed lines; 1.0 when there are none."""
        return self.executed / self.executable if self.executable else 1.0


def changed_coverage(
    added: Mapping[str, Collection[int]],
    executable: Mapping[str, Collection[int]],
    executed: Mapping[str, Collection[int]],
    suffixes: tuple[str, ...] = COVERED_SUFFIXES,
) -> Coverage:
    """Intersect the added lines of non-test sources with what can run and what did run.

    Args:
        added: numbers of the added lines by path, from the diff of the two commits.
        executable: numbers of all executable lines by path, with exclusion pragmas switched off;
            a path that is absent was not measured.
        executed: numbers of the lines that ran by path.
        suffixes: file name ends of the languages that are measured.
    """
    sources = sorted(
        path for path, lines in added.items() if lines and path.endswith(suffixes) and not is_test_path(path)
    )
    total, ran, missing = 0, 0, {}
    for path in sources:
        lines = set(added[path]) & set(executable.get(path, ()))
        left = lines - set(executed.get(path, ()))
        total, ran = total + len(lines), ran + len(lines) - len(left)
        if left:
            missing[path] = tuple(sorted(left))
    unmeasured = tuple(path for path in sources if path not in executable)
    return Coverage(total, ran, missing, len(sources), unmeasured)


def judge_coverage(coverage: Coverage, minimum: float) -> Finding:
    """Judge the executed share of the changed lines; a source file that was not measured fails."""
    if coverage.unmeasured:
        return failed(
            "coverage_unmeasured",
            f"Nothing was measured for {len(coverage.unmeasured)} changed file(s): {', '.join(coverage.unmeasured)}.",
            examined=coverage.executable,
        )
    if not coverage.executable:
        what = f"{coverage.sources} source file(s) changed, none in an executable line"
        return passed("coverage_nothing_to_run", f"{what}.", examined=max(1, coverage.sources))
    figures = (
        f"{coverage.executed} of {coverage.executable} changed executable lines ran ({coverage.share:.1%})"
    )
    if coverage.share < minimum:
        return failed(
            "coverage_low",
            f"{figures}, {minimum:.1%} are needed. Not run: {_places(coverage.missing)}.",
            examined=coverage.executable,
            paths=", ".join(sorted(coverage.missing)[:_SHOWN_MAX]),
        )
    return passed("coverage_kept", f"{figures}.", examined=coverage.executable)


def _places(missing: Mapping[str, tuple[int, ...]]) -> str:
    places = [f"{path}:{number}" for path, numbers in sorted(missing.items()) for number in numbers]
    more = f" and {len(places) - _SHOWN_MAX} more" if places[_SHOWN_MAX:] else ""
    return ", ".join(places[:_SHOWN_MAX]) + more
