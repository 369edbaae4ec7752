"""Find out which release or commit a person means by the words behind ``--to``."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.errors import RequestRefused, YourFault
from keelway.core.model.project import Branches
from keelway.core.release.rollback import Target
from keelway.core.release.version import release_name
from keelway.ports.forge import Forge
from keelway.ports.ledger import Deployment, Quarantine

PREVIOUS = frozenset({"", "A", "a", "previous"})
_NUMBER_DIGITS_MAX = 2


@dataclass(frozen=True)
class Chosen:
    """Name what somebody chose from the menu."""

    option: str = "A"
    """``A`` the release before, ``B`` a branch or tag, ``C`` a commit, ``D`` one of the recommended ones."""
    release: str = ""
    """Empty for the release before."""
    sha: str = ""
    """Commit that has to be built first; empty for a release that was live there."""


@dataclass(frozen=True)
class Offer:
    """Hold what can be chosen from."""

    environment: str
    history: tuple[Deployment, ...]
    targets: tuple[Target, ...]
    quarantined: tuple[Quarantine, ...]
    present: frozenset[str]
    """Releases whose files are there."""


def choose(offer: Offer, words: str, forge: Forge, branches: Branches) -> Chosen:
    """Return what the words mean: nothing, ``previous``, a number of the list, a release, branch, tag or commit.

    Raises:
        YourFault: nothing is called so.
        RequestRefused: it never passed the gates, or it is quarantined.
    """
    words = words.strip()
    if words in PREVIOUS:
        return Chosen()
    if words.isascii() and words.isdigit() and len(words) <= _NUMBER_DIGITS_MAX:
        return Chosen("D", _numbered(offer, int(words)))
    if any(entry.release == words for entry in offer.history):
        return Chosen("D", words)
    if words.startswith("r-"):
        raise RequestRefused(
            "unknown_target", f"{words} was never live in {offer.environment}.", "keelway releases"
        )
    sha = forge.resolve(words)
    option = "C" if sha.startswith(words) else "B"
    release = release_name(sha)
    _insist_good(offer, sha, words, forge, branches)
    known = any(
        entry.release == release and entry.status in {"live", "superseded"} for entry in offer.history
    )
    return Chosen(option, release, "" if known and release in offer.present else sha)


def _numbered(offer: Offer, number: int) -> str:
    if 0 < number <= len(offer.targets):
        return offer.targets[number - 1].release
    known = f"it has {len(offer.targets)}" if offer.targets else "it is empty"
    raise YourFault(
        "unknown_target",
        f"The list of {offer.environment} has no number {number}; {known}.",
        "keelway releases",
    )


def _insist_good(offer: Offer, sha: str, words: str, forge: Forge, branches: Branches) -> None:
    """Refuse what no gate has seen: only commits of a protected branch were judged."""
    if sha in {entry.sha for entry in offer.quarantined}:
        said = f"{words} is quarantined: it was taken back before."
        raise RequestRefused("quarantined", said, "keelway rollback alone lists the ways back")
    protected = sorted(branches.protected)
    if not any(forge.contains(sha, forge.head(branch)) for branch in protected):
        raise RequestRefused(
            "not_on_a_branch",
            f"{words} is part of none of {', '.join(protected)}, so no gate has judged it.",
            "keelway rollback alone lists the ways back",
        )
