"""Deploy, go back, stop everything, audit."""

from __future__ import annotations

import json
import threading
import time

import pytest

pytestmark = pytest.mark.long


@pytest.fixture
def moving(terminal):
    stop = threading.Event()

    def drive():
        while not stop.is_set():
            terminal.house.settle()
            time.sleep(0.02)

    thread = threading.Thread(target=drive, daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join(10)


@pytest.fixture
def live(terminal):
    """One release before, one task live."""
    before = terminal.house.world.baseline()
    terminal.house.world.ask()
    return before


def test_rollback_alone_lists_the_ways_back(terminal, live):
    said = terminal("rollback")
    assert said.code == 0
    assert f"1  {live}" in said.out
    assert "healthy for" in said.out


def test_rollback_by_number(terminal, live, moving):
    shown = terminal("rollback", "production", "--to", "1", "--dry-run")
    assert (shown.code, live in shown.out, "nothing is lost" in shown.out) == (0, True, True)
    refused = terminal("rollback", "production", "--to", "1")
    assert (refused.code, "--yes" in refused.err) == (2, True)
    assert terminal("rollback", "production", "--to", "7", "--yes").code == 2
    done = terminal("rollback", "production", "--to", "1", "--yes", "--reason", "it smells")
    assert done.code == 0, done.err
    assert json.loads(terminal("show", "1", "--json").out)["line"]["status"] == "rolled_back"


def test_rollback_of_a_task(terminal, live, moving):
    done = terminal("rollback", "T-1", "--yes", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["release"] == live
    again = terminal("rollback", "T-1", "--yes")
    assert again.code == 3


def test_rollback_of_nothing_is_refused(terminal):
    said = terminal("rollback", "production", "--yes")
    assert (said.code, "nothing_to_roll_back" in said.err) == (3, True)


def test_deploy(terminal, moving):
    shown = terminal("deploy", "staging", "--dry-run")
    assert "runs now     nothing" in shown.out
    assert terminal("deploy", "production").code == 2
    done = terminal("deploy", "staging")
    assert (done.code, "staging runs r-" in done.out) == (0, True)
    assert "it runs already" in terminal("deploy", "staging", "--dry-run").out
    assert terminal("deploy", "moon").code == 2


def test_a_failed_deployment_is_exit_1(terminal, moving):
    sha = terminal.house.world.forge.head("main")
    terminal.house.world.target.behave(sha, healthy=False)
    said = terminal("deploy", "staging")
    assert said.code == 1
    assert "did not become healthy" in said.out


def test_health_is_its_exit_code(terminal, live):
    good = terminal("health")
    assert (good.code, "healthz" in good.out) == (0, True)
    active = terminal.house.world.target.places["production"].active
    terminal.house.world.target.behave(active, healthy=False)
    bad = terminal("health", "production", "--json")
    assert bad.code == 1
    assert json.loads(bad.out)[0]["ok"] is False


def test_freeze_and_unfreeze_work_with_and_without_a_server(make_terminal):
    for serve in (True, False):
        terminal = make_terminal(serve=serve)
        assert "FROZEN by owner@cli" in terminal("freeze", "storm").out
        assert terminal.house.world.ledger.freeze().reason == "storm"
        assert "FROZEN" in terminal("status").out
        if serve:
            assert terminal("ask", "Add the number two").code == 3
        assert json.loads(terminal("unfreeze", "--json").out)["lifted"] is True
        assert not terminal.house.world.ledger.freeze().active
        kinds = [link.event.kind.value for link in terminal.house.world.ledger.events()]
        assert [kind for kind in kinds if kind.startswith("freeze")] == ["freeze.set", "freeze.lifted"]


def test_freeze_works_before_anything_ran_and_with_a_broken_book(type_here, tmp_path):
    home = tmp_path / "fresh" / "home"
    assert type_here("freeze", "x", home=home).code == 0
    assert (home / "FREEZE").is_file()
    (home / "keelway.sqlite").write_bytes(b"this is no database" * 100)
    assert type_here("freeze", "y", home=home).code == 0
    assert type_here("unfreeze", home=home).code == 0
    assert not (home / "FREEZE").exists()


def test_audit_is_shown_verified_and_exported(terminal, live, tmp_path):
    assert "task.created" in terminal("audit", "--task", "T-1").out
    assert json.loads(terminal("audit", "--verify", "--json").out)["ok"] is True
    file = tmp_path / "audit.jsonl"
    assert terminal("audit", "--export", str(file)).code == 0
    rows = [json.loads(row) for row in file.read_text().splitlines()]
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
    assert terminal("audit", "--export", str(file)).code == 2


def test_a_broken_chain_is_exit_1(terminal, live):
    from sqlalchemy import text

    with terminal.house.world.database.begin() as connection:
        connection.execute(text("DROP TRIGGER keel_events_no_update"))
        connection.execute(text("UPDATE keel_events SET body = body || ' ' WHERE sequence = 3"))
    said = terminal("audit", "--verify")
    assert (said.code, "BROKEN" in said.out) == (1, True)


def test_the_page_link_opens_the_page(terminal):
    url = terminal("status", "--link").out.strip()
    answer = terminal.house.client(token="").get("/?" + url.partition("?")[2], follow_redirects=False)
    assert answer.status_code == 303
