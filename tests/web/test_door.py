"""Who is let in: loopback names, the token, and a link that opens the page once."""

from __future__ import annotations

import pytest

from keelway.web import guard

PATHS = ["/api/status", "/api/tasks", "/api/openapi.json", "/api/events", "/nothing"]


def test_healthz_is_open_and_says_who_answers(quiet_house):
    answer = quiet_house.client(token="").get("/healthz")
    assert answer.status_code == 200
    assert (answer.json()["pid"], answer.json()["version"]) == (4711, "0.0.test")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", ["", "wrong", "a-token-of-the-test", "a-token-of-the-tests2", "ä"])
def test_without_the_token_nothing_is_told(quiet_house, path, token):
    client = quiet_house.client(token="")
    headers = {"authorization": f"Bearer {token}".encode()} if token else {}
    answer = client.get(path, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_yours"
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("verb", ["tasks", "tasks/1/approve", "deploy", "rollback", "freeze", "down", "link"])
def test_without_the_token_nothing_is_done(quiet_house, verb):
    assert quiet_house.client(token="").post(f"/api/{verb}", json={}).status_code == 401
    assert quiet_house.queries.tasks() == ()
    assert not quiet_house.world.ledger.freeze().active
    assert quiet_house.stopped == []


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:4000", "127.0.0.1.evil.example", "localhost.evil:80", ""]
)
@pytest.mark.parametrize("path", ["/healthz", "/api/status", "/"])
def test_a_foreign_name_is_refused_even_with_the_token(quiet_house, host, path):
    answer = quiet_house.client(host=host).get(path)
    assert answer.status_code == 421
    assert answer.json()["code"] == "host_refused"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:9", "[::1]:80", "LOCALHOST"])
def test_loopback_names_are_served(quiet_house, host):
    assert quiet_house.client(host=host).get("/api/status").status_code == 200


def test_a_link_opens_the_page_once(quiet_house):
    url = quiet_house.client().post("/api/link").json()["url"]
    browser = quiet_house.client(token="")
    assert browser.get("/").status_code == 401
    first = browser.get(url, follow_redirects=False)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    cookie = first.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert browser.get("/").status_code == 200
    assert quiet_house.client(token="").get(url, follow_redirects=False).status_code == 401


def test_a_browser_without_a_link_is_told_how_to_get_one(quiet_house):
    browser = quiet_house.client(token="")
    shut = browser.get("/", headers={"accept": "text/html,*/*;q=0.8"})
    assert shut.status_code == 401
    assert shut.headers["content-type"].startswith("text/html")
    assert "keelway status --link" in shut.text
    assert browser.get("/", headers={"accept": "application/json"}).json()["code"] == "not_yours"


def test_the_cookie_opens_the_page_and_nothing_else(quiet_house):
    browser = quiet_house.client(token="")
    browser.get(quiet_house.client().post("/api/link").json()["url"])
    assert browser.get("/").status_code == 200
    assert browser.get("/api/status").status_code == 401
    assert browser.post("/api/freeze", json={"reason": "x"}).status_code == 401


def test_links_grow_old_and_are_bounded(quiet_house, monkeypatch):
    keys = guard.Keys()
    links = [keys.link() for _ in range(guard.KEYS_MAX + 5)]
    assert keys.open(links[0]) == ""
    session = keys.open(links[-1])
    assert keys.known(session)
    assert not keys.known("")
    monkeypatch.setattr(guard, "KEY_SECONDS", -1.0)
    assert keys.open(keys.link()) == ""


def test_large_and_unmeasured_bodies_are_refused(quiet_house):
    client = quiet_house.client()
    assert client.post("/api/tasks", content=b"x" * (guard.BODY_BYTES_MAX + 1)).status_code == 413
    assert client.post("/api/tasks", content=iter([b"{}"])).status_code == 413


def test_every_answer_is_safe_to_show(quiet_house):
    for path in ("/healthz", "/api/status", "/", "/nothing"):
        headers = quiet_house.client().get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
    policy = quiet_house.client().get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
