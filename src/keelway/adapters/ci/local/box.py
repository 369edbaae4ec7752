"""Start the application of a checkout in a process of its own and ask it, as a user would, from outside."""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from keelway.adapters.ci.local.place import ENDED_WORDS, SAID, Place
from keelway.adapters.ci.local.text import readable
from keelway.clients.control import free_port
from keelway.clients.files import read_bounded
from keelway.clients.http import HttpClient
from keelway.clients.shell import Command, Done, create_time, runs
from keelway.core.codec import digest
from keelway.core.errors import KeelwayError, TheirFault
from keelway.core.judge.question import RUN, Answer, Question, steady
from keelway.core.model.project import STAGING, BlackBox, EnvironmentSpec, Project

__all__ = ["answers_of"]

_WEB = "web"
_RELEASE = "r-0"
_TEXT_CHARS_MAX = 2_000
_BODY_BYTES_MAX = 4 * 1024 * 1024
_ASK_SECONDS_MAX = 10.0
_STEP_SECONDS = 0.03
_LOG_BYTES_MAX = 4_000_000
_SHOWN_CHARS = 600
_SERVER_ERROR = 500
_HERE = re.compile(r"//(?:127\.0\.0\.1|localhost)(?::\d{1,5})?")
"""The address that it was asked at, which differs from run to run."""


def answers_of(project: Project, place: Place, questions: tuple[Question, ...]) -> tuple[Answer, ...]:
    """Ask every question of its black box, each box started once, and return the answers in their order."""
    boxes = {box.name: box for box in project.black_boxes}
    answers: dict[int, Answer] = {}
    for name in dict.fromkeys(question.box for question in questions):
        mine = [(number, question) for number, question in enumerate(questions) if question.box == name]
        asked = [question for _, question in mine]
        given = _Box(project, place, boxes[name]).ask(asked) if name in boxes else _all(asked, _unknown(name))
        answers |= {number: answer for (number, _), answer in zip(mine, given, strict=True)}
    return tuple(answers[number] for number in range(len(questions)))


def _unknown(name: str) -> str:
    return f"no [[black_box]] is called {name!r}"


def _all(questions: list[Question], wrong: str) -> list[Answer]:
    return [Answer(wrong=wrong) for _ in questions]


@dataclass(frozen=True)
class _Box:
    """Hold where and how one black box runs."""

    project: Project
    place: Place
    box: BlackBox

    def ask(self, questions: list[Question]) -> list[Answer]:
        """Prepare the data and ask; what does not come up is the answer to every question."""
        data = self.place.work / "data" / uuid.uuid4().hex[:12]
        data.mkdir(parents=True, mode=0o700)
        deadline = time.monotonic() + self.box.seconds_max
        if self.box.before:
            wrong = self._prepare(data, deadline)
            if wrong:
                return _all(questions, wrong)
        if self.box.use == "http":
            return self._serve(questions, data, deadline)
        return [self._command(question, data, deadline) for question in questions]

    def _prepare(self, data: Path, deadline: float) -> str:
        done = self._run(self.box.before, data, deadline)
        if done.passed:
            return ""
        said = readable(done.stdout, done.stderr, str(self.place.tree))[-_SHOWN_CHARS:]
        return f"{' '.join(self.box.before)} failed: {done.could_not_start or said or 'it said nothing'}"

    def _command(self, question: Question, data: Path, deadline: float) -> Answer:
        try:
            argv = (*self.box.run, *question.words)
        except ValueError as error:
            return Answer(wrong=f"the words cannot be read: {error}")
        done = self._run(argv, data, deadline, question.body.encode())
        if done.exit_code is None:
            return Answer(wrong=done.could_not_start or "it did not end in time")
        return _answer(question, done.exit_code, done.stdout.decode("utf-8", "replace"), self.place)

    def _run(self, argv: tuple[str, ...], data: Path, deadline: float, stdin: bytes = b"") -> Done:
        filled = tuple(self._filled(word, data) for word in argv)
        left_seconds = max(0.1, deadline - time.monotonic())
        return self.place.carry(
            Command(filled, str(self.place.tree), self._env(data), left_seconds, _BODY_BYTES_MAX, stdin)
        )

    def _serve(self, questions: list[Question], data: Path, deadline: float) -> list[Answer]:
        argv = self.box.run or next((one.run for one in self.project.processes if one.name == _WEB), ())
        if not argv or self.place.was_ended():
            return _all(questions, "there is no process named web" if not argv else ENDED_WORDS)
        port = free_port(frozenset())
        filled = tuple(self._filled(word, data, port) for word in argv)
        command = Command(filled, str(self.place.tree), self._env(data, port), self.box.seconds_max)
        try:
            with self.place.serving(command, port) as (pid, address):
                return self._served(questions, pid, address, deadline)
        except (KeelwayError, OSError) as error:
            return _all(questions, f"{argv[0]} could not be started: {error}")

    def _served(self, questions: list[Question], pid: int, address: str, deadline: float) -> list[Answer]:
        began_at = create_time(pid)
        lives = lambda: runs(pid, began_at) and time.monotonic() < deadline  # noqa: E731
        with (
            _reached(address, lives) as reached,
            HttpClient(reached, timeout_seconds=_ASK_SECONDS_MAX, body_bytes_max=_BODY_BYTES_MAX) as client,
        ):
            wrong = self._wait(client, pid, began_at, deadline)
            if wrong:
                return _all(questions, f"{wrong}. Its last words: {self._said() or 'none'}")
            return [self._request(client, question, deadline) for question in questions]

    def _wait(self, client: HttpClient, pid: int, began_at: float, deadline: float) -> str:
        """Return "" once it answers, else why it never will."""
        while time.monotonic() < deadline and not self.place.was_ended():
            with contextlib.suppress(TheirFault):
                if client.request("GET", self.box.ready).status < _SERVER_ERROR:
                    return ""
            if not runs(pid, began_at):
                return "its process ended before it answered"
            time.sleep(_STEP_SECONDS)
        return f"it did not answer {self.box.ready} within {self.box.seconds_max:g} s"

    def _request(self, client: HttpClient, question: Question, deadline: float) -> Answer:
        if question.method == RUN or time.monotonic() >= deadline:
            return Answer(
                wrong="it takes requests, not words" if question.method == RUN else "the time was over"
            )
        try:
            body = json.loads(question.body) if question.body else None
            answer = client.request(question.method, question.target, json=body)
        except ValueError as error:
            return Answer(wrong=f"its body is no JSON: {error}")
        except KeelwayError as error:
            return Answer(wrong=error.code.replace("_", " "))
        return _answer(question, answer.status, answer.text, self.place)

    def _said(self) -> str:
        try:
            said = read_bounded(self.place.folder / SAID, _LOG_BYTES_MAX)
        except (KeelwayError, OSError):
            return ""
        return readable(said, b"", str(self.place.tree))[-_SHOWN_CHARS:]

    def _env(self, data: Path, port: int = 0) -> dict[str, str]:
        """Return what a release would be given on staging; nothing says that it is looked at."""
        given = {**self._staging().env, **self.box.env}
        env = self.place.environment()
        for name in ("CI", "NO_COLOR"):
            env.pop(name)
        env |= {"HOME": str(data), "KEELWAY_ENVIRONMENT": STAGING, "KEELWAY_RELEASE": _RELEASE}
        env |= {name: self._filled(value, data, port) for name, value in given.items()}
        return {**env, **({"PORT": str(port)} if port else {})}

    def _staging(self) -> EnvironmentSpec:
        try:
            return self.project.environment(STAGING)
        except KeyError:
            return EnvironmentSpec(STAGING, 0)

    def _filled(self, text: str, data: Path, port: int = 0) -> str:
        log = self.project.log.replace("{data}", str(data))
        names: Mapping[str, str] = {
            "{data}": str(data),
            "{port}": str(port or ""),
            "{release}": _RELEASE,
            "{environment}": STAGING,
            "{log}": log,
        }
        for name, value in names.items():
            text = text.replace(name, value)
        return text


@contextmanager
def _reached(address: str, lives: Callable[[], bool]) -> Iterator[str]:
    """Yield an address for HTTP; a socket is opened first, so that nothing else can be put in its place."""
    if not address.startswith("/"):
        yield address
        return
    while lives() and not Path(address).exists():
        time.sleep(_STEP_SECONDS)
    door = os.open(address, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not stat.S_ISSOCK(os.fstat(door).st_mode):
            raise OSError(f"{address} is no socket any more")
        yield f"/proc/self/fd/{door}"
    finally:
        os.close(door)


def _answer(question: Question, status: int, said: str, place: Place) -> Answer:
    text = _HERE.sub("", said.replace(str(place.folder), ""))
    return Answer(status, text[:_TEXT_CHARS_MAX], digest(steady(text)), contained=question.contains in text)
