"""The store in text."""

from __future__ import annotations

from keelway.app.upkeep.backup import BackupMade
from keelway.app.upkeep.check import StoreCheck
from keelway.app.upkeep.schemas import Upgraded
from keelway.app.upkeep.vacuum import Vacuumed
from keelway.cli.show.text import facts, say
from keelway.core.words.text import instant

MEGABYTE = 1_000_000


def upgraded(told: Upgraded) -> None:
    """Print what an upgrade did, or would do."""
    before, after = told.before, told.after
    facts((("store", before.store),))
    for name, found, left, needed in (
        ("book", before.book, after.book, before.book_needed),
        ("engine", before.engine, after.engine, before.engine_needed),
    ):
        if found >= needed:
            say(f"The {name} has schema {found}; nothing to do.")
        elif told.dry_run:
            say(f"The {name} has schema {found} and would be brought to {needed}.")
        else:
            say(f"The {name} went from schema {found} to {left}.", style="green")


def backed_up(made: BackupMade) -> None:
    """Print where a backup lies and how it comes back."""
    if made.dry_run:
        say(f"{made.store} ({_size(made.size_bytes)}) would be copied to {made.path}.")
    else:
        say(f"{made.path} ({_size(made.size_bytes)}) is a verified backup of {made.store}.", style="green")
        facts((("sha256", made.sha256),))
    say("", "To bring it back:", *(f"  {command}" for command in made.restore))


def checked(report: StoreCheck) -> None:
    """Print what a look over the store found."""
    schemas, seen, audit = report.schemas, report.survey, report.audit
    facts(
        (
            ("store", schemas.store),
            (
                "schema",
                f"book {schemas.book} of {schemas.book_needed}, engine {schemas.engine} of {schemas.engine_needed}",
            ),
            ("size", _size(seen.size_bytes) if seen else ""),
            ("damage", ("; ".join(seen.problems) or "none") if seen else "not asked"),
            ("audit", audit.sentence if audit else "not asked"),
            ("artefacts", f"{report.artefacts} outside the database, {_size(report.artefact_bytes)}"),
            (
                "rows",
                ", ".join(f"{count} {name[5:]}" for name, count in seen.rows.items() if count)
                if seen
                else "",
            ),
            ("upkeep", _upkeep(report)),
        )
    )
    if report.ok:
        say("", "Nothing is wrong.", style="green")
        return
    say("", "WRONG:", *(f"  {problem}" for problem in report.problems), style="red")
    say("", f"Next: {report.next}")


def vacuumed(done: Vacuumed) -> None:
    """Print what went, or would go."""
    removed = done.removed
    what = (
        f"{removed.artefacts} artefacts, {removed.log_lines} log lines, {removed.samples} samples, "
        f"{removed.backups} backups of data and the records of {removed.runs} ended stories"
    )
    if done.dry_run:
        say(f"{what} are over their time and would be removed.")
        return
    say(f"Removed: {what}. The store had {_size(done.before_bytes)} and has {_size(done.after_bytes)}.")


def _upkeep(report: StoreCheck) -> str:
    last = report.last_upkeep
    return f"{instant(last.began_at)} by {last.by}" if last else "not yet"


def _size(count: int) -> str:
    return f"{count / MEGABYTE:.1f} MB"
