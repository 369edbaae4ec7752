"""Prove what the front remembers: buckets, ticks, gaps, routes, and files that survive a crash at any byte."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.programs.front.record.counters import (
    LATENCY_BOUNDS_MS,
    RELEASES_MAX,
    ROUTES_MAX,
    Counters,
    Miss,
    Outcome,
    Tally,
    Totals,
    latency_bucket,
)
from keelway.programs.front.record.disk import DamagedFile, Journal, StateLock, read_json, write_atomic
from keelway.programs.front.record.history import History, expand
from keelway.programs.front.record.memory import Memory
from keelway.programs.front.record.template import route_template
from keelway.programs.front.table import Backend, Routes

OUTCOMES = st.builds(
    Outcome,
    st.sampled_from(["a", "b"]),
    st.from_regex(r"/[a-z0-9/]{0,30}", fullmatch=True),
    st.one_of(st.integers(100, 599), st.sampled_from(list(Miss))),
    st.floats(0, 1e6),
)


def test_bounds_run_from_a_millisecond_to_a_minute_in_even_steps():
    assert LATENCY_BOUNDS_MS[0] == 1.0
    assert LATENCY_BOUNDS_MS[-1] == 60_000.0
    assert all(1.19 <= b / a <= 1.29 for a, b in itertools.pairwise(LATENCY_BOUNDS_MS))


@given(st.floats(0, 1e7))
def test_a_latency_lies_within_its_bucket(latency_ms):
    bucket = latency_bucket(latency_ms)
    assert bucket == len(LATENCY_BOUNDS_MS) or latency_ms <= LATENCY_BOUNDS_MS[bucket]
    assert bucket == 0 or latency_ms > LATENCY_BOUNDS_MS[bucket - 1]


@given(st.lists(OUTCOMES, max_size=60))
def test_every_request_is_counted_once_everywhere(outcomes):
    counters = Counters()
    for outcome in outcomes:
        counters.finish(outcome)
    for release, totals in counters.releases.items():
        n, mine = totals.numbers, [o for o in outcomes if o.release == release]
        classes = sum(n[f"s{c}xx"] for c in range(1, 6))
        assert (
            n["requests"]
            == len(mine)
            == sum(totals.latency)
            == classes + n["upstream_errors"] + n["timeouts"]
        )
    ended = counters.take_tick(["idle"])
    assert counters.running == {}
    assert ended["idle"] == Tally()
    for release, tally in ended.items():
        mine = [o for o in outcomes if o.release == release]
        assert (
            tally.requests
            == len(mine)
            == sum(tally.latency.values())
            == sum(r[0] for r in tally.routes.values())
        )
        assert tally.errors == sum(o.is_error for o in mine) == sum(r[1] for r in tally.routes.values())
        assert tally.errors <= tally.requests
    assert Counters.from_json(json.loads(json.dumps(counters.to_json()))) == Counters(counters.releases)


def test_many_routes_share_one_name_in_the_end():
    tally = Tally()
    for n in range(200):
        word = "".join(chr(97 + (n // 26**i) % 26) for i in range(3))
        tally.add(Outcome("a", f"/{word}", 200, 1.0))
    assert len(tally.routes) == ROUTES_MAX + 1
    assert tally.routes["other"] == [150, 0]
    assert Outcome("a", "/wp-admin.php", 404, 1.0).route == "other"


def test_old_releases_make_room():
    counters = Counters()
    for n in range(RELEASES_MAX + 10):
        counters.bump(f"r{n}", "retries")
    assert len(counters.releases) == RELEASES_MAX
    assert "r0" not in counters.releases


def test_totals_of_other_buckets_are_not_taken():
    value = Totals().to_json()
    value["latency"]["bounds_ms"][0] = 2.0
    with pytest.raises(ValueError, match="buckets"):
        Totals.from_json(value)


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/", "/"),
        ("/items/42?x=1", "/items/{id}"),
        ("/u/550e8400-e29b-41d4-a716-446655440000/edit", "/u/{id}/edit"),
        ("/t/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/t/{id}"),
        ("/c/deadbeef01", "/c/{id}"),
        ("/facade/decade", "/facade/decade"),
        ("/internationalization-settings", "/internationalization-settings"),
        ("/a/b3kTmT0p9qLx_2vN8sWd1Q/z", "/a/{id}/z"),
        ("/1/2/3/4/5/6/7/8/9/10/11/12/13/14", "/" + "/".join(["{id}"] * 12) + "/..."),
    ],
)
def test_ids_become_templates(path, template):
    assert route_template(path) == template


@given(st.text(max_size=400))
def test_a_template_is_short_and_has_no_query(path):
    template = route_template(path)
    assert 1 <= len(template) <= 120
    assert "?" not in template


TICKS = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 9)), min_size=1, max_size=40)


@given(TICKS)
def test_ticks_and_missing_spans_cover_all_time_once(steps):
    history, at = History(1.0, 1000.0), 100.0
    for gap, requests in steps:
        since = at + (gap - 1)
        at += gap
        history.add(since, at, {"a": Tally(requests, 0, {3: requests} if requests else {})})
    spans = [(e.since, e.at) for e in history.entries] + [tuple(span) for span in history.missing(99.0, at)]
    spans.sort()
    assert spans[0][0] == 99.0
    assert spans[-1][1] == at
    assert all(a[1] == b[0] for a, b in itertools.pairwise(spans))
    ticks = [tick for entry in history.after(0) for tick in expand(entry, "a")]
    assert [t["requests"] for t in ticks] == [r for _, r in steps]
    assert all(sum(t["latency_counts"]) == t["requests"] for t in ticks)
    again = History(1.0, 1000.0)
    assert again.load(e.line for e in history.entries) == 0
    assert again.entries == history.entries


def test_a_stall_of_the_machine_is_missing_and_not_quiet():
    history = History(1.0, 1000.0)
    history.add(0.0, 1.0, {})
    history.add(1.0, 9.0, {"a": Tally(5)})
    assert history.missing(0.0, 9.5) == [[1.0, 8.0]]
    assert history.missing(0.0, 20.0) == [[1.0, 8.0], [9.0, 20.0]]
    assert history.missing(8.5, 9.5) == []


def test_time_never_runs_backwards_in_the_history():
    history = History(1.0, 1000.0)
    history.add(0.0, 5.0, {})
    with pytest.raises(ValueError, match="cannot follow"):
        history.add(3.0, 4.0, {})


def test_both_limits_let_the_oldest_go():
    history = History(1.0, 10.0)
    for n in range(1, 50):
        history.add(n - 1, n, {})
    assert [e.at for e in history.entries] == [float(n) for n in range(40, 50)]
    small = History(1.0, 1000.0, bytes_max=300)
    for n in range(1, 50):
        small.add(n - 1, n, {"a": Tally()})
    assert small.bytes_held == sum(len(e.line) for e in small.entries) <= 300
    assert small.last_at == 49.0


@given(st.binary(max_size=60))
def test_damaged_lines_cost_only_themselves(noise):
    history = History(1.0, 1000.0)
    good = [history.add(n, n + 1, {"a": Tally(1)}) for n in range(3)]
    again = History(1.0, 1000.0)
    assert again.load([good[0], noise, good[1][:-4], good[2]]) == 2
    assert [e.at for e in again.entries] == [1.0, 3.0]


def test_a_cut_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "f"
    write_atomic(path, b"1")
    (tmp_path / "f.new").write_bytes(b"{half")
    assert read_json(path, lambda value: value) == 1
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[" * 100_000, b"null", b'{"a":1}', b"\xff", b" " * (5 * 1024 * 1024)]
)
def test_damage_is_kept_aside(tmp_path, content):
    path = tmp_path / "f"
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match=r"f\.damaged-1"):
        read_json(path, lambda value: value["b"]["c"])
    assert (tmp_path / "f.damaged-1").read_bytes() == content
    assert not path.exists()


def test_the_journal_is_rewritten_before_it_grows_long(tmp_path):
    journal = Journal(tmp_path / "j", 1.0)
    assert journal.read() == []
    assert journal.is_long(0)
    journal.rewrite([b"a"])
    journal.append([b"b", b"c"])
    assert Journal(tmp_path / "j", 1.0).read() == [b"a", b"b", b"c"]
    journal.append([b"x" * 3_000_000])
    assert journal.is_long(900_000)
    assert not journal.is_long(2_000_000)
    assert Journal(tmp_path / "j", 2.0).read() == []
    assert (tmp_path / "j.damaged-1").exists()


def test_one_owner_at_a_time(tmp_path):
    first, second = StateLock(tmp_path / "l"), StateLock(tmp_path / "l")
    assert first.take()
    assert not second.take()
    first.free()
    assert second.take()
    second.free()


def test_memory_comes_back_whole_and_keeps_the_epoch_over_damage(tmp_path):
    path = tmp_path / "s.json"
    memory = Memory(path, 1.0, 100.0)
    assert memory.load() == Routes()
    routes = Routes(7, (Backend("a", "http://127.0.0.1:1", 5),))
    memory.save_routes(routes)
    memory.counters.finish(Outcome("a", "/x", 500, 3.0))
    memory.end_tick(10.0, 11.0, ["a", "b"])
    memory.prepare_save(durable=True)()
    again = Memory(path, 1.0, 100.0)
    assert again.load() == routes
    assert again.restarts == 1
    assert again.counters.to_json() == memory.counters.to_json()
    assert again.history.entries == memory.history.entries
    path.write_text("{")
    third = Memory(path, 1.0, 100.0)
    assert third.load() == Routes(7, ())
    assert third.error is not None
    assert "s.json.damaged-1" in third.error


def test_ticks_wait_for_a_disk_that_refuses(tmp_path):
    memory = Memory(tmp_path / "gone" / "s.json", 1.0, 100.0)
    memory.end_tick(1.0, 2.0, ["a"])
    with pytest.raises(OSError, match="gone"):
        memory.prepare_save(durable=False)()
    (tmp_path / "gone").mkdir()
    memory.end_tick(2.0, 3.0, ["a"])
    memory.prepare_save(durable=False)()
    again = Memory(tmp_path / "gone" / "s.json", 1.0, 100.0)
    again.load()
    assert [e.at for e in again.history.entries] == [2.0, 3.0]
