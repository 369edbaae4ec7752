"""Real processes on real git, on SQLite and PostgreSQL, are killed or hurt at named points; the end is always whole."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from tests.crash.fault.judge import End, wrongs
from tests.crash.points.catalogue import INSIDE, OUTSIDE, STEPS, fault_lives, kill_lives, places
from tests.crash.points.ground import Ground, Life, end_of

STORES = ("sqlite", "postgresql")
WHOLE: tuple[Life, ...] = (("b", "", ""), ("c", "", ""))
"""The lives that nobody disturbs."""

KILLED: list[Life] = [(act, *life) for act in ("b", "c") for life in kill_lives(act)]
HURT: list[Life] = [(act, *life) for act in ("b", "c") for life in fault_lives(act)]
SHORT: Life = (
    "b",
    "",
    (
        "review-2/forge.merge:before review-2/forge.merge:after production-1/step.promote:done "
        "production-1/target.switch:after report-1/forge.tag:after"
    ),
)
"""The one to begin with when something is wrong; all of them are part of ``make soak``."""

KNOWN: frozenset[str] = frozenset()
"""Points whose end is known to be wrong; each must be wrong, so that a cure is noticed."""


def chosen(lives: list[Life]) -> list[Any]:
    """Cross lives with the databases."""
    crossed = [(store, life) for store in STORES for life in lives]
    return [pytest.param(*each, marks=pytest.mark.soak, id=_name(*each)) for each in crossed]


def _name(store: str, life: Life) -> str:
    points = life[2].split()
    return f"{store} {life[0]}: {points[0]}" + (f" and {len(points) - 1} more" if len(points) > 1 else "")


@pytest.fixture(scope="module")
def ends(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, Life], Any]:
    """Live every life that was chosen, and those that nobody disturbs; say where each left its traces."""
    asked = [
        item.callspec.params
        for item in request.session.items
        if item.path == request.path and "life" in _params(item)
    ]
    found = {}
    for store in dict.fromkeys(params["store"] for params in asked):
        lives = [params["life"] for params in asked if params["store"] == store]
        cluster = request.getfixturevalue("postgres_cluster") if store == "postgresql" else None
        ground = Ground(tmp_path_factory.mktemp(store), cluster)
        ground.prepare({life[0] for life in lives if life[1]})
        whole = [life for life in WHOLE if life[0] in {life[0] for life in lives} or len(lives) > 1]
        found |= {(store, life): folder for life, folder in ground.live([*whole, *lives]).items()}
    return found


def _params(item: Any) -> dict[str, Any]:
    return item.callspec.params if hasattr(item, "callspec") else {}


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize(("store", "life"), chosen([SHORT, *KILLED]))
def test_a_killed_life_ends_like_one_that_nobody_killed(store, life, ends, record_property):
    folder, points = ends[store, life], life[2].split()
    processes, seconds = json.loads((folder / "ends.json").read_text())
    said = (folder / "stderr").read_text()[-3_000:]
    assert processes == [-9] * len(points) + [0], said
    record_property(
        "disturbed at", f"{store} | {life[0]} | {len(points)} | {seconds:.1f} s | {' '.join(points)}"
    )
    expected, seen = end_of(ends[store, (life[0], "", "")]), end_of(folder)
    different = {name: (expected[name], seen[name]) for name in expected if expected[name] != seen[name]}
    assert different == {}
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize(("store", "life"), chosen(HURT))
def test_a_call_that_fails_or_seems_to_leaves_the_life_whole(store, life, ends, record_property):
    folder = ends[store, life]
    processes, seconds = json.loads((folder / "ends.json").read_text())
    assert processes == [0], (folder / "stderr").read_text()[-3_000:]
    struck = (folder / "struck").read_text().split()[-1]
    assert struck == life[2].partition("!")[0] + ":1", "the appointed call never came"
    seen = end_of(folder)
    record_property(
        "disturbed at", f"{store} | {life[0]} | 1 | {seconds:.1f} s | {life[2]} -> {seen['task'][0]}"
    )
    through, back = (_outside(end_of(ends[store, whole])) for whole in WHOLE)
    wrong = wrongs(_told(seen), back, through if life[0] == "b" else back)
    assert (wrong == {}) != (life[2] in KNOWN), wrong


def _outside(end: dict[str, Any]) -> dict[str, Any]:
    serves = {name: place[:2] for name, place in end["environments"].items()}
    return {"trees": end["trees"], "tags": [name for name, _ in end["tags"]], "environments": serves}


def _told(end: dict[str, Any]) -> End:
    return End(
        end["task"][0],
        end["task"][1],
        _outside(end),
        end["told"],
        Counter(end["twice"] * 2),
        end["failed effects"],
        all(not entry.endswith(" ") for entry in end["quarantine"]),
        end["workspaces"],
        all(end["leases"].values()),
        stories_ended=True,  # the process waits for them, or ends with 1
        chain_whole=end["chain broken at"] is None,
    )


@pytest.mark.soak
def test_the_acts_did_what_they_are_about(ends):
    assert ends
    for (_, life), folder in ends.items():
        end = end_of(folder)
        if life == WHOLE[0]:
            assert end["task"][:3] == ["deployed", "", 2]
            assert [name for name, _ in end["tags"]] == ["v0.1.0"]
            assert end["environments"]["production"][2] == 2, "the schema is the migrated one"
        if life == WHOLE[1]:
            assert end["task"][:2] == ["rolled_back", "numbers_bad"]
            assert len(end["quarantine"]) == 2
            assert end["environments"]["production"][0] == "r-<first>"
        assert end["chain broken at"] is None
        if life in WHOLE:
            assert end["workspaces"] == []
            assert all(end["leases"].values())


def test_enough_points_are_named():
    outside = [(act, *place) for act in OUTSIDE for place in places(act)]
    assert len(set(outside)) == len(outside) >= 80, "each is killed before and after, raises, and times out"
    killed = {(act, point) for act, _, points in KILLED for point in points.split()}
    assert len(killed) >= 2 * len(outside) + 50
    assert STEPS.keys() == INSIDE.keys() == OUTSIDE.keys()
