"""Turn what an effect did into a record and back, so that a replay ends like the first run."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from keelway.core import errors
from keelway.core.errors import KeelwayError, OurFault
from keelway.engine.fault import key_again, not_json, verb_in_verb

_log = logging.getLogger("keelway.engine")

_KINDS: dict[str, type[KeelwayError]] = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, KeelwayError)
}


def plain(name: str, value: Any) -> Any:
    """Pass a value through JSON, as every replay would see it.

    Raises:
        OurFault: JSON cannot hold the value.
    """
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as why:
        raise not_json(name, why) from why


def capture(name: str, effect: Callable[[], Any]) -> dict[str, Any]:
    """Run an effect and record its result or its fault, both as plain JSON."""
    try:
        return {"result": plain(name, effect())}
    except KeelwayError as fault:
        kind = next(known.__name__ for known in type(fault).__mro__ if known.__name__ in _KINDS)
        return {"fault": [kind, fault.code, fault.message, fault.hint]}
    except Exception as error:  # noqa: BLE001  a replay must end like this run, whatever it was
        _log.exception("effect of step %s failed", name)
        told = f"step {name} failed: {type(error).__name__}: {error}"
        return {"fault": [OurFault.__name__, "effect_failed", told, "read the log of the run"]}


def release(record: dict[str, Any]) -> Any:
    """Return the recorded result.

    Raises:
        KeelwayError: the recorded fault; its kind is the nearest one in ``core.errors``.
    """
    if "fault" in record:
        kind, code, message, hint = record["fault"]
        raise _KINDS[kind](code, message, hint)
    return record["result"]


class Turn:
    """Let one run use one verb at a time and each child name once: the record has one order."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._busy: str | None = None
        self._keys: set[str] = set()

    @contextmanager
    def take(self, verb: str) -> Iterator[None]:
        """Hold the turn for one verb.

        Raises:
            OurFault: another verb of this run is under way.
        """
        if self._busy is not None:
            raise verb_in_verb(self._run, verb, self._busy)
        self._busy = verb
        try:
            yield
        finally:
            self._busy = None

    def name(self, key: str) -> str:
        """Return the id of the child with this key.

        Raises:
            OurFault: the key was used before.
        """
        if key in self._keys:
            raise key_again(self._run, key)
        self._keys.add(key)
        return f"{self._run}/{key}"
