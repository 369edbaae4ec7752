"""Know about which task, run, stage and attempt this code works, without passing it from hand to hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_NOTHING: Mapping[str, str] = {}
_ids: ContextVar[Mapping[str, str]] = ContextVar("keelway_ids", default=_NOTHING)


@contextmanager
def bound(**ids: str) -> Iterator[None]:
    """Add ids to everything that is logged inside the block; an empty one is left out."""
    before = _ids.get()
    _ids.set({**before, **{name: value for name, value in ids.items() if value}})
    try:
        yield
    finally:
        # Not reset by token: a story that is put aside half-way may be closed from another context.
        _ids.set(before)


def ids() -> Mapping[str, str]:
    """Return the ids that are bound here."""
    return _ids.get()


def carried(function: Callable[P, T]) -> Callable[P, T]:
    """Return a function that knows the ids of this place in whatever thread it is called, also in many at once."""
    context = copy_context()

    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        return context.copy().run(function, *args, **kwargs)

    return call
