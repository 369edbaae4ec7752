"""Ships, berths and arrivals over HTTP."""

import pytest

from harbor.allocation import Berth, allocate, suitable

QUAY = [Berth(1, "A", 30), Berth(2, "B", 60), Berth(3, "C", 400)]


def test_the_quay_starts_empty(client):
    berths = client.get("/berths").json()
    assert [berth["name"] for berth in berths] == ["A1", "A2", "A3", "B1", "B2", "B3", "C1", "C2"]
    assert all(berth["free"] for berth in berths)


def test_a_ship_is_registered_and_shown(client):
    ship = client.post("/ships", json={"name": "Dunlin", "length_m": 42}).json()
    assert client.get(f"/ships/{ship['id']}").json() == ship
    assert client.get("/ships").json()[0] == ship
    assert (ship["name"], ship["length_m"]) == ("Dunlin", 42)


def test_a_known_ship_is_corrected_not_doubled(client):
    before = len(client.get("/ships").json())
    assert client.post("/ships", json={"name": "Aurora", "length_m": 25}).json()["length_m"] == 25
    assert len(client.get("/ships").json()) == before


def test_an_unknown_ship_is_not_found(client):
    answer = client.get("/ships/999")
    assert answer.status_code == 404
    assert "999" in answer.json()["detail"]


def test_an_arrival_takes_the_shortest_berth_that_fits(client):
    arrival = client.post("/arrivals", json={"ship": "Bonny Jean", "length_m": 58}).json()
    assert (arrival["ship"], arrival["berth"], arrival["notified_at"]) == ("Bonny Jean", "A3", None)
    assert [berth["name"] for berth in client.get("/berths").json() if not berth["free"]] == ["A3"]
    assert client.get("/arrivals").json()[0]["id"] == arrival["id"]


def test_a_new_ship_is_registered_on_arrival(client):
    client.post("/arrivals", json={"ship": "Eider", "length_m": 20})
    assert client.get("/ships").json()[0]["name"] == "Eider"


def test_a_ship_waits_at_anchor_when_nothing_fits(client):
    for _ in range(3):
        arrival = client.post("/arrivals", json={"ship": "Fulmar", "length_m": 395}).json()
    assert arrival["berth"] is None


def test_a_berth_is_free_again_after_departure(client, db):
    client.post("/arrivals", json={"ship": "Gannet", "length_m": 30})
    db.execute("UPDATE arrivals SET departs_at = '2026-01-01T00:00:00.000+00:00'")
    assert all(berth["free"] for berth in client.get("/berths").json())


@pytest.mark.parametrize(
    ("route", "body", "field"),
    [
        ("/ships", {"name": "", "length_m": 10}, "name"),
        ("/ships", {"name": "Heron", "length_m": -1}, "length_m"),
        ("/ships", {"name": "Heron", "length_m": 401}, "length_m"),
        ("/arrivals", {"ship": "Heron"}, "length_m"),
        ("/arrivals", {"ship": "Heron", "length_m": 10, "stay_hours": 0}, "stay_hours"),
        ("/arrivals", {"ship": "x" * 81, "length_m": 10}, "ship"),
        ("/jobs", {}, "echo"),
    ],
)
def test_nonsense_is_refused_by_field(client, route, body, field):
    answer = client.post(route, json=body)
    assert answer.status_code == 422
    assert [fault["loc"][-1] for fault in answer.json()["detail"]] == [field]


def test_the_least_wasteful_berth_comes_first():
    assert [berth.name for berth in suitable(QUAY, 28)] == ["A", "B"]
    assert suitable(QUAY, 500) == []


def test_a_taken_berth_is_passed_over():
    assert allocate(QUAY, {1}, 28) == QUAY[1]
    assert allocate(QUAY, {1, 2}, 28) is None
