"""What was always there and is missed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.core.observe.make import PAST

from keelway.core.observe.sight import Past, RouteCount, RoutePast
from keelway.core.observe.vanished import log_fell_silent, vanished_routes, vanished_sentence


def test_a_route_is_gone_when_it_gets_a_tenth_of_its_share():
    seen = [RouteCount("/ships", 900, 0), RouteCount("/pay", 9, 0)]
    assert vanished_routes(PAST, seen, 1_000) == ("/pay (9 requests, 100 were to be expected)",)
    assert vanished_routes(PAST, [*seen, RouteCount("/pay", 2, 0)], 1_000) == ()


def test_little_traffic_and_bursty_routes_are_not_missed():
    assert vanished_routes(PAST, [], 100) == ("/ships (0 requests, 90 were to be expected)",)
    assert vanished_routes(PAST, [], 20) == ()
    bursty = replace(PAST, routes=(replace(PAST.routes[1], present_share=0.4),))
    assert vanished_routes(bursty, [], 1_000) == ()
    assert vanished_routes(Past(0, (RoutePast("/", 0, 0),)), [], 1_000) == ()


def test_the_sentence_is_bounded():
    assert vanished_sentence(["a", "b"]) == "Hardly reached any more: a; b."
    assert "and 2 more" in vanished_sentence(list("abcdefg"))


@pytest.mark.parametrize(
    ("pace", "logged", "said"), [(50.0, 0, "5000 bytes"), (50.0, 1, ""), (1.0, 0, ""), (float("inf"), 0, "")]
)
def test_a_log_is_missed_only_where_it_was_busy(pace, logged, said):
    text = log_fell_silent(Past(log_bytes_per_second=pace), logged, 100.0)
    assert said in text
    assert bool(text) == bool(said)
