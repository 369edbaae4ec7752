"""PHP packages by the Composer repository's document of a package."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from keelway.adapters.index.registry.ask import Asker, Unknown, instant, text
from keelway.core.package.licence import licence_of
from keelway.core.package.package import Package, PackageFacts, State

_UNSET = "__unset"


def look(ask: Asker, base: str, package: Package, now: datetime) -> PackageFacts:
    """Ask a Composer repository about a package.

    Raises:
        Unknown: nothing can be said.
    """
    name = package.name.lower()
    plain = ask.json(f"{base.rstrip('/')}/p2/{name}.json")
    if plain is None:
        return PackageFacts(package, State.ABSENT, now)
    listed = plain.get("packages")
    versions = list(_expanded(listed.get(name) if isinstance(listed, dict) else None))
    if not versions:
        raise Unknown("the repository lists no version of it that can be read.")
    asked = package.version.removeprefix("v")
    newest = next((each for each in versions if not _is_early(each)), versions[0])
    chosen = newest
    if asked:
        chosen = next((each for each in versions if _number(each) == asked), {})
    firsts = [instant(each.get("time")) for each in versions]
    return PackageFacts(
        package,
        State.FOUND,
        now,
        latest=_number(newest),
        version_known=bool(chosen),
        latest_at=instant(newest.get("time")),
        first_at=min((at for at in firsts if at), default=None) if all(firsts) else None,
        licence=_licence(chosen),
        supports=_supports(chosen),
        withdrawn=_abandoned(versions[0]),
        releases=len(versions),
    )


def _expanded(listed: object) -> Iterator[dict[str, Any]]:
    """Undo the shortened form, in which each version only says what differs from the one before it."""
    whole: dict[str, Any] = {}
    for entry in listed if isinstance(listed, list) else []:
        if not isinstance(entry, dict):
            continue
        whole = {key: value for key, value in {**whole, **entry}.items() if value != _UNSET}
        yield whole


def _number(entry: dict[str, Any]) -> str:
    return text(entry.get("version")).removeprefix("v")


def _is_early(entry: dict[str, Any]) -> bool:
    number = _number(entry).lower()
    return any(mark in number for mark in ("alpha", "beta", "rc", "dev"))


def _licence(entry: dict[str, Any]) -> str:
    listed = entry.get("license")
    read = [licence_of("", text(each)) for each in (listed if isinstance(listed, list) else [])]
    return " OR ".join(read) if read and all(read) else ""


def _supports(entry: dict[str, Any]) -> str:
    require = entry.get("require")
    php = text(require.get("php"), 100) if isinstance(require, dict) else ""
    return f"PHP {php}" if php else ""


def _abandoned(entry: dict[str, Any]) -> str:
    said = entry.get("abandoned")
    if not said:
        return ""
    return f"abandoned; {text(said)} takes its place" if isinstance(said, str) else "abandoned"
