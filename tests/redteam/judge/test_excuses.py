"""What excuses a red test, in real runs: proof on the base, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.redteam.judge.harbour import BASE, GOOD, PROJECT, plan_for
from tests.redteam.judge.harness import Bench, reasons

from keelway.core.model.event import EventKind
from keelway.core.policy import DevelopmentPolicy, Policy

pytestmark = pytest.mark.long

OLD = {"tests/test_old.py": "def test_old():\n    assert 1 == 2\n"}
FICKLE = """from pathlib import Path

PLACE = Path({place!r})


def test_fickle():
    count = len(PLACE.read_text()) if PLACE.exists() else 0
    PLACE.write_text("x" * (count + 1))
    assert count + 1 not in {red}
"""
"""Fails in the runs that it was told: the first is that of the base, the second that of the patch, then the repeats."""
NO_BOX = replace(PROJECT, black_boxes=())
ONCE = Policy(development=DevelopmentPolicy(diff_coverage_min=0.0, flaky_runs=1))


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(files: dict[str, str], policy: Policy = ONCE) -> Bench:
        made.append(Bench(tmp_path / f"bench{len(made)}", {**BASE, **files}, NO_BOX, policy))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


def fickle(folder: Path, *red: int) -> dict[str, str]:
    return {"tests/test_fickle.py": FICKLE.format(place=str(folder / "count"), red=set(red) or "set()")}


def booked(bench: Bench) -> list[dict[str, object]]:
    links = bench.ledger.events(limit=1_000)
    return [link.event.data for link in links if link.event.kind is EventKind.TESTS_FLAKY]


def test_a_failure_of_the_base_is_excused_and_listed(make_bench: Callable[..., Bench]) -> None:
    judged = make_bench(OLD).judge(GOOD, plan_for(GOOD))
    assert judged.accepted, reasons(judged)
    assert not judged.naive
    listed = [finding for finding in judged.verdict.findings if finding.code == "tests_excused"]
    assert "tests/test_old.py::test_old" in listed[0].message


def test_the_failure_of_the_base_excuses_no_other(make_bench: Callable[..., Bench]) -> None:
    broken = {**GOOD, "fees.py": GOOD["fees.py"].replace("* weight", "* weight + 1")}
    judged = make_bench(OLD).judge(broken, plan_for(broken))
    assert "check_failed" in judged.codes


def test_a_test_that_fails_by_chance_on_the_base_is_excused_and_booked(
    make_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = make_bench(fickle(tmp_path, 2, 3))
    judged = bench.judge(GOOD, plan_for(GOOD))
    assert judged.accepted, reasons(judged)
    assert [finding.code for finding in judged.verdict.findings if "flaky" in finding.code] == ["tests_flaky"]
    (book,) = booked(bench)
    assert (book["tests"], book["excused"]) == (["tests/test_fickle.py::test_fickle"], True)


@pytest.mark.parametrize(
    ("red", "why"),
    [((2, 4), "the base never failed it"), ((2, 3, 4, 5), "the patch never passed it")],
)
def test_one_ending_alone_excuses_nothing(
    make_bench: Callable[..., Bench], tmp_path: Path, red: tuple[int, ...], why: str
) -> None:
    bench = make_bench(fickle(tmp_path, *red))
    judged = bench.judge(GOOD, plan_for(GOOD))
    assert not judged.accepted, why
    assert "check_failed" in judged.codes
    assert booked(bench) == []


def test_over_the_quota_nothing_is_excused(make_bench: Callable[..., Bench], tmp_path: Path) -> None:
    none = replace(ONCE, development=replace(ONCE.development, flaky_max=0))
    judged = make_bench(fickle(tmp_path, 2, 3), none).judge(GOOD, plan_for(GOOD))
    assert not judged.accepted


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        ("when_configured", "black_box_not_configured"),
        ("required", "black_box_missing"),
        ("off", "black_box_off"),
    ],
)
def test_a_black_box_that_is_not_configured_says_so(
    make_bench: Callable[..., Bench], mode: str, code: str
) -> None:
    policy = Policy(development=DevelopmentPolicy(diff_coverage_min=0.0, black_box=mode))
    judged = make_bench({}, policy).judge(GOOD, plan_for(GOOD))
    assert code in {finding.code for finding in judged.verdict.findings}
    assert judged.accepted == (mode != "required")
