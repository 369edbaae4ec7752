"""Every cheat is refused by the real judge, and honest work is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from tests.redteam.judge.cheats import CHEATS, VARIANTS
from tests.redteam.judge.harbour import BASE, MEASURED, PROJECT, QUICK, plan_for
from tests.redteam.judge.harness import Bench, Judged, reasons, table
from tests.redteam.judge.honest import HONEST

from keelway.core.policy import Policy

pytestmark = pytest.mark.long

CHEATS_MIN, HONEST_MIN = 40, 6
EVERY_DAY = 4
"""One in so many is tried by make test; make long, which CI runs as well, tries the others."""


def shared_out(names: Iterable[str]) -> list[ParameterSet]:
    return [
        pytest.param(name, marks=() if number % EVERY_DAY == 0 else pytest.mark.long)
        for number, name in enumerate(names)
    ]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("judge") / "bench", BASE, PROJECT, QUICK)
    yield made
    made.close()


def test_there_are_enough_of_them() -> None:
    assert len(CHEATS.keys() - VARIANTS) >= CHEATS_MIN
    assert CHEATS.keys() >= VARIANTS
    assert len(HONEST) >= HONEST_MIN


@pytest.mark.parametrize("name", shared_out(name for name in CHEATS if name not in VARIANTS))
def test_a_cheat_is_not_accepted(bench: Bench, name: str) -> None:
    judged = bench.judge(CHEATS[name], plan_for(CHEATS[name]))
    assert not judged.accepted
    assert judged.codes


@pytest.mark.parametrize("name", shared_out(HONEST))
def test_honest_work_is_accepted(bench: Bench, name: str) -> None:
    edits, more = HONEST[name]
    judged = bench.judge(edits, plan_for(edits, **more))
    assert judged.accepted, reasons(judged)


@pytest.mark.redteam_long
@pytest.mark.timeout(1800)
def test_the_layers_one_by_one(tmp_path: Path) -> None:
    """Let every layer look at every cheat, coverage included, and print the table of docs/explain/judge.md."""
    made = Bench(tmp_path / "bench", BASE, MEASURED, Policy())
    try:
        judged: dict[str, Judged] = {
            name: made.judge(edits, plan_for(edits), thorough=True) for name, edits in CHEATS.items()
        }
        fair = {
            name: made.judge(edits, plan_for(edits, **more), thorough=True)
            for name, (edits, more) in HONEST.items()
        }
    finally:
        made.close()
    print("\n" + table(judged))
    for name, one in judged.items():
        print(f"{name}: {', '.join(sorted(one.layers))} ({', '.join(sorted(one.codes))})")
    assert [name for name, one in judged.items() if one.accepted] == []
    assert {name: reasons(one) for name, one in fair.items() if not one.accepted} == {}
