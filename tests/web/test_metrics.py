"""The figures open with two tokens; the one of scrapers opens nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from tests.web.rig import TOKEN, House

from keelway.store.database import open_database
from keelway.telemetry.figures import Figures
from keelway.web.metrics import with_metrics

SCRAPE = "a-token-of-scrapers-that-is-long-enough"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., TestClient]]:
    home = tmp_path_factory.mktemp("scraped")
    house = House.build(home)
    figures = Figures(open_database(f"sqlite:///{home / 'keelway.sqlite'}"), "0.0.test")
    door = with_metrics(house.app, figures, TOKEN, SCRAPE)

    def make(token: str = "", host: str = "127.0.0.1:4000") -> TestClient:
        headers = {"host": host} | ({"authorization": f"Bearer {token}"} if token else {})
        return TestClient(
            door, base_url="http://127.0.0.1:4000", headers=headers, raise_server_exceptions=False
        )

    yield make
    figures.close()
    house.world.close()


@pytest.mark.parametrize("token", [TOKEN, SCRAPE])
def test_both_tokens_open_the_figures(client, token):
    answer = client(token).get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["cache-control"] == "no-store"
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {
        "keelway_database_up",
        "keelway_audit_events",
        "keelway_build_info",
        "process_cpu_seconds",
    } <= names


@pytest.mark.parametrize("token", ["", "wrong", SCRAPE[:-1], SCRAPE + "x", TOKEN[:-1], "ä"])
def test_without_a_token_nothing_is_told(client, token):
    headers = {"authorization": f"Bearer {token}".encode()} if token else {}
    answer = client().get("/metrics", headers=headers)
    assert answer.status_code == 401
    assert "keelway_" not in answer.text


def test_the_scheme_counts(client):
    assert client().get("/metrics", headers={"authorization": f"Basic {SCRAPE}"}).status_code == 401
    assert client().get("/metrics", headers={"authorization": f"bearer {SCRAPE}"}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/api/status",
        "/",
        "/metrics/",
        "/metrics/../api/status",
        "/api/status?x=/metrics",
        "//metrics",
        "/Metrics",
    ],
)
def test_the_token_of_scrapers_opens_nothing_else(client, path):
    assert client(SCRAPE).get(path, follow_redirects=False).status_code == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
def test_nor_any_other_verb(client, method):
    assert client(SCRAPE).request(method, "/metrics").status_code == 401
    assert client(SCRAPE).post("/api/freeze", json={"reason": "x"}).status_code == 401


def test_a_foreign_name_is_refused_with_either_token(client):
    for token in (TOKEN, SCRAPE):
        assert client(token, host="evil.example").get("/metrics").status_code == 421


def test_the_figures_are_no_part_of_the_api(client):
    assert "/metrics" not in client(TOKEN).get("/api/openapi.json").json()["paths"]
