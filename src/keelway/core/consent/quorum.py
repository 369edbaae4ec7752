"""How many yeses a question needs: one, or one of each group that owns a touched path."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from keelway.core.consent.people import People, fold

PATHS_SHOWN = 5


@dataclass(frozen=True)
class OwnerGroup:
    """Name who owns some of the touched paths; a yes of one member is needed."""

    name: str
    """The owners as the owner file of the base writes them."""
    members: tuple[str, ...]
    """Names of the persons behind them; empty when nobody is known, and then nobody can say yes."""
    paths: tuple[str, ...] = ()
    """The first of the touched paths."""


@dataclass(frozen=True)
class Terms:
    """State whose yes a question needs."""

    own_counts: bool = True
    """The yes of whoever asked for the task counts."""
    groups: tuple[OwnerGroup, ...] = ()


def groups_of(owned: Mapping[str, tuple[str, ...]], people: People) -> tuple[OwnerGroup, ...]:
    """Return the groups that own paths.

    Without a list of people the owner of the project stands for every group.

    Args:
        owned: path to its owners, any one of whom may say yes for it; a path without owners is left out.
        people: everybody who is known.
    """
    found: dict[tuple[str, ...], list[str]] = {}
    for path in sorted(owned):
        if owned[path]:
            found.setdefault(tuple(sorted(set(owned[path]))), []).append(path)
    return tuple(
        OwnerGroup(" ".join(owners), _members(owners, people), tuple(paths[:PATHS_SHOWN]))
        for owners, paths in found.items()
    )


def _members(owners: tuple[str, ...], people: People) -> tuple[str, ...]:
    if not people.known:
        return (people.owner,)
    wanted = {fold(owner) for owner in owners}
    return tuple(
        person.name
        for person in people.known
        if not person.bot and wanted & {fold(word) for word in (*person.identities, *person.groups)}
    )


def lacking(groups: tuple[OwnerGroup, ...], yeses: Collection[str]) -> tuple[OwnerGroup, ...]:
    """Return the groups of which nobody is among those who said yes."""
    return tuple(group for group in groups if not set(group.members) & set(yeses))


def may_answer(person: str, people: People, terms: Terms, escalated_to: Collection[str] = ()) -> bool:
    """Tell whether the answer of a person counts: a decider, a member of an owner group, or the wider circle."""
    members = {name for group in terms.groups for name in group.members}
    return bool(person) and person in {*people.deciders, *members, *escalated_to}


def group_line(group: OwnerGroup) -> str:
    """Say in one line what a group owns and who may say yes for it."""
    who = " or ".join(group.members) if group.members else "nobody, because no [[person]] is listed for it"
    return f"{group.name} ({', '.join(group.paths)}): {who}"
