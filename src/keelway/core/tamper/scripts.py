"""Find changed settings of test runners inside manifests, where they are no file of their own."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from keelway.core.model.verdict import Finding, failed

_RUNNERS = ("jest", "vitest", "mocha", "ava", "tap", "c8", "nyc", "babel", "imports")
_SCRIPTS = (
    *("pretest", "test", "posttest"),
    *("preinstall", "install", "postinstall", "prepare", "preprepare", "postprepare", "prepublish"),
)
"""What runs before, as or after the tests, or while packages are installed for them."""
_COMPOSER = (
    *("pre-install-cmd", "post-install-cmd", "post-autoload-dump", "pre-autoload-dump", "test"),
    *("pre-update-cmd", "post-update-cmd"),
)


def judge_scripts(
    before: Mapping[str, str], now: Mapping[str, str], granted: Collection[str] = ()
) -> tuple[Finding, ...]:
    """Return a failure for each manifest in which a patch altered how tests are prepared or run.

    Args:
        before: texts of manifests on the base; an absent one is new.
        now: the same on the head.
        granted: manifests that the plan may alter in this respect as well.
    """
    findings = []
    for path, text in sorted(now.items()):
        if path in granted or (path not in before and "/" in path):
            continue  # what a new package inside runs, the project's checks do not know of yet
        name = path.rpartition("/")[2]
        changed = _changed(name, before.get(path, "{}"), text)
        if changed:
            findings.append(
                failed(
                    "runner_settings_changed",
                    f"{path} alters how tests are prepared or run ({', '.join(changed)}); that needs a grant.",
                    path=path,
                )
            )
    return tuple(findings)


def _changed(name: str, before: str, now: str) -> list[str]:
    tops, scripts = {"package.json": (_RUNNERS, _SCRIPTS), "composer.json": ((), _COMPOSER)}.get(
        name, ((), ())
    )
    if not scripts:
        return []
    old, new = _table(before), _table(now)
    old_scripts, new_scripts = _inner(old), _inner(new)
    return [
        *(key for key in tops if old.get(key) != new.get(key)),
        *(f"scripts.{key}" for key in scripts if old_scripts.get(key) != new_scripts.get(key)),
    ]


def _table(text: str) -> dict[str, Any]:
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return plain if isinstance(plain, dict) else {}


def _inner(table: dict[str, Any]) -> dict[str, Any]:
    scripts = table.get("scripts")
    return scripts if isinstance(scripts, dict) else {}
