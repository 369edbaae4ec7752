"""What the lives about the way back share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.workflows.world import World, plan_of

from keelway.app.back.orders import Ordered
from keelway.core.model.project import PRODUCTION
from keelway.core.release.version import release_name
from keelway.ports.ledger import TaskRow


def edits(word: str) -> dict[str, str]:
    """Return a feature: a file and its test."""
    test = f'from pathlib import Path\n\n\ndef test_{word}():\n    assert "{word}" in Path("{word}.py").read_text()\n'
    return {f"{word}.py": f"{word} = 1\n", f"tests/test_{word}.py": test}


def wish(world: World, word: str) -> TaskRow:
    """Ask for a feature of one word and let everything happen."""
    made = edits(word)
    probes = [{"path": f"/{word}", "status": 200}]
    world.agent.plays = {
        **world.agent.plays,
        ("plan", 1): plan_of(title=f"Answer with {word}", create=[*made], probes=probes, test_plan=[word]),
        ("dev", 1): made,
    }
    return world.ask(f"Add the word {word}")


def live(world: World, word: str) -> TaskRow:
    """Bring a feature of one word live."""
    row = wish(world, word)
    assert row.status.value == "deployed", (row.code, row.error)
    return row


def active(world: World, environment: str = PRODUCTION) -> str:
    """Return what serves."""
    return world.target.places[environment].active


def ended(world: World, ordered: Ordered) -> dict[str, Any]:
    """Let an order end and return what it says."""
    world.run()
    result = world.engine.result(ordered.run)
    assert isinstance(result, dict), world.engine.failure(ordered.run)
    return result


def push(world: World, files: dict[str, str], message: str = "Work of a person") -> str:
    """Let a person push to the production branch; return the release of the commit."""
    main = world.forge.head("main")
    made = world.forge.history.add((main,), {**world.forge.history[main].files, **files}, message)
    world.forge.origin_at = made.sha
    world.forge.refresh()
    return release_name(made.sha)


def deployed_by_hand(world: World, ordered: Callable[[], Ordered]) -> str:
    """Let a deployment by hand end well and return its release."""
    done = ended(world, ordered())
    assert done["ok"], done["message"]
    return str(done["release"])
