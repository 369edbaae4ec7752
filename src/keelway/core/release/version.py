"""Names of releases and the next semantic version (semver.org 2.0.0, without pre-releases)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from keelway.core.errors import OurFault
from keelway.core.model.plan import Kind

_TAG = re.compile(r"v?(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})")
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SHOWN_DIGITS = 12


@dataclass(frozen=True, order=True)
class Version:
    """Order releases by major, minor and patch number."""

    major: int = 0
    minor: int = 0
    patch: int = 0

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}.{self.patch}"


def parse_tag(tag: str) -> Version | None:
    """Return the version that a tag names, ``None`` for any other tag."""
    found = _TAG.fullmatch(tag)
    return Version(*map(int, found.groups())) if found else None


def next_version(tags: Iterable[str], kind: Kind, *, breaking: bool = False) -> Version:
    """Return the version after the highest of ``tags``.

    A feature raises the minor number, anything else the patch number; a breaking one raises the
    major number, or the minor one before 1.0.0. The first release is 0.1.0.
    """
    known = [version for tag in tags if (version := parse_tag(tag)) is not None]
    if not known:
        return Version(0, 1, 0)
    last = max(known)
    if breaking and last.major:
        return Version(last.major + 1)
    if breaking or kind is Kind.FEATURE:
        return Version(last.major, last.minor + 1)
    return Version(last.major, last.minor, last.patch + 1)


def release_name(sha: str) -> str:
    """Return the name of the release that is built from a commit, such as ``r-1f0c2a9b77de``.

    Raises:
        OurFault: ``sha`` is not a full commit id.
    """
    if not _SHA.fullmatch(sha):
        raise OurFault("sha_invalid", f"Not a full commit id: {sha!r}.", "report the task's events")
    return f"r-{sha[:_SHOWN_DIGITS]}"
