"""Read what an application declares that it depends on, and what it runs on."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from keelway.core.package.lock import logical_lines
from keelway.core.package.package import MANIFESTS

ENTRIES_MAX = 200
_TEXT_CHARS_MAX = 300_000
_CHARS_MAX = 60
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*([<>=!~^].*)?")
_ADDRESS = re.compile(
    r"^(?:git|https?|file|link|workspace|github|gitlab|bitbucket|portal)\b|/|^\.", re.IGNORECASE
)
_LISTS = re.compile(r"(?:^|/)(?:(?:requirements|constraints)[\w.-]*|requirements/[\w./-]+)\.(?:txt|in)$")
_HOOKS = {
    "package.json": frozenset(
        {"preinstall", "install", "postinstall", "prepare", "preprepare", "postprepare", "dependencies"}
    ),
    "composer.json": frozenset(
        {
            *("pre-install-cmd", "post-install-cmd", "pre-update-cmd", "post-update-cmd"),
            *("pre-autoload-dump", "post-autoload-dump", "post-root-package-install"),
        }
    ),
}
"""Scripts that an installer runs by itself."""
_MARK = re.compile(r"--hash=\S+")


@dataclass(frozen=True)
class Declared:
    """Name one dependency that the application has."""

    name: str
    asks: str
    """The range of versions, as written."""
    path: str


def is_manifest(path: str) -> bool:
    """Tell whether a file declares dependencies."""
    name = path.rpartition("/")[2]
    return name in MANIFESTS or name == "go.mod" or is_requirements(path)


def is_requirements(path: str) -> bool:
    """Tell whether a file lists requirements as pip reads them."""
    return bool(_LISTS.search(path))


def declared_in(path: str, text: str) -> tuple[Declared, ...]:
    """Return the dependencies that a manifest declares; of one that cannot be read none."""
    pairs = list(_pairs(path, text[:_TEXT_CHARS_MAX]))
    return tuple(Declared(name[:100], asks.strip()[:_CHARS_MAX], path) for name, asks in pairs[:ENTRIES_MAX])


def addresses_in(path: str, text: str) -> tuple[str, ...]:
    """Return the entries of a manifest that name no package of an index: addresses, paths, options of an installer."""
    name, cut = path.rpartition("/")[2], text[:_TEXT_CHARS_MAX]
    if name == "pyproject.toml":
        said = [each for each in _listed(_document(name, cut)) if not list(_requirement(each))]
        said += map(str, _object(_document(name, cut), "tool", "uv", "sources"))
        said += _indexes(_document(name, cut))
    elif name.endswith(".json"):
        said = [asks for _, asks in _by_groups(_document(name, cut)) if _ADDRESS.search(asks)]
        said += _addresses_below(_document(name, cut))
    elif is_requirements(path):
        lines = (_MARK.sub("", each).strip() for each in logical_lines(cut))
        said = [each for each in lines if each and not list(_requirement(each))]
    elif name == "go.mod":
        said = [
            " ".join(each.split())
            for each in [
                each.strip().removeprefix("replace").strip()
                for each in cut.splitlines()
                if each.partition("=>")[0].strip() and "=>" in each
            ]
        ]
    else:
        said = []
    return tuple(each[:200] for each in said[:ENTRIES_MAX])


def hooks_in(path: str, text: str) -> frozenset[str]:
    """Return what runs by itself when the application is installed or built, as a manifest says it."""
    name, plain = path.rpartition("/")[2], _document(path, text)
    if name == "pyproject.toml":
        build = _object(plain, "build-system")
        return frozenset(
            f"build-system.{key} {build[key]}" for key in ("build-backend", "backend-path") if key in build
        )
    scripts = _object(plain, "scripts")
    return frozenset(f"{key}: {said}" for key, said in scripts.items() if key in _HOOKS.get(name, ()))


def peers_of(text: str) -> frozenset[str]:
    """Return the names that a ``package.json`` only expects beside it."""
    return frozenset(_object(_document("package.json", text), "peerDependencies"))


def runtimes_in(path: str, text: str) -> tuple[str, ...]:
    """Return what an application says that it runs on, such as ``Python >=3.11``."""
    name, plain = path.rpartition("/")[2], _document(path, text)
    if name == "pyproject.toml":
        project, poetry = _object(plain, "project"), _object(plain, "tool", "poetry", "dependencies")
        return _said("Python", project.get("requires-python") or poetry.get("python"))
    if name == "package.json":
        return _said("Node", _object(plain, "engines").get("node"))
    if name == "composer.json":
        return _said("PHP", _object(plain, "require").get("php"))
    if name == "go.mod":
        found = re.search(r"^go\s+(\S+)", text, re.MULTILINE)
        return _said("Go", found[1] if found else None)
    return ()


def entry_points_in(path: str, text: str) -> tuple[str, ...]:
    """Return the groups of plug-in points that a manifest declares."""
    if path.rpartition("/")[2] != "pyproject.toml":
        return ()
    return tuple(sorted(map(str, _object(_document(path, text), "project", "entry-points"))))[:10]


def _pairs(path: str, text: str) -> Iterator[tuple[str, str]]:
    name = path.rpartition("/")[2]
    if name == "go.mod":
        yield from _go(text)
    elif name == "pyproject.toml":
        yield from _python(_document(name, text))
    elif name.endswith(".json"):
        yield from _by_groups(_document(name, text))
    elif is_requirements(path):
        for line in logical_lines(text):
            yield from _requirement(_MARK.sub("", line))


def _go(text: str) -> Iterator[tuple[str, str]]:
    """Yield the modules of a ``go.mod``, read by words: a pattern over such lines can take for ever."""
    for each in text.splitlines():
        words = each.strip().removeprefix("require").split()
        if len(words) > 1 and _is_module(words[0]) and words[1].startswith("v"):
            yield words[0], words[1]


def _is_module(word: str) -> bool:
    host, _, path = word.partition("/")
    name, _, top = host.rpartition(".")
    return bool(name and path) and len(top) > 1 and top.isascii() and top.isalpha()


def _by_groups(plain: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for group in ("dependencies", "devDependencies", "peerDependencies", "require", "require-dev"):
        for name, asks in _object(plain, group).items():
            if name != "php" and not name.startswith("ext-"):
                yield name, asks if isinstance(asks, str) else ""


def _listed(plain: Mapping[str, Any]) -> Iterator[str]:
    project = _object(plain, "project")
    groups = [project.get("dependencies"), *_object(project, "optional-dependencies").values()]
    groups += _object(plain, "dependency-groups").values()
    for group in groups:
        yield from (each for each in (group if isinstance(group, list) else []) if isinstance(each, str))


def _python(plain: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for each in _listed(plain):
        yield from _requirement(each)
    for name, asks in _object(plain, "tool", "poetry", "dependencies").items():
        if name != "python":
            yield name, asks if isinstance(asks, str) else ""


def _requirement(text: str) -> Iterator[tuple[str, str]]:
    match = _REQUIREMENT.fullmatch(text.partition(";")[0].strip())
    if match:
        yield match[1], match[2] or ""


def _document(path: str, text: str) -> Mapping[str, Any]:
    try:
        if path.endswith(".toml"):
            return tomllib.loads(text[:_TEXT_CHARS_MAX])
        plain = json.loads(text[:_TEXT_CHARS_MAX]) if path.endswith(".json") else {}
    except (ValueError, RecursionError):
        return {}
    return plain if isinstance(plain, dict) else {}


def _indexes(plain: Mapping[str, Any]) -> Iterator[str]:
    """Yield the places that an installer of Python is told to look at besides its index."""
    uv = _object(plain, "tool", "uv")
    for key in ("index", "index-url", "extra-index-url", "find-links"):
        said = uv.get(key)
        for each in said if isinstance(said, list) else [said] if said else []:
            yield str(each.get("url", each) if isinstance(each, dict) else each)
    sources = _object(plain, "tool", "poetry").get("source")
    for each in sources if isinstance(sources, list) else []:
        yield str(each.get("url", each) if isinstance(each, dict) else each)


def _addresses_below(plain: Mapping[str, Any]) -> Iterator[str]:
    """Yield the addresses that override what is asked for, and the repositories of Composer."""
    rooms: list[Any] = [plain.get(key) for key in ("overrides", "resolutions", "pnpm", "repositories")]
    for _ in range(ENTRIES_MAX):
        if not rooms:
            return
        room = rooms.pop()
        if isinstance(room, str) and _ADDRESS.search(room):
            yield room
        rooms += room.values() if isinstance(room, dict) else room if isinstance(room, list) else ()
    yield "more overrides than are read"


def _object(plain: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        inner = plain.get(key)
        plain = inner if isinstance(inner, dict) else {}
    return plain


def _said(what: str, asks: object) -> tuple[str, ...]:
    return (f"{what} {asks}"[:_CHARS_MAX],) if isinstance(asks, str) and asks else ()
