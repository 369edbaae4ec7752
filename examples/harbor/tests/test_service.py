"""Health, sign-in, settings, log and the running processes' start."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient

from harbor import migrate, web
from harbor.app import create_app
from harbor.log import JsonLines, open_log
from harbor.settings import read_settings


def lines_of(settings):
    return [json.loads(line) for line in settings.log.read_text().splitlines()]


def test_health_tells_the_facts(client):
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "release": "r1",
        "env": "development",
        "schema": migrate.migrations()[-1].version,
        "queue_depth": 0,
        "worker_seen_seconds": None,
    }


def test_health_fails_without_a_database(client, settings):
    settings.db.unlink()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (503, "database_unavailable")
    assert not settings.db.exists()


def test_health_fails_when_the_schema_is_behind(client, db):
    migrate.down(db, 1)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (503, "schema_behind")


def test_health_is_good_on_a_newer_schema(client, db):
    db.execute("INSERT INTO schema_version VALUES (9999, 'later', '')")
    assert client.get("/healthz").status_code == 200


def test_the_right_password_opens_a_session(client):
    assert "Please sign in" in client.get("/login").text
    answer = client.post("/login", data={"user": "demo", "password": "harbor"}, follow_redirects=False)
    assert answer.status_code == 303
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "Signed in as demo." in client.get("/login").text


def test_a_wrong_password_does_not(client):
    answer = client.post("/login", data={"user": "demo", "password": "wrong"})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_an_expired_session_counts_for_nothing(client, db):
    client.post("/login", data={"user": "demo", "password": "harbor"})
    db.execute("UPDATE sessions SET expires_at = '2026-01-01T00:00:00.000+00:00'")
    assert "Please sign in" in client.get("/login").text


@pytest.mark.parametrize(("body", "status"), [(b"user=" + b"x" * 5_000, 413), (b"\xff", 422)])
def test_a_form_that_is_no_form_is_refused(client, body, status):
    assert client.post("/login", content=body).status_code == status


@pytest.mark.parametrize("body", [b"\xff", b"[", b'{"echo": NaN}', b'{"echo": "\\ud800"}'])
@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_a_body_nobody_can_read_is_refused(client, body, kind):
    answer = client.post("/jobs", content=body, headers={"content-type": kind})
    assert 400 <= answer.status_code < 500
    assert answer.json()["detail"]


def test_a_number_beyond_the_database_is_refused(client):
    assert client.get(f"/jobs/{2**63}").status_code == 422


def test_an_unhandled_exception_is_one_error_line_and_a_500(client, settings, db):
    db.execute("DROP TABLE arrivals")
    with open_log(settings):
        answer = client.post("/arrivals", json={"ship": "Aurora", "length_m": 24})
    assert answer.status_code == 500
    assert "detail" in answer.json()
    [line] = [line for line in lines_of(settings) if line["level"] == "ERROR"]
    assert (line["route"], line["exc_type"]) == ("POST /arrivals", "OperationalError")
    assert (line["release"], line["env"], line["logger"]) == ("r1", "development", "harbor.web")
    assert "no such table: arrivals" in line["traceback"]


def test_the_route_is_named_by_its_template(client, settings, db):
    db.execute("DROP TABLE jobs")
    with open_log(settings):
        client.get("/jobs/7")
    [line] = [line for line in lines_of(settings) if line["level"] == "ERROR"]
    assert line["route"] == "GET /jobs/{job_id}"


def test_a_failure_after_the_answer_began_is_left_to_the_server(settings):
    app = create_app(settings)

    @app.get("/half")
    async def half():
        async def pieces():
            yield b"half"
            raise RuntimeError("the other half is missing")

        return StreamingResponse(pieces())

    with pytest.raises(RuntimeError, match="other half"):
        TestClient(app).get("/half")


def test_a_log_that_cannot_be_written_stops_nobody(settings, capsys):
    with open_log(replace(settings, log=Path("/dev/full"))):
        logging.getLogger("harbor").info("lost")
    assert "No space left" in capsys.readouterr().err


def test_a_closed_log_never_writes_into_the_file_that_got_its_number(settings, capsys):
    handler = JsonLines(settings)
    handler.close()
    with (settings.db.parent / "other").open("wb") as other:
        handler.emit(logging.makeLogRecord({"msg": "late"}))
        assert other.tell() == 0
    assert (settings.db.parent / "other").read_bytes() == b""


def test_without_a_file_the_log_goes_to_standard_error(settings, capfd):
    with open_log(replace(settings, log=None)):
        logging.getLogger("harbor").info("here")
    assert json.loads(capfd.readouterr().err)["message"] == "here"


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.delenv("HARBOR_LOG", raising=False)
    monkeypatch.setenv("PORT", "8123")
    monkeypatch.setenv("HARBOR_ENV", "production")
    settings = read_settings()
    assert (settings.port, settings.env, settings.log) == (8123, "production", None)
    assert settings.profile.session_seconds == 3600


def test_an_unknown_environment_is_refused():
    with pytest.raises(ValueError, match="development, staging, production"):
        read_settings({"HARBOR_ENV": "prod"})


def test_the_web_process_starts_and_stops(settings, monkeypatch):
    served = []
    monkeypatch.setattr(web, "read_settings", lambda: settings)
    monkeypatch.setattr(uvicorn.Server, "run", lambda server: served.append(server.config))
    assert web.main() == 0
    assert (served[0].host, served[0].port) == ("127.0.0.1", settings.port)
    assert served[0].timeout_keep_alive > 60
    assert [line["message"] for line in lines_of(settings)] == ["web started on port 8000", "web stopped"]
