"""Work beside a control plane: join its store, take runs by role, tell about each, and leave without losing any."""

from __future__ import annotations

import contextlib
import platform
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from keelway.app.bootstrap import App, build
from keelway.app.control import observe
from keelway.app.crew.seat import checked_roles, insist_on_many
from keelway.app.desk import Place, running
from keelway.app.ending import Ending
from keelway.app.upkeep.clean import Cleaner
from keelway.core.cage.trust import describe
from keelway.core.errors import KeelwayError, YourFault
from keelway.engine.fault import EngineStopped
from keelway.ports.engine import Engine, Runtime, StageRun

DRAIN_SECONDS = 60.0
"""How long a worker that was asked to leave lets stages under way come to their end."""
POLL_SECONDS = 0.2
LOOK_SECONDS = 1.0
"""How long the agent of a task that was aborted on another host goes on at most."""
AGENTS_END_SECONDS = 5.0


@dataclass(frozen=True)
class Said:
    """Tell one thing about a worker; as JSON it is one line."""

    event: str
    """``joined``, ``began``, ``ended``, ``renamed``, ``draining`` or ``left``."""
    text: str
    worker: str = ""
    host: str = ""
    roles: tuple[str, ...] = ()
    task: str = ""
    stage: str = ""
    seconds: float | None = None
    running: int | None = None


Say = Callable[[Said], None]


@dataclass
class Bench:
    """Know which stages run in this process, and let no new one begin once it is shut."""

    say: Say
    name_of: Callable[[str], str]
    """Return the name that people know a task by."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _at: dict[int, str] = field(default_factory=dict)
    _shut: bool = False

    def beside(self, stage: str, run: StageRun) -> StageRun:
        """Return a stage that is told about."""

        def told(engine: Engine, payload: Any) -> Any:
            with self._seen(stage, str(payload.get("subject", ""))):
                return run(engine, payload)

        return told

    def shut(self) -> int:
        """Let nothing new begin and return how many stages run."""
        with self._lock:
            self._shut = True
            return len(self._at)

    def tasks(self) -> tuple[str, ...]:
        """Return the names of the tasks that are worked on."""
        with self._lock:
            return tuple(dict.fromkeys(self._at.values()))

    @contextlib.contextmanager
    def _seen(self, stage: str, subject: str) -> Iterator[None]:
        name, begun, mark = self.name_of(subject), time.monotonic(), threading.get_ident()
        with self._lock:
            if self._shut:
                raise EngineStopped  # it stays in the record and goes to another worker when this one leaves
            self._at[mark] = name
        self.say(Said("began", f"{name}: {stage} begins.", task=name, stage=stage))
        how = "is handed back"
        try:
            yield
            how = "has ended"
        finally:
            with self._lock:
                self._at.pop(mark, None)
            seconds = round(time.monotonic() - begun, 3)
            text = f"{name}: {stage} {how} after {seconds:.1f} s."
            self.say(Said("ended", text, task=name, stage=stage, seconds=seconds))


class Crewman:
    """Hold one worker's running parts."""

    def __init__(self, app: App, roles: tuple[str, ...], say: Say) -> None:
        self.app, self.roles, self._say = app, roles, say
        self.bench = Bench(say, self._name_of)
        self.runtime: Runtime = app.runtime()
        self.cleaner = Cleaner(app, self.runtime)
        self._name, self._looked = "", 0.0

    @classmethod
    def join(cls, place: Place, roles: tuple[str, ...], say: Say) -> Crewman:
        """Wire everything and begin to take runs.

        Raises:
            YourFault: an unknown role, a store for one process, a home that another process uses, another
                schema number than the others have, or nothing that this worker could do here.
            TheirFault: the store or the hub cannot be reached.
        """
        roles = checked_roles(roles)
        config, home = place.config, place.home
        insist_on_many(home)
        if running(place) is not None:
            raise YourFault(
                "home_in_use",
                f"The control plane works in {home.root}.",
                "give the worker a home of its own: KEELWAY_HOME=/some/where keelway worker --role dev",
            )
        observe.begin(config, home)
        app = build(config, home, roles)
        try:
            app.doors.forge.head(
                config.project.branches.integration
            )  # a hub that cannot be reached is told now
            man = cls(app, roles, say)
            app.launch(man.runtime, man.bench.beside)
        except BaseException:
            app.close()
            observe.end()
            raise
        man.cleaner.start()
        man._joined()
        return man

    def work(self, leave: threading.Event, at_once: threading.Event, drain_seconds: float) -> None:
        """Work until asked to leave, then let what is under way end, or hand it back.

        Args:
            leave: set to ask the worker to leave.
            at_once: set to hand everything back without waiting.
            drain_seconds: how long stages under way may go on.
        """
        try:
            while not leave.wait(POLL_SECONDS):
                self._look()
            count = self.bench.shut()
            text = f"Leaving: {count} stage(s) under way may end within {drain_seconds:g} s; Ctrl-C hands them back."
            self._say(Said("draining", text if count else "Leaving.", running=count))
            end = time.monotonic() + drain_seconds
            while self.bench.tasks() and time.monotonic() < end and not at_once.wait(POLL_SECONDS):
                pass
        finally:
            self.close()

    def close(self) -> None:
        """Leave: unfinished runs go to the others at once, and the agents of this worker end."""
        self.bench.shut()
        self.cleaner.stop()
        left = self.bench.tasks()
        with contextlib.suppress(KeelwayError):
            self.runtime.close()
        agents = [name for name in left if self._end_processes(name)]
        end = time.monotonic() + AGENTS_END_SECONDS
        while agents and set(agents) & set(self.bench.tasks()) and time.monotonic() < end:
            time.sleep(POLL_SECONDS)
        self.app.close()
        observe.end()
        back = f" {', '.join(left)} went back to the others." if left else " Nothing was under way."
        self._say(Said("left", f"Worker {self._name} has left.{back}", worker=self._name, running=len(left)))

    def _joined(self) -> None:
        self._name = getattr(self.runtime, "worker_id", "")
        seat = self.app.seat
        hub = f" beside the control plane on {seat.hub.host}" if seat else ""
        text = f"Worker {self._name} works as {', '.join(self.roles)}{hub}. Ctrl-C to leave."
        text += f" {describe(self.app.doors.agent.fence())}"
        self._say(Said("joined", text, worker=self._name, host=platform.node(), roles=self.roles))

    def _look(self) -> None:
        """End the agents of tasks that were aborted elsewhere, and tell when the worker has joined again."""
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            for task in self.bench.tasks():
                self._end_aborted(task)
        name = getattr(self.runtime, "worker_id", "")
        if name and name != self._name:
            text = (
                f"The lease of {self._name} was over; what it did goes on elsewhere. Joined again as {name}."
            )
            self._name = name
            self._say(Said("renamed", text, worker=name))

    def _end_aborted(self, task: str) -> None:
        with contextlib.suppress(KeelwayError):  # a store that is away is looked at again
            row = self.app.ledger.find(task)
            if row.abort_by:
                Ending(self.app, self.runtime).end_processes(row)

    def _end_processes(self, task: str) -> bool:
        try:
            return Ending(self.app, self.runtime).end_processes(self.app.ledger.find(task))
        except KeelwayError:
            return self.app.doors.agent.cancel(task)  # the store is away; the agent is what costs

    def _name_of(self, subject: str) -> str:
        try:
            return self.app.ledger.find(subject).task.name
        except KeelwayError:
            return subject
