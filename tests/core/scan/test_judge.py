"""What reports of scanners mean: only what a patch adds counts, and silence is not passed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.model.verdict import Ruling, combine, failed, held, passed
from keelway.core.scan.concern import TOOLS, concerns
from keelway.core.scan.judge import ScanCase, judge_scans, left_to_a_person
from keelway.core.scan.report import Hit, ScanReport

HIT = Hit("src/a.py", 3, "B301", "pickle", text="x")
CASE = ScanCase(("src/a.py", "docs/a.md"), {"src/a.py": (2, 3), "docs/a.md": (1,)})
CLEAN = ScanReport("bandit", "1.9.4", ("src/a.py",))


def judged(report: ScanReport | None, case: ScanCase = CASE, tool: str = "bandit"):
    (finding,) = judge_scans((tool,), (report,) if report else (), case)
    return finding


@pytest.mark.parametrize(
    ("report", "code", "ruling"),
    [
        (CLEAN, "scan_clean", Ruling.PASS),
        (None, "scanner_failed", Ruling.FAIL),
        (replace(CLEAN, examined=()), "scanner_empty", Ruling.FAIL),
        (replace(CLEAN, error="it hung"), "scanner_failed", Ruling.FAIL),
        (replace(CLEAN, absent="pip install x"), "scanner_absent", Ruling.FAIL),
        (replace(CLEAN, unreached="no network"), "advisory_unknown", Ruling.HOLD),
        (replace(CLEAN, hits=(HIT,)), "sast_worse", Ruling.FAIL),
        (replace(CLEAN, hits=(replace(HIT, sure=False),)), "sast_worse", Ruling.HOLD),
        (replace(CLEAN, hits=(replace(HIT, line=9),)), "scan_clean", Ruling.PASS),
        (replace(CLEAN, hits=(replace(HIT, line=1, end_line=2),)), "sast_worse", Ruling.FAIL),
        (replace(CLEAN, hits=(replace(HIT, line=0),)), "sast_worse", Ruling.FAIL),
        (replace(CLEAN, hits=(replace(HIT, path="other.py"),)), "scan_clean", Ruling.PASS),
        (replace(CLEAN, hits=(HIT,), base_hits=(replace(HIT, line=80),)), "scan_clean", Ruling.PASS),
        (replace(CLEAN, hits=(HIT, replace(HIT, line=2)), base_hits=(HIT,)), "sast_worse", Ruling.FAIL),
    ],
)
def test_what_a_report_means(report, code, ruling):
    finding = judged(report)
    assert (finding.code, finding.ruling) == (code, ruling)
    assert finding.evidence["tool"] == "bandit"
    assert "bandit" in finding.message or code == "sast_worse"


def test_a_part_that_was_not_examined_is_not_passed():
    case = replace(CASE, paths=("src/a.py", "src/b.py"))
    assert (judged(CLEAN, case).code, judged(CLEAN, case).examined) == ("scanner_partial", 1)


def test_the_install_command_of_an_absent_scanner_is_named():
    assert (
        "pip install 'keelway[scan]'" in judged(replace(CLEAN, absent="pip install 'keelway[scan]'")).message
    )


def test_a_scanner_that_no_file_concerns_has_nothing_to_say():
    finding = judged(None, ScanCase(("docs/a.md",), {}))
    assert (finding.code, finding.ruling, finding.examined) == ("scanner_not_concerned", Ruling.PASS, 1)
    assert judged(None, ScanCase((), {}), "zizmor").ruling is Ruling.PASS


def test_a_scanner_of_somebody_else_looks_at_everything():
    report = ScanReport("gitleaks", "1", CASE.paths, (replace(HIT, path="docs/a.md", line=1),))
    assert judged(report, tool="gitleaks").code == "sast_worse"
    assert judged(None, tool="gitleaks").code == "scanner_failed"


@pytest.mark.parametrize(
    ("tool", "path", "code"),
    [
        ("known_secrets", "a.txt", "secret_known"),
        ("detect_secrets", "a.txt", "secret_found"),
        ("semgrep", "a.go", "sast_worse"),
        ("zizmor", ".github/workflows/ci.yml", "workflow_unsafe"),
        ("pip_audit", "uv.lock", "advisory_open"),
        ("npm_audit", "package-lock.json", "advisory_open"),
    ],
)
def test_each_scanner_has_its_code(tool, path, code):
    report = ScanReport(tool, "1", (path,), (Hit(path, 0, "rule", "said"),))
    assert judged(report, ScanCase((path,), {}), tool).code == code


def test_an_unsure_secret_asks_a_person_beside_a_sure_one():
    hits = (Hit("a.txt", 1, "AWS", "said"), Hit("a.txt", 2, "entropy", "said", sure=False))
    report = ScanReport("detect_secrets", "1", ("a.txt",), hits)
    found = judge_scans(("detect_secrets",), (report,), ScanCase(("a.txt",), {"a.txt": (1, 2)}))
    assert [finding.code for finding in found] == ["secret_found", "secret_suspected"]


def test_many_hits_are_counted_and_a_few_are_shown():
    hits = tuple(replace(HIT, line=0, text=str(number)) for number in range(9))
    finding = judged(replace(CLEAN, hits=hits))
    assert (finding.evidence["count"], "4 more" in finding.message) == ("9", True)


@pytest.mark.parametrize(
    ("tool", "path", "wanted"),
    [
        ("bandit", "src/a.py", True),
        ("bandit", "tests/test_a.py", False),
        ("bandit", "a.js", False),
        ("bandit", "A.PY", True),
        ("semgrep", "a.go", True),
        ("semgrep", "a.md", False),
        ("zizmor", ".github/workflows/ci.yaml", True),
        ("zizmor", "tools/action.yml", True),
        ("zizmor", "compose.yml", False),
        ("pip_audit", "web/requirements-dev.txt", True),
        ("pip_audit", "package-lock.json", False),
        ("npm_audit", "web/package-lock.json", True),
        ("detect_secrets", "a.md", True),
        ("detect_secrets", "uv.lock", False),
        ("detect_secrets", "requirements.txt", False),
        ("known_secrets", "uv.lock", True),
    ],
)
def test_which_files_concern_whom(tool, path, wanted):
    assert concerns(tool, path) is wanted


LINES = st.integers(0, 5)
HITS = st.lists(
    st.builds(
        Hit,
        st.sampled_from(["src/a.py", "src/b.py"]),
        LINES,
        st.sampled_from(["r", "s"]),
        st.just("said"),
        LINES,
        st.sampled_from(["x", "y"]),
        st.booleans(),
    ),
    max_size=6,
).map(tuple)


@given(HITS, st.sampled_from(TOOLS))
def test_what_the_base_had_never_counts(hits, tool):
    case = ScanCase(("src/a.py",), {"src/a.py": (1, 2, 3)})
    report = ScanReport(tool, "1", ("src/a.py",), hits, hits)
    assert all(finding.ruling is Ruling.PASS for finding in judge_scans((tool,), (report,), case))


@given(HITS, HITS)
def test_more_hits_never_make_a_verdict_better(hits, more):
    case = ScanCase(("src/a.py",), {"src/a.py": (1, 2, 3)})
    few, many = (ScanReport("bandit", "1", ("src/a.py",), some) for some in (hits, (*hits, *more)))
    worse = list(Ruling)
    rulings = [combine("x", judge_scans(("bandit",), (each,), case)).ruling for each in (few, many)]
    assert worse.index(rulings[0]) <= worse.index(rulings[1])


def test_what_asks_a_person_goes_on_to_the_review_as_the_highest_risk():
    findings, factors = left_to_a_person(
        (held("a", "Look.", examined=0), failed("b", "No."), passed("c", "Yes."))
    )
    assert [each.ruling for each in findings] == [Ruling.PASS, Ruling.FAIL, Ruling.PASS]
    assert (findings[0].examined, findings[0].message) == (1, "Look. The review asks a person.")
    assert factors == ("Look",)
