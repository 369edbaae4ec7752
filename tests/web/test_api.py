"""The API does what the commands do and tells refusals as problems."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.workflows.world import PROJECT

from keelway.core.model.fence import Fence
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION
from keelway.core.policy import PlanPolicy, Policy, ReviewPolicy
from keelway.core.target.spec import TargetSpec
from keelway.testing.conformance.lessons import some_lesson

ASKING = Policy(
    plan=PlanPolicy(auto_approve_risk="none"),
    review=ReviewPolicy(auto_merge_risk="medium", approve_stages=("production",)),
)
ADD_TWO = {"text": "Add the number two"}


def test_a_task_travels_from_the_api_to_production(house):
    house.world.baseline()
    client = house.client()
    made = client.post("/api/tasks", json=ADD_TWO)
    assert (made.status_code, made.json()["name"]) == (201, "T-1")
    house.world.run()
    view = client.get("/api/tasks/T-1").json()
    assert view["line"]["status"] == "deployed"
    assert [gate["ruling"] for gate in view["gates"]] == ["pass"] * len(view["gates"])
    assert {gate["gate"] for gate in view["gates"]} >= {"plan", "quality", "merge", "staging", "production"}
    assert {stage["status"] for stage in view["stages"]} == {"passed"}
    assert "+two = 2" in client.get("/api/tasks/1/diff").json()["patch"]
    assert client.get("/api/tasks/1/plan").json()["plan"]["title"] == "Answer with two"
    assert client.get("/api/tasks/1/explain").json()["because"] == "It passed every gate and is live."
    assert client.get("/api/tasks/1/logs?stage=staging").json()["stages"][0]["stage"] == "staging"
    status = client.get("/api/status").json()
    assert status["counts"] == {"deployed": 1}
    live = next(place for place in status["environments"] if place["name"] == PRODUCTION)
    assert (live["task"], live["healthy"], live["active"] == live["recorded"]) == ("T-1", True, True)


def test_questions_are_answered_over_the_api(make_house):
    house = make_house(policy=ASKING)
    house.world.baseline()
    client = house.client()
    client.post("/api/tasks", json=ADD_TWO)
    house.settle()
    asked = client.get("/api/status").json()["questions"][0]
    assert (asked["task"], asked["action"]) == ("T-1", "plan")
    assert asked["commands"] == ["keelway approve T-1", 'keelway revise T-1 "..."', "keelway reject T-1"]
    why = client.get("/api/tasks/1/explain").json()
    assert "plan" in why["because"]
    assert "keelway approve T-1" in why["command"]
    early = client.post("/api/tasks/1/approve", json={"about": "production"})
    assert (early.status_code, early.json()["code"]) == (409, "nothing_asked")
    assert client.post("/api/tasks/1/approve", json={"note": "fine"}).json()["answer"] == "yes"
    house.settle()
    asked = client.get("/api/tasks/T-1").json()["questions"][-1]
    assert (asked["action"], asked["environment"], asked["answer"]) == ("deploy", "production", "")
    assert client.post("/api/tasks/1/approve", json={"about": "production"}).status_code == 200
    house.settle()
    assert client.get("/api/tasks/1").json()["line"]["status"] == "deployed"


def test_a_plan_is_revised_and_rejected(make_house):
    house = make_house(policy=ASKING)
    house.world.baseline()
    client = house.client()
    client.post("/api/tasks", json=ADD_TWO)
    house.settle()
    empty = client.post("/api/tasks/1/revise", json={"note": " "})
    assert (empty.status_code, empty.json()["exit_code"]) == (400, 2)
    assert client.post("/api/tasks/1/reject", json={"note": "no"}).json()["answer"] == "no"
    house.settle()
    assert client.get("/api/tasks/1").json()["line"]["status"] == "failed"
    assert "said no" in client.get("/api/tasks/1/explain").json()["because"]


def test_a_task_is_paused_resumed_aborted_and_retried(house):
    client = house.client()
    client.post("/api/tasks", json=ADD_TWO)
    assert client.post("/api/tasks/1/pause", json={}).json()["paused"] is True
    assert "paused" in client.get("/api/tasks/1/explain").json()["because"]
    assert client.post("/api/tasks/1/resume", json={}).json()["paused"] is False
    assert client.post("/api/tasks/1/abort", json={}).json()["abort_by"] == "owner@cli"
    house.world.run()
    assert client.get("/api/tasks/1").json()["line"]["status"] == "aborted"
    again = client.post("/api/tasks/1/abort", json={})
    assert (again.status_code, again.json()["code"]) == (409, "task_closed")
    assert client.post("/api/tasks/1/retry", json={}).json()["name"] == "T-2"
    assert client.get("/api/tasks/2").json()["retry_of"] == "T-1"


def test_a_rollback_is_previewed_ordered_and_followed(house):
    before = house.world.baseline()
    house.world.ask()
    client = house.client()
    shown = client.get("/api/rollback?what=T-1").json()
    assert (shown["to_release"], shown["loses_data"]) == (before, False)
    assert "switch_traffic" in shown["steps"]
    assert client.get("/api/tasks/1").json()["line"]["status"] == "deployed"
    targets = client.get("/api/releases?environment=production").json()[0]["targets"]
    assert [target["release"] for target in targets] == [before]
    order = client.post("/api/tasks/1/rollback", json={"reason": "it smells"}).json()
    assert order["status"] == "queued"
    house.world.run()
    done = client.get(f"/api/orders/{order['run']}").json()
    assert (done["status"], done["ok"], done["release"]) == ("done", True, before)
    assert client.get("/api/tasks/1").json()["line"]["status"] == "rolled_back"


def test_health_is_asked_now(house):
    active = house.world.baseline()
    client = house.client()
    good = client.get("/api/health/production").json()
    assert (good["ok"], good["release"]) == (True, active)
    house.world.target.behave(active, healthy=False)
    bad = client.get("/api/health/production").json()
    assert (bad["ok"], bad["probes"][0]["ok"]) == (False, False)
    assert client.get("/api/health/moon").json()["code"] == "unknown_environment"


def test_a_deployment_is_ordered(house):
    client = house.client()
    order = client.post("/api/deploy", json={"environment": "staging"}).json()
    house.world.run()
    assert client.get(f"/api/orders/{order['run']}").json()["ok"] is True
    assert client.post("/api/deploy", json={"environment": "moon"}).status_code == 404


def test_the_freeze_holds_and_is_lifted(house):
    client = house.client()
    assert client.post("/api/freeze", json={"reason": "storm"}).json()["active"] is True
    refused = client.post("/api/tasks", json=ADD_TWO)
    assert (refused.status_code, refused.json()["exit_code"]) == (409, 3)
    assert "storm" in refused.json()["message"]
    assert client.post("/api/unfreeze", json={}).json()["active"] is False
    assert client.post("/api/tasks", json=ADD_TWO).status_code == 201


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("tasks", {"text": "Add two", "hotfix": "perhaps"}, 422, "bad_request"),
        ("tasks", {"text": "Add two", "colour": "red"}, 422, "bad_request"),
        ("tasks", {"text": "hello"}, 409, "out_of_domain"),
        ("tasks", {"text": "Add two", "by": "mallory"}, 409, "requester_not_allowed"),
        ("tasks", {"text": "Add two", "by": "keelway@system"}, 400, "by_no_person"),
        ("tasks/99/approve", {}, 404, "unknown_task"),
        ("tasks/1/sing", {}, 422, "bad_request"),
        ("rollback", {"what": "production"}, 200, ""),
    ],
)
def test_refusals_are_problems(house, path, body, status, code):
    answer = house.client().post(f"/api/{path}", json=body)
    assert answer.status_code == status
    assert answer.json().get("code", "") == code


def test_broken_json_is_a_problem(house):
    headers = {"content-type": "application/json"}
    answer = house.client().post("/api/tasks", content=b'{"text": ', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_request")


def test_an_unforeseen_error_is_a_problem_without_its_insides(house, monkeypatch):
    def broken():
        raise RuntimeError("the secret insides")

    monkeypatch.setattr(house.queries, "status", broken)
    answer = house.client().get("/api/status")
    assert (answer.status_code, answer.json()["code"], answer.json()["exit_code"]) == (500, "unforeseen", 1)
    assert "insides" not in answer.text


def test_the_audit_is_paged_and_verified(house):
    house.world.baseline()
    client = house.client()
    first = client.get("/api/audit?limit=5").json()
    assert [event["sequence"] for event in first] == [1, 2, 3, 4, 5]
    assert client.get("/api/audit?after=5&limit=1").json()[0]["sequence"] == 6
    assert client.get("/api/audit/verify").json()["ok"] is True


def test_down_answers_before_it_ends(house):
    assert house.client().post("/api/down", json={}).json() == {"pid": 4711}
    assert house.stopped == ["stop"]


def test_events_stream_and_resume(house):
    house.world.submit("Add the number two")
    house.desk.closing.set()  # one page, then the end
    client = house.client()
    assert client.get("/api/events").text == ""
    house.desk.closing.clear()
    at = house.queries.timeline()[-1].sequence
    house.desk.closing.is_set = iter([False, True]).__next__
    lines = client.get("/api/events", headers={"last-event-id": str(at - 1)}).text.splitlines()
    seen = [json.loads(line[6:])["sequence"] for line in lines if line.startswith("data: ")]
    assert seen == [at]


def test_the_schema_is_published(house):
    paths = house.client().get("/api/openapi.json").json()["paths"]
    assert "/api/tasks/{task}/explain" in paths


def test_the_page_shows_what_waits_and_escapes_what_people_wrote(make_house):
    house = make_house(policy=ASKING)
    house.world.baseline()
    house.world.submit("Add <script>alert(1)</script> the number two")
    house.settle()
    html = house.client().get("/").text
    assert "keelway approve T-1" in html
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "Agents run in fake." in html
    house.world.agent.fenced_by = Fence("landlock", missing=("one & more",))
    assert 'class="bad" id="sandbox">Agents run behind landlock, a WEAK sandbox: one &amp; more.' in (
        house.client().get("/").text
    )
    assert 'http-equiv="refresh"' in html
    house.world.commands.freeze(house.desk.owner, "storm")
    assert "storm" in house.client().get("/").text


def test_a_failed_task_explains_its_gate(make_house):
    house = make_house(plays={("dev", attempt): {"app.py": "# fails lint\n"} for attempt in range(1, 12)})
    house.world.baseline()
    row = house.world.ask()
    assert row.status is Status.FAILED
    why = house.client().get("/api/tasks/1/explain").json()
    assert why["gate"] == "quality"
    assert why["ruling"] == "fail"
    assert why["reasons"]
    assert why["rule"].startswith("policy.development")
    assert why["command"] == "keelway retry T-1"


def test_lessons_are_searched_and_forgotten_over_the_api(house):
    house.world.ledger.learn([some_lesson(), some_lesson("Brew coffee", task="T-9", text="hot", files=())])
    client = house.client()
    assert [each["name"] for each in client.get("/api/lessons?limit=1").json()] == ["L-2"]
    (found,) = client.get("/api/lessons", params={"query": 'xmpp" OR "coffee*'}).json()[:1]
    assert found["title"] in {"Add the XMPP driver", "Brew coffee"}
    assert "strategy" not in found
    assert client.post("/api/lessons/L-1/forget").json()["name"] == "L-1"
    missing = client.post("/api/lessons/L-1/forget")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_lesson")
    assert client.get("/api/lessons", params={"query": "x" * 9_000}).status_code == 422
    assert client.get("/api/lessons", params={"limit": 0}).status_code == 422


def test_an_operator_confirms_what_was_deployed_by_hand(make_house):
    places = tuple(
        replace(spec, target=TargetSpec("manual" if spec.name == "production" else "process"))
        for spec in PROJECT.environments
    )
    house = make_house(project=replace(PROJECT, environments=places))
    client = house.client()
    asked = {"environment": "production", "ref": ""}
    assert client.post("/api/deploy", json=asked).json()["status"] == "queued"
    house.world.engine.run_until_idle(house.world.clock.now() + timedelta(minutes=2))
    release = next(iter(house.world.target.places["production"].built))
    unknown = client.post("/api/confirm", json={"environment": "production", "release": "r-other"})
    assert (unknown.status_code, unknown.json()["code"]) == (400, "no_release")
    wrong = client.post("/api/confirm", json={"environment": "nowhere", "release": release})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "no_environment")
    done = client.post("/api/confirm", json={"environment": "production", "release": release}).json()
    assert (done["ok"], release in done["message"]) == (True, True)
    house.settle()
    assert house.world.ledger.deployments("production")[0].status == "live"


def test_nobodys_word_is_needed_where_nothing_is_deployed_by_hand(house):
    answer = house.client().post("/api/confirm", json={"environment": "production", "release": "r-1"})
    assert (answer.status_code, answer.json()["code"]) == (400, "nothing_to_confirm")
