"""Read the changed Python of a patch, wherever it lies, beside what was there before."""

from __future__ import annotations

from keelway.core.judge.tamper import judge_sources
from keelway.core.model.diff import Diff
from keelway.core.model.verdict import Finding, Ruling
from keelway.routines.context import Context


def read_python(ctx: Context, turn: int, diff: Diff, changed: tuple[str, ...]) -> tuple[Finding, ...]:
    """Judge changed Python files; the base is only read when there is something to hold against it."""
    texts = ctx.read(f"python:{turn}", ctx.forge.texts, diff.head_sha, changed)
    for number, path in enumerate(
        path for path in changed if path not in texts
    ):  # too large to be read beside others
        texts[path] = ctx.read(f"python:{turn}:{number}", ctx.forge.read, diff.head_sha, path)
    findings = judge_sources(changed, texts)
    if all(finding.ruling is Ruling.PASS for finding in findings):
        return findings
    before = ctx.read(f"python:base:{turn}", ctx.forge.texts, diff.base_sha, changed)
    return judge_sources(changed, texts, before)
