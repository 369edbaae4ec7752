"""H. The control plane itself: bombs, addresses, floods, the stop, and who may bend its rules."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.redteam.rig import (
    GOOD_EDITS,
    Attacked,
    arm,
    attack,
    delivered,
    held,
    instead,
    picture_of,
    refused,
    unchanged,
)
from tests.workflows.world import TRUSTING

from keelway.adapters.probe.http import HttpProbe
from keelway.app.config import load_config
from keelway.clients.coverage_xml import read_coverage
from keelway.clients.http import HttpClient
from keelway.clients.junit import read_junit
from keelway.core.errors import RequestRefused, TheirFault, YourFault
from keelway.core.model.lifecycle import Status
from keelway.core.model.plan import parse_plan
from keelway.core.model.project import PRODUCTION, ProbeSpec
from keelway.core.model.task import OWNER
from keelway.core.policy import IntakePolicy
from keelway.web.guard import BODY_BYTES_MAX

pytestmark = pytest.mark.long

SOON_SECONDS = 10.0
"""Of the processor: what explodes takes minutes or never ends; a busy machine takes a second or two."""

SMALL = """
[project]
name = "small"
[[check]]
name = "tests"
kind = "tests"
run = ["true"]
[[process]]
name = "web"
run = ["true"]
[staging]
port = 8001
[production]
port = 8002
"""


# E08: bodies at the door

BODIES = {
    "huge": (b"x" * (BODY_BYTES_MAX + 1), "application/json", 413),
    "deep": (b"[" * 100_000, "application/json", 400),
    "deep objects": (b'{"a":' * 50_000, "application/json", 400),
    "not text": (b"\xff\xfe\x00", "application/json", 400),
    "another type": (b'{"text": "Add two"}', "application/xml", 422),
    "a number": (b"1e999999", "application/json", 422),
    "many digits": (b'{"text": ' + b"9" * 100_000 + b"}", "application/json", 400),
    "a field too many": (b'{"text": "Add two", "admin": true}', "application/json", 422),
    "a lone surrogate": (b'{"text": "Add \\ud800 two"}', "application/json", 422),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_nobody_can_read_is_a_problem_and_no_task(make_house, name):
    """E08, H05: an answer at once, in our own words, and nothing done."""
    body, kind, status = BODIES[name]
    house = make_house()
    began = time.process_time()
    answer = house.client().post("/api/tasks", content=body, headers={"content-type": kind})
    assert time.process_time() - began < SOON_SECONDS
    assert answer.status_code == status, answer.text[:200]
    assert (answer.json()["code"], house.world.ledger.tasks()) == (
        "body_refused" if status == 413 else "bad_request",
        (),
    )


def test_a_body_without_a_length_is_refused(make_house):
    """E08."""
    house = make_house()
    answer = house.client().post("/api/tasks", content=iter([b'{"text": "Add two"}']))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_refused")
    assert house.world.ledger.tasks() == ()


def test_an_ordinary_body_opens_a_task(make_house):
    """The honest twin of the bodies."""
    house = make_house()
    assert house.client().post("/api/tasks", json={"text": "Add the number two"}).status_code == 201
    assert len(house.world.ledger.tasks()) == 1


# H05, H06: files that explode

TOMLS = {
    "deep": "x = " + "[" * 50_000,
    "deep tables": "[" + ".".join(["a"] * 20_000) + "]\n",
    "keys twice": SMALL + '\n[project]\nname = "other"\n',
    "many unknown keys": SMALL + "".join(f"key{number} = 1\n" for number in range(15_000)),
    "a tail beyond the bound": SMALL + "#" * 256_000 + '\n[policy.guardrail]\nforbidden = ["*"]\n',
    "not text": "\ud800",
    "a number for a name": SMALL.replace('"small"', "1"),
    "a word for a number": SMALL.replace("8001", '"no"'),
    "not a number": SMALL + "\n[policy.staging]\nerror_rate_max = nan\n",
    "a pattern that is no list": SMALL + '\n[policy.guardrail]\nforbidden = "*"\n',
}


@pytest.mark.parametrize("name", TOMLS)
def test_a_configuration_that_cannot_be_meant_is_refused_at_once(tmp_path, name):
    """H05: never half of it, never a guess."""
    path = tmp_path / "keelway.toml"
    path.write_bytes(TOMLS[name].encode("utf-8", "surrogatepass"))
    began = time.process_time()
    with pytest.raises(YourFault) as fault:
        load_config(path)
    assert time.process_time() - began < SOON_SECONDS
    assert fault.value.code == "config_invalid"
    assert len(fault.value.message) < 10_000


def test_a_plain_configuration_is_read(tmp_path):
    """The honest twin of the configurations."""
    path = tmp_path / "keelway.toml"
    path.write_text(SMALL)
    assert load_config(path).project.name == "small"


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + number, b"&%c;" % (97 + number) * 10) for number in range(9))
    + b"]>"
)
XMLS = {
    "laughs": LAUGHS + b'<testsuites><testcase name="&j;"/></testsuites>',
    "from a file": b'<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuites><testcase name="&x;"/></testsuites>',
    "from the net": b'<!DOCTYPE t SYSTEM "http://169.254.169.254/x.dtd"><testsuites/>',
    "parameter": b'<!DOCTYPE t [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><testsuites/>',
    "unknown encoding": b'<?xml version="1.0" encoding="evil"?><testsuites/>',
    "no end": b"<testsuites>" + b"<testsuite>" * 100_000,
    "nothing": b"",
}


@pytest.mark.parametrize("name", XMLS)
def test_a_report_that_explodes_is_no_report(name):
    """H06."""
    began = time.process_time()
    with pytest.raises(TheirFault) as fault:
        read_junit(XMLS[name], ())
    assert fault.value.code == "junit_unreadable"
    with pytest.raises(TheirFault):
        read_coverage(XMLS[name].replace(b"testsuites", b"coverages"), ())
    assert time.process_time() - began < SOON_SECONDS


def test_a_coverage_report_that_is_all_sources_is_refused_soon():
    """H06: a few megabytes that would mean a hundred million paths."""
    sources = b"".join(b"<source>/a/%d</source>" % number for number in range(200))
    classes = b'<class filename="x.py"/>' * 200_000
    began = time.process_time()
    with pytest.raises(TheirFault) as fault:
        read_coverage(b"<coverage>" + sources + classes + b"</coverage>", ("x.py",))
    assert fault.value.code == "coverage_too_large"
    assert time.process_time() - began < SOON_SECONDS


def test_ordinary_reports_are_read():
    """The honest twin of the reports."""
    junit = (
        b'<testsuites><testsuite><testcase classname="tests.test_a" name="test_a"/></testsuite></testsuites>'
    )
    assert [test.id for test in read_junit(junit, ("tests/test_a.py",))] == ["tests/test_a.py::test_a"]
    cover = b'<coverage><class filename="a.py"><line number="1" hits="2"/></class></coverage>'
    assert read_coverage(cover, ("a.py",), "/top") == {"a.py": {1: 2}}


PLANS = {
    "deep": '{"title":' * 5_000,
    "deep list": '{"title": ' + "[" * 100_000,
    "many beginnings": '{"title":[' * 400 + "1," * 100_000,
    "a flood of objects": '{"a":1}' * 20_000,
    "many digits": '{"title": "x", "approach": "y", "lines_estimate": ' + "9" * 100_000 + "}",
    "not a number": '{"title": "x", "approach": "y", "lines_estimate": NaN}',
    "a path out": '{"title": "x", "approach": "y", "create": ["../x"]}',
    "a field too many": '{"title": "x", "approach": "y", "approved": true}',
    "many files": json.dumps({"title": "x", "approach": "y", "create": [f"f{n}" for n in range(101)]}),
}


@pytest.mark.parametrize("name", PLANS)
def test_an_answer_that_is_no_plan_is_refused_soon(name):
    """H05, from the agent."""
    began = time.process_time()
    with pytest.raises(TheirFault) as fault:
        parse_plan(PLANS[name])
    assert fault.value.code in {"plan_invalid", "plan_missing"}
    assert time.process_time() - began < SOON_SECONDS


# H08: addresses

ELSEWHERE = [
    "http://169.254.169.254/latest/meta-data",
    "//169.254.169.254/latest/meta-data",
    "https://evil.example/",
    "http://2130706433:1/",
    "\\\\evil.example\\x",
    "/\\evil.example/x",
    "@evil.example/",
    "evil.example",
    "",
    "/x\r\nHost: evil.example",
    "/x y",
]


@contextmanager
def listening() -> Iterator[tuple[int, list[str]]]:
    """Listen on loopback and note who comes."""
    seen: list[str] = []

    class Note(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(302 if self.path == "/away" else 200)
            if self.path == "/away":
                self.send_header("Location", "http://169.254.169.254/latest")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Note)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1], seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("path", ELSEWHERE, ids=map(ascii, ELSEWHERE))
def test_a_probe_in_a_plan_cannot_name_another_address(path):
    """H08: what an agent writes into its plan is asked by the control plane, so it may only be a path."""
    for asked in ("probes", "examples"):
        with pytest.raises(TheirFault, match=rf"\$\.{asked}\[0\]\.path"):
            parse_plan(json.dumps({"title": "x", "approach": "y", asked: [{"path": path}]}))


def test_a_plan_that_names_another_address_ends_the_task(make_world):
    """H08, as a whole life."""
    refused(attack(make_world(), plan={"probes": [{"path": ELSEWHERE[0]}]}), "no_valid_plan")


def test_a_probe_never_leaves_the_address_it_was_given():
    """H08, one floor lower: whatever path comes, nobody else is asked."""
    with listening() as (other, seen), listening() as (ours, _):
        for path in (f"http://127.0.0.1:{other}/x", f"//127.0.0.1:{other}/x", f"@127.0.0.1:{other}/x"):
            (result,) = HttpProbe().ask(f"http://127.0.0.1:{ours}", (ProbeSpec("p", path),))
            assert not result.ok, path
            with HttpClient(f"http://127.0.0.1:{ours}") as client, pytest.raises(TheirFault):
                client.request("GET", path)
        assert seen == []


def test_a_probe_follows_nobody_elsewhere():
    """H08: a redirect is an answer."""
    with listening() as (ours, seen):
        (result,) = HttpProbe().ask(f"http://127.0.0.1:{ours}", (ProbeSpec("p", "/away"),))
        assert (result.ok, result.status, seen) == (False, 302, ["/away"])


def test_a_plain_path_is_asked():
    """The honest twin of the addresses."""
    with listening() as (ours, seen):
        specs = (ProbeSpec("p", "/two?x=1&y=%20"), ProbeSpec("q", "/über"))
        assert [result.ok for result in HttpProbe().ask(f"http://127.0.0.1:{ours}", specs)] == [True, True]
        assert seen[0] == "/two?x=1&y=%20"


METHODS = ["DELETE /", "get\r\nX: y", "CONNECT", "TRACE", "", "G E T"]


@pytest.mark.parametrize("method", METHODS, ids=map(ascii, METHODS))
def test_a_probe_in_a_plan_has_an_ordinary_method(method):
    """H08."""
    with pytest.raises(TheirFault, match=r"\$\.probes\[0\]\.method"):
        parse_plan(
            json.dumps({"title": "x", "approach": "y", "probes": [{"path": "/two", "method": method}]})
        )


def test_a_probe_that_alters_data_waits_for_a_person(make_world):
    """H08: the control plane would carry it out in production."""
    held(
        attack(make_world(), plan={"probes": [{"path": "/two/1", "method": "DELETE"}]}), "plan_needs_approval"
    )


# H02, H03: what goes on for ever


def test_a_stage_that_faults_for_ever_is_given_up(make_world):
    """H03: the tries are counted before each of them; the lane and the environments are free afterwards."""
    world = make_world()
    arm(world)
    world.baseline()
    before = picture_of(world)

    def broken(*_: object) -> None:
        raise TheirFault("disk_trouble", "The disk is in trouble.")

    instead(world.sandbox, "collect", broken)
    row = world.ask()
    assert (row.status, row.code) == (Status.FAILED, "disk_trouble")
    unchanged(world, before)
    del world.sandbox.collect
    delivered(Attacked(world, world.ask("Add the number two again"), before))


def test_an_agent_that_never_finishes_is_ended(make_world):
    """H02: another failure in each turn does not go on for ever."""
    world = make_world()
    turns: list[int] = []

    def busy(assignment: object) -> dict[str, str]:
        turns.append(1)
        return {
            "two.py": f"two = {len(turns)}  # fails lint\n# {'x' * len(turns)}\n",
            "tests/test_two.py": "x",
        }

    done = attack(world, busy)
    assert done.row.status is Status.FAILED
    assert len(turns) <= TRUSTING.development.iterations_max
    unchanged(world, done.before)


# H10, C01, C02: the operator's own file


@pytest.mark.parametrize("path", ["keelway.toml", ".keelway/policy.toml", ".keelway.toml", "KEELWAY.toml"])
def test_the_policy_is_not_in_the_reach_of_a_patch(make_world, path):
    """H10, C02: a change that loosens the policy and needs it loosened is refused under the old one."""
    edits = {**GOOD_EDITS, path: '[policy.review]\nauto_merge_risk = "high"\n'}
    refused(attack(make_world(), edits), "forbidden_path")
    refused(attack(make_world(), plan={"create": [*GOOD_EDITS, path]}), "no_valid_plan")


# H13: the emergency stop


@pytest.mark.parametrize("seconds", [0, 30, 200])
def test_the_stop_holds_everything_at_any_time(make_world, seconds):
    """H13: nothing moves while it is pulled, and the task goes on when it is lifted."""
    world = make_world()
    arm(world)
    world.baseline()
    row = world.submit()
    seen = []

    def stop() -> None:
        world.commands.freeze(OWNER, "storm")
        seen.append(world.clock.now())

    world.engine.at(world.clock.now() + timedelta(seconds=seconds), stop)
    world.engine.run_until_idle(world.clock.now() + timedelta(seconds=seconds + 5))
    assert seen
    before, runs = picture_of(world), len(world.agent.seen)
    world.engine.run_until_idle(world.clock.now() + timedelta(minutes=30))
    assert picture_of(world) == before
    assert len(world.agent.seen) == runs
    world.commands.unfreeze(OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED


def test_the_stop_refuses_new_wishes_and_says_so_once(make_world):
    """H13 at the intake."""
    world = make_world()
    world.commands.freeze(OWNER, "storm")
    with pytest.raises(RequestRefused) as fault:
        world.submit()
    assert fault.value.code == "freeze_in_force"
    assert world.ledger.tasks() == ()


def test_a_way_back_that_has_begun_is_not_stopped_halfway(make_world):
    """H13: pulling the stop in the middle of a rollback leaves nobody between two releases."""
    world = make_world()
    arm(world)
    before = world.baseline()

    def fails_and_stops(environment: str, release: str, at: object) -> tuple[int, int]:
        counted = world.target.traffic(environment, release, at)
        if counted and environment == PRODUCTION and world.target.places[PRODUCTION].active != before:
            world.commands.freeze(OWNER, "storm")
            return counted[0], 40
        return counted

    world.signal.traffic = fails_and_stops
    row = world.submit()
    world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
    assert world.ledger.find(row.task.id).status is Status.ROLLED_BACK
    assert world.target.places[PRODUCTION].active == before


# H16: a forge that fails


@pytest.mark.parametrize("verb", ["open_pull", "merge", "checks"])
def test_a_forge_that_always_fails_ends_the_task_and_moves_nothing(make_world, verb):
    """H16."""
    world = make_world()
    arm(world)
    world.baseline()
    before = picture_of(world)

    def away(*_: object, **__: object) -> None:
        raise TheirFault("forge_away", "The forge is away.")

    instead(world.forge, verb, away)
    row = world.ask()
    assert (row.status, row.code) == (Status.FAILED, "forge_away")
    unchanged(world, before)


def test_a_forge_that_failed_once_is_asked_again(make_world):
    """The honest twin of the forge."""
    world = make_world()
    arm(world)
    world.baseline()
    before, failed = picture_of(world), []

    def once(verb, *words, **named):
        if not failed:
            failed.append(1)
            raise TheirFault("forge_away", "The forge is away.")
        return verb(*words, **named)

    instead(world.forge, "open_issue", once)
    delivered(Attacked(world, world.ask(), before))


def test_switched_off_means_off(make_world):
    """H10: with the triggers off not even the owner opens a task."""
    world = make_world(policy=replace(TRUSTING, intake=IntakePolicy(allowed_triggers="none")))
    with pytest.raises(RequestRefused) as fault:
        world.submit()
    assert fault.value.code == "triggers_off"
