"""Who a person is: one name, the accounts that prove it, and the owner groups it speaks for."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from keelway.core.model.task import Actor, Person

MACHINES = frozenset({"system", "agent", "detector", "cron", "ci", "recipe", "bot"})
"""Channels on which no person speaks; an answer from there never counts."""

OURS = frozenset({"cli", "page", "link"})
"""Channels on which Keelway itself made sure who speaks; elsewhere only a listed account proves a person."""


@dataclass(frozen=True)
class People:
    """Hold everybody whose answer may count."""

    owner: str
    others: tuple[str, ...] = ()
    """Names that may answer every question besides the owner."""
    known: tuple[Person, ...] = ()

    @property
    def deciders(self) -> tuple[str, ...]:
        """Return who may answer every question."""
        return tuple(dict.fromkeys((self.owner, *self.others)))


def fold(text: str) -> str:
    """Return the form in which names that look alike are equal."""
    return unicodedata.normalize("NFKC", text).casefold()


def person_of(actor: Actor, people: People) -> str:
    """Return the name of the person behind an actor, empty when nothing proves one.

    A display name proves nothing: outside Keelway's own channels the account has to be listed.
    """
    if not actor.name or actor.channel in MACHINES:
        return ""
    account = str(actor)
    for person in people.known:
        if account in person.identities or (actor.channel in OURS and actor.name == person.name):
            return "" if person.bot else person.name
    if actor.channel in OURS:
        return actor.name
    return people.owner if account == people.owner else ""


def people_problems(known: Iterable[Person]) -> list[str]:
    """Say what is wrong with a list of people: names or accounts that are, or look like, another's."""
    problems: list[str] = []
    seen: dict[str, str] = {}
    for person in known:
        if not person.name.strip() or "@" in person.name:
            problems.append(f"person {person.name!r} needs a name without @")
        for word in dict.fromkeys((person.name, *person.identities)):
            other = seen.setdefault(fold(word), person.name)
            if other != person.name or word.strip() != word or not word:
                problems.append(f"person {person.name!r}: {word!r} is, or looks like, one of {other!r}")
        problems += [
            f"person {person.name!r}: {word!r} is no account; write name@channel, @login or an address"
            for word in person.identities
            if "@" not in word
        ]
    names = [person.name for person in known]
    return [
        *problems,
        *(f"person {name!r} is there twice" for name in sorted(set(names)) if names.count(name) > 1),
    ]
