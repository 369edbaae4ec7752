"""JavaScript packages by the registry's document of a package."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

from keelway.adapters.index.registry.ask import Asker, instant, text
from keelway.core.package.licence import licence_of
from keelway.core.package.package import Package, PackageFacts, State


def look(ask: Asker, base: str, package: Package, now: datetime) -> PackageFacts:
    """Ask a registry about a package.

    Raises:
        Unknown: nothing can be said.
    """
    plain = ask.json(f"{base.rstrip('/')}/{quote(package.name, safe='@')}")
    if plain is None:
        return PackageFacts(package, State.ABSENT, now)
    versions, times, tags = (_object(plain.get(name)) for name in ("versions", "time", "dist-tags"))
    latest = text(tags.get("latest"))
    version = package.version or latest
    manifest = _object(versions.get(version))
    gone = "unpublished" in times or not versions
    return PackageFacts(
        package,
        State.FOUND,
        now,
        latest=latest,
        version_known=version in versions or not package.version,
        latest_at=instant(times.get(latest)),
        first_at=instant(times.get("created")),
        licence=_licence(manifest) or _licence(plain),
        supports=_supports(manifest),
        withdrawn="unpublished" if gone else _deprecated(manifest),
        releases=len(versions),
    )


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _deprecated(manifest: dict[str, Any]) -> str:
    said = manifest.get("deprecated")
    return text(said) or "deprecated" if said else ""


def _supports(manifest: dict[str, Any]) -> str:
    node = text(_object(manifest.get("engines")).get("node"), 100)
    return f"Node {node}" if node else ""


def _licence(manifest: dict[str, Any]) -> str:
    said = manifest.get("license") or manifest.get("licenses")
    listed = said if isinstance(said, list) else [said]
    names = [text(each.get("type") if isinstance(each, dict) else each) for each in listed]
    read = [licence_of("", name) for name in names if name]
    return " OR ".join(read) if read and all(read) else ""
