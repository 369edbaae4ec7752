"""Changed lines have to be run by a passing test, and what was not measured is not passed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from keelway.core.judge.coverage import Coverage, changed_coverage, judge_coverage
from keelway.core.model.verdict import Ruling


def test_only_changed_executable_lines_of_sources_count() -> None:
    coverage = changed_coverage(
        {"app/a.py": [1, 2, 3], "tests/test_a.py": [1], "README.md": [1], "app/b.py": []},
        {"app/a.py": [2, 3, 9], "tests/test_a.py": [1]},
        {"app/a.py": [2, 9]},
    )
    assert coverage == Coverage(2, 1, {"app/a.py": (3,)}, sources=1)
    finding = judge_coverage(coverage, 1.0)
    assert (finding.code, finding.ruling, finding.examined) == ("coverage_low", Ruling.FAIL, 2)
    assert "1 of 2 changed executable lines ran (50.0%)" in finding.message
    assert "app/a.py:3" in finding.message
    assert judge_coverage(coverage, 0.5).code == "coverage_kept"


def test_a_source_that_was_not_measured_fails() -> None:
    coverage = changed_coverage({"app/a.py": [1], "app/b.py": [1]}, {"app/b.py": [1]}, {"app/b.py": [1]})
    finding = judge_coverage(coverage, 0.0)
    assert (finding.code, finding.ruling) == ("coverage_unmeasured", Ruling.FAIL)
    assert "app/a.py" in finding.message


def test_without_a_changed_source_there_is_nothing_to_run() -> None:
    finding = judge_coverage(changed_coverage({"README.md": [1]}, {}, {}), 1.0)
    assert (finding.code, finding.ruling) == ("coverage_nothing_to_run", Ruling.PASS)


def test_a_comment_in_a_measured_file_needs_no_run() -> None:
    finding = judge_coverage(changed_coverage({"app/a.py": [1]}, {"app/a.py": []}, {}), 1.0)
    assert finding.ruling is Ruling.PASS
    assert finding.examined == 1


def test_other_languages_are_named_by_their_suffix() -> None:
    coverage = changed_coverage({"web/a.ts": [1]}, {"web/a.ts": [1]}, {"web/a.ts": [1]}, suffixes=(".ts",))
    assert coverage.share == 1.0
    assert Coverage(0, 0).share == 1.0


def test_many_missing_lines_are_cut() -> None:
    coverage = changed_coverage({"a.py": range(1, 15)}, {"a.py": range(1, 15)}, {})
    assert "and 4 more" in judge_coverage(coverage, 1.0).message


lines = st.dictionaries(st.sampled_from(["a.py", "b.py", "c.txt"]), st.frozensets(st.integers(1, 9)))


@given(lines, lines, lines, lines)
def test_running_more_never_lowers_the_share(
    added: dict[str, frozenset[int]],
    executable: dict[str, frozenset[int]],
    executed: dict[str, frozenset[int]],
    more: dict[str, frozenset[int]],
) -> None:
    before = changed_coverage(added, executable, executed)
    union = {
        path: executed.get(path, frozenset()) | more.get(path, frozenset()) for path in {*executed, *more}
    }
    after = changed_coverage(added, executable, union)
    assert 0 <= before.executed <= after.executed <= after.executable == before.executable
    assert before.executable - before.executed == sum(len(left) for left in before.missing.values())
