"""The named crash points of acts b and c: runs of stages in the order of the story, and where in them the process dies."""

from __future__ import annotations

OUTSIDE: dict[str, dict[str, str]] = {
    "b": {
        "intake-1": "forge.refresh forge.open_issue ledger.move",
        "planning-1": "forge.head forge.files sandbox.open agent.work sandbox.close ledger.amend ledger.ask notifier.tell",
        "planning-2": "forge.head ledger.move",
        "development-1": "forge.head forge.files ci.check sandbox.open agent.work sandbox.collect forge.diff ci.check_all "
        "forge.read forge.compose forge.patch ledger.save_artefact",
        "review-1": "forge.open_pull forge.set_check forge.checks forge.pull forge.head forge.conflicts forge.diff "
        "ledger.ask notifier.tell",
        "review-2": "forge.comment ledger.lease forge.merge forge.delete_branch ledger.move",
        "staging-1": "ledger.lease signal.ticks ledger.quarantined target.state target.build target.schema backup.take "
        "ledger.save_deployment target.migrate target.boots target.start target.switch target.swap_workers probe.ask "
        "signal.past signal.look ledger.save_samples signal.exceptions ledger.release",
        "production-1": "forge.head forge.open_pull forge.merge signal.ticks target.state target.build target.schema "
        "backup.take ledger.save_deployment target.migrate target.boots target.start target.switch "
        "target.swap_workers signal.past probe.ask signal.look signal.exceptions ledger.release",
        "report-1": "forge.tags forge.tag forge.close_issue ledger.lease target.state target.retire "
        "ledger.save_artefact sandbox.close notifier.tell",
        "watch-1": "ledger.deployments probe.ask signal.exceptions signal.ticks",
    },
    "c": {
        "production-1": "ledger.save_samples backup.verify target.swap_workers",
        "unwind-1": "ledger.deployments target.switch backup.verify target.swap_workers probe.ask ledger.events ledger.quarantine "
        "forge.revert ledger.open_incident sandbox.close ledger.release ledger.save_artefact ledger.move notifier.tell",
    },
}
"""Effects and readings, by act and run: each is killed before and after it, raises instead, and times out after success."""

INSIDE: dict[str, tuple[str, ...]] = {
    "b": (
        (
            "nobody/ledger.create:before nobody/ledger.create:after nobody/start.task:before nobody/start.task:after "
            "story/call.intake-1:before story/call.planning-1:after story/wait.wake:before nobody/people.decide:before "
            "nobody/people.decide:after story/call.development-1:before story/call.review-1:after"
        ),
        (
            "nobody/ledger.answer:before nobody/ledger.answer:after story/call.development-1:after story/wait.wake:before "
            "story/call.staging-1:before story/call.production-1:after story/call.report-1:before "
            "story/step.start_*:watch-1:before nobody/start.watch-1:after story/step.start_*:watch-1:after watch-1/call.watch-1:after"
        ),
    ),
    "c": (
        "story/call.production-1:after nobody/start.end-1:before nobody/start.end-1:after end-1/call.unwind-1:before end-1/call.unwind-1:after",
    ),
}
"""Instants of the stories and between the parts, by act; each line is one life."""

STEPS: dict[str, dict[str, str]] = {
    "b": {
        "intake-1": "enter#0:after gate:intake:done end:done",
        "planning-1": "begin:done amend:plan,plan_version,risk:done end:after",
        "development-1": "row:after gate:quality:done amend:commit_sha,risk:done",
        "review-2": "gate:merge:done merge:done record:merged:done merge:after",
        "staging-1": "sleep:done slept:done record:observed:staging:done gate:staging:done deployment:live:done",
        "production-1": "promote:done record:promoted:done deployment:figures:done status:deployed:done end:done",
        "report-1": "tag:done record:closed:done end:after",
        "watch-1": "gate:watch:done end:done",
    },
    "c": {
        "production-1": "gate:production:done record:back:production:begin:done back:production:at_once:done "
        "back:production:1:switch_traffic:done record:back:production:end:done end:done",
        "unwind-1": "back:staging:at_once:done revert:*:done revert_noted:*:done record:reverted:*:after incident:done "
        "status:rolled_back:done end:after",
    },
}
"""Durable steps: the instants between an effect and its record (``done``), and right after the record (``after``)."""

MILESTONES: dict[str, dict[str, str]] = {
    "b": {run: f"story/call.{run}:before" for run in ("review-1", "staging-1", "production-1", "report-1")},
    "c": {
        "production-1": "production-1/ledger.save_samples:before",
        "unwind-1": "end-1/call.unwind-1:before",
    },
}
"""Points at which a life is killed once and kept, so that others begin there: by act and run."""

START = ""
"""The beginning, where nothing is asked yet."""


def places(act: str) -> list[tuple[str, str]]:
    """List runs and places outside of an act."""
    return [(run, place) for run, named in OUTSIDE[act].items() for place in named.split()]


def milestone_of(act: str, run: str) -> str:
    """Return the last milestone before a run."""
    order = [*OUTSIDE["b"], "unwind-1"]
    known = [kept for kept in MILESTONES[act] if order.index(kept) <= order.index(run)]
    return known[-1] if known else START


def kill_lives(act: str) -> list[tuple[str, str]]:
    """Share the points of ``kill -9`` among lives, few in each run: from a milestone, and the points in their order."""
    outside = [[f"{run}/{place}" for place in named.split()] for run, named in OUTSIDE[act].items()]
    steps = [[f"{run}/step.{step}" for step in named.split()] for run, named in STEPS[act].items()]
    begin = START if act == "b" else "production-1"
    lives = [
        [
            point
            for run in outside
            for place in run[turn : turn + 1]
            for point in (f"{place}:before", f"{place}:after")
        ]
        for turn in range(max(map(len, outside)))
    ]
    lives += [
        [step for run in steps for step in run[turn : turn + 1]] for turn in range(max(map(len, steps)))
    ]
    return [(begin, " ".join(life)) for life in lives] + [(begin, life) for life in INSIDE[act]]


def fault_lives(act: str) -> list[tuple[str, str]]:
    """Make one life of each exception and each timeout after success, from the last milestone before it."""
    return [
        (milestone_of(act, run), f"{run}/{place}:{fault}")
        for run, place in places(act)
        for fault in ("before!exception", "after!timeout")
    ]
