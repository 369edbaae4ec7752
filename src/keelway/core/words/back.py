"""Words about the way back: each step as a sentence, the menu's options, drills and the branch that undoes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from keelway.core.release.drill import DEPLOY, RESTORE, ROLLBACK, Drill, DrillResult, counts
from keelway.core.release.rollback import Step
from keelway.core.words.text import bullets, duration, inline, instant, line, prose, short

_STEPS = {
    Step.SWITCH_TRAFFIC: "give all traffic to {good}",
    Step.START_PREVIOUS: "start {good} beside what runs and wait until it is healthy",
    Step.STOP_WORKERS: "stop the background processes of {bad}",
    Step.START_WORKERS: "start the background processes of {good}",
    Step.MIGRATE_DOWN: "run the down-migrations of {bad}",
    Step.RESTORE_DATA: "restore the backup that was taken before {bad}",
    Step.REVERT_MERGE: "revert what was merged for it on the protected branches",
    Step.QUARANTINE: "bar its commits from later deployments, unless their revert comes along",
    Step.VERIFY: "ask the health questions twice in a row",
    Step.FREEZE: "freeze everything, because no way back is known",
    Step.PAGE: "call the owner",
}

_PARTS = {
    DEPLOY: "a no-op change was deployed",
    ROLLBACK: "it was taken back",
    RESTORE: "backups were checked",
}


@dataclass(frozen=True)
class OrderIncident:
    """Hold what the incident of an ordered rollback tells."""

    environment: str
    bad_release: str
    good_release: str
    """What serves again, verified; empty when nothing was."""
    reason: str
    by: str
    seconds: float
    rows_lost: int | None
    at: datetime


def step_sentence(step: Step, bad: str, good: str) -> str:
    """Return what a step does, in words."""
    return _STEPS[step].format(bad=line(bad) or "the bad release", good=line(good) or "the release before")


def no_op_message(drill: str) -> str:
    """Return the message of the commit that a drill deploys; it changes no file."""
    return f"[test] Deployment workflow validation\n\nThis commit changes nothing.\n\nDrill: {line(drill)}\n"


def drill_report(drill: Drill) -> str:
    """Tell how a drill ended, part by part."""
    word = "passed" if drill.passed else "FAILED"
    rows = bullets(map(_part, drill.results))
    return f"The drill on {line(drill.environment)} {word}.\n\n{rows}\n"


def _part(result: DrillResult) -> str:
    good = "ok" if counts(result) else "FAILED"
    said = f": {line(result.detail)}" if result.detail else ""
    what = _PARTS.get(result.kind, line(result.kind))
    return f"{good}, {what} ({duration(result.seconds)}, {result.examined} examined){said}"


def back_title(environment: str, release: str) -> str:
    """Return the title of the pull request that brings a branch back to what a release was built from."""
    return f"revert: bring {line(environment)} back to {line(release)}"


def back_commit(environment: str, release: str, sha: str, reason: str) -> str:
    """Return the message of the commit on a rollback branch."""
    said = prose(reason) or "No reason was given."
    return f"{back_title(environment, release)}\n\nThe tree is that of {sha}.\n\n{said}\n"


def back_body(environment: str, release: str, sha: str, reason: str, undone: Iterable[str]) -> str:
    """Return the text of a rollback's pull request."""
    return (
        f"## What\n\nBring the branch back to {short(sha)}, which {inline(release)} was built from"
        f" ({inline(environment)}).\n\n"
        f"## Why\n\n{inline(reason, 1_000) or 'No reason was given.'}\n\n"
        f"## What it undoes\n\n{bullets(map(inline, undone))}\n\n"
        "## Risk\n\nLow: the tree is one that ran before. It removes everything that came after it.\n\n"
        "## Test plan\n\n- [ ] The tree equals that of the commit above\n- [ ] The checks pass\n\n"
        "## Way back\n\nRevert the merge of this pull request.\n"
    )


def order_incident(incident: OrderIncident) -> tuple[str, str]:
    """Return title and text of the incident of a rollback that a person, or the watch, ordered."""
    where, bad = line(incident.environment), line(incident.bad_release)
    end = f"runs {line(incident.good_release)} again" if incident.good_release else "is NOT verified"
    lost = "nothing" if incident.rows_lost is None else f"{incident.rows_lost} rows"
    facts = (
        f"At {instant(incident.at)}, ordered by {inline(incident.by)}",
        f"Taken back: {inline(bad)}",
        f"{inline(where)} {inline(end)} after {duration(incident.seconds)}",
        f"Data lost: {lost}",
    )
    todo = "- [ ] Find out why no gate caught it\n- [ ] Write the test that would have\n"
    body = f"{bullets(facts)}\n\n## Reason\n\n{inline(incident.reason, 1_000)}\n\n## Before it is tried again\n\n{todo}"
    return f"[Incident] {bad} was taken back on {where}: {line(incident.reason, 120)}", body
