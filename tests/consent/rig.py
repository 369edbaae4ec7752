"""What the tests of approvals share: who people are, and what must not have happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.workflows.world import BASE_FILES, PROJECT, TRUSTING, World, plan_of

from keelway.core.model.event import EventKind
from keelway.core.model.task import Actor, Person
from keelway.core.policy import PlanPolicy, ReviewPolicy
from keelway.ports.ledger import TaskRow

ANN = Person("ann", ("4711@telegram", "@ann-gh"), ("@harbour/numbers",))
BERT = Person("bert", ("4712@telegram", "bert@example.org"))
ROBOT = Person("robot", ("900@telegram",), ("@harbour/numbers",), bot=True)
PEOPLE = (ANN, BERT, ROBOT)
OWNERS = "two.py @harbour/numbers\ntests/ bert@example.org\n"
OWNED = {**BASE_FILES, "CODEOWNERS": OWNERS}
PEOPLED = replace(PROJECT, people=PEOPLE)
BY_TWO = ReviewPolicy(auto_merge_risk="medium", single_user=False)
ASKING = replace(TRUSTING, plan=PlanPolicy(auto_approve_risk="none"))
HIGH = {("plan", 1): plan_of(risks=["breaking change"])}
SOON = timedelta(hours=1)


def link_of(person: Person) -> Actor:
    """Return a person who came by a link."""
    return Actor(person.name, "link")


def settle(world: World, task: TaskRow) -> TaskRow:
    """Let an hour pass and return the task as it is then."""
    world.engine.run_until_idle(world.clock.now() + SOON)
    return world.ledger.find(task.task.id)


def waiting(world: World) -> TaskRow:
    """Bring a task to its first question."""
    world.baseline()
    return settle(world, world.submit())


def records(world: World, kind: EventKind = EventKind.DECISION_REFUSED) -> list[str]:
    """Return the codes of every refused answer, or the tasks of another kind."""
    links = [link for link in world.ledger.events(limit=10_000) if link.event.kind is kind]
    return [str(link.event.data.get("code", link.event.task)) for link in links]
