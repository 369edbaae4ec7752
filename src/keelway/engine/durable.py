"""Run stories on DBOS, in an SQLite file or on PostgreSQL, alone or as one of a crew.

One process holds at most one launched ``DbosEngine``: DBOS is a global of the process.
One process at a time works on a data directory; its successor resumes what it left.
A worker of a crew that loses its lease takes DBOS down and joins again under a new name,
in the same process, as soon as the database answers.
Importing this module costs most of a second, so import it where the engine is made.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from dbos import DBOS, EnqueueOptions, WorkflowStatus
from dbos import error as dbos_error
from filelock import FileLock, Timeout

from keelway.core.errors import OurFault
from keelway.engine import fault, schema
from keelway.engine.crew import Crew
from keelway.engine.outside import ENDED, WORDS, forget_ended
from keelway.engine.record import plain
from keelway.engine.run.letters import notify
from keelway.engine.run.life import Life, Script
from keelway.engine.run.verbs import STORY, WAKE
from keelway.ports.engine import Queue, StageRun, Story

T = TypeVar("T")

POLL_SECONDS = 0.5
"""How often the queue of the stories is asked for work that nobody rang for, such as what was delayed."""

CREW_POLL_SECONDS = 0.3
"""Likewise for each worker of a crew, where others put work on the queues; all of them ask the same database."""

JOIN_PAUSE_SECONDS_MAX = 10.0
"""A worker that lost its lease tries to join again at least this often."""

_holder = threading.Lock()
_log = logging.getLogger("keelway.engine")


class DbosEngine:
    """Run stories so that they survive the process (``ports.engine.Runtime``).

    Every method may be called from any thread and from inside an event loop; each
    takes a few milliseconds.
    """

    def __init__(
        self, database_url: str, home: Path, crew: Crew | None = None, *, poll_seconds: float | None = None
    ) -> None:
        self._url = database_url
        self._home = home
        self._crew = crew
        self._poll_seconds = poll_seconds or (POLL_SECONDS if crew is None else CREW_POLL_SECONDS)
        self._lock = FileLock(home / "engine.lock", timeout=0)
        self._desk: ThreadPoolExecutor | None = None
        self._script = Script({}, {}, {})
        self._life: Life | None = None
        self._ending = threading.Event()
        self._joining: threading.Thread | None = None

    @property
    def worker_id(self) -> str:
        """Return the name under which this process works now; empty while it does not."""
        life = self._life
        return "" if life is None else life.name

    def launch(
        self, stories: dict[str, Story], stages: dict[str, StageRun], queues: tuple[Queue, ...]
    ) -> None:
        """Begin to work, first of all on what an earlier process left unfinished.

        Raises:
            YourFault: another process already works on the same data, or the crew refuses this worker.
            TheirFault: the roster does not answer.
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
        named = {queue.name: queue for queue in (*queues, Queue(schema.TASKS))}
        self._script = Script(dict(stories), dict(stages), named)
        self._desk = ThreadPoolExecutor(4, thread_name_prefix="keelway-desk")
        self._ending.clear()
        try:
            self._begin(self._crew)
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
        life = self._life
        topic = None
        if life is not None:
            life.board.ring(run)
            topic = life.board.topic_of(run)
        if topic is not None:
            self.wake(run, topic)

    def status(self, run: str) -> str:
        """Return ``absent``, ``queued``, ``running``, ``done``, ``failed`` or ``cancelled``."""
        found = self._find(run)
        return "absent" if found is None else WORDS[found.status]

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
        """Stop working; unfinished runs are taken up by the next launch, or by the others of the crew."""
        if self._desk is None:
            return
        self._ending.set()
        if self._joining is not None:
            self._joining.join()
            self._joining = None
        if self._life is not None:
            self._life.close()
            self._life = None
        self._desk.shutdown()
        self._desk = None
        _holder.release()
        self._lock.release()

    def require(self, kind: str, name: str) -> None:
        """Raise ``OurFault`` unless this story, stage or queue was named at launch."""
        known: dict[str, Collection[str]] = {
            "story": self._script.stories,
            "stage": self._script.stages,
            "queue": self._script.queues.keys() - {schema.TASKS},
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
        self.ring(schema.TASKS)

    def ring(self, queue: str) -> None:
        """Say that a queue has work or room."""
        life = self._life
        if life is not None:
            life.bells.ring(queue)

    @property
    def look_seconds(self) -> float:
        """How often to look for what may have happened in another process."""
        return self._poll_seconds

    def ended(self, runs: Sequence[str]) -> list[str]:
        """Read which of some runs have ended, or are absent; all with one question."""
        found = self._ask(
            lambda: DBOS.list_workflows(workflow_ids=list(runs), load_input=False, load_output=False)
        )
        still = {one.workflow_id for one in found if one.status not in ENDED}
        return [run for run in runs if run not in still]

    def cancelled(self, run: str) -> bool:
        """Read whether a run was cancelled."""
        return self.status(run) == "cancelled"

    def queue_of(self, run: str) -> str:
        """Read from which queue a run came."""
        found = self._find(run)
        return "" if found is None else found.queue_name or ""

    def wake(self, run: str, topic: str) -> None:
        """Make a waiting run look at its own state."""
        self._post(run, topic, WAKE)

    def _post(self, run: str, topic: str, letter: dict[str, Any]) -> None:
        def post() -> None:
            try:
                DBOS.send(run, letter, topic)
                notify(run, topic)
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
        if not self._ending.is_set() and (self._life is None or not self._life.usable):
            raise fault.rejoining()
        return self._desk.submit(work).result()

    def _begin(self, crew: Crew | None) -> None:
        life = self._life = Life(self._url, self._script, self, crew)
        try:
            life.open(self._poll_seconds, self._lapsed)
        except BaseException:
            self._life = None
            life.close()
            raise

    def _lapsed(self) -> None:
        if self._ending.is_set():
            return
        self._joining = threading.Thread(target=self._join_again, name="keelway-join", daemon=True)
        self._joining.start()

    def _join_again(self) -> None:
        life, self._life = self._life, None
        if life is None or life.crew is None:
            return
        crew, pause = life.crew, life.crew.beat_seconds
        life.close()
        while not self._ending.is_set():
            crew = crew.again()
            try:
                self._begin(crew)
            except Exception as error:  # noqa: BLE001 - whatever it was, the next try may do
                _log.warning("a worker that lost its lease cannot join again: %s", error)
            else:
                _log.warning("joined again as %s", crew.worker.id)
                return
            self._ending.wait(pause)
            pause = min(2 * pause, JOIN_PAUSE_SECONDS_MAX)
