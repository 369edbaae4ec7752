"""What a patch may not touch or contain, whatever its tests say.

Paths have three levels: forbidden (nobody but a person), owned (needs a person's yes), allowed.
The verdicts rest on modes and paths that git reported, never on the text of a patch.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from keelway.core.model.diff import (
    MODE_EXECUTABLE,
    MODE_FILE,
    MODE_SUBMODULE,
    MODE_SYMLINK,
    NO_MODE,
    Diff,
    FileDelta,
)
from keelway.core.model.plan import Plan, is_plain_path
from keelway.core.model.verdict import Finding, failed, held, passed
from keelway.core.policy import GuardrailPolicy
from keelway.core.rule.added import judge_added
from keelway.core.rule.change.judge import judge_change
from keelway.core.rule.glob import matches, mixes_scripts
from keelway.core.rule.sensitive import (
    categories,
    colliding,
    forbidden_reason,
    is_runner_config,
    is_shadow,
    is_test_path,
)

_PATHS_MAX = 10
_KNOWN_MODES = frozenset({MODE_FILE, MODE_EXECUTABLE, NO_MODE})


class Level(StrEnum):
    """Rank how much a path is protected."""

    ALLOWED = "allowed"
    OWNED = "owned"
    FORBIDDEN = "forbidden"


def path_level(path: str, policy: GuardrailPolicy) -> Level:
    """Return how much ``path`` is protected, by the built-in tables and the policy."""
    if forbidden_reason(path) or matches(path, policy.forbidden):
        return Level.FORBIDDEN
    if categories(path) or matches(path, policy.owned):
        return Level.OWNED
    return Level.ALLOWED


def owned_paths(diff: Diff, policy: GuardrailPolicy) -> tuple[str, ...]:
    """Return the changed paths that need a person's yes, sorted."""
    return tuple(sorted(path for path in diff.paths if path_level(path, policy) is Level.OWNED))


def judge_diff(diff: Diff, plan: Plan, policy: GuardrailPolicy) -> tuple[Finding, ...]:
    """Judge the paths, modes, size and added lines of a patch against its plan and the policy.

    Every rule gives at least one finding, so that a missing one can be noticed.
    """
    if not diff.files:
        return (failed("no_change", "The patch changes no file.", examined=0),)
    return (
        *_forbidden(diff, policy),
        _owned(diff, plan, policy),
        _scope(diff, plan),
        _removals(diff, plan),
        _tests(diff, plan),
        _size(diff, policy),
        *_entries(diff),
        *_names(diff),
        *judge_added(diff),
        *judge_change(diff),
    )


def _forbidden(diff: Diff, policy: GuardrailPolicy) -> list[Finding]:
    findings = []
    for delta in diff.files:
        reason = forbidden_reason(delta.path)
        if not reason and matches(delta.path, policy.forbidden):
            reason = "forbidden by the policy"
        if reason:
            findings.append(
                failed(
                    "forbidden_path",
                    f"{delta.path} may not be altered by an agent ({reason}).",
                    path=delta.path,
                )
            )
        elif is_shadow(delta.path, new=delta.status == "A"):
            findings.append(
                failed(
                    "shadow_module",
                    f"{delta.path} would be loaded instead of a trusted module.",
                    path=delta.path,
                )
            )
    return findings or [passed("paths_allowed", "No forbidden path is touched.", examined=len(diff.files))]


def _owned(diff: Diff, plan: Plan, policy: GuardrailPolicy) -> Finding:
    planned = frozenset(plan.migrations)
    touched = [
        path
        for path in owned_paths(diff, policy)
        if path not in planned or set(categories(path)) != {"migration"} or matches(path, policy.owned)
    ]
    if touched:
        why = {path: ", ".join(categories(path)) or "policy" for path in touched}
        listed = "; ".join(f"{path} ({reason})" for path, reason in why.items())
        return held(
            "owned_path", f"{len(touched)} file(s) need a person's yes: {listed}.", examined=len(diff.files)
        )
    return passed("no_owned_path", "No file that needs a person's yes.", examined=len(diff.files))


def _scope(diff: Diff, plan: Plan) -> Finding:
    beyond = sorted(diff.paths - plan.files - frozenset(plan.test_grants))
    return _all_clear(
        beyond,
        "out_of_scope",
        "are not in the plan; undo them or ask for a new plan",
        diff,
        "Every file is planned.",
    )


def _removals(diff: Diff, plan: Plan) -> Finding:
    gone = sorted(delta.path for delta in diff.files if delta.status == "D" and delta.path not in plan.delete)
    return _all_clear(
        gone, "removal_not_planned", "are removed without a plan to", diff, "No unplanned removal."
    )


def _tests(diff: Diff, plan: Plan) -> Finding:
    granted = frozenset(plan.test_grants)
    altered = sorted(
        delta.path
        for delta in diff.files
        if delta.path not in granted
        and (is_runner_config(delta.path) or (delta.status != "A" and is_test_path(delta.path)))
    )
    return _all_clear(
        altered,
        "test_not_granted",
        "judge the result and may only be altered with a grant; put new tests into a new file",
        diff,
        "No existing test is altered without a grant.",
    )


def _size(diff: Diff, policy: GuardrailPolicy) -> Finding:
    files, lines = len(diff.files), diff.lines
    if files > policy.files_max or lines > policy.lines_max:
        return failed(
            "too_large",
            f"The patch has {files} files and {lines} lines; at most {policy.files_max} files and "
            f"{policy.lines_max} lines are allowed. Split the task.",
            examined=files,
        )
    size_bytes = diff.bytes
    if size_bytes > policy.bytes_max:
        return failed(
            "too_large",
            f"The patch has {size_bytes:,} bytes of text; at most {policy.bytes_max:,} are allowed. Split the task.",
            examined=files,
        )
    return passed("size_kept", f"{files} files, {lines} lines.", examined=files)


def _entries(diff: Diff) -> list[Finding]:
    findings = [finding for delta in diff.files for finding in _entry(delta)]
    return findings or [passed("plain_files", "Only plain text files.", examined=len(diff.files))]


def _entry(delta: FileDelta) -> list[Finding]:
    findings = []
    modes = {delta.old_mode, delta.new_mode}
    if MODE_SYMLINK in modes:
        findings.append(failed("symlink", f"{delta.path} is or was a symbolic link.", path=delta.path))
    if MODE_SUBMODULE in modes:
        findings.append(failed("submodule", f"{delta.path} is or was a submodule.", path=delta.path))
    if modes - _KNOWN_MODES - {MODE_SYMLINK, MODE_SUBMODULE}:
        findings.append(
            failed("mode_unknown", f"{delta.path} has the mode {delta.new_mode}.", path=delta.path)
        )
    if delta.binary and delta.status != "D":
        findings.append(failed("binary", f"{delta.path} is a binary file.", path=delta.path))
    if delta.new_mode == MODE_EXECUTABLE != delta.old_mode:
        findings.append(_executable(delta))
    return findings


def _executable(delta: FileDelta) -> Finding:
    if delta.status == "A":
        return held("executable_added", f"{delta.path} is a new executable file.", path=delta.path)
    return failed("made_executable", f"{delta.path} became executable.", path=delta.path)


def _names(diff: Diff) -> list[Finding]:
    unsafe = sorted(path for path in diff.paths if not is_plain_path(path))
    mixed = sorted(
        path for path in diff.paths if any(mixes_scripts(part) for part in path.replace(".", "/").split("/"))
    )
    twins = colliding(diff.paths)
    return [
        _all_clear(map(ascii, unsafe), "path_unsafe", "have unsafe names", diff, "All names are plain."),
        _all_clear(
            map(ascii, mixed), "path_mixes_scripts", "mix look-alike scripts", diff, "No look-alike names."
        ),
        _all_clear(
            map(ascii, twins),
            "path_collision",
            "can be confused with each other",
            diff,
            "No confusable names.",
        ),
    ]


def _all_clear(offending: Iterable[str], code: str, what: str, diff: Diff, clear: str) -> Finding:
    paths = list(offending)
    if paths:
        return failed(
            code,
            f"{len(paths)} file(s) {what}: {', '.join(paths)}.",
            examined=len(diff.files),
            paths=", ".join(paths[:_PATHS_MAX]),
        )
    return passed(f"no_{code}", clear, examined=len(diff.files))
