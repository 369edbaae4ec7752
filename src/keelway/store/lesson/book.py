"""Lessons: kept once per key, found by words or by fingerprint, a bounded number of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from keelway.core.errors import YourFault
from keelway.core.lesson.find import found_in
from keelway.core.lesson.lesson import Lesson, LessonKind, LessonOutcome, bounded
from keelway.core.lesson.strategy import Strategy
from keelway.core.lesson.terms import QUERY_TERMS_MAX, terms
from keelway.core.model.event import Event, EventKind
from keelway.store.books import shelf
from keelway.store.books.shelf import Shelf
from keelway.store.books.tasks import named_task
from keelway.store.chain.journal import Entry
from keelway.store.fault import reported
from keelway.store.lesson import search
from keelway.store.reading import lenient
from keelway.store.tables import LESSONS, TASKS

_NEWEST = (LESSONS.c.at.desc(), LESSONS.c.id.desc())
_SAID = ("kind", "outcome", "title", "text", "signature", "files", "strategy", "asked_by", "at")


class Lessons(Shelf):
    """Keep what tasks taught."""

    _lessons_max = 5_000

    def learn(self, lessons: Sequence[Lesson], told: Sequence[int] = ()) -> tuple[Lesson, ...]:
        """Keep lessons once per key and return them with their numbers; a newer one replaces its older self."""
        with self._journal.entry() as entry:
            numbers = [_keep(entry, bounded(lesson)) for lesson in lessons]
            fresh = sorted({number for number, changed in numbers if changed})
            named = _tell(entry, told)
            dropped = _drop_oldest(entry, self._lessons_max) if fresh else []
            if fresh or named:
                data = {"lessons": fresh, "told": named, "dropped": dropped}
                task = _task_of(entry, lessons[0].task) if lessons else ""
                entry.append(Event(EventKind.LESSON_LEARNT, entry.at, task, data=data))
            ids = [number for number, _ in numbers]
            rows = entry.connection.execute(select(LESSONS).where(LESSONS.c.id.in_(ids))).all()
        known = {row.id: _lesson(row) for row in rows}
        return tuple(known[number] for number in dict.fromkeys(ids) if number in known)

    def lessons(self, query: str = "", *, task: str = "", limit: int = 20) -> tuple[Lesson, ...]:
        """Return the lessons that hold words of the query, the best first; without a query the newest first."""
        statement = select(LESSONS).order_by(*_NEWEST)
        if task:
            statement = statement.where(LESSONS.c.task == task)
        if not query.strip():
            rows = self._journal.read(statement.limit(shelf.bounded(limit)))
            return tuple(_lesson(row) for row in rows)
        wanted = terms(query, QUERY_TERMS_MAX)
        if not wanted:
            return ()
        with reported(), self._journal.engine.connect() as connection:
            ids = connection.execute(search.candidates(connection, wanted)).scalars().all()
            rows = connection.execute(statement.where(LESSONS.c.id.in_(ids))).all()
        return found_in([_lesson(row) for row in rows], wanted)[: shelf.bounded(limit)]

    def lessons_for(self, signature: str, *, limit: int = 20) -> tuple[Lesson, ...]:
        """Return the lessons about one failure or request, the newest first."""
        if not signature:
            return ()
        about = select(LESSONS).where(LESSONS.c.signature == signature).order_by(*_NEWEST)
        return tuple(_lesson(row) for row in self._journal.read(about.limit(shelf.bounded(limit))))

    def forget_lesson(self, number: int, by: str) -> Lesson:
        """Remove a lesson because a person wants it, and return it.

        Raises:
            YourFault: there is none of this number.
        """
        with self._journal.entry() as entry:
            row = entry.connection.execute(select(LESSONS).where(LESSONS.c.id == number)).first()
            if row is None:
                raise YourFault("unknown_lesson", f"There is no lesson L-{number}.", "keelway lessons")
            _remove(entry, [row])
            data = {"lesson": number, "kind": row.kind, "outcome": row.outcome, "key": row.key}
            task = _task_of(entry, row.task)
            entry.append(Event(EventKind.LESSON_FORGOTTEN, entry.at, task, actor=by, data=data))
        return _lesson(row)


def _keep(entry: Entry, lesson: Lesson) -> tuple[int, bool]:
    """Insert or renew a lesson; return its number and whether anything changed."""
    row = entry.connection.execute(select(LESSONS).where(LESSONS.c.key == lesson.key)).first()
    said: dict[str, Any] = {name: getattr(lesson, name) for name in _SAID}
    said["words"] = search.words_of(lesson.title, lesson.text, *lesson.files)
    if row is None:
        number = entry.next("lesson")
        same = {"id": number, "key": lesson.key, "task": lesson.task}
        entry.connection.execute(insert(LESSONS).values(**same, **said))
        search.add(entry.connection, number, said["words"])
        return number, True
    if row.at >= lesson.at:
        return row.id, False
    search.remove(entry.connection, row.id, row.words)
    entry.connection.execute(update(LESSONS).where(LESSONS.c.id == row.id).values(**said))
    search.add(entry.connection, row.id, said["words"])
    return row.id, True


def _tell(entry: Entry, told: Sequence[int]) -> list[int]:
    """Note when lessons were told, so that what is used stays."""
    if not told:
        return []
    ids = [number for number in sorted(set(told)) if 0 < number < 2**31]
    here = LESSONS.c.id.in_(ids)
    entry.connection.execute(update(LESSONS).where(here).values(told_at=entry.at))
    return list(entry.connection.execute(select(LESSONS.c.id).where(here).order_by(LESSONS.c.id)).scalars())


def _drop_oldest(entry: Entry, lessons_max: int) -> list[int]:
    count = entry.connection.execute(select(func.count()).select_from(LESSONS)).scalar_one()
    if count <= lessons_max:
        return []
    last_useful = func.coalesce(LESSONS.c.told_at, LESSONS.c.at)
    oldest = select(LESSONS).order_by(last_useful, LESSONS.c.id).limit(count - lessons_max)
    rows = entry.connection.execute(oldest).all()
    _remove(entry, rows)
    return [row.id for row in rows]


def _remove(entry: Entry, rows: Sequence[Row[Any]]) -> None:
    for row in rows:
        search.remove(entry.connection, row.id, row.words)
    entry.connection.execute(delete(LESSONS).where(LESSONS.c.id.in_([row.id for row in rows])))


def _task_of(entry: Entry, name: str) -> str:
    return entry.connection.execute(select(TASKS.c.id).where(named_task(name))).scalar() or ""


def _lesson(row: Row[Any]) -> Lesson:
    strategy = None if row.strategy is None else lenient(Strategy, row.strategy)
    return Lesson(
        kind=LessonKind(row.kind),
        outcome=LessonOutcome(row.outcome),
        title=row.title,
        text=row.text,
        task=row.task,
        at=row.at,
        signature=row.signature,
        files=tuple(row.files or ()),
        strategy=strategy,
        asked_by=row.asked_by,
        number=row.id,
        told_at=row.told_at,
    )
