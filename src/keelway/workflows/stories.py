"""Every story by name, and the same stories and stages on paper, where nothing can be reached."""

from __future__ import annotations

from typing import Any, cast

from keelway.core.model.project import Project
from keelway.core.policy import Policy
from keelway.ports.agent import Agent
from keelway.ports.backup import BackupStore
from keelway.ports.channel import Notifier
from keelway.ports.ci import Ci
from keelway.ports.engine import Engine, StageRun, Story
from keelway.ports.forge import Forge
from keelway.ports.hook import Hooks
from keelway.ports.index import PackageIndex
from keelway.ports.ledger import Ledger
from keelway.ports.probe import Probe
from keelway.ports.sandbox import Sandbox
from keelway.ports.scanner import Scanners
from keelway.ports.signal import Signal
from keelway.ports.target import Target
from keelway.routines.context import Context, Doors, Scene
from keelway.workflows import closing
from keelway.workflows.cast import stage_runs
from keelway.workflows.deliver import PolicyOf, deliver_under
from keelway.workflows.orders import BACK_STORIES, deploy, rollback
from keelway.workflows.watch import watch

DELIVER, CLOSE_OUT = "deliver", closing.CLOSE_OUT


def stories_under(policy_of: PolicyOf) -> dict[str, Story]:
    """Return every story, each task's under its own policy."""
    return {
        DELIVER: deliver_under(policy_of),
        CLOSE_OUT: closing.close_out,
        "watch": watch,
        "rollback": rollback,
        "deploy": deploy,
        **BACK_STORIES,
    }


def on_paper(project: Project, policy: Policy) -> tuple[dict[str, Story], dict[str, StageRun]]:
    """Return stories and stages that can walk a record, but reach nothing outside: their doors are the ports.

    A door's verb is only looked up there for the type of its answer; to call it would raise ``TypeError``.
    """
    ports = {
        "agent": Agent,
        "sandbox": Sandbox,
        "forge": Forge,
        "ci": Ci,
        "target": Target,
        "hook": Hooks,
        "backup": BackupStore,
        "probe": Probe,
        "signal": Signal,
        "notifier": Notifier,
        "ledger": Ledger,
        "index": PackageIndex,
        "scanner": Scanners,
    }
    doors = Doors(**cast("dict[str, Any]", ports))

    def make_context(engine: Engine, scene: Scene) -> Context:
        return Context(engine, doors, project, policy, scene)

    return stories_under(lambda _: policy), stage_runs(make_context)
