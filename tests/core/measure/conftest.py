"""Build ticks and probe answers for the tests of the verdict."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from keelway.core.measure.health import ProbeTick
from keelway.core.measure.sample import Tick

START = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def ticks() -> Callable[..., list[Tick]]:
    def build(
        count: int, requests: int, errors: int, *, slow: int = 0, new: int = 0, at: float = 0.0
    ) -> list[Tick]:
        return [
            Tick(START + timedelta(seconds=at + 10 * i), requests, errors, slow, new, seconds=10.0)
            for i in range(count)
        ]

    return build


@pytest.fixture
def probes() -> Callable[..., list[ProbeTick]]:
    def build(answers: str, name: str = "health") -> list[ProbeTick]:
        return [ProbeTick(START + timedelta(seconds=10 * i), a == "+", name) for i, a in enumerate(answers)]

    return build
