"""E03 and F14: a link gives one answer, of one person, to one question, once; looking at it changes nothing."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from tests.consent.rig import ASKING, HIGH, PEOPLED, records, settle
from tests.workflows.world import plan_of

from keelway.app.consent import links as module
from keelway.app.consent.links import NAME, consent_key
from keelway.core.consent.link import read_link, write_link
from keelway.core.errors import YourFault
from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.policy import IntakePolicy, ReviewPolicy

pytestmark = pytest.mark.long

POLICY = replace(ASKING, intake=IntakePolicy(allowed_actors=("ann",)))
HOST = "http://127.0.0.1:4000"


@pytest.fixture
def house(make_house):
    """A house in which a plan waits for its yes."""
    house = make_house(policy=POLICY, project=PEOPLED, plays={("plan", 2): plan_of(approach="Otherwise.")})
    house.world.baseline()
    house.world.submit()
    house.settle()
    assert _status(house) is Status.PLAN_PENDING_APPROVAL
    return house


def _status(house, task="T-1"):
    return house.world.ledger.find(task).status


def issue(house, person="ann", answer="yes", task="T-1") -> str:
    answered = house.client().post(f"/api/tasks/{task}/link", json={"person": person, "answer": answer})
    assert answered.status_code == 201, answered.text
    return str(answered.json()["path"])


def mark_of(page: str) -> str:
    found = re.search(r'name="mark" value="([^"]+)"', page)
    assert found
    return found[1]


def send(browser, path, **fields):
    headers = {"content-type": "application/x-www-form-urlencoded", "origin": HOST}
    return browser.post(path, content=urlencode(fields), headers=headers)


def code_of(answer) -> str:
    found = re.search(r"\[([a-z_]+)\]", answer.text)
    return found[1] if found else ""


def refuses(house, answer, code, status):
    """Insist on a clear page, one record, and that nothing was changed."""
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert "Nothing was changed." in answer.text
    assert records(house.world) == [code]
    assert [question.open for question in house.world.ledger.questions()] == [True]
    assert house.world.ledger.questions()[0].answers == ()
    assert _status(house) is Status.PLAN_PENDING_APPROVAL


def test_f14_looking_changes_nothing_and_only_the_form_answers(house):
    browser, path = house.client(token=""), issue(house)
    before = len(house.world.ledger.events(limit=10_000))
    for _ in range(3):
        page = browser.get(path)
        assert page.status_code == 200
    assert len(house.world.ledger.events(limit=10_000)) == before
    (question,) = house.world.ledger.questions()
    assert question.binding.digest in page.text
    assert "may this plan be carried out" in page.text
    done = send(browser, path, mark=mark_of(page.text), note="go on <b>")
    assert (done.status_code, "Your answer is recorded" in done.text) == (200, True)
    house.settle()
    assert _status(house) is Status.DEPLOYED
    (answered,) = house.world.ledger.questions(task="", open_only=False)
    assert answered.approval is not None
    assert (answered.approval.who, answered.approval.by.channel) == ("ann", "link")
    assert answered.approval.remarks == "go on <b>"


def test_a_link_can_say_no(house):
    browser, path = house.client(token=""), issue(house, answer="no")
    page = browser.get(path)
    assert "Reject" in page.text
    send(browser, path, mark=mark_of(page.text))
    house.settle()
    assert (_status(house), house.world.ledger.find("T-1").code) == (Status.FAILED, "approval_denied")


def test_e03_a_link_works_once(house):
    house.world.commands.app.ledger.questions()
    browser, path = house.client(token=""), issue(house)
    mark = mark_of(browser.get(path).text)
    assert send(browser, path, mark=mark).status_code == 200
    for again in (send(browser, path, mark=mark), browser.get(path)):
        assert (again.status_code, code_of(again)) == (410, "link_used")
    assert records(house.world) == ["link_used", "link_used"]
    assert len(records(house.world, EventKind.DECISION_MADE)) == 1


@pytest.mark.parametrize("place", [20, 60, -3])
def test_e03_an_altered_link_is_forged(house, place):
    path = issue(house)
    other = "A" if path[place] != "A" else "B"
    place %= len(path)
    altered = path[:place] + other + path[place + 1 :]
    refuses(house, house.client(token="").get(altered), "link_forged", 403)


def test_e03_a_link_for_an_earlier_version_is_void(house):
    path = issue(house)
    house.client().post("/api/tasks/T-1/revise", json={"note": "do it otherwise"})
    house.settle()
    answer = house.client(token="").get(path)
    assert code_of(answer) in {"link_void", "already_answered"}
    assert answer.status_code == 410
    assert len(records(house.world)) == 1
    assert [question.binding.plan_version for question in house.world.ledger.questions()] == [2]


def test_e03_a_link_that_is_over_is_refused(house):
    path = issue(house)
    house.world.engine.run_until_idle(house.world.clock.now() + timedelta(hours=25))
    refuses(house, house.client(token="").get(path), "link_expired", 410)


def test_e03_a_link_for_another_task_or_question_is_refused(house):
    """E03: even who has the key of another installation, or signs for another task, gets nothing."""
    home, now = house.world.home, house.world.clock.now()
    links = house.world.commands.links
    link = read_link(issue(house).rpartition("/")[2], consent_key(home), home=links._home, now=now)
    (question,) = house.world.ledger.questions()
    cases = {
        "link_elsewhere": write_link(replace(link, home="0" * 16), consent_key(home)),
        "link_unknown": write_link(replace(link, task="01J"), consent_key(home)),
        "link_void": write_link(replace(link, binding_digest="sha256:0"), consent_key(home)),
        "link_forged": write_link(link, b"x" * 32),
    }
    for code, text in cases.items():
        answer = send(house.client(token=""), f"/answer/{text}", mark="x")
        assert code_of(answer) == code
    assert records(house.world) == list(cases)
    assert house.world.ledger.questions() == (question,)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "origin": HOST},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_f14_another_site_cannot_send_the_form(house, headers):
    browser, path = house.client(token=""), issue(house)
    fields = urlencode({"mark": mark_of(browser.get(path).text)})
    kind = {"content-type": "application/x-www-form-urlencoded"}
    refuses(house, browser.post(path, content=fields, headers=kind | headers), "link_cross_site", 403)


def test_f14_without_the_mark_of_its_page_a_form_counts_for_nothing(house):
    browser, path = house.client(token=""), issue(house)
    other = mark_of(browser.get(issue(house)).text)
    assert other != mark_of(browser.get(path).text)
    refuses(house, send(browser, path, mark=other), "link_form", 403)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{}", "application/json"),
        (b"x" * 30_000, "application/x-www-form-urlencoded"),
        (b"\xff", "text/plain"),
    ],
)
def test_f14_what_is_no_form_of_ours_is_refused(house, content, kind):
    path = issue(house)
    answer = house.client(token="").post(path, content=content, headers={"content-type": kind})
    assert (answer.status_code, code_of(answer)) == (403, "bad_form")
    assert house.world.ledger.questions()[0].open


def test_f14_the_page_can_neither_be_framed_nor_run_scripts(house):
    answer = house.client(token="").get(issue(house))
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in answer.headers
    assert house.client(token="", host="evil.example").get(issue(house)).status_code == 421


def test_f14_what_is_asked_is_shown_as_text(make_house):
    wild = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>"
    house = make_house(policy=POLICY, plays={("plan", 1): plan_of(approach=wild)})
    house.world.baseline()
    house.world.submit(f"Add the number two {wild}")
    house.settle()
    page = house.client(token="").get(issue(house, "owner")).text
    assert "<script" not in page
    assert "<img" not in page


def test_links_are_issued_for_people_whose_yes_counts_only(house):
    client = house.client()
    nobody = client.post("/api/tasks/T-1/link", json={"person": "mallory"})
    assert (nobody.status_code, nobody.json()["code"]) == (409, "not_allowed")
    assert client.post("/api/tasks/T-1/link", json={"person": "ann", "answer": "revise"}).status_code == 422
    assert house.client(token="").post("/api/tasks/T-1/link", json={"person": "ann"}).status_code == 401
    issue(house)
    (issued,) = records(house.world, EventKind.LINK_ISSUED)
    assert issued == house.world.ledger.find("T-1").task.id


def test_a_link_of_the_requester_does_not_approve_high_risk(make_house):
    """E06 by link."""
    policy = replace(POLICY, review=ReviewPolicy(single_user=False))
    house = make_house(policy=policy, project=PEOPLED, plays=HIGH)
    house.world.baseline()
    house.world.submit()
    house.settle()
    browser, path = house.client(token=""), issue(house, "owner")
    refuses(house, send(browser, path, mark=mark_of(browser.get(path).text)), "approval_own", 403)


def test_nothing_is_asked_any_more(house):
    path = issue(house)
    house.client().post("/api/tasks/T-1/approve", json={})
    answer = house.client(token="").get(path)
    assert (answer.status_code, code_of(answer)) == (410, "already_answered")
    settle(house.world, house.world.ledger.find("T-1"))
    assert (
        house.client().post("/api/tasks/T-1/link", json={"person": "ann"}).json()["code"] == "nothing_asked"
    )


def test_strangers_leave_a_bounded_number_of_records(house, monkeypatch):
    monkeypatch.setattr(module, "STRANGERS_MAX", 5)
    for number in range(9):
        house.client(token="").get(f"/answer/{number}")
        house.client(token="").get("/answer/0")
    assert records(house.world) == ["link_forged"] * len(records(house.world))
    assert 1 < len(records(house.world)) <= 5


def test_the_key_is_the_owners_alone(house):
    home = house.world.home
    issue(house)
    assert stat.S_IMODE((home / NAME).stat().st_mode) == 0o600
    (home / NAME).chmod(0o644)
    with pytest.raises(YourFault):
        consent_key(home)
    (home / NAME).chmod(0o600)
    (home / NAME).write_bytes(b"short")
    with pytest.raises(YourFault):
        consent_key(home)
