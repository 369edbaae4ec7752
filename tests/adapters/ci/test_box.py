"""A black box is started as a release would be, asked from outside, and leaves nothing behind."""

from __future__ import annotations

import socket
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from tests.adapters.ci.conftest import Tiny

from keelway.adapters.ci.local import CheckFence
from keelway.clients.cage import Settings, choose_cage
from keelway.clients.run import Fence
from keelway.core.judge.question import Answer, Question
from keelway.core.model.project import BlackBox, EnvironmentSpec, ProcessCommand
from keelway.ports.ci import CheckJob

SERVER = """import http.server, json, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/healthz" and os.path.exists("unready"):
            self.send_response(503)
            self.end_headers()
            return
        names = ("APP_DB", "KEELWAY_ENVIRONMENT", "PORT", "CI", "HOME", "NO_COLOR")
        body = json.dumps({name: os.environ.get(name) for name in names} | {"path": self.path}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.end_headers()
        self.wfile.write(open(os.environ["APP_DB"]).read().encode() + body + os.environ["PORT"].encode())

http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
WEB = ProcessCommand("web", (sys.executable, "server.py"))
STAGING = EnvironmentSpec("staging", 8001, env={"APP_DB": "{data}/app.db"})
BOX = BlackBox("web", before=("sh", "-c", 'printf made > "$APP_DB"'), seconds_max=20)
FILES = {"server.py": SERVER}


def ask(
    tiny: Tiny, box: BlackBox, *questions: Question, files: dict[str, str] | None = None
) -> tuple[Answer, ...]:
    project = tiny.having(black_boxes=(box,), processes=(WEB,), environments=(STAGING,))
    sha = project.commit(files or FILES)
    answers = project.ci.check(CheckJob(sha, (), questions=questions)).answers
    assert [path for path in project.root.iterdir() if path.name.startswith("ci-")] == []
    assert [one for one in psutil.process_iter() if "server.py" in _argv(one)] == []
    return answers


def _argv(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_it_is_given_what_a_release_is_given_and_nothing_that_says_check(tiny: Tiny) -> None:
    (answer,) = ask(tiny, BOX, Question("web", "GET", "/a?b=c", contains='"/a?b=c"'))
    assert (answer.status, answer.contained, answer.wrong) == (200, True, "")
    assert '"KEELWAY_ENVIRONMENT": "staging"' in answer.text
    assert '"CI": null' in answer.text
    assert '"NO_COLOR": null' in answer.text
    assert "/app.db" in answer.text
    assert str(tiny.root) not in answer.text, "two places answer alike"


def test_data_is_prepared_first_and_a_body_is_sent(tiny: Tiny) -> None:
    (answer,) = ask(tiny, BOX, Question("web", "POST", "/", '{"a": 1}', contains='made{"a"'))
    assert (answer.status, answer.contained) == (201, True), answer


@pytest.mark.parametrize(
    ("box", "files", "wrong"),
    [
        (BlackBox("web", before=("sh", "-c", "echo no schema; exit 3")), FILES, "no schema"),
        (BlackBox("web", before=("no-such-program",)), FILES, "no-such-program"),
        (BlackBox("web"), {"server.py": "raise SystemExit('no luck')\n"}, "no luck"),
        (BlackBox("web", seconds_max=1.5), {**FILES, "unready": ""}, "did not answer /healthz within 1.5 s"),
        (BlackBox("web", run=("no-such-program",)), FILES, "could not be started"),
    ],
)
def test_what_does_not_come_up_is_the_answer(
    tiny: Tiny, box: BlackBox, files: dict[str, str], wrong: str
) -> None:
    first, second = ask(tiny, box, Question("web", "GET", "/"), Question("web", "GET", "/b"), files=files)
    assert wrong in first.wrong
    assert first == second


def test_questions_that_cannot_be_asked_are_wrong(tiny: Tiny) -> None:
    words, broken = ask(tiny, BOX, Question("web", "RUN", "a b"), Question("web", "POST", "/", "no json"))
    assert "takes requests" in words.wrong
    assert "no JSON" in broken.wrong


def test_a_command_answers_with_its_output_and_its_exit_code(tiny: Tiny) -> None:
    box = BlackBox("cli", use="command", run=("sh", "-c", 'cat; echo "$0 in $KEELWAY_ENVIRONMENT"; exit 4'))
    good, unread = ask(
        tiny,
        box,
        Question("cli", "RUN", "'a b'", "in", contains="ina b in staging"),
        Question("cli", "RUN", "'open"),
    )
    assert (good.status, good.contained) == (4, True), good
    assert "cannot be read" in unread.wrong
    (missing,) = ask(
        tiny, BlackBox("cli", use="command", run=("no-such-program",)), Question("cli", "RUN", "")
    )
    assert "no-such-program" in missing.wrong
    (late,) = ask(
        tiny, BlackBox("cli", use="command", run=("sleep", "60"), seconds_max=0.5), Question("cli", "RUN", "")
    )
    assert late.wrong == "it did not end in time"


def test_without_a_web_process_there_is_nothing_to_ask(tiny: Tiny) -> None:
    project = tiny.having(black_boxes=(BlackBox("web"),), processes=())
    report = project.ci.check(CheckJob(project.commit(FILES), (), questions=(Question("web", "GET", "/"),)))
    assert report.answers[0].wrong == "there is no process named web"


@pytest.fixture
def fenced(tiny: Tiny) -> Tiny:
    cage = choose_cage("bubblewrap", Settings())
    facts = cage.facts()
    if not facts.works:
        pytest.skip(f"{', '.join(facts.missing)}. Install it: apt-get install bubblewrap")
    return Tiny(tiny.folder, replace(tiny.ci, fence=CheckFence(Fence(cage))))


def test_behind_the_sandbox_it_is_asked_through_a_door_and_reaches_nothing(
    fenced: Tiny, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("pearl")
    nosy = SERVER.replace(
        "        names = (",
        f"        if self.path == '/nosy':\n            open({str(secret)!r})\n        names = (",
    )
    asked = (
        Question("web", "GET", "/a", contains='"path": "/a"'),
        Question("web", "POST", "/", '{"a": 1}', contains='made{"a"'),
        Question("web", "GET", "/nosy"),
    )
    first, second, third = ask(fenced, BOX, *asked, files={"server.py": nosy})
    assert (first.status, first.contained) == (200, True), first
    assert (second.status, second.contained) == (201, True), second
    assert third.wrong, "it cannot read what lies beside its checkout"


def test_a_door_that_was_put_in_another_place_is_not_used(
    fenced: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        monkeypatch.chdir(tmp_path)
        other.bind("o.sock")
        other.listen()
        swap = (
            "import glob, os, time\n"
            "for door in glob.glob('../*.sock'):\n    os.unlink(door)\n"
            f"    os.symlink({str(tmp_path / 'o.sock')!r}, door)\ntime.sleep(20)\n"
        )
        box = replace(BOX, seconds_max=3.0, before=())
        (answer,) = ask(fenced, box, Question("web", "GET", "/"), files={"server.py": swap})
        assert answer.wrong
        other.settimeout(0.2)
        with pytest.raises(TimeoutError):
            other.accept()


def test_what_dies_behind_the_sandbox_leaves_its_last_words(fenced: Tiny) -> None:
    (answer,) = ask(
        fenced, BOX, Question("web", "GET", "/"), files={"server.py": "raise SystemExit('no luck')\n"}
    )
    assert "no luck" in answer.wrong
