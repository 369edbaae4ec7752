"""Shares over releases and instances, and what a balancer says of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from keelway.core.traffic.route import (
    Counted,
    Route,
    Routed,
    TrafficState,
    instance_name,
    read_counts,
    read_state,
    release_of,
    spread,
    totals_by_release,
)


def said(table: dict[str, tuple[str, int]], epoch: int = 3) -> dict[str, object]:
    return {
        "epoch": epoch,
        "backends": {
            name: {"url": url, "weight": weight, "inflight": 1} for name, (url, weight) in table.items()
        },
    }


def test_one_instance_is_called_as_its_release() -> None:
    assert spread({"a": Route(100, ("u",))}) == {"a": ("u", 100)}
    assert spread({"a": Route(0, ("u",))}) == {"a": ("u", 0)}
    assert spread({"a": Route(5, ())}) == {}


def test_instances_share_what_their_release_has() -> None:
    routes = {"a": Route(90, ("u1", "u2")), "b": Route(11, ("v1", "v2"))}
    assert spread(routes) == {"a": ("u1", 45), "a+2": ("u2", 45), "b": ("v1", 6), "b+2": ("v2", 5)}
    assert spread({"a": Route(1, ("u1", "u2"))}) == {"a": ("u1", 1), "a+2": ("u2", 1)}


def test_names_of_instances_are_read_back() -> None:
    assert [release_of(instance_name("r", number)) for number in range(3)] == ["r"] * 3
    assert (release_of("1.0+abc"), release_of("plain")) == ("1.0+abc", "plain")


@given(
    st.dictionaries(
        st.sampled_from("abcdef"),
        st.tuples(st.integers(9, 100), st.lists(st.sampled_from("uvwxyz"), min_size=1, unique=True)),
    )
)
def test_what_is_spread_is_read_back(shares: dict[str, tuple[int, list[str]]]) -> None:
    routes = {name: Route(weight, tuple(urls)) for name, (weight, urls) in shares.items()}
    assert read_state(said(spread(routes))).table == routes


def test_a_state_names_the_active_release() -> None:
    state = read_state({**said({"a": ("u", 5), "b": ("v", 95), "c": ("w", 0)}), "state_error": "lost"})
    assert (state.active, state.epoch, state.detail) == ("b", 3, "lost")
    assert set(state.table) == {"a", "b"}
    assert state.of("c") == Routed("c", 0, ("w",), 1)
    assert state.of("x") == Routed("x", 0, (), 0)
    assert (TrafficState(0, ()).active, read_state({}).epoch) == ("", 0)
    assert TrafficState(0, (Routed("c", 0, (), 1),)).active == ""


def test_an_instance_that_ends_what_it_has_begun_takes_nothing_new() -> None:
    assert read_state(said({"a": ("u1", 9), "a+2": ("u2", 0)})).of("a") == Routed("a", 9, ("u1",), 2)
    assert read_state(said({"a": ("u1", 0), "a+2": ("u2", 9)})).of("a") == Routed("a", 9, ("u2",), 2)
    assert read_state(said({"a": ("u1", 0), "a+2": ("u2", 0)})).of("a") == Routed("a", 0, ("u1", "u2"), 2)


def test_counts_are_added_over_instances() -> None:
    one = {"requests": 5, "s5xx": 1, "upstream_errors": 1, "timeouts": 1}
    assert read_counts({"releases": {"a": one, "a+2": one, "b": one}}) == {
        "a": Counted(10, 6),
        "b": Counted(5, 3),
    }
    assert read_counts({}) == {}


def test_totals_are_added_up_by_name_and_buckets_are_none_of_them():
    one = {"requests": 5, "s4xx": 2, "latency": {"bounds_ms": [1.0], "counts": [3, 2]}}
    assert totals_by_release({"releases": {"a": one, "a+2": one}}) == {"a": {"requests": 10, "s4xx": 4}}
