"""Word the faults that both engines report alike, and keep quiet about what is none."""

from __future__ import annotations

import logging

from keelway.core.errors import OurFault, TheirFault, YourFault


class EngineStopped(BaseException):
    """Leave a run that goes on in the next process; nothing is recorded."""


class Cancelled(BaseException):
    """Leave a run that was cancelled; stories and stages must let it pass."""


def not_json(name: str, why: Exception) -> OurFault:
    """Report a value that cannot be recorded."""
    return OurFault(
        "not_json", f"{name} returned what JSON cannot hold: {why}", "return core.codec.to_json(value)"
    )


def nondeterministic(run: str, expected: str, found: str) -> OurFault:
    """Report a replay that asks for another step than the recorded one."""
    return OurFault(
        "nondeterministic",
        f"run {run} asks for step {expected!r} where its record holds {found!r}",
        "take every clock, random or outside fact from a step, or raise engine.schema.SCHEMA",
    )


def unknown(kind: str, name: str) -> OurFault:
    """Report a story, stage or queue that was not named at launch."""
    return OurFault(f"{kind}_unknown", f"no {kind} is called {name!r}", f"name the {kind} at launch")


def verb_in_verb(run: str, verb: str, busy: str) -> OurFault:
    """Report two verbs of one run at the same time."""
    return OurFault(
        "verb_in_verb",
        f"run {run} asks for {verb!r} while {busy!r} is under way, so the record would have no order",
        "await one verb after the other and call no verb inside an effect",
    )


def key_again(run: str, key: str) -> OurFault:
    """Report a child name that a story uses twice."""
    return OurFault("key_again", f"run {run} calls a second child {key!r}", "put the attempt into the key")


def stage_failed(stage: str, why: str) -> OurFault:
    """Report a stage that raised instead of returning an envelope."""
    return OurFault("stage_failed", f"stage {stage} ended unexpectedly: {why}", "read the log of the run")


def stage_cancelled(stage: str) -> OurFault:
    """Report a stage that was cancelled although its story goes on."""
    return OurFault("stage_cancelled", f"stage {stage} was cancelled on its own", "start the task again")


def stage_given_up(stage: str) -> OurFault:
    """Report a stage that was taken up too often without an end."""
    return OurFault(
        "stage_given_up",
        f"stage {stage} did not outlive its process in any attempt",
        "look for what kills the process, such as memory, then start the task again",
    )


def already_running(place: str) -> YourFault:
    """Report a data directory that another process works on."""
    return YourFault(
        "already_running",
        f"another process works on {place} and two would do the work twice",
        "use the running one or stop it first",
    )


def rejoining() -> TheirFault:
    """Report a worker that lost touch with the database and is about to join again."""
    return TheirFault(
        "engine_rejoining",
        "this worker could not be heard by the database for the length of its lease and acts no more",
        "it joins again by itself as soon as the database answers; try again then",
    )


class Hush(logging.Filter):
    """Drop what DBOS logs as trouble although a person asked for it: cancel and close."""

    _EXPECTED = (
        "was cancelled during execution",
        "Asyncio task cancelled",
        "no longer owned by",
        "Event loop is closed",  # a run that was taken while the engine closed; the next launch has it
    )

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a log record is worth reading."""
        if record.exc_info is not None and record.exc_info[0] is not None:
            return record.exc_info[0].__name__ != "DBOSAwaitedWorkflowCancelledError"
        return not any(words in record.getMessage() for words in self._EXPECTED)


HUSH = Hush()
"""The one filter: adding it twice to a logger changes nothing."""
