"""Judge what the changed lines of a patch do to what people see and may do."""

from __future__ import annotations

from keelway.core.model.diff import Diff
from keelway.core.model.verdict import Finding
from keelway.core.rule.change.access import judge_access
from keelway.core.rule.change.lines import changed_code, judge_read
from keelway.core.rule.change.pointer import judge_pointers
from keelway.core.rule.change.swallow import judge_errors


def judge_change(diff: Diff) -> tuple[Finding, ...]:
    """Return one finding for each rule, so that a missing one can be noticed."""
    changed = changed_code(diff)
    return (judge_read(changed), judge_pointers(diff), *judge_errors(changed), *judge_access(changed))
