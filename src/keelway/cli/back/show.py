"""The way back in text: the menu, each step of a rollback, drills, drift, locks."""

from __future__ import annotations

from collections.abc import Iterable

from keelway.app.view.system import (
    BackPreview,
    DriftView,
    DrillView,
    LockView,
    MenuView,
    QuarantineView,
)
from keelway.cli.show.text import ago, facts, say, table
from keelway.core.release.drill import Drill, counts
from keelway.core.words.text import duration, instant, line, short

_STYLES = {"pass": "green", "hold": "yellow", "fail": "red"}
_DRILLS_SHOWN = 20


def menus(views: Iterable[MenuView]) -> None:
    """Print the menu of each environment."""
    for view in views:
        menu(view)
        say("")


def menu(view: MenuView) -> None:
    """Print the ways back of one environment: A, B, C and D."""
    say(f"{view.environment}: {view.active or 'nothing runs'}. Where should it go back to?", style="bold")
    say(f"  A  the release before: {view.previous or 'there is none'}")
    tags = ", ".join(
        f"{each.tag} ({each.release or f'built from {short(each.sha)} first'})" for each in view.tags
    )
    say(f"  B  a branch or tag, such as {tags}" if tags else "  B  a branch or tag; there is no tag yet")
    commits = ", ".join(short(sha) for sha in view.commits)
    say(f"  C  a commit, such as {commits}" if commits else "  C  a commit of a protected branch")
    if not view.targets:
        say(f"  D  no release of {view.environment} can be recommended yet")
        return
    say("  D  one of these, the best evidence first:")
    for number, target in enumerate(view.targets, 1):
        say(f"     {number}  {target.release}  {'; '.join(target.reasons)}")
    say(
        f"Choose: keelway rollback {view.environment} --to NUMBER|RELEASE|TAG|BRANCH|COMMIT (--dry-run first)"
    )


def back_preview(view: BackPreview) -> None:
    """Print what a rollback would do: every step, and what data would be lost."""
    backup = (
        f"{view.backup} of {instant(view.backup_at)}" if view.backup and view.backup_at else "none was taken"
    )
    facts(
        (
            ("environment", view.environment),
            ("taken back", ", ".join(view.undone) or view.release),
            ("to", view.to_release or "nothing"),
            ("why so", view.reason),
            ("data", f"LOST: {view.loss or 'unknown'}" if view.loses_data else "nothing is lost"),
            ("backup", backup),
            ("a restore would lose", view.at_stake),
            ("a person", "has to say yes or take over" if view.needs_person else ""),
            ("if that fails", view.otherwise),
        )
    )
    say("", "Steps:")
    for number, sentence in enumerate(view.said or view.steps, 1):
        say(f"  {number}. {sentence}")


def locks(views: Iterable[LockView]) -> None:
    """Print locks, one a line."""
    shown = [view.sentence for view in views]
    say(*(shown or ["No environment is locked."]))


def lifted(views: Iterable[LockView]) -> None:
    """Print which lock was lifted."""
    shown = [f"{view.environment} is unlocked; {line(view.by)} had locked it." for view in views]
    say(*(shown or ["It was not locked."]))


def drills(views: Iterable[DrillView]) -> None:
    """Print the drills of each environment, the newest first, and what they are good for."""
    for view in views:
        say(f"{view.environment}: {view.sentence}", style=_STYLES.get(view.ruling, ""))
        table(
            ("DRILL", "WHEN", "BY", "PART", "RESULT", "TOOK", "EXAMINED", "DETAIL"),
            [row for each in view.drills[:_DRILLS_SHOWN] for row in _drill_rows(each)],
        )


def _drill_rows(drill: Drill) -> list[tuple[str, ...]]:
    return [
        (
            drill.id,
            ago(drill.at),
            drill.by,
            result.kind,
            "passed" if counts(result) else "failed",
            duration(result.seconds),
            str(result.examined),
            result.detail,
        )
        for result in drill.results
    ]


def drifts(views: Iterable[DriftView]) -> None:
    """Print whether each environment is as recorded, and why not."""
    for view in views:
        word = {"pass": "as recorded", "hold": "not known now", "fail": "DRIFTED"}[view.ruling]
        runs = view.active or "nothing"
        say(
            f"{view.environment}: {word} (runs {runs}, recorded {view.recorded or 'nothing'})",
            style=_STYLES[view.ruling],
        )
        for finding in view.findings:
            if finding.ruling.value != "pass":
                say(f"  {finding.message}")
        if view.ruling == "fail":
            say(f"  Next: keelway drift {view.environment} --adopt, or --restore")


def quarantine(views: Iterable[QuarantineView]) -> None:
    """Print the commits that are barred."""
    rows = [
        (
            short(view.sha),
            view.task or "by hand",
            ago(view.at),
            short(view.revert_sha) if view.revert_sha else "",
            view.reason,
        )
        for view in views
    ]
    if rows:
        table(("COMMIT", "TASK", "SINCE", "FREED BY", "REASON"), rows)
    else:
        say("No commit is in quarantine.")
