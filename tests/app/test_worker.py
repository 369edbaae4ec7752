"""A worker tells what it does, begins nothing once it leaves, and ends what was aborted on another host."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from keelway.app.worker import Bench, Said
from keelway.engine.fault import EngineStopped


class Heard(list[Said]):
    """Keep what was said."""

    def __call__(self, said: Said) -> None:
        self.append(said)

    def words(self) -> list[tuple[str, str, str]]:
        return [(said.event, said.task, said.stage) for said in self]


def bench(heard: Heard) -> Bench:
    return Bench(heard, {"01ABC": "T-7"}.get)  # type: ignore[arg-type]


def test_each_stage_is_told_with_its_task_and_its_end() -> None:
    heard = Heard()
    made = bench(heard)
    seen: list[tuple[str, ...]] = []

    def run(_engine: Any, payload: Any) -> Any:
        seen.append(made.tasks())
        return payload["value"]

    engine: Any = None
    assert made.beside("development", run)(engine, {"subject": "01ABC", "value": 3}) == 3
    assert seen == [("T-7",)]
    assert made.tasks() == ()
    assert heard.words() == [("began", "T-7", "development"), ("ended", "T-7", "development")]
    assert "has ended" in heard[-1].text
    assert heard[-1].seconds is not None


def test_once_it_is_shut_nothing_begins_and_what_runs_may_end() -> None:
    heard = Heard()
    made = bench(heard)
    begun, go_on = threading.Event(), threading.Event()

    def run(_engine: Any, _payload: Any) -> Any:
        begun.set()
        assert go_on.wait(10)

    engine: Any = None
    payload = {"subject": "01ABC"}
    thread = threading.Thread(target=made.beside("development", run), args=(engine, payload))
    thread.start()
    assert begun.wait(10)
    assert made.shut() == 1
    with pytest.raises(EngineStopped):
        made.beside("planning", run)(engine, payload)
    go_on.set()
    thread.join(10)
    assert made.tasks() == ()
    assert made.shut() == 0
    assert heard.words() == [("began", "T-7", "development"), ("ended", "T-7", "development")]


def test_a_stage_that_is_cut_off_is_told_as_handed_back() -> None:
    heard = Heard()

    def run(_engine: Any, _payload: Any) -> Any:
        raise EngineStopped

    engine: Any = None
    with pytest.raises(EngineStopped):
        bench(heard).beside("development", run)(engine, {"subject": "01ABC"})
    assert "is handed back" in heard[-1].text
