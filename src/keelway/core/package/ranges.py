"""Whether the ranges and hashes of a manifest let in no more than those of the base did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from keelway.core.model.verdict import Finding, failed, held
from keelway.core.package.lock import logical_lines, requirements_of
from keelway.core.package.manifest import declared_in, hooks_in, is_requirements
from keelway.core.package.span import loosened
from keelway.core.words.text import line

_SHOWN_MAX = 5


def judge_ranges(path: str, before: str, now: str) -> Iterator[Finding]:
    """Judge the ranges and hashes that a manifest had before against those that it has now."""
    old = {each.name.casefold(): each for each in declared_in(path, before)}
    for each in declared_in(path, now):
        known = old.get(each.name.casefold())
        if known is None or known.asks == each.asks:
            continue
        how, shown = (
            loosened(known.asks, each.asks),
            f"{path}: {line(each.name, 100)} was {line(known.asks, 60)!r} and is {line(each.asks, 60)!r}",
        )
        if how == "pin":
            yield failed("pin_removed", f"{shown}; keep it at one version.", path=path)
        elif how:
            what = "has no upper end any more" if how == "open" else "lets older versions in"
            yield held("range_widened", f"{shown}, which {what}.", path=path)
    fresh = sorted(hooks_in(path, now) - hooks_in(path, before))
    if fresh:
        said = f"{path}: {some(fresh)} runs by itself when the application is installed."
        yield held("install_hook_added", said, path=path)
    if is_requirements(path):
        yield from _hashes(path, before, now)


def _hashes(path: str, before: str, now: str) -> Iterator[Finding]:
    """Hold a file of requirements to the hashes that it had: once it has some, every entry needs one."""
    old = {each.name: each for each in requirements_of(before)}
    if not any(mark for each in old.values() for _, mark in each.files):
        return
    new = list(requirements_of(now))
    bare = [each.name for each in new if not any(mark for _, mark in each.files)]
    bare += [
        text for text in logical_lines(now) if not text.startswith("-") and not list(requirements_of(text))
    ]
    if bare:
        said = f"{path} had hashes, and {some(bare)} has none; make it again with its own tool."
        yield failed("lock_hash_missing", said, path=path)
    altered = [
        each.name
        for each in new
        if each.name in old
        and old[each.name].version == each.version
        and {mark for _, mark in old[each.name].files if mark} - {mark for _, mark in each.files}
        and {mark for _, mark in each.files if mark}
    ]
    if altered:
        said = f"{path}: {some(altered)} has the same version as before and other hashes."
        yield failed("lock_hash_changed", said, path=path)


def some(names: Iterable[str]) -> str:
    """Return the first few names in words."""
    listed = [line(name, 100) for name in names]
    more = f" and {len(listed) - _SHOWN_MAX} more" if listed[_SHOWN_MAX:] else ""
    return ", ".join(listed[:_SHOWN_MAX]) + more
