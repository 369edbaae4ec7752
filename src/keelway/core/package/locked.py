"""Whether the lock files and ranges of a patch hold what those of the base held: origin, hashes, pins, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from keelway.core.model.verdict import Finding, failed, held, passed
from keelway.core.package.lock import Grammar, Locked, grammar_of, read_lock
from keelway.core.package.manifest import Declared, declared_in, peers_of
from keelway.core.package.package import Ecosystem
from keelway.core.package.popular.typo import plain_name, taken_for
from keelway.core.package.ranges import judge_ranges, some
from keelway.core.package.span import span_of
from keelway.core.policy import DependencyPolicy
from keelway.core.words.text import line

_NAMES_MAX = 100
_KIND = re.compile(r"(sha\d+|md5|h1)[-:]")
_ARCHIVES = (".whl", ".tar.gz", ".zip")
Entries = Mapping[tuple[str, str], Locked]


@dataclass(frozen=True, kw_only=True)
class LockCase:
    """Hold the texts of manifests and of lock files that a patch touches, and of those beside them."""

    changed: frozenset[str]
    """Paths that the patch adds or alters."""
    base: Mapping[str, str]
    """Texts before, by path; what was not there is left out."""
    head: Mapping[str, str]
    by_recipe: bool = False
    """A command of the operator made the patch: it may bring a lock file up to date on its own."""


def judge_locks(case: LockCase, policy: DependencyPolicy) -> tuple[Finding, ...]:
    """Judge lock files and ranges of versions; a patch that touches none gives no finding."""
    findings: list[Finding] = []
    examined = 0
    for path, text in sorted(case.head.items()):
        if (grammar := grammar_of(path)) is not None:
            found, count = _lock(path, grammar, case, policy)
        elif path in case.changed:
            found, count = list(judge_ranges(path, case.base.get(path, ""), text)), 1
        else:
            continue
        findings += found
        examined += count
    if not examined and not findings:
        return ()
    return tuple(findings) or (
        passed("locks_kept", f"{examined} entries of lock files and manifests hold.", examined=examined),
    )


def _lock(path: str, grammar: Grammar, case: LockCase, policy: DependencyPolicy) -> tuple[list[Finding], int]:
    folder = path.rpartition("/")[0]
    manifest = f"{folder}/{grammar.manifest}" if folder else grammar.manifest
    if not {path, manifest} & case.changed:
        return [], 0
    if grammar.read is None:
        said = f"{path} is a kind of lock file that cannot be read here; a person has to look at it."
        return [held("lock_unread", said, examined=0, path=path)], 0
    now = read_lock(path, case.head[path])
    if now is None:
        said = f"{path} cannot be read as a lock file or names no package; make it again with its own tool."
        return [failed("lock_unreadable", said, examined=0, path=path)], 0
    before: Entries = read_lock(path, case.base.get(path, "")) or {}
    findings = list(_consistent(path, manifest, case, grammar, now))
    if path in case.changed:
        findings += _alone(path, manifest, case)
        findings += _entries(path, grammar.world, before, now, policy)
        findings += _names(path, grammar.world, before, now)
    return findings, len(now)


def _alone(path: str, manifest: str, case: LockCase) -> Iterator[Finding]:
    if path in case.base and manifest not in case.changed and not case.by_recipe:
        said = (
            f"{path} changes and {manifest} does not, so nothing asks for the change; alter both or neither."
        )
        yield failed("lock_without_manifest", said, path=path)


def _entries(
    path: str, world: Ecosystem | None, before: Entries, now: Entries, policy: DependencyPolicy
) -> Iterator[Finding]:
    fresh = [each for key, each in now.items() if before.get(key) != each]
    allowed = {host.lower() for host in policy.hosts} | {
        host for each in before.values() for host in each.hosts
    }
    foreign = sorted({host for each in fresh for host in each.hosts if host.lower() not in allowed})
    if foreign:
        said = f"{path} names {some(foreign)}, which is no allowed package index (policy.dependency.hosts)."
        yield failed("lock_foreign_host", said, path=path)
    known = {each.address for each in before.values()}
    yield from _some_of(
        path,
        "lock_by_address",
        "come from an address and not from a package index",
        [each for each in fresh if each.address and each.address not in known],
    )
    yield from _some_of(
        path,
        "lock_hash_missing",
        "have no hash, so that anything could be installed in their place",
        [each for each in fresh if not each.address and not all(mark for _, mark in each.files)],
    )
    yield from _some_of(
        path,
        "lock_hash_changed",
        "have the same version as before and another hash or origin",
        [
            each
            for key, each in now.items()
            if (key in before and _moved(before[key], each))
            or (before.get(key) != each and _is_twofold(each))
        ],
    )
    yield from _some_of(
        path,
        "lock_other_package",
        "would be fetched under the name of another package",
        [each for each in fresh if not all(_is_of(each.name, place, world) for place, _ in each.files)],
    )
    scripts = [each for each in fresh if each.runs_scripts and not _same(each, before, "runs_scripts")]
    yield from _some_of(
        path, "install_script_added", "run code of their authors when installed", scripts, ask=True
    )
    built = [each for each in fresh if each.source_only and not _same(each, before, "source_only")]
    yield from _some_of(
        path, "package_source_only", "offer source only, which runs when installed", built, ask=True
    )


def _same(each: Locked, before: Entries, what: str) -> bool:
    """Tell whether an earlier version of the package was so already."""
    return any(getattr(old, what) for (name, _), old in before.items() if name == each.name)


def _moved(before: Locked, now: Locked) -> bool:
    old = {_file(place): mark for place, mark in before.files if mark != "index"}
    new = [(_file(place), mark) for place, mark in now.files if mark != "index"]
    shared = [(name, mark) for name, mark in new if name and name in old]
    if any(_differ(old[name], mark) for name, mark in shared):
        return True
    marks = {mark for mark in old.values() if mark}
    return bool(marks) and not shared and not marks & {mark for _, mark in new}


def _is_twofold(entry: Locked) -> bool:
    """Tell whether an entry gives one file two hashes."""
    first: dict[str, str] = {}
    return any(_differ(first.setdefault(_file(place), mark), mark) for place, mark in entry.files if place)


def _file(place: str) -> str:
    return place.rpartition("/")[2]


def _differ(old: str, new: str) -> bool:
    """Tell whether two hashes contradict each other; hashes of two kinds do not."""
    kinds = {match[1] if (match := _KIND.match(mark)) else "" for mark in (old, new)}
    return bool(old) and old != new and (not new or len(kinds) == 1)


def _is_of(name: str, place: str, world: Ecosystem | None) -> bool:
    """Tell whether what is fetched has the name of the package, where its index puts the name there."""
    if world is Ecosystem.PYPI and place.endswith(_ARCHIVES):
        return plain_name(_file(place), world).startswith(f"{name}-")
    if world is Ecosystem.NPM and "/-/" in place:
        return f"/{name}/-/" in place.lower().replace("%2f", "/").replace("%40", "@")
    return True


def _names(path: str, world: Ecosystem | None, before: Entries, now: Entries) -> Iterator[Finding]:
    if world is None:
        return
    fresh = sorted({name for name, _ in now} - {name for name, _ in before})
    if not before:
        fresh = []  # a first lock file names what was used already
    for name in fresh[:_NAMES_MAX]:
        known = taken_for(name, world)
        if known:
            said = f"{path} brings in {line(name, 100)}, which can be taken for the well-known {known}."
            yield held("dependency_typosquat", said, path=path, known=known)


def _consistent(
    path: str, manifest: str, case: LockCase, grammar: Grammar, now: Entries
) -> Iterator[Finding]:
    world = grammar.world
    if world is None:
        return
    wanted = _wanted(manifest, case.head.get(manifest, ""))
    there: dict[str, set[str]] = {}
    for name, version in now:
        there.setdefault(plain_name(name, world), set()).add(version)
    lost = [each.name for each in wanted if plain_name(each.name, world) not in there]
    other = [
        each.name
        for each in wanted
        if each.name not in lost and _contradicts(each.asks, there[plain_name(each.name, world)])
    ]
    if lost or other:
        said = f"{path} does not fit {manifest}: {some([*lost, *other])} is missing or in another version; make it again."
        yield failed("lock_stale", said, path=path)


def _wanted(manifest: str, text: str) -> list[Declared]:
    """Return what a manifest asks for that its lock file has to hold: peers and parts of a platform may be absent."""
    declared, name = declared_in(manifest, text), manifest.rpartition("/")[2]
    if name == "composer.json":
        return [each for each in declared if "/" in each.name]
    peers = peers_of(text) if name == "package.json" else frozenset()
    return [each for each in declared if each.name not in peers]


def _contradicts(asks: str, versions: set[str]) -> bool:
    span = span_of(asks)
    return span.exact and asks.lstrip("=v ").strip() not in {each.lstrip("v") for each in versions}


def _some_of(
    path: str, code: str, what: str, entries: list[Locked], *, ask: bool = False
) -> Iterator[Finding]:
    if entries:
        names = some(f"{each.name} {each.version}".strip() for each in entries)
        said = f"{path}: {len(entries)} package(s) {what}: {names}."
        yield (held if ask else failed)(code, said, path=path)
