"""Gather what an environment can go back to, for the menu and for whoever chose from it."""

from __future__ import annotations

from datetime import UTC, datetime

from keelway.app.aim.choose import Offer
from keelway.app.view.back import targets_of
from keelway.app.view.system import MenuView, TagOffer
from keelway.core.release.version import release_name
from keelway.routines.back.span import served
from keelway.routines.context import Doors

SHOWN_MAX = 5


def offer_of(doors: Doors, environment: str) -> Offer:
    """Return what can be chosen from, as the book and the environment have it now."""
    history, state = doors.ledger.deployments(environment), doors.target.state(environment)
    present = frozenset(release.release for release in state.releases)
    barred = doors.ledger.quarantined()
    targets = targets_of(history, state.active, present, barred, datetime.now(UTC))
    return Offer(environment, history, targets, barred, present)


def menu_of(doors: Doors, environment: str) -> MenuView:
    """Return the menu: the release before, tags, commits that were live, and the recommended ones."""
    offer, active = offer_of(doors, environment), doors.target.state(environment).active
    entries = served(offer.history)
    barred = {entry.sha for entry in offer.quarantined}
    tags = [pair for pair in reversed(doors.forge.tags()) if pair[1] not in barred]
    good = [entry for entry in entries if entry.release != active and entry.sha not in barred]
    commits = dict.fromkeys(entry.sha for entry in good if entry.sha)
    return MenuView(
        environment,
        active,
        entries[0].previous_release if entries else "",
        tuple(_tag(name, sha, offer.present) for name, sha in tags[:SHOWN_MAX]),
        tuple(commits)[:SHOWN_MAX],
        offer.targets,
    )


def _tag(name: str, sha: str, present: frozenset[str]) -> TagOffer:
    release = release_name(sha)
    return TagOffer(name, sha, release if release in present else "")
