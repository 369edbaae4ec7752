"""Count what the doors really alter: a repeat that changes nothing is no second effect."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from typing import Any

from keelway.core.codec import digest

READS = frozenset(
    {
        *("head", "files", "read", "diff", "patch", "contains", "conflicts", "pull", "checks", "tags"),
        *("origin_dirty", "state", "schema", "boots", "capabilities", "verify", "loss", "rows"),
    }
)
"""Verbs that only look; what they return is compared through what is done with it."""


class Trip:
    """Let one call of the outside world fail: before its effect, or after it so that only the caller suffers."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._at, self._when, self._error = 0, "", Exception()

    def arm(self, at: int, when: str, error: Exception) -> None:
        """Fail the ``at``-th call from now on, ``before`` or ``after`` its effect."""
        self.calls = []
        self._at, self._when, self._error = at, when, error

    def reach(self, place: str, when: str) -> None:
        """Count a call, and raise when it is the appointed one."""
        if when == "before":
            self.calls.append(place)
        if len(self.calls) == self._at and when == self._when:
            self._at = 0
            raise self._error


class Counted:
    """Pass every verb on to a fake and count, per verb and key, the calls after which its state is another."""

    def __init__(
        self, name: str, inner: Any, state: Callable[[], Any], effects: Counter[str], trip: Trip
    ) -> None:
        self._name, self._inner, self._state, self._effects = name, inner, state, effects
        self._trip = trip

    def __getattr__(self, verb: str) -> Any:
        if verb.startswith("_"):
            raise AttributeError(verb)
        found = getattr(self._inner, verb)
        if verb in READS or not callable(found):
            return found

        @functools.wraps(found)
        def counted(*args: Any, **kwargs: Any) -> Any:
            place = f"{self._name}.{verb}"
            self._trip.reach(place, "before")
            before = _mark(self._state())
            try:
                value = found(*args, **kwargs)
            finally:
                if _mark(self._state()) != before:
                    words = [str(word) for word in args if isinstance(word, str | int | dict)]
                    self._effects[f"{place} {kwargs.get('key') or ' '.join(words)}"[:300]] += 1
            self._trip.reach(place, "after")
            return value

        return counted


def _mark(state: Any) -> str:
    return digest(repr(state))


def forge_state(forge: Any) -> Callable[[], Any]:
    """Return what people see of a fake forge: branches, tags, and its book."""
    return functools.partial(_forge, forge)


def _forge(forge: Any) -> Any:
    book = forge.book
    return (forge.branches_at, forge._tags, book._pulls, book._issues, book._comments, book._checks)


def target_state(target: Any) -> Callable[[], Any]:
    """Return what runs in the environments of a fake target."""
    return functools.partial(_target, target)


def _target(target: Any) -> Any:
    return {
        name: (place.built, sorted(place.running), place.weights, place.workers, place.schema)
        for name, place in target.places.items()
    }


def backup_state(backup: Any) -> Callable[[], Any]:
    """Return the copies of a fake backup store and the rows they were made of."""
    return functools.partial(_backup, backup)


def _backup(backup: Any) -> Any:
    return (backup.taken, backup.restored, backup.data)


def notifier_state(notifier: Any) -> Callable[[], Any]:
    """Return what people were told."""
    return functools.partial(_notifier, notifier)


def _notifier(notifier: Any) -> Any:
    return notifier.messages
