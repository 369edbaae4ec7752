"""Python packages by the JSON form of the simple index (PEP 691, 700 and 714), which mirrors have too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.parser import HeaderParser
from typing import Any

from keelway.adapters.index.registry.ask import Address, Asker, Unknown, instant, text
from keelway.core.package.licence import licence_of
from keelway.core.package.package import Package, PackageFacts, State

_ACCEPT = "application/vnd.pypi.simple.v1+json"
_SDISTS = (".tar.gz", ".zip", ".tar.bz2", ".tgz")
_VERSION = re.compile(
    r"v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[._-]?(a|b|c|rc|alpha|beta|pre|preview)[._-]?(\d*))?"
    r"(?:[._-]?(?:post|rev|r)[._-]?(\d*)|-(\d+))?(?:[._-]?dev[._-]?(\d*))?(?:\+[a-z0-9._-]+)?",
    re.IGNORECASE,
)

_DEV, _FINAL = 0, 4
_STAGES = {"a": 1, "b": 2, "c": 3, "r": 3, "p": 3}

Key = tuple[int, tuple[int, ...], int, int, int, int]


@dataclass
class _Release:
    """Gather what the files of one version say."""

    version: str
    at: datetime | None = None
    supports: str = ""
    yanked: str | None = None
    """Why every file is yanked; ``None`` when one is not."""
    metadata_url: str = ""
    files: int = 0


def look(ask: Asker, base: str, package: Package, now: datetime) -> PackageFacts:
    """Ask a simple index about a package.

    Raises:
        Unknown: nothing can be said.
    """
    name = re.sub(r"[-_.]+", "-", package.name).lower()
    plain = ask.json(f"{base.rstrip('/')}/{name}/", _ACCEPT)
    if plain is None:
        return PackageFacts(package, State.ABSENT, now)
    releases = _releases(plain, name)
    if not releases:
        raise Unknown(f"{Address(base).base} lists no file of it that can be read.")
    newest = _newest(releases)
    asked = _key(package.version) if package.version else None
    chosen = newest
    if asked is not None:
        chosen = next((each for each in releases if _key(each.version) == asked), None)
    firsts = [each.at for each in releases]
    return PackageFacts(
        package,
        State.FOUND,
        now,
        latest=newest.version if newest else "",
        version_known=not package.version or chosen is not None,
        latest_at=newest.at if newest else None,
        first_at=min((at for at in firsts if at), default=None) if all(firsts) else None,
        licence=_licence(ask, base, name, chosen) if chosen else "",
        supports=f"Python {chosen.supports}" if chosen and chosen.supports else "",
        withdrawn=_withdrawn(chosen, releases),
        releases=len(releases),
    )


def _withdrawn(chosen: _Release | None, releases: list[_Release]) -> str:
    if chosen is None:
        return "every version is yanked" if all(each.yanked is not None for each in releases) else ""
    return "" if chosen.yanked is None else chosen.yanked or "yanked without a reason"


def _releases(plain: dict[str, Any], name: str) -> list[_Release]:
    known = plain.get("versions")
    versions = {each for each in known if isinstance(each, str)} if isinstance(known, list) else None
    found: dict[str, _Release] = {}
    files = plain.get("files")
    for file in files if isinstance(files, list) else []:
        version = _version_of(file, name)
        if not version or (versions is not None and version not in versions):
            continue
        _add(found.setdefault(version, _Release(version)), file)
    return list(found.values())


def _version_of(file: Any, name: str) -> str:
    filename = file.get("filename") if isinstance(file, dict) else None
    if not isinstance(filename, str):
        return ""
    if filename.endswith(".whl"):
        parts = filename.split("-")
        return parts[1] if len(parts) > 2 else ""  # noqa: PLR2004 - name, version, tags
    stem = next((filename.removesuffix(end) for end in _SDISTS if filename.endswith(end)), "")
    if re.sub(r"[-_.]+", "-", stem[: len(name)]).lower() != name:
        return ""
    return stem[len(name) :].lstrip("-_.")


def _add(release: _Release, file: dict[str, Any]) -> None:
    at, yanked = instant(file.get("upload-time")), file.get("yanked")
    release.at = min(release.at, at) if release.at and at else release.at or at
    release.supports = release.supports or text(file.get("requires-python"), 100)
    why = text(yanked) if yanked else None
    release.yanked = why if release.files == 0 else (None if why is None else release.yanked)
    release.files += 1
    if (file.get("core-metadata") or file.get("dist-info-metadata")) and not release.metadata_url:
        release.metadata_url = text(file.get("url"), 2_000)


def _newest(releases: list[_Release]) -> _Release | None:
    usable = [each for each in releases if each.yanked is None]
    finals = [each for each in usable if _is_final(each.version)]
    return max(finals or usable, key=lambda each: _key(each.version), default=None)


def _key(version: str) -> Key:
    """Return what orders a version; what is no version comes first of all."""
    match = _VERSION.fullmatch(version.strip())
    if match is None:
        return (-1, (), 0, 0, 0, 0)
    epoch, numbers, kind, count, post, bare, dev = match.groups()
    release = tuple(int(number) for number in numbers.split("."))
    while len(release) > 1 and release[-1] == 0:
        release = release[:-1]
    stage = _STAGES[kind[:1].lower()] if kind else _DEV if dev is not None else _FINAL
    after = int(post or bare or 0) + 1 if post is not None or bare is not None else 0
    return (int(epoch or 0), release, stage, int(count or 0), after, 0 if dev is not None else 1)


def _is_final(version: str) -> bool:
    key = _key(version)
    return key[2] == _FINAL and key[-1] == 1


def _licence(ask: Asker, base: str, name: str, release: _Release) -> str:
    """Read the licence from the metadata of a file, else from the index's own JSON."""
    if release.metadata_url and _may_be_asked(release.metadata_url, base):
        answer = ask.get(release.metadata_url + ".metadata", "text/plain, */*")
        if answer is not None:
            headers = HeaderParser().parsestr(answer.text)
            return licence_of(
                headers.get("License-Expression", ""),
                headers.get("License", ""),
                headers.get_all("Classifier", []),
            )
    root = base.rstrip("/")
    if not root.endswith("/simple"):
        return ""
    plain = ask.json(f"{root.removesuffix('/simple')}/pypi/{name}/json")
    info = plain.get("info") if plain else None
    if not isinstance(info, dict):
        return ""
    classifiers = info.get("classifiers")
    return licence_of(
        text(info.get("license_expression")),
        text(info.get("license"), 10_000),
        [each for each in classifiers if isinstance(each, str)] if isinstance(classifiers, list) else [],
    )


def _may_be_asked(url: str, base: str) -> bool:
    """Follow an address that an index names to HTTPS only, or to the index itself."""
    there, here = Address(url), Address(base)
    return there.scheme == "https" or there.base == here.base
