"""The queue, and the worker that empties it."""

import threading
from dataclasses import replace

from harbor import jobs, worker
from harbor.db import timestamp


def test_a_job_goes_round(client, db):
    job = client.post("/jobs", json={"echo": "ahoy"}).json()
    assert (job["state"], job["result"]) == ("queued", None)
    assert worker.work_once(db)
    assert client.get(f"/jobs/{job['id']}").json() == {
        **job,
        "state": "done",
        "attempts": 1,
        "result": "ahoy",
    }
    assert not worker.work_once(db)


def test_an_unknown_job_is_not_found(client):
    assert client.get("/jobs/999").status_code == 404


def test_the_quay_is_told_of_an_arrival(client, db):
    arrival = client.post("/arrivals", json={"ship": "Aurora", "length_m": 24}).json()
    assert worker.work_once(db)
    assert client.get(f"/jobs/{arrival['job_id']}").json()["result"] == "Aurora: A1"
    assert client.get("/arrivals").json()[0]["notified_at"]


def test_a_job_that_raises_is_failed_and_logged(db, caplog):
    job_id = jobs.enqueue(db, "echo", {"wrong": 1})
    assert worker.work_once(db)
    assert jobs.depth(db) == 0
    assert db.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()["state"] == "failed"
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_job_of_a_newer_release_is_left_alone(db):
    jobs.enqueue(db, "from-the-future", {})
    assert not worker.work_once(db)
    assert jobs.depth(db) == 1


def test_a_job_is_claimed_once(db):
    jobs.enqueue(db, "echo", {"echo": 1})
    assert jobs.claim(db, ["echo"])
    assert jobs.claim(db, ["echo"]) is None


def test_the_job_of_a_dead_worker_is_taken_over_but_not_for_ever(db):
    jobs.enqueue(db, "echo", {"echo": 1})
    for attempt in range(1, jobs.ATTEMPTS_MAX + 1):
        assert jobs.claim(db, ["echo"])["attempts"] == attempt
        db.execute("UPDATE jobs SET leased_until = ?", (timestamp(-1),))
    assert jobs.claim(db, ["echo"]) is None
    assert db.execute("SELECT state FROM jobs").fetchone()["state"] == "failed"


def test_old_jobs_are_forgotten(db):
    for number in range(5):
        jobs.finish(db, jobs.enqueue(db, "echo", {"echo": number}), "done", number)
    waiting = jobs.enqueue(db, "echo", {"echo": "waiting"})
    jobs.prune(db, keep=2)
    assert [row["id"] for row in db.execute("SELECT id FROM jobs")] == [5, waiting]


def test_the_worker_runs_until_it_is_stopped(client, db, settings):
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(settings, stop))
    thread.start()
    jobs.enqueue(db, "echo", {"echo": 1})
    deadline = threading.Event()
    for _ in range(500):
        if jobs.depth(db) == 0:
            break
        deadline.wait(0.01)
    stop.set()
    thread.join(5)
    assert jobs.depth(db) == 0
    assert 0 <= client.get("/healthz").json()["worker_seen_seconds"] < 10


def test_a_worker_without_a_database_gives_up(settings, monkeypatch, tmp_path):
    absent = replace(settings, db=tmp_path / "absent.db")
    monkeypatch.setattr(worker, "read_settings", lambda: absent)
    assert worker.main() == 1
    assert '"level": "ERROR"' in absent.log.read_text()


def test_a_stopped_worker_says_so(settings, monkeypatch):
    monkeypatch.setattr(worker, "read_settings", lambda: settings)
    monkeypatch.setattr(worker, "run", lambda _settings, stop: stop.set())
    assert worker.main() == 0
    assert "worker stopped" in settings.log.read_text()
