"""Doors whose state outlives the process, and at which the process can be killed."""

from __future__ import annotations

import functools
import os
import pickle
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dbos import DBOS
from filelock import FileLock
from sqlalchemy import Engine, select
from tests.crash.counting import READS

from keelway.clients.files import write_atomic
from keelway.core.codec import digest
from keelway.ports.forge import Forge
from keelway.store.tables import CHECKS, COMMENTS, ISSUES, PULLS

State = Callable[[], Any]

_OWN = re.compile(r"\b01[0-9A-HJKMNP-TV-Z]{24}\b|\b(?:r-)?[0-9a-f]{12}(?:[0-9a-f]{28})?\b")
"""Ids of tasks and commits: what differs from life to life in the names of steps."""


class Killer:
    """Let this very process die, or one call fail, when it reaches the appointed point.

    ``door.verb:before:2`` is the second call of a verb, ``door.verb(production):after`` the first one
    whose first argument is ``production``, ``review-1/forge.merge:after`` the first one in that run of
    a stage; all are counted from the start of the process. A point that ends in ``!exception`` or
    ``!timeout`` raises instead of killing, and ``?`` lists in FOLDER/points what is reached.
    """

    def __init__(self, folder: Path, point: str) -> None:
        self._effects, self._points = folder / "effects", folder / "points"
        self._how = point.partition("!")[2]
        self._point = point.partition("!")[0]
        self._point += "" if self._point.rpartition(":")[2].isdigit() else ":1"
        self._reached: Counter[str] = Counter()
        self._lock = threading.Lock()

    def reach(self, place: str, closer: str, when: str) -> None:
        """Die or fail here, or count that the process came by.

        Raises:
            RuntimeError: this is the point, and an exception was asked for.
            TimeoutError: likewise.
        """
        scoped = _OWN.sub("*", f"{run_name()}/{place}:{when}").replace(" ", "_")
        with self._lock:
            if self._point == "?:1":
                append(self._points, scoped)
            for name in {f"{place}:{when}", f"{closer}:{when}", scoped}:
                self._reached[name] += 1
                if f"{name}:{self._reached[name]}" == self._point:
                    self._strike()

    def _strike(self) -> None:
        append(self._effects.with_name("struck"), self._point)
        if self._how == "exception":
            raise RuntimeError("the outside world broke")
        if self._how == "timeout":
            raise TimeoutError("no answer came")
        os.kill(os.getpid(), signal.SIGKILL)

    def altered(self, what: str) -> None:
        """Leave a line for an effect that altered something outside."""
        append(self._effects, repr(what))


def append(path: Path, line: str) -> None:
    """Add a line to a file in one write, which survives a kill right after it."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


def run_name() -> str:
    """Return what tells the run that acts from the others of its task: ``review-1``, ``watch-1`` or ``story``."""
    run = DBOS.workflow_id or "nobody"
    if "/" in run:
        return run.rpartition("/")[2]
    return run.partition(":")[2] or ("story" if run != "nobody" else run)


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
    """Keep attributes of a fake in a file, so that they outlive the process and are shared, as the outside world is."""

    def __init__(self, path: Path, inner: Any, names: tuple[str, ...]) -> None:
        self._path, self._inner, self._names = path, inner, names
        self._lock = FileLock(path.with_suffix(".lock"))
        self._known = b""
        self._recall()

    def __getattr__(self, verb: str) -> Any:
        found = getattr(self._inner, verb)
        if verb.startswith("_") or not callable(found):
            return found

        @functools.wraps(found)
        def kept(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                self._recall()
                try:
                    return found(*args, **kwargs)
                finally:
                    self.keep()

        return kept

    def _recall(self) -> None:
        """Learn what another process did."""
        if self._path.exists() and (fresh := self._path.read_bytes()) != self._known:
            vars(self._inner).update(pickle.loads(fresh))
            self._known = fresh

    def keep(self) -> None:
        """Write the attributes down if they changed."""
        fresh = pickle.dumps({name: getattr(self._inner, name) for name in self._names})
        if fresh != self._known:
            write_atomic(self._path, fresh)
            self._known = fresh

    def everything(self) -> dict[str, Any]:
        """Return the attributes that are kept."""
        with self._lock:
            self._recall()
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
