"""Attack a whole Keelway and hold against it what must not have moved.

An attack is a life of a task in which the agent, the requester or the forge is hostile. Whatever it tried, three
things have to be true: the reason is one that was meant (``codes``), nothing outside has moved (``unchanged``), and
the audit trail says so once (``audited``). Beside each attack goes an honest twin that gets through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

from tests.conformance.git_rig import GitRig, again, make_origin
from tests.workflows.world import BASE_FILES, GOOD_EDITS, OWNER, TRUSTING, World, plan_of

from keelway.core.model.event import EventKind, verify_chain
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.policy import PlanPolicy
from keelway.ports.agent import Assignment, Effort, Stop
from keelway.ports.ledger import TaskRow
from keelway.testing.fakes.agent import FakeAgent
from keelway.testing.fakes.ci import FakeCi
from keelway.testing.fakes.pulls import FakePullBook

TURNS = range(1, 13)
"""More runs of the developer than any task gets."""

OPEN = replace(TRUSTING, plan=PlanPolicy(auto_approve_risk="medium"))
"""Lets through alone whatever a policy can let through; high risk never is that."""

Edits = Mapping[str, str | None]
Play = Edits | Effort | Callable[[Assignment], Effort | Edits]


@dataclass(frozen=True)
class Picture:
    """Show everything that an attack could have moved."""

    branches: dict[str, str]
    """The protected branches."""
    tags: tuple[tuple[str, str], ...]
    releases: dict[str, tuple[str, tuple[str, ...]]]
    """What is active and what was ever built, by environment."""
    schema: dict[str, int]
    restored: tuple[str, ...]
    frozen: bool


def picture_of(world: World) -> Picture:
    """Take a picture of everything outside."""
    forge = world.app.doors.forge
    places = world.target.places
    return Picture(
        {name: forge.head(name) for name in sorted(world.project.branches.protected)},
        forge.tags(),
        {name: (place.active, tuple(sorted(place.built))) for name, place in places.items()},
        {name: place.schema for name, place in places.items()},
        tuple(map(str, world.backup.restored)),
        world.ledger.freeze().active,
    )


@dataclass(frozen=True)
class Attacked:
    """Hold how an attack ended, beside what was there before it."""

    world: World
    row: TaskRow
    before: Picture

    @property
    def codes(self) -> set[str]:
        """Return every reason that any gate gave against it, and how it ended."""
        return codes_of(self.world) | {self.row.code}


def attack(
    world: World, edits: Play | None = None, plan: Mapping[str, Any] | None = None, **request: Any
) -> Attacked:
    """Let a hostile agent work on a task in every one of its turns, until nothing moves any more.

    Args:
        world: where.
        edits: what the developer does; the ordinary good work when not given.
        plan: fields of the plan that differ from the ordinary one.
        request: fields of the request that differ.
    """
    arm(world, edits, plan)
    world.baseline()
    before = picture_of(world)
    return Attacked(world, world.ask(**request), before)


def arm(world: World, edits: Play | None = None, plan: Mapping[str, Any] | None = None) -> None:
    """Give the agent of a world its part."""
    plays: dict[tuple[str, int], Any] = {("plan", turn): plan_of(**(plan or {})) for turn in TURNS}
    plays |= {("dev", turn): GOOD_EDITS if edits is None else edits for turn in TURNS}
    world.agent.plays = {**world.plays, **plays}


def codes_of(world: World) -> set[str]:
    """Return the codes of every finding that kept a gate shut."""
    judged = [
        link.event.data
        for link in world.ledger.events(limit=10_000)
        if link.event.kind is EventKind.GATE_JUDGED
    ]
    return {finding["code"] for data in judged for finding in data["findings"] if finding["ruling"] != "pass"}


def refused(attacked: Attacked, code: str) -> None:
    """Insist that an attack was refused for one reason, moved nothing, and is on record once."""
    assert attacked.row.status is Status.FAILED, attacked.row
    assert code in attacked.codes, attacked.codes
    unchanged(attacked.world, attacked.before)
    audited(attacked.world, attacked.row, code)


def held(attacked: Attacked, code: str) -> None:
    """Insist that an attack got no further than a person who never said yes."""
    assert attacked.row.code == "approval_expired", attacked.row
    refused(attacked, code)


def delivered(attacked: Attacked) -> None:
    """Insist that honest work got through."""
    assert attacked.row.status is Status.DEPLOYED, (attacked.row.code, attacked.row.error, attacked.codes)
    assert picture_of(attacked.world).branches != attacked.before.branches


def unchanged(world: World, before: Picture) -> None:
    """Insist that nothing outside has moved, and that nobody was told of a success."""
    assert picture_of(world) == before
    assert world.app.doors.sandbox.rooms() == () if hasattr(world.app.doors.sandbox, "rooms") else True
    assert {message.to for message in world.notifier.messages} <= {str(OWNER)}
    assert "is live" not in world.told()


def audited(world: World, row: TaskRow, code: str) -> None:
    """Insist that the trail is whole, tells the reason, and tells the end of the task once."""
    links = world.ledger.events(task=row.task.id, limit=10_000)
    assert verify_chain(world.ledger.events(limit=10_000)) is None
    closed = [link.event for link in links if link.event.kind is EventKind.TASK_CLOSED and link.event.stage]
    assert [event.data["code"] for event in closed] == [row.code]
    assert code == row.code or any(code in str(link.event.data) for link in links)


def refusals(world: World) -> list[str]:
    """Return the codes of the requests that were refused, as the audit trail has them."""
    links = world.ledger.events(limit=10_000)
    return [link.event.data["code"] for link in links if link.event.kind is EventKind.TASK_REFUSED]


def instead(port: Any, verb: str, other: Callable[..., Any]) -> None:
    """Let a port do something else for one verb; ``other`` is given what it did before it, and the arguments."""
    before = getattr(port, verb)

    @wraps(before)
    def done(*args: Any, **kwargs: Any) -> Any:
        return other(before, *args, **kwargs)

    setattr(port, verb, done)


class HistoryOnGit:
    """Give the fake CI the files of real commits."""

    def __init__(self, forge: Any) -> None:
        self._forge = forge

    def __getitem__(self, sha: str) -> HistoryOnGit.Commit:
        paths = self._forge.files(sha)
        return self.Commit(self._forge.texts(sha, paths))

    @dataclass(frozen=True)
    class Commit:
        """Hold the text files of one commit."""

        files: dict[str, str]


class ForgeOnGit:
    """Show a real forge to the fake CI."""

    def __init__(self, rig: GitRig) -> None:
        self.history = HistoryOnGit(rig.forge)


def on_git(world: World, folder: Path) -> GitRig:
    """Put real git behind the forge and the workspaces of a world.

    A play of its agent is then a function that does what it likes in ``assignment.workspace``.
    """
    folder.mkdir()
    make_origin(folder / "origin", dict(world.files))
    rig = again(folder, FakePullBook())
    world.agent = FakeAgent(world.plays, lambda _: {})
    ci = FakeCi(ForgeOnGit(rig), world.project)  # type: ignore[arg-type]
    doors = replace(world.app.doors, forge=rig.forge, sandbox=rig.sandbox, agent=world.agent, ci=ci)
    world.engine.close()
    world.app = replace(world.app, doors=doors)
    world.restart()
    return rig


def writes(edits: Edits, then: Callable[[Path], object] = lambda _: None) -> Play:
    """Play a developer on a real workspace who writes files and then does something else."""

    def work(assignment: Assignment) -> Effort:
        folder = Path(assignment.workspace)
        for name, text in edits.items():
            path = folder / name
            if text is None:
                path.unlink(missing_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        then(folder)
        return Effort(Stop.COMPLETED, "Done.")

    return work


__all__ = [
    "BASE_FILES", "GOOD_EDITS", "OPEN", "PRODUCTION", "STAGING", "Attacked", "Picture", "arm", "attack", "audited", "codes_of",
    "delivered", "held", "instead", "on_git", "picture_of", "refusals", "refused", "unchanged", "writes",
]  # fmt: skip
