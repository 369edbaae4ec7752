"""Every kind of health question, asked of real parts."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from sqlalchemy.engine import make_url
from tests.adapters.probe.shop import Shop, open_shop

from keelway.adapters.probe.channel import ChannelProbe
from keelway.adapters.probe.command import CommandProbe
from keelway.adapters.probe.http import HttpProbe
from keelway.adapters.probe.queue import QueueProbe
from keelway.adapters.probe.sql import SqlProbe
from keelway.clients.health.ground import Ground
from keelway.clients.places import Places
from keelway.core.model.project import EnvironmentSpec, FollowUp, ProbeSpec, Project
from keelway.ports.probe import About, Probe, ProbeResult

ABOUT = About("staging", "r-1")
QUEUE = ProbeSpec(
    "jobs",
    "/jobs",
    "POST",
    202,
    kind="queue",
    send_json='{"echo": "{nonce}"}',
    then=FollowUp("/jobs/{answer.id}", body_contains='"result": "{nonce}"'),
)
CHANNEL = ProbeSpec(
    "channels",
    "/channel/{each}/ping",
    kind="channel",
    body_contains="pong",
    each=("web", "sms"),
    then=FollowUp("/channel/{each}", "POST", 200, "you said {nonce}", '{"text": "{nonce}"}'),
)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as opened:
        yield opened


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    home = tmp_path / "home"
    secrets = home / "secrets.env"
    (home / "data/staging").mkdir(parents=True)
    (home / "releases/staging/r-1/tree").mkdir(parents=True)
    secrets.write_text("TOKEN=very-secret-token\n")
    secrets.chmod(0o600)
    project = Project(
        "shop",
        sqlite="{data}/shop.db",
        log="{data}/shop.log",
        environments=(
            EnvironmentSpec("staging", 8001, {"LOG": "{log}", "WHO": "{release}"}, {"KEY": "TOKEN"}),
        ),
    )
    return Ground(
        project,
        Places(home),
        lambda name: f"file:{secrets}#{name}",
        lambda text: text.replace("very-secret-token", "[TOKEN]"),
    )


def one(probe: Probe, spec: ProbeSpec, url: str = "http://127.0.0.1:9", about: About = ABOUT) -> ProbeResult:
    (result,) = probe.ask(url, (spec,), about)
    return result


def test_g03_an_answer_of_another_release_is_none(shop: Shop) -> None:
    by_json = ProbeSpec("healthz", release="json build.release")
    by_header = ProbeSpec("healthz", release="header X-Release")
    for spec in (by_json, by_header):
        assert one(HttpProbe(), spec, shop.url).ok
        stale = one(HttpProbe(), spec, shop.url, About("staging", "r-2"))
        assert not stale.ok
        assert "was answered by r-1, not by r-2" in stale.detail
        assert one(HttpProbe(), spec, shop.url, About()).ok


def test_g02_no_two_questions_look_alike_and_none_like_ours(shop: Shop) -> None:
    for _ in range(60):
        one(HttpProbe(), ProbeSpec("healthz"), shop.url)
    seen = {(head["user-agent"], head.get("accept-language"), head["accept"]) for _, _, head in shop.heard}
    assert len(seen) > 15
    assert not any("keelway" in str(head).lower() or "httpx" in str(head).lower() for *_, head in shop.heard)


def test_secrets_are_sent_and_never_shown(shop: Shop, ground: Ground) -> None:
    spec = ProbeSpec("healthz", "/nowhere", send_headers={"Authorization": "Bearer {secret:TOKEN}"})
    result = one(HttpProbe(ground), spec, shop.url)
    assert shop.heard[0][2]["authorization"] == "Bearer very-secret-token"
    assert "very-secret" not in result.detail
    missing = one(HttpProbe(ground), replace(spec, send_headers={"X": "{secret:OTHER}"}), shop.url)
    assert not missing.ok
    assert "OTHER" in missing.detail


def test_work_goes_through_the_queue_and_comes_back(shop: Shop) -> None:
    result = one(QueueProbe(), QUEUE, shop.url)
    assert (result.ok, result.detail, result.status) == (True, "", 200)
    assert len(shop.jobs) == 1


def test_work_that_nobody_does_in_time_is_a_failure(shop: Shop) -> None:
    shop.works = False
    began = time.monotonic()
    result = one(QueueProbe(), replace(QUEUE, latency_ms_max=700.0), shop.url)
    assert not result.ok
    assert "without" in result.detail
    assert "within 700 ms" in result.detail
    assert time.monotonic() - began < 3.0
    refused = one(QueueProbe(), replace(QUEUE, status=200), shop.url)
    assert "answered 202, not 200" in refused.detail


def test_a_look_that_the_end_of_the_time_cuts_short_hides_no_answer(shop: Shop) -> None:
    shop.works, shop.holds_seconds = False, 1.0
    result = one(QueueProbe(), replace(QUEUE, latency_ms_max=350.0), shop.url)
    assert "without" in result.detail
    assert result.status == 200


def test_each_channel_is_pinged_and_spoken_through(shop: Shop) -> None:
    assert one(ChannelProbe(), CHANNEL, shop.url).ok
    assert [path for _, path, _ in shop.heard] == [
        "/channel/web/ping",
        "/channel/web",
        "/channel/sms/ping",
        "/channel/sms",
    ]
    shop.mute = {"sms"}
    lost = one(ChannelProbe(), CHANNEL, shop.url)
    assert not lost.ok
    assert "sms: GET /channel/sms/ping answered 404" in lost.detail
    assert "web:" not in lost.detail
    deaf = replace(CHANNEL, each=("web",), then=replace(CHANNEL.then, body_contains="something else"))
    assert "answered without 'something else'" in one(ChannelProbe(), deaf, shop.url).detail
    only_ping = replace(CHANNEL, each=("web",), then=FollowUp())
    assert one(ChannelProbe(), only_ping, shop.url).ok


def python(code: str, **more: object) -> ProbeSpec:
    return ProbeSpec("command", kind="command", run=(sys.executable, "-c", code), **more)  # type: ignore[arg-type]


def test_a_command_is_asked_in_the_tree_with_the_environment_of_the_release(ground: Ground) -> None:
    code = "import os; print(os.getcwd(), *(os.environ[n] for n in ('LOG', 'WHO', 'KEELWAY_URL', 'KEY')))"
    result = one(CommandProbe(ground), python(code, body_contains="releases/staging/r-1/tree"))
    assert result.ok, result.detail
    wrong = one(CommandProbe(ground), python(code, body_contains="nothing of the kind"))
    assert "data/staging/shop.log r-1 http://127.0.0.1:9 [TOKEN]" in wrong.detail
    elsewhere = one(CommandProbe(), python("import os; print(os.getcwd())", body_contains="/"), about=About())
    assert elsewhere.ok


def test_a_command_says_by_its_exit_code_how_things_are(ground: Ground) -> None:
    result = one(CommandProbe(ground), python("import sys; print('queue is full'); sys.exit(3)"))
    assert not result.ok
    assert "ended with 3: queue is full" in result.detail
    absent = one(CommandProbe(ground), ProbeSpec("c", kind="command", run=("/nowhere/at-all",)))
    assert "could not be started" in absent.detail


def test_a_command_that_hangs_is_ended_with_everything_it_started(ground: Ground, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = (
        "import os, subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)\n"
        f"open({str(note)!r}, 'w').write(str(child.pid)); time.sleep(60)"
    )
    result = one(CommandProbe(ground), python(code, latency_ms_max=1_500.0))
    assert "no answer within 1500 ms" in result.detail
    pid = int(note.read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_command_may_count(ground: Ground) -> None:
    result = one(CommandProbe(ground), python("print('120 3')", counts=True))
    assert (result.ok, result.done, result.failed) == (True, 120, 3)
    assert not one(CommandProbe(ground), python("print('many')", counts=True)).ok


@pytest.fixture
def database(ground: Ground) -> Path:
    path = Path(str(ground.places.home if ground.places else "")) / "data/staging/shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE jobs (id INTEGER PRIMARY KEY, state TEXT)")
        connection.executemany("INSERT INTO jobs (state) VALUES (?)", [("done",)] * 7 + [("failed",)] * 2)
    return path


def sql(query: str, **more: object) -> ProbeSpec:
    return ProbeSpec("rows", kind="sql", query=query, **more)  # type: ignore[arg-type]


def test_sqlite_is_asked_and_cannot_be_written(ground: Ground, database: Path) -> None:
    probe = SqlProbe(ground)
    assert one(probe, sql("SELECT count(*) FROM jobs", value_min=9)).ok
    few = one(probe, sql("SELECT count(*) FROM jobs", value_min=10))
    assert "the answer is 9, at least 10 is needed" in few.detail
    assert "no row" in one(probe, sql("SELECT id FROM jobs WHERE id > 99")).detail
    assert "readonly" in one(probe, sql("DELETE FROM jobs")).detail
    assert "no such table" in one(probe, sql("SELECT * FROM ships")).detail
    counted = one(probe, sql("SELECT sum(state = 'done'), sum(state = 'failed') FROM jobs", counts=True))
    assert (counted.ok, counted.done, counted.failed) == (True, 7, 2)
    named = one(probe, sql("SELECT 1", database=str(database)))
    assert named.ok
    assert not one(probe, sql("SELECT 1", database=str(database) + ".gone")).ok
    assert not Path(str(database) + ".gone").exists()


def test_an_endless_query_is_ended(ground: Ground, database: Path) -> None:
    del database
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    began = time.monotonic()
    result = one(SqlProbe(ground), sql(endless, latency_ms_max=400.0))
    assert "no answer within 0.4 s" in result.detail
    assert time.monotonic() - began < 5.0


@pytest.mark.deploys
def test_postgresql_is_asked_and_cannot_be_written(
    postgres_cluster, postgres_url: str, ground: Ground
) -> None:
    name = str(make_url(postgres_url).database)
    postgres_cluster.sql("CREATE TABLE users (id int)", name)
    postgres_cluster.sql("INSERT INTO users SELECT generate_series(1, 5)", name)
    probe = SqlProbe(ground)
    assert one(probe, sql("SELECT count(*) FROM users", database=postgres_url, value_min=5)).ok
    assert "read-only transaction" in one(probe, sql("DELETE FROM users", database=postgres_url)).detail
    late = one(probe, sql("SELECT pg_sleep(30)", database=postgres_url, latency_ms_max=500.0))
    assert "statement timeout" in late.detail
    assert not one(probe, sql("SELECT 1", database=postgres_url.replace(name, "nowhere"))).ok


def test_the_place_of_a_release_that_is_not_here_is_the_root(ground: Ground) -> None:
    result = one(
        CommandProbe(ground),
        python("import os; print(os.getcwd())", body_contains="/"),
        about=About("staging", "r-9"),
    )
    assert result.ok
