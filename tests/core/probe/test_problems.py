"""Questions that can never be answered well are refused before they take a good release back."""

from __future__ import annotations

import pytest

from keelway.core.model.project import PRODUCTION, STAGING, FollowUp, ProbeSpec, Project
from keelway.core.probe.problems import is_address, probe_problems

HTTP = ProbeSpec("healthz")


@pytest.mark.parametrize(
    "spec",
    [
        ProbeSpec("c", kind="command", run=("true",)),
        ProbeSpec("s", kind="sql", query="SELECT 1", database="secret:DB", counts=True),
        ProbeSpec("s", kind="sql", query="SELECT 1", database="postgresql://me@host/db"),
        ProbeSpec("q", "/jobs", "POST", kind="queue", then=FollowUp("/jobs/{answer.id}")),
        ProbeSpec("h", "/x/{nonce}", release="header X-Release"),
        ProbeSpec("t", kind="tls", address="[::1]:443"),
        ProbeSpec("own", kind="/home/me/probe.py"),
        ProbeSpec("own", kind="plugin"),
    ],
)
def test_what_can_work_is_left_alone(spec):
    assert probe_problems([HTTP, spec], frozenset({"plugin"})) == []


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (ProbeSpec("healthz"), "there twice"),
        (ProbeSpec("x", kind="magic"), "unknown kind 'magic'"),
        (ProbeSpec("x", environments=("moon",)), "unknown environment 'moon'"),
        (ProbeSpec("x", latency_ms_max=0.0), "no time to be answered in"),
        (ProbeSpec("x", "no/path"), "no path of the application as path"),
        (ProbeSpec("x", then=FollowUp("//host")), "as then.path"),
        (ProbeSpec("x", method="FETCH"), "asks with 'FETCH'"),
        (ProbeSpec("x", release="body release"), "json FIELD or header NAME"),
        (ProbeSpec("x", release="json"), "json FIELD or header NAME"),
        (ProbeSpec("x", send_headers={"X": "a\r\nb"}), "control character"),
        (ProbeSpec("x", kind="command"), "no command to run"),
        (ProbeSpec("x", kind="sql", database="a.db"), "has no query"),
        (ProbeSpec("x", kind="sql", query="SELECT 1"), "has no database"),
        (
            ProbeSpec("x", kind="sql", query="SELECT 1", database="mysql://h/d"),
            "neither SQLite nor PostgreSQL",
        ),
        (ProbeSpec("x", kind="sql", query="SELECT 1", database="postgresql://me:pw@h/d"), "holds a password"),
        (ProbeSpec("x", kind="tls", address="host"), "no address like host:443"),
        (ProbeSpec("x", kind="queue"), "no then.path"),
        (ProbeSpec("x", counts=True), "only sql and command can"),
    ],
)
def test_what_can_never_work_is_named(spec, said):
    (problem,) = probe_problems([HTTP, spec])
    assert said in problem


def test_each_environment_needs_one_question_that_says_when_it_is_ready():
    probes = [ProbeSpec("a", environments=(STAGING,)), ProbeSpec("b", kind="command", run=("true",))]
    assert probe_problems(probes) == [
        "there is no [[probe]] of the kind http for production; nothing says when it is ready"
    ]
    assert probe_problems([]) == []
    assert probe_problems([HTTP, ProbeSpec("s", kind="sql", query="SELECT 1")], sqlite="{data}/x.db") == []


@pytest.mark.parametrize("address", ["", "host", ":443", "host:", "host:x", "host:0", "host:70000", "host:²"])
def test_addresses_have_a_host_and_a_port(address):
    assert not is_address(address)


def test_questions_belong_to_environments():
    project = Project(
        "x",
        probes=(
            HTTP,
            ProbeSpec("staged", environments=(STAGING,)),
            ProbeSpec("rows", kind="sql", query="SELECT 1"),
            ProbeSpec("tls", kind="tls", address="a:1"),
        ),
    )
    assert [spec.name for spec in project.probes_in(STAGING)] == ["healthz", "staged", "rows"]
    assert [spec.name for spec in project.probes_in(PRODUCTION)] == ["healthz", "rows"]
    assert [spec.name for spec in project.probes_in(PRODUCTION, surroundings=True)][-1] == "tls"
    assert [spec.name for spec in project.readiness(STAGING)] == ["healthz", "staged"]
