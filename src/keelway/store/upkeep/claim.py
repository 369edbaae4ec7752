"""Let one process at a time look after the store, and remember when that was last done.

The claim is one value of ``keel_state`` that is read and written in one transaction of the line in
which all writers stand. A holder that dies keeps it for ``HOLD_SECONDS`` at most.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from keelway.core.errors import RequestRefused
from keelway.store.books.shelf import Shelf
from keelway.store.books.totals import put
from keelway.store.chain.journal import Entry
from keelway.store.tables import EVENTS, STATE

KEY = "upkeep"
HOLD_SECONDS = 3_600.0


@dataclass(frozen=True)
class Last:
    """Say when the store was looked after last, and by whom."""

    by: str
    began_at: datetime
    until: datetime
    """Until when nobody else may; the instant of the end once it has ended."""


class Claim(Shelf):
    """Take, give back and read the claim."""

    def last(self) -> Last | None:
        """Return the last time, ``None`` when there was none."""
        rows = self._journal.read(select(STATE.c.value).where(STATE.c.key == KEY))
        return _parse(rows[0].value) if rows else None

    def take(self, by: str, due: Callable[[datetime, datetime], bool] | None = None) -> bool:
        """Take the claim, when it is due; tell whether it was.

        Args:
            by: who wants it.
            due: says from the instant of the last time, or of the first event of the store, and from now
                whether it is time; without it, it always is.

        Raises:
            RequestRefused: somebody else has it (``upkeep_runs``).
        """
        with self._journal.entry() as entry:
            last = _read(entry)
            if due is not None and not due(last.began_at if last else _first(entry), entry.at):
                return False
            if last is not None and last.until > entry.at:
                raise RequestRefused(
                    "upkeep_runs",
                    f"{last.by} looks after the store since {last.began_at:%Y-%m-%d %H:%M} UTC.",
                    f"wait for its end; after a crash it may be done again from {last.until:%H:%M} UTC on",
                )
            put(entry, KEY, _text(Last(by, entry.at, entry.at + timedelta(seconds=HOLD_SECONDS))))
            entry.note("upkeep claim", by=by, taken=True)
            return True

    def renew(self, by: str) -> None:
        """Hold on for another while, between two parts of the work.

        Raises:
            RequestRefused: somebody else has taken over, since this was silent for too long.
        """
        with self._journal.entry() as entry:
            last = _read(entry)
            if last is None or last.by != by:
                raise RequestRefused(
                    "upkeep_lost", "Somebody else looks after the store now.", "nothing; the other goes on"
                )
            put(entry, KEY, _text(Last(by, last.began_at, entry.at + timedelta(seconds=HOLD_SECONDS))))

    def give_back(self, by: str) -> None:
        """End the claim, when it is still ours."""
        with self._journal.entry() as entry:
            last = _read(entry)
            if last is not None and last.by == by and last.until > entry.at:
                put(entry, KEY, _text(Last(by, last.began_at, entry.at)))
                entry.note("upkeep claim", by=by, taken=False)


def _read(entry: Entry) -> Last | None:
    return _parse(entry.connection.execute(select(STATE.c.value).where(STATE.c.key == KEY)).scalar() or "")


def _first(entry: Entry) -> datetime:
    found = entry.connection.execute(select(EVENTS.c.at).where(EVENTS.c.sequence == 1)).scalar()
    return found if isinstance(found, datetime) else entry.at


def _text(last: Last) -> str:
    return json.dumps({"by": last.by, "began_at": last.began_at.isoformat(), "until": last.until.isoformat()})


def _parse(text: str) -> Last | None:
    """Read a claim; what is no claim counts as none, since it only says when to tidy next."""
    try:
        plain = json.loads(text)
        times = [datetime.fromisoformat(plain[name]) for name in ("began_at", "until")]
        return Last(str(plain["by"]), *times) if all(time.tzinfo for time in times) else None
    except (ValueError, KeyError, TypeError):
        return None
