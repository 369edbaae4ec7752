"""Bring a commit to a clone: from its own remote, or in a bundle from here."""

from __future__ import annotations

from keelway.adapters.target.git_pull import scripts
from keelway.adapters.target.git_pull.place import Place, Seen
from keelway.clients.git import Git
from keelway.core.errors import StaleEpoch, TheirFault

_UNREACHED = frozenset({"host_unreachable", "host_silent", "no_folder", "no_clone", "tool_missing"})


def bring(place: Place, git: Git, seen: Seen, sha: str) -> None:
    """Bring a commit, unless it is there.

    Raises:
        TheirFault: it could not be brought (``build_failed``).
    """
    if place.has(sha):
        return
    try:
        if place.spec.remote:
            place.fetch(sha)
        else:
            place.receive(sha, _bundle(git, seen, sha))
    except StaleEpoch:
        raise
    except TheirFault as error:
        if error.code in _UNREACHED:
            raise
        raise TheirFault("build_failed", f"{sha[:12]} could not be brought: {error.message}") from error
    if not place.has(sha):
        raise TheirFault(
            "build_failed",
            f"{sha[:12]} is not at {place.spec.remote} of {place.spec.folder}.",
            "push it there, or leave remote empty to send it from here",
        )


def _bundle(git: Git, seen: Seen, sha: str) -> bytes:
    """Return what a clone lacks of a commit."""
    there = {seen.head, *seen.releases.values()} - {""}
    known = sorted(commit for commit in there if git.has(commit))
    ref = f"{scripts.SENT}/{sha}"
    git.update_ref(ref, sha, None)
    try:
        return git.call("bundle", "create", "--quiet", "-", ref, *(f"^{commit}" for commit in known)).stdout
    finally:
        git.delete_ref(ref, sha)
