"""Let scanners look at a patch, and read its lock files and migrations: all in one durable step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keelway.core.codec import from_json
from keelway.core.errors import KeelwayError
from keelway.core.migration.judge import is_migration
from keelway.core.model.diff import Diff
from keelway.core.scan.weigh import NOTHING_WEIGHED, Question, Weighed, weigh
from keelway.ports.scanner import ScanJob
from keelway.routines.context import Context
from keelway.routines.outcome import outcome_of, raise_error

__all__ = ["Patch", "scan"]


@dataclass(frozen=True)
class Patch:
    """Name the patch that is looked at."""

    turn: int
    base_files: tuple[str, ...]
    diff: Diff
    by_recipe: bool = False
    """A command of the operator made it."""


def scan(ctx: Context, patch: Patch) -> Weighed:
    """Return what scanners, lock files and migrations say about a patch; the record holds that and not the files."""
    if not ctx.engine.patch("scanners"):
        return NOTHING_WEIGHED
    diff, policy = patch.diff, ctx.policy
    present = tuple(sorted(delta.path for delta in diff.files if delta.status != "D"))
    lines = {path: tuple(number for number, _ in added) for path, added in diff.added_text.items()}
    job = ScanJob(diff.base_sha, diff.head_sha, policy.scan.tools, present, lines)
    question = Question(present, lines, patch.by_recipe, backed_up=ctx.project.backed_up)

    def gather() -> Any:
        def text(sha: str, path: str) -> str:
            try:
                return ctx.forge.read(sha, path)
            except KeelwayError:
                return ""  # of a lock file that counts as one that cannot be read

        def look() -> Weighed:
            reports = ctx.scanner.examine(job)
            listed = frozenset(ctx.forge.files(diff.head_sha)) if question.asks_for_locks else frozenset()
            beside = question.locks_in(listed)
            head = {path: text(diff.head_sha, path) for path in beside}
            base = {path: text(diff.base_sha, path) for path in beside if path in patch.base_files}
            steps = {path: text(diff.head_sha, path) for path in present if is_migration(path)}
            return weigh(question, policy, reports, base, head, steps)

        return outcome_of(look)

    plain = ctx.engine.step(f"scan:{patch.turn}", gather)
    raise_error(plain)
    return from_json(Weighed, plain["ok"])
