"""Run stories on DBOS, in an SQLite file or on PostgreSQL.

One process holds at most one launched ``DbosEngine``: DBOS is a global of the process.
One process at a time works on a data directory; its successor resumes what it left.
Importing this module costs most of a second, so import it where the engine is made.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, EnqueueOptions, WorkflowStatus
from dbos import error as dbos_error
from filelock import FileLock, Timeout
from sqlalchemy import Engine as Database

from keelway.core.errors import OurFault
from keelway.engine import fault, schema
from keelway.engine.run.database import is_sqlite, sqlite_engine
from keelway.engine.outside import forget_ended
from keelway.engine.record import plain
from keelway.engine.run.verbs import STAGE, STORY, WAKE, Board, StageVerbs, StoryVerbs
from keelway.ports.engine import Queue, StageRun, Story

T = TypeVar("T")

POLL_SECONDS = 0.15
"""How often the queue of the stories is asked for work; a start waits half of it on average."""

STAGE_POLL_FACTOR = 1.6
"""The queues of the stages are asked less often: every poll costs two milliseconds of processor time."""

NOTICE_SECONDS = 0.2
"""How often SQLite is asked for messages to waiting stories."""

CLOSE_SECONDS = 5.0
"""How long ``close`` waits for stages to reach their next verb, and for threads to end."""

_STATUS = {
    "ENQUEUED": "queued",
    "DELAYED": "queued",
    "PENDING": "running",
    "SUCCESS": "done",
    "ERROR": "failed",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
    "CANCELLED": "cancelled",
}

_holder = threading.Lock()


class DbosEngine:
    """Run stories so that they survive the process (``ports.engine.Runtime``).

    Every method may be called from any thread and from inside an event loop; each
    takes a few milliseconds.
    """

    def __init__(self, database_url: str, home: Path, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._url = database_url
        self._home = home
        self._poll_seconds = poll_seconds
        self._lock = FileLock(home / "engine.lock", timeout=0)
        self._board = Board()
        self._desk: ThreadPoolExecutor | None = None
        self._database: Database | None = None
        self._stories: dict[str, Story] = {}
        self._stages: dict[str, StageRun] = {}
        self._queues: dict[str, Queue] = {}

    def launch(
        self, stories: dict[str, Story], stages: dict[str, StageRun], queues: tuple[Queue, ...]
    ) -> None:
        """Begin to work, first of all on what an earlier process left unfinished.

        Raises:
            YourFault: another process already works on the same data.
            OurFault: this process already holds a launched engine.
        """
        self._home.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire()
        except Timeout:
            raise fault.already_running(str(self._home)) from None
        if not _holder.acquire(blocking=False):
            self._lock.release()
            raise OurFault(
                "engine_twice", "this process already holds an engine", "close the other one first"
            )
        self._stories, self._stages = dict(stories), dict(stages)
        self._queues = {queue.name: queue for queue in (*queues, Queue(schema.TASKS))}
        self._board = Board()
        self._desk = ThreadPoolExecutor(4, thread_name_prefix="keelway-desk")
        try:
            self._ask(self._open)
        except BaseException:
            self.close()
            raise

    def start(self, story: str, run: str, payload: Any, *, delay_seconds: float = 0.0) -> None:
        """Start a story under a unique id; a second start of the same id does nothing."""
        self.require("story", story)
        self.enqueue(story, run, plain(f"payload of {run}", payload), delay_seconds)

    def send(self, run: str, topic: str, message: Any) -> None:
        """Wake a story that waits on a topic; a run that has ended or is absent hears nothing."""
        self._post(run, topic, {"body": plain(f"message to {run}", message)})

    def cancel(self, run: str) -> None:
        """Stop a story and its children at their next step, even while it waits."""
        self._ask(lambda: DBOS.cancel_workflow(run, cancel_children=True))
        self._board.ring(run)
        topic = self._board.topic_of(run)
        if topic is not None:
            self.wake(run, topic)

    def status(self, run: str) -> str:
        """Return ``absent``, ``queued``, ``running``, ``done``, ``failed`` or ``cancelled``."""
        found = self._find(run)
        return "absent" if found is None else _STATUS[found.status]

    def result(self, run: str) -> Any:
        """Return what a finished story returned, ``None`` as long as there is nothing."""
        found = self._find(run, load=True)
        return found.output if found is not None and found.status == "SUCCESS" else None

    def failure(self, run: str) -> str:
        """Return why a run failed, in one line, or an empty text."""
        found = self._find(run, load=True)
        return str(found.error) if found is not None and found.error is not None else ""

    def forget(self, before: datetime, keep: Collection[str] = ()) -> int:
        """Delete stories that ended before an instant, with their stages, and count them; those named stay."""
        return self._ask(lambda: forget_ended(DBOS, before, keep))

    def close(self) -> None:
        """Stop working; unfinished runs are taken up by the next launch.

        An effect under way may finish for ``CLOSE_SECONDS``; after that its thread is
        left behind and what it returns is not recorded.
        """
        if self._desk is None:
            return
        self._board.closing = True
        self._board.ring()
        _until(lambda: self._board.stages() == 0)
        self._ask(lambda: DBOS.destroy(destroy_registry=True))
        _until(lambda: not any(thread.name.startswith("dbos-executor") for thread in threading.enumerate()))
        self._desk.shutdown()
        self._desk = None
        if self._database is not None:
            self._database.dispose()
            self._database = None
        _holder.release()
        self._lock.release()

    def require(self, kind: str, name: str) -> None:
        """Raise ``OurFault`` unless this story, stage or queue was named at launch."""
        known: dict[str, Collection[str]] = {
            "story": self._stories,
            "stage": self._stages,
            "queue": self._queues.keys() - {schema.TASKS},
        }
        if name not in known[kind]:
            raise fault.unknown(kind, name)

    def enqueue(self, story: str, run: str, payload: Any, delay_seconds: float) -> None:
        """Put a story on the queue of stories, once per run id."""
        options: EnqueueOptions = {
            "workflow_name": STORY,
            "queue_name": schema.TASKS,
            "workflow_id": run,
            "app_version": schema.SCHEMA,
        }
        if delay_seconds > 0:
            options["delay_seconds"] = delay_seconds
        self._ask(lambda: DBOS.enqueue_workflow_with_options(options, story, payload))

    def cancelled(self, run: str) -> bool:
        """Read whether a run was cancelled."""
        return self.status(run) == "cancelled"

    def wake(self, run: str, topic: str) -> None:
        """Make a waiting run look at its own state."""
        self._post(run, topic, WAKE)

    def _post(self, run: str, topic: str, letter: dict[str, Any]) -> None:
        def post() -> None:
            try:
                DBOS.send(run, letter, topic)
            except dbos_error.DBOSNonExistentWorkflowError:
                return  # forgotten runs hear nothing, like finished ones

        self._ask(post)

    def _find(self, run: str, *, load: bool = False) -> WorkflowStatus | None:
        found = self._ask(
            lambda: DBOS.list_workflows(workflow_ids=[run], load_input=False, load_output=load, limit=1)
        )
        return found[0] if found else None

    def _ask(self, work: Callable[[], T]) -> T:
        # A thread of our own has neither the context of a run nor an event loop, both of which DBOS minds.
        if self._desk is None:
            raise OurFault("engine_closed", "the engine is not launched", "launch it first")
        return self._desk.submit(work).result()

    def _open(self) -> None:
        config: DBOSConfig = {
            "name": "keelway",
            "system_database_url": self._url,
            "application_version": schema.SCHEMA,
            "executor_id": schema.EXECUTOR,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": NOTICE_SECONDS,
        }
        if is_sqlite(self._url):
            self._database = sqlite_engine(self._url)
            config["system_database_engine"] = self._database
        made = DBOS(config=config)
        logging.getLogger("dbos").addFilter(fault.HUSH)
        if made.conductor_key is not None or (DBOS.application_version, DBOS.executor_id) != (
            schema.SCHEMA,
            schema.EXECUTOR,
        ):
            raise OurFault(
                "engine_overridden", "the environment overrides the engine", "unset every DBOS__ variable"
            )
        self._register()
        DBOS.launch()
        for queue in self._queues.values():
            DBOS.register_queue(
                queue.name,
                worker_concurrency=queue.concurrency_max,
                polling_interval_sec=self._poll_seconds
                * (1 if queue.name == schema.TASKS else STAGE_POLL_FACTOR),
                on_conflict="always_update",
            )

    def _register(self) -> None:
        async def story(name: str, payload: Any) -> Any:
            run = _run_id()
            self.require("story", name)
            return plain(name, await self._stories[name](StoryVerbs(run, self, self._board), payload))

        def stage(name: str, payload: Any) -> Any:
            run = _run_id()
            self.require("stage", name)
            self._board.check()
            with self._board.at_work(run) as bell:
                return plain(name, self._stages[name](StageVerbs(run, self, self._board, bell), payload))

        DBOS.workflow(name=STORY, max_recovery_attempts=schema.STORY_ATTEMPTS_MAX)(story)
        DBOS.workflow(name=STAGE, max_recovery_attempts=schema.STAGE_ATTEMPTS_MAX)(stage)


def _run_id() -> str:
    run = DBOS.workflow_id
    if run is None:
        raise OurFault("no_run", "a story or stage was called outside its run", "start it through the engine")
    return run


def _until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + CLOSE_SECONDS
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.01)
