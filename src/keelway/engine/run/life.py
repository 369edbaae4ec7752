"""One life of the durable engine: DBOS launched under one name, its recovery, and how it is taken down."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer
from sqlalchemy import Engine as Database

from keelway.core.errors import KeelwayError, OurFault, YourFault
from keelway.engine import fault, schema
from keelway.engine.crew import Crew, listens
from keelway.engine.record import plain
from keelway.engine.run import recovery
from keelway.engine.run.board import Board
from keelway.engine.run.database import Guard, is_sqlite, sqlite_engine
from keelway.engine.run.doorbell import Doorbells, Slots
from keelway.engine.run.letters import ask_seldom
from keelway.engine.run.verbs import STAGE, STORY, Office, StageVerbs, StoryVerbs
from keelway.ports.engine import Queue, StageRun, Story

T = TypeVar("T")

STAGE_POLL_FACTOR = 1.6
"""The queues of the stages are asked less often: every poll costs two milliseconds of processor time."""

NOTICE_SECONDS = 0.2
"""How often DBOS gets to ask SQLite for messages; ``letters`` says how often it does."""

CLOSE_SECONDS = 5.0
"""How long ``close`` waits for stages to reach their next verb, and for threads to end."""

POOL_SIZE = 5
"""Connections of DBOS to PostgreSQL: a server with a hundred of them serves many workers."""

SWEEP_SECONDS = 5.0
"""A worker looks this often for runs that dead ones took after they had been declared dead."""

LOOK_SECONDS = 2.0
"""Runs that another process cancelled are noticed after so long."""

ALONE_LOOK_SECONDS = 30.0
"""Likewise where no other process works."""

LOOK_BATCH = 200
"""Where more runs wait, they are looked at in turns."""

_log = logging.getLogger("keelway.engine")


@dataclass(frozen=True)
class Script:
    """Hold what was named at launch."""

    stories: dict[str, Story]
    stages: dict[str, StageRun]
    queues: dict[str, Queue]


class Life:
    """Run the script under one name until the end or until the lease is lost."""

    def __init__(self, url: str, script: Script, office: Office, crew: Crew | None) -> None:
        self.crew = crew
        self.name = f"{schema.EXECUTOR}-{secrets.token_hex(4)}" if crew is None else crew.worker.id
        self.board = Board(crew)
        self.bells = Doorbells()
        self.usable = False
        """Whether DBOS can be asked."""
        self._url, self._script, self._office = url, script, office
        self._guard: Guard | None = None
        self._made: DBOS | None = None
        self._database: Database | None = None
        self._begun = 0.0
        self._swept: float | None = None
        self._turn = 0
        self._waiting = False
        self._ready = threading.Event()
        self._stop = threading.Event()
        self._tending: threading.Thread | None = None

    def open(self, poll_seconds: float, lapsed: Callable[[], None]) -> None:
        """Begin to work, first of all on what others left unfinished.

        Raises:
            YourFault: somebody works alone on the database, or the roster refuses the worker.
            TheirFault: the roster does not answer.
        """
        if not is_sqlite(self._url):
            self._guard = Guard(self._url, alone=self.crew is None)
        elif self.crew is not None:
            raise YourFault(
                "crew_needs_postgres",
                "Several workers cannot share an SQLite file.",
                "one machine: keelway up; many: set KEELWAY_STORE_URL to PostgreSQL",
            )
        self._begun = time.monotonic()
        if self.crew is not None:
            self.crew.join(self._tend, lapsed)
        apart(lambda: self._launch(poll_seconds))
        self._ready.set()
        if self.crew is not None:
            self.crew.nudge()
        else:
            self._tending = threading.Thread(target=self._alone, name="keelway-tend", daemon=True)
            self._tending.start()

    def close(self) -> None:
        """Stop working and hand back what is unfinished.

        An effect under way may finish for ``CLOSE_SECONDS``; after that its thread is left
        behind and what it returns is not recorded.
        """
        self._stop.set()
        self._take_no_more()
        self.board.end()
        _until(lambda: self.board.stages() == 0)
        apart(lambda: DBOS.destroy(destroy_registry=True))
        self.bells.take_down()
        _until(lambda: not _threads("dbos-executor"))
        if self._tending is not None:
            self._tending.join(CLOSE_SECONDS)
        if self.crew is not None:
            try:
                self.crew.leave()
            except KeelwayError as error:
                _log.warning("worker %s could not say that it leaves: %s", self.name, error)
        if self._database is not None:
            self._database.dispose()
        if self._guard is not None:
            self._guard.close()

    def _take_no_more(self) -> None:
        """End the threads that serve the queues, else they take runs while everything is taken down."""
        if self._made is not None:
            for event in self._made.background_thread_stop_events:
                event.set()
            self.bells.ring()
            _until(lambda: not _threads("queue-worker"))

    def _launch(self, poll_seconds: float) -> None:
        config: DBOSConfig = {
            "name": "keelway",
            "system_database_url": self._url,
            "application_version": schema.SCHEMA,
            "executor_id": self.name,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": NOTICE_SECONDS,
        }
        if is_sqlite(self._url):
            self._database = sqlite_engine(self._url)
            config["system_database_engine"] = self._database
        else:
            config["sys_db_pool_size"] = POOL_SIZE
        if self.crew is not None:
            # A process that is frozen inside a transaction must not keep from the others what it holds.
            config["sys_db_idle_transaction_timeout_sec"] = self.crew.lease_seconds
        made = self._made = DBOS(config=config)
        logging.getLogger("dbos").addFilter(fault.HUSH)
        asked, got = (schema.SCHEMA, self.name), (DBOS.application_version, DBOS.executor_id)
        if made.conductor_key is not None or asked != got:
            raise OurFault(
                "engine_overridden", "the environment overrides the engine", "unset every DBOS__ variable"
            )
        self._register()
        crew, queues = self.crew, self._script.queues
        if crew is not None:
            DBOS.listen_queues([name for name in queues if listens(name, crew.worker)])
        self.usable = True
        self.bells.hang()
        DBOS.launch()
        if is_sqlite(self._url):
            ask_seldom()
        for queue in queues.values():
            DBOS.register_queue(
                queue.name,
                worker_concurrency=queue.concurrency_max,
                polling_interval_sec=poll_seconds * (1 if queue.name == schema.TASKS else STAGE_POLL_FACTOR),
                on_conflict="always_update",
            )

    def _register(self) -> None:
        board, office, script = self.board, self._office, self._script
        slots = Slots({name: queue.concurrency_max for name, queue in script.queues.items()})

        async def story(name: str, payload: Any) -> Any:
            run = _run_id()
            office.require("story", name)
            return plain(name, await script.stories[name](StoryVerbs(run, office, board), payload))

        def stage(name: str, payload: Any) -> Any:
            run = _run_id()
            office.require("stage", name)
            board.check()
            queue = office.queue_of(run)
            with board.at_work(run) as bell, slots.taken(queue, board.check):
                self._give_way(run, queue)
                return plain(name, script.stages[name](StageVerbs(run, office, board, bell), payload))

        DBOS.workflow(name=STORY, max_recovery_attempts=schema.STORY_ATTEMPTS_MAX)(story)
        DBOS.workflow(name=STAGE, max_recovery_attempts=schema.STAGE_ATTEMPTS_MAX)(stage)

    def _give_way(self, run: str, queue: str) -> None:
        """Let unfinished ways back end before any other stage begins."""
        if queue.partition("@")[0] == schema.ROLLBACK:
            return
        deadline = time.monotonic() + 2 * recovery.HEAD_START_SECONDS
        while recovery.subject_of(run) not in self.board.first and time.monotonic() < deadline:
            if self.board.way.wait(recovery.HEAD_START_LOOK_SECONDS):
                break
        self.board.check()

    def _alone(self) -> None:
        while not self._stop.is_set():
            try:
                if self._swept is None or self._waiting:
                    self._sweep(lambda executor: None if executor == self.name else self._age(), None)
                self._look()
            except Exception as error:  # noqa: BLE001 - whatever it was, the next round tries again
                if not self.board.closing:
                    _log.warning("unfinished runs cannot be looked after: %s", error)
            self._stop.wait(1.0 if self._waiting or self._swept is None else ALONE_LOOK_SECONDS)

    def _tend(self, dead: tuple[str, ...]) -> None:
        if not self._ready.is_set() or self.board.closing or self.crew is None:
            return
        self._look()
        first = self._swept is None
        if not (dead or self._swept is None or time.monotonic() - self._swept > SWEEP_SECONDS):
            return
        roster = self.crew.roster
        seen = {one.worker.id: one for one in roster.workers()}

        def absence(executor: str) -> float | None:
            if executor == self.name:
                return None  # even when others think so: what it holds is theirs to take
            if executor not in seen:  # it may have joined meanwhile; else it is none of this crew
                seen.update({one.worker.id: one for one in roster.workers()})
            if executor not in seen:
                return self._age()
            return None if seen[executor].dead_at is None else seen[executor].dead_seconds

        self._sweep(absence, None if first else [name for name, one in seen.items() if one.dead_at])

    def _sweep(self, absence: recovery.Absence, executors: list[str] | None) -> None:
        self._waiting = recovery.take_up(self.board, absence, executors)
        self._swept = time.monotonic()

    def _age(self) -> float:
        return time.monotonic() - self._begun

    def _look(self) -> None:
        """Tell runs of this process that another one has cancelled them."""
        runs = sorted(self.board.everybody())
        self._turn = 0 if self._turn >= len(runs) else self._turn
        batch, self._turn = runs[self._turn : self._turn + LOOK_BATCH], self._turn + LOOK_BATCH
        if not batch:
            return
        found = DBOS.list_workflows(
            workflow_ids=batch, status="CANCELLED", load_input=False, load_output=False
        )
        for run in found:
            self.board.ring(run.workflow_id)
            topic = self.board.topic_of(run.workflow_id)
            if topic is not None:
                self._office.wake(run.workflow_id, topic)


def apart(work: Callable[[], T]) -> T:
    """Do something in a thread that has neither the context of a run nor an event loop: DBOS minds both."""
    with ThreadPoolExecutor(1, thread_name_prefix="keelway-apart") as pool:
        return pool.submit(work).result()


def _run_id() -> str:
    run = DBOS.workflow_id
    if run is None:
        raise OurFault("no_run", "a story or stage was called outside its run", "start it through the engine")
    return run


def _threads(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(name)]


def _until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + CLOSE_SECONDS
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.01)
