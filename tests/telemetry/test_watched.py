"""Stages and effects leave spans and log lines; the stage itself sees the same engine as ever."""

from __future__ import annotations

import http.server
import io
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from keelway.core.errors import YourFault
from keelway.telemetry import spans
from keelway.telemetry.bound import ids
from keelway.telemetry.logs import LogTo, open_log
from keelway.telemetry.spans import StageSpan, close_spans, open_spans, trace_ids
from keelway.telemetry.watched import task_of, watched_stages, watched_stories

PAYLOAD = {"subject": "01T", "entry": 2, "value": {}}


class Stopped(BaseException):
    """Play the engine that stops."""


class Tape:
    """Play an engine that remembers its steps; a second run on the same tape is a replay."""

    def __init__(self) -> None:
        self.record: dict = {}
        self.fenced = 0
        self.closed = False

    def step(self, name, effect):
        if name not in self.record:
            self.record[name] = effect()
        return self.record[name]

    def fence(self):
        self.fenced += 1
        if self.closed:
            raise Stopped

    def patch(self, name):
        return name == "new"


@pytest.fixture
def sent() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    assert open_spans("", worker="w-1", exporter=exporter)
    yield exporter
    close_spans()


def finished(exporter: InMemorySpanExporter) -> list:
    spans._state.on.provider.force_flush()
    return list(exporter.get_finished_spans())


def stage(engine, payload):
    """Play a stage: a read, a good effect, a bad one, and a verb that only this engine knows."""

    def act(answer):
        def effect():
            engine.fence()
            assert ids()["task"] == "01T"
            return answer

        return effect

    engine.step("look", lambda: {"ok": 1})
    engine.step("merge", act({"ok": 2}))
    engine.step("switch", act({"error": {"kind": "TheirFault", "code": "refused", "message": "secret"}}))
    assert engine.patch("new")
    return {"kind": "passed", "value": None, "code": "", "message": ""}


def test_a_stage_and_its_effects_leave_spans_of_one_trace(sent):
    engine = Tape()
    assert watched_stages({"review": stage})["review"](engine, PAYLOAD)["kind"] == "passed"
    merge, switch, review = finished(sent)
    assert [span.name for span in (merge, switch, review)] == [
        "effect merge",
        "effect switch",
        "stage review",
    ]
    assert {span.context.trace_id for span in (merge, switch, review)} == {trace_ids("01T")[0]}
    assert {merge.parent.span_id, switch.parent.span_id} == {review.context.span_id}
    assert review.parent.span_id == trace_ids("01T")[1]
    assert dict(review.attributes) == {
        "keelway.subject": "01T",
        "keelway.stage": "review",
        "keelway.attempt": 2,
        "keelway.run": "01T/review/2",
        "keelway.outcome": "passed",
    }
    assert merge.status.status_code is StatusCode.UNSET
    assert (switch.status.status_code, switch.attributes["error.type"]) == (StatusCode.ERROR, "refused")
    assert "secret" not in repr([dict(span.attributes) for span in (merge, switch, review)])
    assert review.start_time <= merge.start_time <= merge.end_time <= switch.start_time <= review.end_time
    assert review.resource.attributes["service.instance.id"] == "w-1"
    assert engine.fenced == 2


def test_a_replay_repeats_no_effect_and_no_span_of_one(sent):
    engine, watched = Tape(), watched_stages({"review": stage})["review"]
    watched(engine, PAYLOAD)
    watched(engine, PAYLOAD)
    names = [span.name for span in finished(sent)]
    assert names.count("effect merge") == 1
    assert names.count("stage review") == 2


def test_a_stage_that_fails_stops_or_raises_says_so(sent):
    stream = io.StringIO()
    open_log("info", "json", LogTo(stream=stream))
    engine = Tape()
    engine.closed = True

    def raising(engine, payload):
        raise ValueError("nobody expected it")

    watched = watched_stages(
        {
            "review": stage,
            "staging": lambda engine, payload: {"kind": "failed", "code": "checks_red", "message": "no"},
            "report": raising,
            "planning": lambda engine, payload: {"kind": "held", "code": "", "message": ""},
        }
    )
    with pytest.raises(Stopped):
        watched["review"](engine, PAYLOAD)
    watched["staging"](engine, PAYLOAD)
    with pytest.raises(ValueError, match="nobody"):
        watched["report"](engine, PAYLOAD)
    watched["planning"](engine, PAYLOAD)
    found = {span.name: span for span in finished(sent)}
    assert found["effect merge"].attributes["error.type"] == "Stopped"
    assert found["stage review"].attributes["keelway.outcome"] == "left"
    assert found["stage staging"].attributes["error.type"] == "checks_red"
    assert found["stage report"].status.status_code is StatusCode.ERROR
    assert found["stage planning"].status.status_code is StatusCode.UNSET
    rows = [json.loads(line) for line in stream.getvalue().splitlines()]
    said = {row["stage"]: row for row in rows if row["message"].startswith("stage")}
    assert said["staging"]["level"] == "warning"
    assert "checks_red" in said["staging"]["message"]
    assert said["report"]["level"] == "error"
    assert "ValueError" in said["report"]["exception"]
    assert all((row["task"], row["attempt"]) == ("01T", "2") for row in rows)


def test_an_order_is_no_task():
    stream = io.StringIO()
    open_log("info", "json", LogTo(stream=stream))
    payload = {"subject": "O-1", "entry": 1, "value": {"task": {"id": "01T"}}}
    done = {"kind": "passed", "code": "", "message": ""}
    watched_stages({"rollback": lambda *_: done})["rollback"](Tape(), payload)
    row = json.loads(stream.getvalue())
    assert (row["order"], row["task"]) == ("O-1", "01T")


async def test_a_story_logs_under_its_ids():
    stream = io.StringIO()
    open_log("debug", "json", LogTo(stream=stream))

    class Conductor:
        id = "01T:watch-1"

    async def tell(conductor, payload):
        logging.getLogger("inside").info("here")
        if payload.get("fail"):
            raise ValueError("no")
        return {"ok": True}

    story = watched_stories({"watch": tell})["watch"]
    assert await story(Conductor(), {"task": {"id": "01T"}, "number": 1}) == {"ok": True}
    with pytest.raises(ValueError, match="no"):
        await story(Conductor(), {"fail": True})
    rows = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert {(row["run"], row["story"]) for row in rows} == {("01T:watch-1", "watch")}
    assert [row.get("task") for row in rows] == ["01T"] * 3 + [None] * 3
    assert ids() == {}


@pytest.mark.parametrize(
    ("payload", "task"),
    [
        ({"id": "01T", "number": 1, "request": {}}, "01T"),
        ({"task": {"id": "01T"}}, "01T"),
        ({"id": "O-1", "task": None}, ""),
        ({"id": "O-1", "sha": "x"}, ""),
        (None, ""),
        ("x", ""),
    ],
)
def test_the_task_of_a_payload(payload, task):
    assert task_of(payload) == task


def test_without_a_collector_nothing_is_sent_and_nothing_imported():
    code = (
        "import sys; from keelway.telemetry.spans import StageSpan, open_spans\n"
        "from keelway.telemetry.watched import watched_stages\n"
        "assert not open_spans('')\n"
        "span = StageSpan('stage x', 's', {}); span.effect('e', 1, {}, ''); span.end('passed')\n"
        "assert not [name for name in sys.modules if name.startswith(('opentelemetry', 'structlog', 'prometheus'))]"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_without_the_extra_the_fault_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    with pytest.raises(YourFault, match="not installed") as raised:
        open_spans("http://127.0.0.1:4318")
    assert "keelway[otel]" in raised.value.hint


def test_an_address_that_is_none_is_refused():
    with pytest.raises(YourFault, match="no http address"):
        open_spans("collector:4317")
    assert spans._state.on is None


def test_spans_reach_a_collector_over_http():
    got: list[tuple[str, int]] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.path, len(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        assert open_spans(f"http://127.0.0.1:{server.server_port}")
        StageSpan("stage review", "01T", {"stage": "review"}).end("passed")
        close_spans()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert [path for path, _ in got] == ["/v1/traces"]
    assert got[0][1] > 50


def test_a_collector_that_is_away_holds_nothing_up():
    assert open_spans("http://127.0.0.1:9")
    for _ in range(spans.QUEUE_MAX + 100):
        StageSpan("stage review", "01T", {}).end("passed")
    began = time.monotonic()
    close_spans()
    assert time.monotonic() - began < spans.CLOSE_SECONDS_MAX + 3
