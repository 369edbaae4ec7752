"""Every rule refuses its attack, and an honest patch passes all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keelway.core.model.diff import (
    MODE_EXECUTABLE,
    MODE_FILE,
    MODE_SUBMODULE,
    MODE_SYMLINK,
    NO_MODE,
    Diff,
    FileDelta,
)
from keelway.core.model.plan import Plan
from keelway.core.model.verdict import Finding, Ruling, combine
from keelway.core.policy import GuardrailPolicy
from keelway.core.rule.added import LINE_CHARS_MAX, hidden_characters
from keelway.core.rule.guardrail import Level, judge_diff, owned_paths, path_level

POLICY = GuardrailPolicy()


def with_file(diff: Diff, delta: FileDelta, *lines: str) -> Diff:
    delta = replace(delta, added=len(lines))
    return replace(
        diff,
        files=(*diff.files, delta),
        added_text={**diff.added_text, delta.path: tuple(enumerate(lines, 1))},
    )


def planned(plan: Plan, path: str) -> Plan:
    return replace(plan, modify=(*plan.modify, path), delete=(path,))


def codes(findings: tuple[Finding, ...], ruling: Ruling = Ruling.FAIL) -> set[str]:
    return {finding.code for finding in findings if finding.ruling is ruling}


def test_an_honest_patch_passes_and_every_rule_examined_something(diff: Diff, plan: Plan) -> None:
    findings = judge_diff(diff, plan, POLICY)
    assert combine("guardrail", findings).passed
    assert len(findings) == 28
    assert all(finding.examined > 0 for finding in findings)


def test_an_empty_patch_is_no_pass(plan: Plan) -> None:
    assert codes(judge_diff(Diff("b", "h"), plan, POLICY)) == {"no_change"}


@pytest.mark.parametrize(
    ("delta", "code"),
    [
        (FileDelta("keelway.toml", "M"), "forbidden_path"),
        (FileDelta(".github/workflows/ci.yml", "D"), "forbidden_path"),
        (FileDelta("pytest.py", "A", NO_MODE), "shadow_module"),
        (FileDelta("app/link", "A", NO_MODE, MODE_SYMLINK), "symlink"),
        (FileDelta("app/link", "T", MODE_SYMLINK, MODE_FILE), "symlink"),
        (FileDelta("lib/x", "A", NO_MODE, MODE_SUBMODULE), "submodule"),
        (FileDelta("app/data", "M", MODE_FILE, "100664"), "mode_unknown"),
        (FileDelta("app/logo.png", "A", NO_MODE, binary=True), "binary"),
        (FileDelta("app/run.py", "M", MODE_FILE, MODE_EXECUTABLE), "made_executable"),
        (FileDelta("tests/test_old.py", "M"), "test_not_granted"),
        (FileDelta("tests/conftest.py", "A", NO_MODE), "test_not_granted"),
        (FileDelta("pytest.ini", "A", NO_MODE), "test_not_granted"),
        (FileDelta("app/\u0430pp.py", "A", NO_MODE), "path_collision"),
        (FileDelta("app/p\u0430y.py", "A", NO_MODE), "path_mixes_scripts"),
        (FileDelta("../x.py", "A", NO_MODE), "path_unsafe"),
    ],
)
def test_attacks_by_path_or_mode_fail_even_when_planned(
    diff: Diff, plan: Plan, delta: FileDelta, code: str
) -> None:
    base = with_file(diff, FileDelta("app/app.py", "A", NO_MODE))
    findings = judge_diff(with_file(base, delta), planned(planned(plan, "app/app.py"), delta.path), POLICY)
    assert code in codes(findings)


def test_deleting_a_binary_file_is_fine_when_planned(diff: Diff, plan: Plan) -> None:
    gone = with_file(diff, FileDelta("app/logo.png", "D", MODE_FILE, NO_MODE, binary=True))
    assert codes(judge_diff(gone, planned(plan, "app/logo.png"), POLICY)) == set()


def test_an_existing_test_may_be_altered_with_a_grant(diff: Diff, plan: Plan) -> None:
    granted = replace(plan, test_grants=("tests/test_old.py", "tests/conftest.py"))
    touched = with_file(
        with_file(diff, FileDelta("tests/test_old.py", "M")), FileDelta("tests/conftest.py", "M")
    )
    assert codes(judge_diff(touched, granted, POLICY)) == set()


def test_a_file_outside_the_plan_is_out_of_scope(diff: Diff, plan: Plan) -> None:
    findings = judge_diff(with_file(diff, FileDelta("app/other.py", "M")), plan, POLICY)
    assert codes(findings) == {"out_of_scope"}


def test_removing_what_was_to_be_modified_is_not_planned(diff: Diff, plan: Plan) -> None:
    gone = replace(
        diff, files=tuple(replace(d, status="D") if d.path == "app/channels.py" else d for d in diff.files)
    )
    assert codes(judge_diff(gone, plan, POLICY)) == {"removal_not_planned"}


@pytest.mark.parametrize(
    "policy", [GuardrailPolicy(files_max=2), GuardrailPolicy(lines_max=4), GuardrailPolicy(bytes_max=40)]
)
def test_size_is_bounded(diff: Diff, plan: Plan, policy: GuardrailPolicy) -> None:
    assert codes(judge_diff(diff, plan, policy)) == {"too_large"}


def test_owned_paths_ask_a_person(diff: Diff, plan: Plan) -> None:
    touched = with_file(diff, FileDelta("app/auth.py", "M"))
    findings = judge_diff(touched, planned(plan, "app/auth.py"), POLICY)
    assert codes(findings) == set()
    assert codes(findings, Ruling.HOLD) == {"owned_path"}
    assert owned_paths(touched, POLICY) == ("app/auth.py",)


def test_a_planned_migration_asks_nobody_again(diff: Diff, plan: Plan) -> None:
    path = "migrations/0002_xmpp.sql"
    touched = with_file(diff, FileDelta(path, "A", NO_MODE))
    sure = replace(plan, create=(*plan.create, path), migrations=(path,))
    assert codes(judge_diff(touched, sure, POLICY), Ruling.HOLD) == set()
    unsure = replace(sure, migrations=())
    assert codes(judge_diff(touched, unsure, POLICY), Ruling.HOLD) == {"owned_path"}
    owned = GuardrailPolicy(owned=("migrations/",))
    assert codes(judge_diff(touched, sure, owned), Ruling.HOLD) == {"owned_path"}
    assert owned_paths(touched, owned) == (path,)


def test_a_new_executable_asks_a_person(diff: Diff, plan: Plan) -> None:
    touched = with_file(diff, FileDelta("app/run", "A", NO_MODE, MODE_EXECUTABLE))
    assert codes(judge_diff(touched, planned(plan, "app/run"), POLICY), Ruling.HOLD) == {"executable_added"}


def test_the_policy_lengthens_the_lists(diff: Diff, plan: Plan) -> None:
    strict = GuardrailPolicy(forbidden=("app/channels.py",), owned=("app/xmpp.py",))
    findings = judge_diff(diff, plan, strict)
    assert codes(findings) == {"forbidden_path"}
    assert codes(findings, Ruling.HOLD) == {"owned_path"}
    assert path_level("app/channels.py", strict) is Level.FORBIDDEN
    assert path_level("app/xmpp.py", strict) is Level.OWNED
    assert path_level("app/main.py", strict) is Level.ALLOWED


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # noqa", "x = 1  #noqa: E501", "# ruff: noqa", "def f():  # pragma: no cover", "x: int = ''  # type: ignore",
        "@pytest.mark.skip(reason='later')", "@pytest.mark.xfail", "pytest.skip('x')", "@unittest.skipIf(True, '')",
        "/** @codeCoverageIgnore */", "fdescribe('x', () => {})", "// biome-ignore lint: later", '@SuppressWarnings("all")',
        "x = 1 // NOSONAR", "#[allow(dead_code)]", "#pragma warning disable", "x = 1 # rubocop:disable all", "# :nocov:",
        "# shellcheck disable=SC1", "key = 'x'  # pragma: allowlist secret", "# gitleaks:allow", "# zizmor: ignore[x]",
        "//go:build ignore", "$x = 1; // phpcs:disable", "/* stylelint-disable */",
        "self.skipTest('x')", "// eslint-disable-next-line", "// @ts-ignore", "/* istanbul ignore next */", "/* node:coverage disable */",
        "it.skip('works', () => {})", "describe.only('x')", "xit('works')", "//nolint:errcheck", "t.Skip()",
        "$this->markTestSkipped('x');", "password = 1  # nosec", "# pylint: disable=all", "# fmt: off", "# mypy: ignore-errors",
    ],
)  # fmt: skip
def test_switching_a_check_off_fails(diff: Diff, plan: Plan, line: str) -> None:
    touched = replace(diff, added_text={**diff.added_text, "app/channels.py": ((7, line),)})
    assert codes(judge_diff(touched, plan, POLICY)) == {"suppression_added"}


def test_a_suppression_that_only_moves_is_none_and_one_more_is(diff: Diff, plan: Plan) -> None:
    line = "    x = 1  # noqa: S101"
    moved = replace(
        diff,
        added_text={**diff.added_text, "app/channels.py": ((7, line),)},
        removed_text={"app/channels.py": ((90, line.strip()),)},
    )
    assert codes(judge_diff(moved, plan, POLICY)) == set()
    twice = replace(moved, added_text={**diff.added_text, "app/channels.py": ((7, line), (8, line))})
    assert codes(judge_diff(twice, plan, POLICY)) == {"suppression_added"}


def test_a_pointer_to_content_elsewhere_is_refused(diff: Diff, plan: Plan) -> None:
    touched = with_file(
        diff,
        FileDelta("model.bin", "A", NO_MODE),
        "version https://git-lfs.github.com/spec/v1",
        "oid sha256:1",
    )
    assert codes(judge_diff(touched, planned(plan, "model.bin"), POLICY)) == {"lfs_pointer"}


def test_prose_may_speak_of_suppressions(diff: Diff, plan: Plan) -> None:
    touched = with_file(diff, FileDelta("docs/a.md", "M"), "Never write `# noqa`.")
    assert codes(judge_diff(touched, planned(plan, "docs/a.md"), POLICY)) == set()


@pytest.mark.parametrize(
    "text",
    [
        "a\u202eb",
        "a\u200bb",
        "a\u200db",
        "\u200d",
        "\U000e0041",
        "\ufe01",
        "a\x1b[2J",
        "\ufeff",
        "\u3164",
        "\ue000",
    ],
)
def test_hidden_characters_fail(diff: Diff, plan: Plan, text: str) -> None:
    assert hidden_characters(text)
    touched = replace(diff, added_text={**diff.added_text, "app/channels.py": ((7, text),)})
    assert "hidden_character" in codes(judge_diff(touched, plan, POLICY))


@pytest.mark.parametrize(
    "text", ["plain\t\r", "na\u00efve", "\u65e5\u672c", "\U0001f469\u200d\U0001f4bb", "\u2764\ufe0f", ""]
)
def test_visible_text_is_fine(text: str) -> None:
    assert hidden_characters(text) == ()


def test_a_secret_fails_without_being_repeated(diff: Diff, plan: Plan) -> None:
    key = "AKIA" + "IOSFODNN7EXAMPLF"
    touched = replace(diff, added_text={**diff.added_text, "app/channels.py": ((7, f"key = '{key}'"),)})
    findings = judge_diff(touched, plan, POLICY)
    assert codes(findings) == {"secret"}
    assert key not in str(findings)
    assert "app/channels.py:7 (AWS access key)" in str(findings)


def test_many_hits_are_counted_and_cut(diff: Diff, plan: Plan) -> None:
    rows = tuple((number, "x = 1  # noqa") for number in range(1, 9))
    touched = replace(diff, added_text={**diff.added_text, "app/channels.py": rows})
    finding = next(one for one in judge_diff(touched, plan, POLICY) if one.code == "suppression_added")
    assert finding.evidence == {"count": "8"}
    assert "and 3 more" in finding.message


def test_a_line_that_nobody_can_review_fails(diff: Diff, plan: Plan) -> None:
    touched = replace(
        diff, added_text={**diff.added_text, "app/channels.py": ((7, "x" * (LINE_CHARS_MAX + 1)),)}
    )
    assert codes(judge_diff(touched, plan, POLICY)) == {"line_too_long"}


def test_lines_that_were_not_delivered_fail(diff: Diff, plan: Plan) -> None:
    assert codes(judge_diff(replace(diff, added_text={}), plan, POLICY)) == {"text_unread"}


def test_look_alike_words_ask_a_person(diff: Diff, plan: Plan) -> None:
    touched = replace(
        diff, added_text={**diff.added_text, "app/channels.py": ((7, "if user == \u0430dmin:"),)}
    )
    findings = judge_diff(touched, plan, POLICY)
    assert codes(findings) == set()
    assert codes(findings, Ruling.HOLD) == {"mixed_scripts"}
