"""Verify the audit chain: every link, its copies, its end, and the witness outside the database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, select
from sqlalchemy.exc import DBAPIError

from keelway.core.errors import KeelwayError
from keelway.core.model.event import GENESIS
from keelway.store.chain.journal import link_hash
from keelway.store.chain.seal import SignedHead, heads_of
from keelway.store.chain.witness import Head, Witness
from keelway.store.dialect import snapshot
from keelway.store.fault import reported
from keelway.store.tables import CHAIN, EVENTS
from keelway.store.tables.column import clean

PAGE = 2_000


@dataclass(frozen=True)
class Report:
    """State what an audit found."""

    ok: bool
    examined: int
    """Links that were read."""
    bad_sequence: int | None
    """First place of the chain that does not fit."""
    sentence: str
    head: str
    """Hash of the last link that fits."""
    signed: int = 0
    """Signed heads that were compared; each has a good signature."""
    signed_to: int = 0
    """Number of the last event that a signature vouches for."""


def verify(engine: Engine, home: Path | None = None, *, key: str = "", heads: str | None = None) -> Report:
    """Walk the whole chain in one snapshot; without ``home`` neither witness nor signed heads are asked.

    They are read before the snapshot is taken, so that writers may go on meanwhile.

    Args:
        engine: of the database.
        home: where the witness, the signed heads and the public key lie.
        key: public key (PEM) that was kept elsewhere; empty for the one in the home.
        heads: signed heads that were kept elsewhere; ``None`` for those in the home.
    """
    witness: Head | None = None
    signed: tuple[SignedHead, ...] = ()
    if home is not None:
        try:
            witness = Witness(home).read()
        except (OSError, ValueError) as problem:
            return Report(False, 0, None, f"The witness audit.head cannot be read: {problem}.", GENESIS)
        if witness is None:
            return Report(False, 0, None, "The witness audit.head is missing.", GENESIS)
        try:
            signed = heads_of(home, key, heads)
        except KeelwayError as fault:
            return Report(False, 0, None, fault.message, GENESIS)
    with reported(), snapshot(engine) as connection:
        report = _walk(connection, witness, signed)
    last = max((head.sequence for head in signed), default=0)
    return replace(report, signed=len(signed), signed_to=last)


def _walk(connection: Connection, witness: Head | None, signed: Sequence[SignedHead]) -> Report:
    recorded = connection.execute(select(CHAIN.c.sequence, CHAIN.c.hash).where(CHAIN.c.id == 1)).first()
    at, previous = 0, GENESIS
    seen: str | None = GENESIS if witness is not None and witness.sequence == 0 else None
    at_stake = {head.sequence: head for head in signed}
    twice = next((head.sequence for head in signed if at_stake[head.sequence].hash != head.hash), None)
    if twice is not None:
        return Report(False, at, twice, f"Two different ends were signed at event {twice}.", previous)
    for row in _rows(connection):
        problem = _row_problem(row, at + 1, previous, at_stake)
        if problem is not None:
            return problem
        at, previous = at + 1, str(row.hash) if row is not None else previous
        if witness is not None and witness.sequence == at:
            seen = previous
    if recorded is None or recorded.sequence > at:
        return Report(False, at, at + 1, f"Event {at + 1} and what follows are lost.", previous)
    if (recorded.sequence, recorded.hash) != (at, previous):
        return Report(False, at, at, "The head of the chain does not fit its last event.", previous)
    return _beyond(signed, at, previous) or _against_witness(witness, seen, at, previous)


def _row_problem(
    row: Row[Any] | None, at: int, previous: str, at_stake: Mapping[int, SignedHead]
) -> Report | None:
    if row is None:
        return Report(False, at - 1, at, f"Event {at} cannot be read.", previous)
    problem = _fault(row, at, previous)
    if problem:
        return Report(False, at, at, f"Event {at} {problem}.", previous)
    if at in at_stake and at_stake[at].hash != row.hash:
        sentence = f"Event {at} is not the one that was signed on {at_stake[at].when}: "
        return Report(False, at, at, f"{sentence}the chain was rewritten.", str(row.hash))
    return None


def _beyond(signed: Sequence[SignedHead], at: int, previous: str) -> Report | None:
    last = max(signed, key=lambda head: head.sequence, default=None)
    if last is None or last.sequence <= at:
        return None
    sentence = f"Tail lost: {at} events are there, {last.sequence} were when they were signed on {last.when}."
    return Report(False, at, at + 1, sentence, previous)


def _against_witness(witness: Head | None, seen: str | None, at: int, previous: str) -> Report:
    if witness is not None and witness.sequence > at:
        sentence = f"Tail lost: {at} events are there, the witness has seen {witness.sequence}."
        return Report(False, at, at + 1, sentence, previous)
    if witness is not None and seen != witness.hash:
        sentence = (
            f"Event {witness.sequence} is not the one that the witness has seen: the chain was rewritten."
        )
        return Report(False, at, witness.sequence, sentence, previous)
    asked = "" if witness is not None else " The witness was not asked."
    return Report(True, at, None, f"{at} events fit.{asked}", previous)


def _rows(connection: Connection) -> Iterator[Row[Any] | None]:
    """Yield the rows in order, and ``None`` in the place of the first that the database cannot give."""
    after, size = None, PAGE
    while True:
        query = select(EVENTS).order_by(EVENTS.c.sequence).limit(size)
        try:
            page = connection.execute(
                query if after is None else query.where(EVENTS.c.sequence > after)
            ).all()
        except (ValueError, TypeError, DBAPIError):
            if size == 1:
                yield None
                return
            size = 1
            continue
        yield from page
        if len(page) < size:
            return
        after = page[-1].sequence


def _fault(row: Row[Any], sequence: int, previous: str) -> str:
    if row.sequence != sequence:
        return "is missing"
    if row.previous != previous:
        return "does not follow the event before it"
    if not isinstance(row.body, str) or row.hash != link_hash(previous, sequence, row.body):
        return "was changed"
    if not _copies_fit(row):
        return "has columns that differ from what was recorded"
    return ""


def _copies_fit(row: Row[Any]) -> bool:
    try:
        plain = json.loads(row.body)
        told = (
            plain["kind"],
            clean(plain["task"]),
            clean(plain["key"]) or None,
            datetime.fromisoformat(plain["at"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    return bool(told == (row.kind, row.task, row.key, row.at))
