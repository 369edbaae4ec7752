"""Build, fetch, name and remove images; whoever runs one names it by its identity."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from keelway.clients.container.engine import Engine
from keelway.clients.container.line import CONFLICT, NOT_THERE, UNREACHABLE
from keelway.clients.container.registry import encoded, registry_keys, registry_of
from keelway.clients.container.values import bare
from keelway.core.errors import TheirFault

_SHOWN_CHARS = 3_000
_LINES_KEPT = 200
_IDENTITY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Image:
    """Describe an image that the engine has."""

    id: str
    digests: tuple[str, ...]
    """Names with a digest, as registries know it; none for one that was only built here."""
    labels: Mapping[str, str]


@dataclass(frozen=True)
class BuildOrder:
    """Say what to build and what to call it."""

    tag: str
    dockerfile: str
    labels: Mapping[str, str] = field(default_factory=dict)
    args: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    network: str = ""
    pull: bool = False
    seconds_max: float = 600.0


def find_image(engine: Engine, name: str) -> Image | None:
    """Return an image by its name or identity; None when the engine does not have it."""
    if _IDENTITY.fullmatch(name) and name not in image_ids(engine):
        return None  # Podman takes an identity that it does not know for a wrong name, and refuses
    try:
        said = engine.line.value(f"{engine.root}/images/{quote(name)}/json")
    except TheirFault as error:
        if error.code == NOT_THERE:
            return None
        raise
    labels = (said.get("Config") or {}).get("Labels") or {}
    return Image(bare(str(said["Id"])), tuple(said.get("RepoDigests") or ()), dict(labels))


def image_ids(engine: Engine) -> frozenset[str]:
    """Return the identities of all images that the engine has."""
    said = engine.line.value(f"{engine.root}/images/json", {"all": "true"})
    return frozenset(bare(str(one["Id"])) for one in said)


def tags_of(engine: Engine, repository: str) -> tuple[str, ...]:
    """Return every name of an image in a repository of this machine."""
    said = engine.line.value(f"{engine.root}/images/json")
    names = {str(name) for one in said for name in one.get("RepoTags") or ()}
    return tuple(sorted(name for name in names if name.rpartition(":")[0] == repository))


def build_image(engine: Engine, context: IO[bytes], order: BuildOrder) -> Image:
    """Build an image from a packed folder.

    Raises:
        TheirFault: it failed or took too long (``build_failed``), with the last lines.
    """
    query: dict[str, object] = {
        "t": order.tag,
        "dockerfile": order.dockerfile,
        "labels": json.dumps(dict(order.labels)),
        "buildargs": json.dumps(dict(order.args)),
        "rm": "true",
        "forcerm": "true",
    }
    query |= {"target": order.target} if order.target else {}
    query |= {"networkmode": order.network} if order.network else {}
    query |= {"pull": "true"} if order.pull else {}
    what = f"The build of {order.tag}"
    known = {"X-Registry-Config": encoded(registry_keys())}
    path = f"{engine.root}/build"
    _follow(engine.line.reports(path, query, order.seconds_max, body=context, headers=known), what, order)
    found = find_image(engine, order.tag)
    if found is None:
        raise TheirFault("build_failed", f"{what} ended, but there is no such image.")
    return found


def pull_image(engine: Engine, name: str, seconds_max: float) -> Image:
    """Fetch an image from its registry, with the credentials that this user has for it.

    Raises:
        TheirFault: it could not be fetched (``build_failed``).
    """
    repository, tag = parted(name)
    query = {"fromImage": repository} | ({"tag": tag} if tag else {})
    keys = registry_keys()
    known = {"X-Registry-Auth": encoded(keys.get(registry_of(name), {}))}
    path = f"{engine.root}/images/create"
    _follow(engine.line.reports(path, query, seconds_max, headers=known), f"The pull of {name}", None)
    found = find_image(engine, name)
    if found is None:
        raise TheirFault("build_failed", f"{name} was pulled, but the engine does not have it.")
    return found


def name_image(engine: Engine, image_id: str, tag: str) -> None:
    """Give an image a name, so that nobody takes it for a leftover."""
    repository, name = parted(tag)
    path = f"{engine.root}/images/{quote(image_id)}/tag"
    engine.line.call("POST", path, {"repo": repository, "tag": name or "latest"})


def drop_image(engine: Engine, tag: str) -> None:
    """Take a name away, and the image with its last one; one that is still used stays."""
    try:
        engine.line.call("DELETE", f"{engine.root}/images/{quote(tag)}")
    except TheirFault as error:
        if error.code not in {NOT_THERE, CONFLICT}:
            raise


def pack(folder: Path, into: IO[bytes]) -> None:
    """Pack a folder so that the same files make the same bytes; links stay links."""
    with tarfile.open(fileobj=into, mode="w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.add(path, path.relative_to(folder).as_posix(), recursive=False, filter=_plain)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = 0, 0, 0, "", ""
    return entry


def parted(name: str) -> tuple[str, str]:
    """Take name and tag apart; a port of a registry is no tag, and a digest stays where it is."""
    head, separator, tag = name.rpartition(":")
    if "@" in name or not separator or "/" in tag:
        return name, "" if "@" in name else "latest"
    return head, tag


def _follow(said: Iterator[Mapping[str, Any]], what: str, order: BuildOrder | None) -> None:
    """Read what an engine reports of a long order to its end.

    Raises:
        TheirFault: it says that it failed, it took too long, or it fell silent (``build_failed``).
    """
    lines, wrong = [""], ""
    try:
        for part in said:
            lines = [*lines, str(part.get("stream") or part.get("status") or "")][-_LINES_KEPT:]
            wrong = wrong or str(part.get("error") or "")
    except TheirFault as error:
        wrong = error.message
        if error.code == UNREACHABLE and order is not None:
            wrong = f"it took longer than {order.seconds_max:g} s, or the engine went away ({error.message})"
    if wrong:
        shown = "".join(lines).strip()[-_SHOWN_CHARS:] or "none"
        raise TheirFault(
            "build_failed",
            f"{what} failed: {wrong.strip()}. Last lines: {shown}",
            "correct the Dockerfile or the commit",
        )
