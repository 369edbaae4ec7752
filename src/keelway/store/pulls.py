"""The records of the local forge on a database."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row, Table, func, insert, select, update

from keelway.core.errors import OurFault
from keelway.ports.forge import CheckRun, Pull
from keelway.ports.pulls import Issue, PullBook
from keelway.store.chain.journal import Clock, Entry, Journal, utc_now
from keelway.store.database import check_schema
from keelway.store.tables import CHECKS, COMMENTS, ISSUES, PULLS


class SqlPullBook:
    """Keep pull requests, comments, checks and issues; every write leaves an event in the chain.

    Raises:
        YourFault: the schema is not the one of this code.
    """

    def __init__(self, engine: Engine, home: Path, *, clock: Clock = utc_now) -> None:
        check_schema(engine)
        self._journal = Journal(engine, home, clock)

    def add_pull(self, pull: Pull, task: str, key: str) -> Pull:
        """Record a new pull request and return it with its number; a known key returns the recorded one."""
        with self._journal.entry() as entry:
            known = _by_key(entry, PULLS, key)
            if known is not None:
                return _pull(known)
            numbered = replace(pull, number=entry.next("forge"))
            times = {"created_at": entry.at, "updated_at": entry.at}
            entry.connection.execute(insert(PULLS).values(**asdict(numbered), **times, task=task, key=key))
            entry.note(
                "pull", task, number=numbered.number, head=pull.head, base=pull.base, sha=pull.head_sha
            )
            return numbered

    def save_pull(self, pull: Pull) -> None:
        """Replace a pull request.

        Raises:
            OurFault: there is none with this number.
        """
        with self._journal.entry() as entry:
            row = entry.connection.execute(select(PULLS).where(PULLS.c.number == pull.number)).first()
            if row is None:
                raise _absent("pull request", pull.number)
            if _pull(row) == pull:
                return
            mine = update(PULLS).where(PULLS.c.number == pull.number)
            entry.connection.execute(mine.values(**asdict(pull), updated_at=entry.at))
            entry.note(
                "pull",
                row.task,
                number=pull.number,
                state=pull.state,
                sha=pull.head_sha,
                merge_sha=pull.merge_sha,
            )

    def pull(self, number: int) -> Pull | None:
        """Return a pull request."""
        rows = self._journal.read(select(PULLS).where(PULLS.c.number == number))
        return _pull(rows[0]) if rows else None

    def open_pull_of(self, head: str, base: str) -> Pull | None:
        """Return the open pull request from one branch to another, the newest when there are several."""
        ours = (PULLS.c.head == head, PULLS.c.base == base, PULLS.c.state == "open")
        rows = self._journal.read(select(PULLS).where(*ours).order_by(PULLS.c.number.desc()).limit(1))
        return _pull(rows[0]) if rows else None

    def add_comment(self, number: int, body: str, key: str) -> None:
        """Add a comment to a pull request or an issue once per key."""
        with self._journal.entry() as entry:
            if _by_key(entry, COMMENTS, key) is None:
                row = {"key": key, "number": number, "body": body, "at": entry.at}
                entry.connection.execute(insert(COMMENTS).values(**row))
                entry.note("comment", number=number, characters=len(body))

    def comments(self, number: int) -> tuple[str, ...]:
        """Return the comments, oldest first."""
        query = select(COMMENTS.c.body).where(COMMENTS.c.number == number).order_by(COMMENTS.c.id)
        return tuple(row.body for row in self._journal.read(query))

    def set_check(self, run: CheckRun, key: str) -> None:
        """Record a check result; the latest of a name rules, and a known key is not recorded again."""
        with self._journal.entry() as entry:
            if _by_key(entry, CHECKS, key) is None:
                entry.connection.execute(insert(CHECKS).values(**asdict(run), key=key, at=entry.at))
                entry.note("check", name=run.name, sha=run.sha, passed=run.passed, examined=run.examined)

    def checks(self, sha: str) -> tuple[CheckRun, ...]:
        """Return the latest result of each check of a commit, by name."""
        latest = select(func.max(CHECKS.c.id)).where(CHECKS.c.sha == sha).group_by(CHECKS.c.name)
        query = select(CHECKS).where(CHECKS.c.id.in_(latest)).order_by(CHECKS.c.name)
        return tuple(
            CheckRun(row.name, row.sha, row.passed, row.examined, row.detail)
            for row in self._journal.read(query)
        )

    def add_issue(self, issue: Issue, key: str) -> Issue:
        """Record an issue and return it with its number; a known key returns the recorded one."""
        with self._journal.entry() as entry:
            known = _by_key(entry, ISSUES, key)
            if known is not None:
                return _issue(known)
            numbered = replace(issue, number=entry.next("forge"))
            entry.connection.execute(insert(ISSUES).values(**asdict(numbered), key=key, created_at=entry.at))
            entry.note("issue", number=numbered.number, title=issue.title)
            return numbered

    def save_issue(self, issue: Issue) -> None:
        """Replace an issue.

        Raises:
            OurFault: there is none with this number.
        """
        with self._journal.entry() as entry:
            mine = ISSUES.c.number == issue.number
            row = entry.connection.execute(select(ISSUES).where(mine)).first()
            if row is None:
                raise _absent("issue", issue.number)
            if _issue(row) != issue:
                entry.connection.execute(update(ISSUES).where(mine).values(**asdict(issue)))
                entry.note("issue", number=issue.number, state=issue.state)

    def issue(self, number: int) -> Issue | None:
        """Return an issue."""
        rows = self._journal.read(select(ISSUES).where(ISSUES.c.number == number))
        return _issue(rows[0]) if rows else None


def _by_key(entry: Entry, table: Table, key: str) -> Row[Any] | None:
    return entry.connection.execute(select(table).where(table.c.key == key)).first()


def _pull(row: Row[Any]) -> Pull:
    return Pull(
        number=row.number,
        state=row.state,
        base=row.base,
        head=row.head,
        head_sha=row.head_sha,
        base_sha=row.base_sha,
        title=row.title,
        body=row.body,
        merge_sha=row.merge_sha,
        url=row.url,
    )


def _issue(row: Row[Any]) -> Issue:
    return Issue(row.number, row.title, row.body, tuple(row.labels or ()), row.state)


def _absent(what: str, number: int) -> OurFault:
    return OurFault("unknown_record", f"There is no {what} {number} to replace.", "keelway audit --verify")


_check: type[PullBook] = SqlPullBook
