"""What a look sees besides the counted intervals: routes, the volume of a log, processes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.adapters.target.process_rig import ProcessRig, process_rig

from keelway.adapters.signal.front import FrontSignal
from keelway.adapters.signal.front.routes import past_routes, routes_within
from keelway.adapters.signal.front.vitals import vitals_of
from keelway.adapters.signal.front.volume import VOLUME_BYTES_MAX, logged_bytes
from keelway.clients.places import Places
from keelway.core.errors import TheirFault
from keelway.core.observe.sight import RouteCount, Stand

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)


def history(*ticks: tuple[float, str, dict[str, list[int]]]) -> dict[str, object]:
    return {"ticks": [{"at": at, "release": release, "routes": routes} for at, release, routes in ticks]}


def test_routes_are_added_up_by_release_and_time() -> None:
    told = history(
        (1.0, "a", {"/": [5, 1], "/x": [2, 0]}), (2.0, "b", {"/": [7, 7]}), (9.0, "a", {"/": [1, 1]})
    )
    assert routes_within(told, "a", 0.0, 5.0) == (RouteCount("/", 5, 1), RouteCount("/x", 2, 0))
    assert routes_within(told, "", 0.0, 5.0) == (RouteCount("/", 12, 8), RouteCount("/x", 2, 0))
    assert routes_within(told, "a", 1.0, 1.5) == ()


def test_the_past_of_a_route_says_how_steady_and_how_noisy_it_was() -> None:
    ticks = [
        (10.0 * n, "a", {"/": [100, 1], **({"/report": [50, 0]} if n < 6 else {})}) for n in range(1, 361)
    ]
    steady, bursty = past_routes(history(*ticks), 0.0, 3_600.0)
    assert (steady.route, steady.requests, steady.errors, steady.present_share) == ("/", 36_000, 360, 1.0)
    assert steady.phi == 1.0
    assert bursty.route == "/report"
    assert bursty.present_share < 0.1
    stormy = [(10.0 * n, "a", {"/": [100, 20 if n % 30 < 3 else 0]}) for n in range(1, 361)]
    assert past_routes(history(*stormy), 0.0, 3_600.0)[0].phi > 3.0
    assert past_routes(history(), 0.0, 1.0) == ()


def lines(path: Path, *seconds: float, size: int = 100) -> None:
    with path.open("a") as file:
        for second in seconds:
            event = {"time": (AT + timedelta(seconds=second)).isoformat(), "x": "y" * size}
            file.write(json.dumps(event) + "\n")


def between(path: Path, since: float, until: float) -> int:
    return logged_bytes(path, AT + timedelta(seconds=since), AT + timedelta(seconds=until))


def test_the_bytes_of_a_time_are_counted_from_the_end(tmp_path: Path) -> None:
    log = tmp_path / "app.jsonl"
    assert between(log, 0, 100) == 0
    lines(log, *range(10))
    one = log.stat().st_size // 10
    assert between(log, 4, 7) == 3 * one
    assert between(log, 0, 99) == 10 * one
    assert between(log, 50, 99) == 0
    with log.open("a") as file:
        file.write("a line without a time\n")
    assert between(log, 9, 99) == one + len("a line without a time\n")


def test_a_log_that_was_turned_over_is_read_on_in_the_older_part(tmp_path: Path) -> None:
    log = tmp_path / "app.jsonl"
    lines(tmp_path / "app.jsonl.1", *range(5))
    lines(log, *range(5, 10))
    assert between(log, 3, 8) == 5 * (log.stat().st_size // 5)


def test_more_than_can_be_read_is_said(tmp_path: Path) -> None:
    log = tmp_path / "app.jsonl"
    for name in ("app.jsonl", "app.jsonl.1", "app.jsonl.2", "app.jsonl.3"):
        lines(tmp_path / name, 5, 6)
    assert between(log, 0, 10) == VOLUME_BYTES_MAX
    lines(tmp_path / "big.jsonl", 1, *[5] * 40, size=1_000_000)
    assert between(tmp_path / "big.jsonl", 4, 10) >= VOLUME_BYTES_MAX * 0.9


def test_a_log_that_cannot_be_read_is_not_silence(tmp_path: Path) -> None:
    folder = tmp_path / "app.jsonl"
    folder.mkdir()
    with pytest.raises(TheirFault) as caught:
        between(folder, 0, 10)
    assert caught.value.code == "log_unreadable"


def test_nobody_to_ask_has_no_vitals(tmp_path: Path) -> None:
    assert vitals_of(Places(tmp_path), "production", "r-1", AT) is None


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[ProcessRig]:
    with process_rig(tmp_path) as made:
        yield made


@pytest.mark.deploys
def test_the_processes_of_a_release_are_measured(rig: ProcessRig) -> None:
    rig.target.ensure()
    release = rig.live()
    found = vitals_of(Places(rig.home), "production", release, AT)
    assert found is not None
    assert found.processes >= 2
    assert 5.0 < found.memory_mb < 500.0
    assert 0 < found.descriptors < found.descriptors_max
    assert (found.restarts, found.written_mb > 0.0) == (0, True)
    assert found.disk_free_mb > 0
    assert vitals_of(Places(rig.home), "production", "r-other", AT) is None
    now = datetime.now(UTC)
    for _ in range(5):
        assert rig.answering()
    signal = FrontSignal(rig.project, str(rig.home))
    sight = signal.look("production", release, Stand(now, now, now + timedelta(seconds=1), 1.0))
    assert sight.counted
    assert sight.vitals is not None
    assert signal.past("production", release, now - timedelta(seconds=60), now).vitals is None
