"""Doors whose state outlives the process, and at which the process can be killed."""

from __future__ import annotations

import functools
import os
import pickle
import signal
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select
from tests.crash.counting import READS

from keelway.clients.files import write_atomic
from keelway.core.codec import digest
from keelway.ports.forge import Forge
from keelway.store.tables import CHECKS, COMMENTS, ISSUES, PULLS

State = Callable[[], Any]


class Killer:
    """Kill this very process the hard way when it reaches the appointed point.

    ``door.verb:before:2`` is the second call of a verb, ``door.verb(production):after`` the first one
    whose first argument is ``production``; both are counted from the start of the process.
    """

    def __init__(self, folder: Path, point: str) -> None:
        self._effects = folder / "effects"
        self._point = point if point.count(":") > 1 else f"{point}:1"
        self._reached: Counter[str] = Counter()
        self._lock = threading.Lock()

    def reach(self, place: str, closer: str, when: str) -> None:
        """Die here, or count that the process came by."""
        with self._lock:
            for name in {f"{place}:{when}", f"{closer}:{when}"}:
                self._reached[name] += 1
                if f"{name}:{self._reached[name]}" == self._point:
                    os.kill(os.getpid(), signal.SIGKILL)

    def altered(self, what: str) -> None:
        """Leave a line for an effect that altered something outside."""
        handle = os.open(self._effects, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(handle, f"{what!r}\n".encode())
        os.close(handle)


class Door:
    """Pass every verb on, between a point before it and one after it; note what really altered something."""

    def __init__(self, name: str, inner: Any, killer: Killer, state: State | None = None) -> None:
        self._name, self._inner, self._killer, self._state = name, inner, killer, state

    def __getattr__(self, verb: str) -> Any:
        found = getattr(self._inner, verb)
        if verb.startswith("_") or not callable(found):
            return found

        @functools.wraps(found)
        def passed(*args: Any, **kwargs: Any) -> Any:
            place = f"{self._name}.{verb}"
            closer = f"{place}({args[0]})" if args and isinstance(args[0], str) else place
            self._killer.reach(place, closer, "before")
            watched = self._state is not None and verb not in READS
            value = self._watched(found, args, kwargs) if watched else found(*args, **kwargs)
            self._killer.reach(place, closer, "after")
            return value

        return passed

    def _watched(self, verb: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        assert self._state is not None
        before = digest(repr(self._state()))
        try:
            return verb(*args, **kwargs)
        finally:
            if digest(repr(self._state())) != before:
                words = [str(word) for word in args if isinstance(word, str | int | dict)]
                self._killer.altered(
                    f"{self._name}.{verb.__name__} {kwargs.get('key') or ' '.join(words)}"[:300]
                )


class Kept:
    """Keep attributes of a fake in a file, so that they outlive the process as the outside world does."""

    def __init__(self, path: Path, inner: Any, names: tuple[str, ...]) -> None:
        self._path, self._inner, self._names = path, inner, names
        if path.exists():
            vars(inner).update(pickle.loads(path.read_bytes()))

    def __getattr__(self, verb: str) -> Any:
        found = getattr(self._inner, verb)
        if verb.startswith("_") or not callable(found):
            return found

        @functools.wraps(found)
        def kept(*args: Any, **kwargs: Any) -> Any:
            try:
                return found(*args, **kwargs)
            finally:
                self.keep()

        return kept

    def keep(self) -> None:
        """Write the attributes down if they changed."""
        fresh = pickle.dumps(self.everything())
        if not self._path.exists() or self._path.read_bytes() != fresh:
            write_atomic(self._path, fresh)

    def everything(self) -> dict[str, Any]:
        """Return the attributes that are kept."""
        return {name: getattr(self._inner, name) for name in self._names}


def people_see(repository: Path, database: Engine) -> Any:
    """Return what a local forge shows: its branches and tags, and its book."""
    refs = {
        str(path.relative_to(repository)): path.read_text()
        for kind in ("heads", "tags")
        for path in sorted((repository / "refs" / kind).rglob("*"))
        if path.is_file()
    }
    with database.connect() as connection:
        return refs, [connection.execute(select(table)).all() for table in (PULLS, ISSUES, COMMENTS, CHECKS)]


class Commits:
    """Show the files of real commits to the fakes that read them."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._known: dict[str, Commit] = {}

    def __getitem__(self, sha: str) -> Commit:
        if sha not in self._known:
            files = {path: self._forge.read(sha, path) for path in self._forge.files(sha)}
            self._known[sha] = Commit(files)
        return self._known[sha]


class Commit:
    """Hold the files of one commit."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files


class Shelf:
    """Stand where a fake expects a fake forge."""

    def __init__(self, forge: Forge) -> None:
        self.history = Commits(forge)
