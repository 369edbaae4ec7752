"""Whoever reads what others wrote says yes or no, soon; the long run is ``make fuzz``."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.redteam.fuzz.mutate import mutated
from tests.redteam.fuzz.run import Seen, feed, fuzz
from tests.redteam.fuzz.targets import SEAM, TARGETS, Target

COUNT = {"configuration": 150, "patch lines": 400, "request body": 150}


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_inputs_crash_and_hang_nobody(name):
    seen = fuzz(name, COUNT.get(name, 1_000), seed=20_260_101)
    assert seen.broken == []
    assert seen.inputs >= COUNT.get(name, 1_000)
    assert seen.read > 0, "the seeds at least can be read"


@pytest.mark.parametrize("name", sorted(TARGETS.keys() - {"configuration", "request body"}))
def test_any_bytes_crash_and_hang_nobody(name):
    @settings(max_examples=100, deadline=None, database=None)
    @given(
        st.binary(max_size=300)
        | st.text(max_size=150).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.binary(max_size=100),
    )
    def any_bytes(first: bytes, second: bytes) -> None:
        seen = Seen()
        feed(TARGETS[name], first, seen)
        feed(TARGETS[name], first + SEAM + second, seen)
        assert seen.broken == []

    any_bytes()


def test_the_same_seed_gives_the_same_inputs():
    one, two = (
        [mutated(random, (b"abc", b""), (b"x",)) for _ in range(200)] for random in (Random(3), Random(3))
    )
    assert one == two
    assert len(set(one)) > 50


def test_a_crash_and_a_hang_are_seen():
    """The honest twin: the fuzzer can say no."""

    def loop(_: bytes) -> None:
        while True:
            pass

    seen = Seen()
    feed(Target(loop, ()), b"", seen)
    feed(Target(lambda _: 1 / 0, ()), b"", seen)
    assert [said.splitlines()[-1].split(":")[0].rpartition(".")[2] for _, said in seen.broken] == [
        "Hung",
        "ZeroDivisionError",
    ]
