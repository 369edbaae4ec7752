"""The chat with the harbour office."""

import pytest


def say(client, text):
    answer = client.post("/channel/bridge", json={"text": text})
    assert answer.status_code == 200
    assert answer.json()["channel"] == "bridge"
    return answer.json()["reply"]


@pytest.mark.parametrize("text", ["ping", " PING "])
def test_ping_gets_pong(client, text):
    assert say(client, text) == "pong"


def test_the_channel_answers_a_plain_ping(client):
    assert client.get("/channel/bridge/ping").json() == {"channel": "bridge", "reply": "pong"}


def test_berths_are_listed_until_none_is_free(client, db):
    client.post("/arrivals", json={"ship": "Aurora", "length_m": 24})
    assert say(client, "berths").startswith("Free berths: A2 (30 m), A3 (60 m)")
    db.execute("DELETE FROM arrivals")
    db.execute("DELETE FROM berths")
    assert say(client, "berths") == "No berth is free."


def test_arrivals_are_listed(client):
    assert say(client, "arrivals") == "No ship has arrived yet."
    client.post("/arrivals", json={"ship": "Aurora", "length_m": 24})
    assert say(client, "arrivals") == "Latest arrivals: Aurora (A1)"


def test_anything_else_gets_help(client):
    assert say(client, "tides") == "I understand: ping, berths, arrivals."


def test_a_strange_channel_name_is_refused(client):
    assert client.get("/channel/Bridge!/ping").status_code == 422
