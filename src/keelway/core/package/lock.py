"""Lock files as facts: which package comes in which version from where, with which hashes."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from keelway.core.package.package import Ecosystem

ENTRIES_MAX = 20_000
TEXT_CHARS_MAX = 5_000_000
_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*===?\s*([^\s;,]+)")
_ADDRESS = re.compile(r"https?://(?:[\w.~-]+@)?([A-Za-z0-9.-]+)(?::[0-9]+)?(?:[/?#]|$)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_HASH = re.compile(r"--hash=(\S+)")
_SUM = re.compile(r"(\S+) (v\S+?)(/go\.mod)? (h1:\S+)")


@dataclass(frozen=True)
class Locked:
    """Say what a lock file says about one package."""

    name: str
    version: str
    files: tuple[tuple[str, str], ...] = ()
    """What is fetched, as an address or a name, and its hash; empty where there is none."""
    address: str = ""
    """Where it comes from when that is no index: a repository, an archive, a folder."""
    runs_scripts: bool = False
    """Its installation runs code of its author."""
    source_only: bool = False
    """Nothing built is offered, so that its installation builds it."""

    @property
    def hosts(self) -> frozenset[str]:
        """Return the hosts that it is fetched from."""
        return frozenset(host for place, _ in self.files if (host := host_of(place)))


@dataclass(frozen=True)
class Grammar:
    """Know one kind of lock file."""

    manifest: str
    """File beside it that says what is wanted."""
    world: Ecosystem | None
    read: Callable[[str], Iterator[Locked]] | None
    """``None`` when we cannot read this kind."""


def is_lock(path: str) -> bool:
    """Tell whether a file says what exactly is installed."""
    return grammar_of(path) is not None


def grammar_of(path: str) -> Grammar | None:
    """Return how a lock file is read, ``None`` when it is none; requirements are one once they carry a hash."""
    return GRAMMARS.get(path.rpartition("/")[2])


def read_lock(path: str, text: str) -> dict[tuple[str, str], Locked] | None:
    """Return the packages of a lock file by name and version, ``None`` when it cannot be read."""
    grammar = grammar_of(path)
    if grammar is None or grammar.read is None or len(text) > TEXT_CHARS_MAX:
        return None
    found: dict[tuple[str, str], Locked] = {}
    try:
        for locked in grammar.read(text):
            key = (locked.name, locked.version)
            found[key] = _joined(found[key], locked) if key in found else locked
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return found if 0 < len(found) <= ENTRIES_MAX else None


def host_of(place: str) -> str:
    """Return the host of an address, empty when it is none; of an odd one all of it, which is no allowed host."""
    plain = _ADDRESS.match(place)
    if plain is not None and "\\" not in place:
        return plain[1].lower()
    return place if _SCHEME.match(place) else ""


def _joined(one: Locked, other: Locked) -> Locked:
    return Locked(
        one.name,
        one.version,
        (*one.files, *other.files),
        one.address or other.address,
        one.runs_scripts or other.runs_scripts,
        one.source_only and other.source_only,
    )


def requirements_of(text: str) -> Iterator[Locked]:
    """Yield the pinned entries of a file of requirements, with their hashes."""
    for line in logical_lines(text):
        match = _REQUIREMENT.match(line)
        if match:
            hashes = tuple(("", each) for each in _HASH.findall(line))
            yield Locked(_python(match[1]), match[2], hashes or (("", ""),))


def logical_lines(text: str) -> Iterator[str]:
    """Yield the lines of a file of requirements without comments, continued ones joined."""
    held = ""
    for raw in text.splitlines():
        line = re.sub(r"(?:^|\s)#.*", "", raw).strip()
        if line.endswith("\\"):
            held += line[:-1].rstrip() + " "
            continue
        if held + line:
            yield held + line
        held = ""
    if held:
        yield held.rstrip()


def _python(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _uv(text: str) -> Iterator[Locked]:
    for each in tomllib.loads(text)["package"]:
        source = each.get("source", {})
        index = str(source.get("registry", ""))
        own = str(source.get("virtual", source.get("editable", "")))
        files = [each["sdist"]] if "sdist" in each else []
        wheels = each.get("wheels", [])
        places = [
            (str(file.get("url", file.get("path", ""))), str(file.get("hash", "")))
            for file in (*files, *wheels)
        ]
        if index:
            places.append((index, "index"))
        away = (
            "" if index or own == "." else " ".join(f"{key} {value}" for key, value in sorted(source.items()))
        )
        yield Locked(
            _python(each["name"]),
            str(each.get("version", "")),
            tuple(places),
            away or ("" if index or own else "no source"),
            source_only=bool(files) and not wheels,
        )


def _poetry(text: str) -> Iterator[Locked]:
    plain = tomllib.loads(text)
    apart = plain.get("metadata", {}).get("files", {})  # where versions before 1.5 keep them
    for each in plain["package"]:
        source = each.get("source", {})
        kind = source.get("type", "legacy")
        files = [
            (str(file["file"]), str(file.get("hash", "")))
            for file in each.get("files", apart.get(each["name"], []))
        ]
        built = any(name.endswith(".whl") for name, _ in files)
        if source.get("url"):
            files.append((str(source["url"]), "index"))
        yield Locked(
            _python(each["name"]),
            str(each["version"]),
            tuple(files) or (("", ""),),
            "" if kind == "legacy" else f"{kind} {source.get('url', '')}",
            source_only=bool(files) and not built,
        )


def _npm(text: str) -> Iterator[Locked]:
    plain = json.loads(text)
    if "packages" not in plain:
        yield from _npm_old(plain["dependencies"])
        return
    for place, each in plain["packages"].items():
        inside = "node_modules/" in place
        if place and inside and not each.get("inBundle"):
            name = str(each.get("name") or place.rpartition("node_modules/")[2])
            yield _npm_entry(name, each)
        elif place and not inside:
            yield Locked(str(each.get("name") or place), str(each.get("version", "")), (), f"folder {place}")


def _npm_old(plain: Mapping[str, Any]) -> Iterator[Locked]:
    for name, each in plain.items():
        yield _npm_entry(str(name), each)
        yield from _npm_old(each.get("dependencies", {}))


def _npm_entry(name: str, each: Mapping[str, Any]) -> Locked:
    place, scheme = str(each.get("resolved", "")), str(each.get("resolved", "")).partition(":")[0]
    away = place if place and scheme not in {"http", "https"} else ""
    if each.get("link"):
        away, place = f"folder {place}", ""
    scripts = bool(each.get("hasInstallScript"))
    files = () if away else ((place, str(each.get("integrity", ""))),)
    return Locked(name.lower(), str(each.get("version", "")), files, away, scripts)


def _composer(text: str) -> Iterator[Locked]:
    plain = json.loads(text)
    for each in (*plain.get("packages", ()), *plain.get("packages-dev", ())):
        dist, source = each.get("dist") or {}, each.get("source") or {}
        files = [
            (str(place.get("url", "")), str(place.get("shasum") or place.get("reference") or ""))
            for place in (dist, source)
            if place
        ]
        away = f"{dist.get('type')} {dist.get('url')}" if dist.get("type") in {"path", "git"} else ""
        plugin = each.get("type") == "composer-plugin"
        yield Locked(
            str(each["name"]).lower(), str(each["version"]), tuple(files) or (("", ""),), away, plugin
        )


def _go(text: str) -> Iterator[Locked]:
    for number, line in enumerate(text.splitlines(), 1):
        match = _SUM.fullmatch(line.strip())
        if match:
            yield Locked(match[1], match[2], ((match[3] or "/zip", match[4]),))
        elif line.strip():
            raise ValueError(f"line {number}")


GRAMMARS: Mapping[str, Grammar] = {
    "uv.lock": Grammar("pyproject.toml", Ecosystem.PYPI, _uv),
    "poetry.lock": Grammar("pyproject.toml", Ecosystem.PYPI, _poetry),
    "package-lock.json": Grammar("package.json", Ecosystem.NPM, _npm),
    "npm-shrinkwrap.json": Grammar("package.json", Ecosystem.NPM, _npm),
    "composer.lock": Grammar("composer.json", Ecosystem.PACKAGIST, _composer),
    "go.sum": Grammar("go.mod", None, _go),
    "pdm.lock": Grammar("pyproject.toml", Ecosystem.PYPI, None),
    "Pipfile.lock": Grammar("Pipfile", Ecosystem.PYPI, None),
    "yarn.lock": Grammar("package.json", Ecosystem.NPM, None),
    "pnpm-lock.yaml": Grammar("package.json", Ecosystem.NPM, None),
    "bun.lock": Grammar("package.json", Ecosystem.NPM, None),
    "Cargo.lock": Grammar("Cargo.toml", None, None),
    "Gemfile.lock": Grammar("Gemfile", None, None),
}
"""Lock files by name."""
