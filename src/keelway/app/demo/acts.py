"""The six acts: what is asked, what has to happen, and what is held against the result."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from keelway.app.demo.proof import Proof, back_of, production_of
from keelway.app.demo.row import Row
from keelway.app.demo.scene import Scene
from keelway.app.view.task import Happened, TaskView
from keelway.clients.http import HttpClient
from keelway.core.model.project import PRODUCTION
from keelway.core.words.text import short

TASK_SECONDS_MAX = 240.0
DETECT_SECONDS_MAX = 30.0
HEALTHY_SECONDS_MAX = 3.0
WRONG_REQUESTS = 4
"""How often the demo sends the request that breaks Harbor, so that the detector believes it."""

ASKED = {
    "b": "Let ships book a pilot: POST /pilots books one, GET /pilots lists the bookings",
    "c": "Sign every answer of the harbour office in the channel with the name of the house",
    "e": "Let small ships use longer berths, a little waste of quay is no harm",
    "f": "Let people find ships by name: GET /ships?name=Auro",
}
NO_SHIP = {"ship": "Heron", "length_m": 0}


@dataclass(frozen=True)
class Act:
    """Name an act, say in one sentence what it shows, and play it."""

    letter: str
    intro: str
    play: Callable[[Scene, Proof], Row]


def feature(scene: Scene, proof: Proof) -> Row:
    """Play b: a feature with a migration whose first attempt fails its own tests."""
    task = scene.ask("b", ASKED["b"])
    scene.until(
        "the agent has tried",
        TASK_SECONDS_MAX,
        lambda: bool(scene.seen(task, "agent.finished")) or scene.closed(task),
    )
    _early(scene, "e")
    _merged(scene, task)
    _early(scene, "c")
    view = _closed(scene, task)
    gates = scene.seen(task, "gate.judged", gate="quality")
    shut = next((event for event in gates if event.data["ruling"] == "fail"), None)
    proof.holds(view.line.status == "deployed", f"{task} is {view.line.status}: {view.line.error}")
    proof.holds(shut and "tests" in shut.text, "the first attempt did not fail its tests")
    proof.holds(view.line.iterations == 2, f"it took {view.line.iterations} attempts")  # noqa: PLR2004
    status, _ = _ask_production(scene, "GET", "/pilots")
    proof.holds(status == 200, f"GET /pilots answers {status}")  # noqa: PLR2004
    proof.no_failure()
    usage = str((view.plan or {}).get("usage", ""))
    proof.holds(usage, "there are no usage notes")
    if usage:
        scene.screen.event("b", f"{task} is live. How to use it: {usage}", "green")
    live = production_of(scene, task)
    schema = f"schema {live.schema_before} to {live.schema_after}, " if live else ""
    happened = f"{task} live after {view.line.iterations} attempts: {schema}{_judged(view)}"
    return proof.row(happened, task)


def breaks_in_production(scene: Scene, proof: Proof) -> Row:
    """Play c: a change that is green everywhere and breaks in production alone."""
    task = scene.ask("c", ASKED["c"])
    _merged(scene, task)
    view = _closed(scene, task)
    proof.holds(view.line.status == "rolled_back", f"{task} is {view.line.status}: {view.line.error}")
    bad = production_of(scene, task)
    verdict = str(bad.figures.get("verdict_at", "")) if bad else ""
    if bad is None or not verdict:
        proof.holds(fact=False, otherwise="no verdict on production was recorded")
        return proof.row(f"{task} ended as {view.line.status}", task)
    scene.rest(1.0)
    proof.end()
    back = back_of(proof.sent(), _instant(verdict), bad.previous_release)
    reverts = scene.seen(task, "branch.reverted")
    branches = sorted(str(event.data["branch"]) for event in reverts)
    proof.holds(back.before > 0, "the load generator saw no error before the verdict")
    proof.holds(back.healthy_seconds is not None, "no good answer of the old release came after the verdict")
    late = back.healthy_seconds or 0.0
    proof.holds(late <= HEALTHY_SECONDS_MAX, f"the old release answered everything only after {late:.1f} s")
    proof.holds(branches == ["develop", "main"], f"reverted on {', '.join(branches) or 'no branch'}")
    proof.holds(_barred(scene, task), "the commit is not quarantined")
    rate = float(bad.figures.get("rate_after") or 0.0)
    counted = f"{bad.figures.get('errors')} of {bad.figures.get('requests')} requests failed ({rate:.1%})"
    happened = (
        f"{task} rolled back by itself: {counted}; {bad.previous_release} serves again, "
        f"reverted on {' and '.join(branches)}, {short(bad.sha)} quarantined"
    )
    row = proof.row(happened, task)
    return replace(row, errors_before_verdict=back.before, healthy_seconds=back.healthy_seconds)


def error_becomes_fix(scene: Scene, proof: Proof) -> Row:
    """Play d: an error in the production log opens its own fix."""
    broken = [_ask_production(scene, "POST", "/arrivals", NO_SHIP)[0] for _ in range(WRONG_REQUESTS)]
    proof.holds(set(broken) == {500}, f"the request that breaks Harbor was answered {broken}")
    scene.screen.event("d", f"POST /arrivals {json.dumps(NO_SHIP)} is answered {broken}", "yellow")
    began = time.monotonic()
    scene.until("the detector opens a task", DETECT_SECONDS_MAX, lambda: "d" in scene.acts.values())
    task = next(name for name, act in scene.acts.items() if act == "d")
    scene.screen.event("d", f"{task} was opened by the detector after {time.monotonic() - began:.1f} s")
    _merged(scene, task)
    _early(scene, "f")
    view = _closed(scene, task)
    proof.holds(view.line.status == "deployed", f"{task} is {view.line.status}: {view.line.error}")
    proof.holds(view.line.source == "detector", f"{task} came from {view.line.source}")
    status, said = _ask_production(scene, "POST", "/arrivals", NO_SHIP)
    proof.holds(status == 422, f"the same request is answered {status} now")  # noqa: PLR2004
    proof.holds("length_m" in said, "the answer does not name the wrong field")
    proof.no_failure()
    happened = f"{task} opened by the log, live: the request that was answered 500 is answered {status} now"
    return proof.row(happened, task)


def weakened_test(scene: Scene, proof: Proof) -> Row:
    """Play e: an agent that would rather change the tests than the code."""
    task = scene.ask("e", ASKED["e"])
    view = _closed(scene, task)
    shut = scene.seen(task, "gate.judged", gate="quality", ruling="fail")
    codes = {str(each["code"]) for event in shut for each in event.data["findings"]}
    proof.holds(view.line.status == "failed", f"{task} is {view.line.status}")
    proof.holds("tests_failed" in codes, "the old tests were not replayed against the patch")
    proof.holds("test_not_granted" in codes, "nobody noticed that an old test was altered")
    proof.holds(not scene.seen(task, "branch.merged"), "something was merged")
    proof.holds(view.pull_request is None, f"pull request #{view.pull_request} was opened")
    happened = (
        f"{task} refused {len(shut)} times and given up: its patch altered tests that exist; nothing merged"
    )
    return proof.row(happened, task, traffic=False)


def killed_in_the_middle(scene: Scene, proof: Proof) -> Row:
    """Play f: the control plane dies in the middle of a production deploy."""
    task = scene.ask("f", ASKED["f"])
    _merged(scene, task)

    def begun() -> tuple[Happened, ...]:
        return scene.seen(task, "effect.intended", effect="start")

    scene.until(
        "its deploy to production begins",
        TASK_SECONDS_MAX,
        lambda: scene.closed(task) or any(event.stage == PRODUCTION for event in begun()),
    )
    proof.holds(not scene.closed(task), "the task ended before its deploy to production")
    pid, died = scene.plane.pid, time.monotonic()
    scene.plane.kill()
    scene.screen.event(
        "f", f"kill -9 {pid}: the control plane is dead, in the middle of the deploy", "bold red"
    )
    scene.plane.up(lambda _: scene.traffic.read())
    down = time.monotonic() - died
    scene.screen.event("f", f"keelway up: pid {scene.plane.pid} takes over after {down:.1f} s", "green")
    view = _closed(scene, task)
    proof.holds(view.line.status == "deployed", f"{task} is {view.line.status}: {view.line.error}")
    mine = [one for one in view.deployments if one.environment == PRODUCTION]
    proof.holds(len(mine) == 1, f"{len(mine)} deployments to production were recorded")
    status, said = _ask_production(scene, "GET", "/ships?name=Auro")
    proof.holds(status == 200 and "Aurora" in said and "Cormorant" not in said, "the feature is not there")  # noqa: PLR2004
    proof.no_failure()
    happened = (
        f"control plane killed (-9) in the deploy, back after {down:.1f} s; {task} live, traffic never cut"
    )
    return proof.row(happened, task)


ACTS = (
    Act("b", "A feature with a new table; the agent's first attempt fails its own tests.", feature),
    Act("c", "A change that passes every test and breaks in production only.", breaks_in_production),
    Act("d", "An error shows up in production's log; nobody asks for anything.", error_becomes_fix),
    Act("e", "A patch that makes tests weaker instead of the code better.", weakened_test),
    Act("f", "The control plane is killed in the middle of a deploy to production.", killed_in_the_middle),
)
INTRO_A = "Harbor goes up in staging and production, and its users arrive."


def _early(scene: Scene, act: str) -> None:
    """Ask for the task of a later act already: it is developed while this one is watched."""
    if scene.whole:
        scene.ask(act, ASKED[act])


def _merged(scene: Scene, task: str) -> None:
    """Wait until a task is merged or at its end; say yes for the owner where the owner is asked."""
    answered: set[int] = set()
    woken: set[int] = set()

    def reached() -> bool:
        asked = {event.sequence for event in scene.seen(task, "question.asked")}
        if asked - answered:
            answered.update(asked)
            _say_yes(scene, task)
        waits = {
            event.sequence
            for event in scene.seen(task, "stage.finished", status="held")
            if event.stage == "review"
        }
        if waits - woken and not asked:
            # The way is free by now; the task would find that out at its next turn only.
            woken.update(waits)
            scene.plane.remote.control(task, "resume")
        return bool(scene.seen(task, "branch.merged")) or scene.closed(task)

    scene.until(f"{task} is merged", TASK_SECONDS_MAX, reached)


def _say_yes(scene: Scene, task: str) -> None:
    if any(not question.answer for question in scene.task(task).questions):
        scene.screen.event(scene.acts[task], f"you are the owner; for you: keelway approve {task}", "cyan")
        scene.plane.remote.answer(task, "approve", "The demo says yes for you.")


def _closed(scene: Scene, task: str) -> TaskView:
    scene.until(f"{task} comes to its end", TASK_SECONDS_MAX, lambda: scene.closed(task))
    return scene.task(task)


def _barred(scene: Scene, task: str) -> bool:
    return bool(scene.seen(task, "commit.quarantined"))


def _judged(view: TaskView) -> str:
    live = next((one for one in view.deployments if one.environment == PRODUCTION), None)
    if live is None:
        return "not in production"
    return f"{live.figures.get('requests')} requests watched, {live.figures.get('errors')} failed"


def _ask_production(scene: Scene, method: str, path: str, body: object = None) -> tuple[int, str]:
    port = scene.ground.place.config.file.production.port
    with HttpClient(f"http://127.0.0.1:{port}") as client:
        answer = client.request(method, path, json=body)
    return answer.status, answer.text


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
