"""Read lock files: which packages, in exactly which versions."""

from __future__ import annotations

import base64
import binascii
import json
import re
import string
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

COMPONENTS_MAX = 20_000
_PLAIN = frozenset(string.ascii_letters + string.digits + "-._~")
_PIN = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*===?\s*([A-Za-z0-9][\w.!+-]*)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_GO = re.compile(r"^(\S+) (v[^\s/]+) h1:\S+$", re.MULTILINE)
_REQUIREMENTS = re.compile(r"requirements[\w.-]*\.txt")


@dataclass(frozen=True, order=True)
class Component:
    """Name one package of a release."""

    purl: str
    """Package URL, which names it everywhere."""
    name: str
    version: str
    hashes: tuple[tuple[str, str], ...] = ()
    """Algorithm and hexadecimal digits, as the lock file says."""


@dataclass(frozen=True)
class Locked:
    """Hold what the lock files of a commit say."""

    components: tuple[Component, ...]
    read: tuple[str, ...]
    """Lock files that were read."""
    unread: tuple[str, ...]
    """Lock files that could not be read, so that the list may lack something."""


def is_lock(path: str) -> bool:
    """Tell whether a file of a commit is a lock file that can be read here."""
    name = path.rpartition("/")[2]
    return name in _READERS or bool(_REQUIREMENTS.fullmatch(name))


def locked(paths: Iterable[str], texts: Mapping[str, str]) -> Locked:
    """Return the packages of lock files, each once, in order.

    Args:
        paths: lock files of the commit.
        texts: their texts; one that is missing counts as unread.
    """
    found: dict[str, Component] = {}
    read, unread = [], []
    for path in sorted(paths):
        try:
            found.update({each.purl: each for each in _components(path, texts[path])})
            read.append(path)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            unread.append(path)
    unread += ["(the rest)"] if len(found) > COMPONENTS_MAX else []
    return Locked(tuple(sorted(found.values()))[:COMPONENTS_MAX], tuple(read), tuple(unread))


def _components(path: str, text: str) -> list[Component]:
    reader = _READERS.get(path.rpartition("/")[2], _requirements)
    return list(reader(text))


def _python(name: str, version: str, hashes: Iterable[tuple[str, str]] = ()) -> Component:
    """Make a component of PyPI; where several files may be installed no hash is that of the component."""
    plain, known = re.sub(r"[-_.]+", "-", name).lower(), tuple(set(hashes))
    return Component(
        f"pkg:pypi/{_part(plain)}@{_part(version)}", name, version, known if len(known) == 1 else ()
    )


def _uv(text: str) -> Iterator[Component]:
    for entry in tomllib.loads(text)["package"]:
        if {"virtual", "editable"} & entry.get("source", {}).keys():
            continue  # the application itself
        files = [entry.get("sdist", {}), *entry.get("wheels", ())]
        yield _python(entry["name"], entry["version"], _sha256(file.get("hash", "") for file in files))


def _poetry(text: str) -> Iterator[Component]:
    for entry in tomllib.loads(text)["package"]:
        yield _python(
            entry["name"], entry["version"], _sha256(f.get("hash", "") for f in entry.get("files", ()))
        )


def _sha256(hashes: Iterable[str]) -> Iterator[tuple[str, str]]:
    return (("SHA-256", each.removeprefix("sha256:")) for each in hashes if each.startswith("sha256:"))


def _requirements(text: str) -> Iterator[Component]:
    for line in text.replace("\\\n", " ").splitlines():
        if pin := _PIN.match(line):
            yield _python(pin[1], pin[2], (("SHA-256", digits) for digits in _HASH.findall(line)))


def _npm(text: str) -> Iterator[Component]:
    document = json.loads(text)
    if "packages" not in document:
        raise ValueError("a lock file of version 1 lists no packages")
    for place, entry in document["packages"].items():
        if place and not entry.get("link") and "version" in entry:
            name = entry.get("name") or place.rpartition("node_modules/")[2]
            yield _scoped("npm", name, entry["version"], _integrity(str(entry.get("integrity", ""))))


def _integrity(text: str) -> tuple[tuple[str, str], ...]:
    algorithm, _, coded = text.partition("-")
    known = {"sha512": "SHA-512", "sha384": "SHA-384", "sha256": "SHA-256", "sha1": "SHA-1"}
    try:
        return ((known[algorithm], base64.b64decode(coded, validate=True).hex()),)
    except (KeyError, binascii.Error):
        return ()


def _composer(text: str) -> Iterator[Component]:
    document = json.loads(text)
    for entry in (*document["packages"], *document.get("packages-dev", ())):
        yield _scoped("composer", entry["name"], entry["version"])


def _go(text: str) -> Iterator[Component]:
    for name, version in _GO.findall(text):  # h1 is a hash of file names and hashes, not of one file
        yield _scoped("golang", name, version)


def _cargo(text: str) -> Iterator[Component]:
    for entry in tomllib.loads(text).get("package", ()):
        if "source" in entry:
            checksum = entry.get("checksum")
            hashes = (("SHA-256", checksum),) if checksum else ()
            yield _scoped("cargo", entry["name"], entry["version"], hashes)


def _scoped(kind: str, name: str, version: str, hashes: tuple[tuple[str, str], ...] = ()) -> Component:
    path = "/".join(map(_part, name.split("/")))
    return Component(f"pkg:{kind}/{path}@{_part(version)}", name, version, hashes)


def _part(text: str) -> str:
    plain = (char if char in _PLAIN else "".join(f"%{byte:02X}" for byte in char.encode()) for char in text)
    return "".join(plain)


_READERS: dict[str, Callable[[str], Iterator[Component]]] = {
    "uv.lock": _uv,
    "poetry.lock": _poetry,
    "package-lock.json": _npm,
    "npm-shrinkwrap.json": _npm,
    "composer.lock": _composer,
    "go.sum": _go,
    "Cargo.lock": _cargo,
}
