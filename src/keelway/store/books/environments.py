"""Environments: who may act on one, what runs there, what must not run again, and what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from keelway.core.codec import digest, to_json
from keelway.core.model.event import Event, EventKind
from keelway.core.release.lock import is_lock
from keelway.ports.ledger import Deployment, Lease, Quarantine
from keelway.store.books.shelf import ROWS_MAX, Shelf, bounded
from keelway.store.lock import locked
from keelway.store.tables import DEPLOYMENTS, LEASES, QUARANTINE, SAMPLES

_DEPLOYMENT = tuple(item.name for item in fields(Deployment))


class Environments(Shelf):
    """Keep leases, deployments, quarantined commits and samples."""

    def lease(
        self, environment: str, holder: str, *, take_over: bool = False, past_lock: bool = False
    ) -> Lease | None:
        """Take or renew the lease of an environment; ``None`` while somebody else holds it or has locked it.

        Taking it over always raises the epoch, also from oneself: a holder that was restarted
        fences off what its former life may still be doing.
        """
        with self._journal.entry() as entry:
            row = entry.connection.execute(select(LEASES).where(LEASES.c.environment == environment)).first()
            if row is not None and row.holder and not take_over:
                return Lease(environment, holder, row.epoch) if row.holder == holder else None
            if not (take_over or past_lock) and locked(entry.connection, environment, entry.at):
                return None
            epoch = 1 if row is None else row.epoch + 1
            columns = {"holder": holder, "epoch": epoch, "taken_at": entry.at}
            if row is None:
                entry.connection.execute(insert(LEASES).values(environment=environment, **columns))
            else:
                mine = update(LEASES).where(LEASES.c.environment == environment)
                entry.connection.execute(mine.values(**columns))
            former = "" if row is None else row.holder
            entry.note("lease", environment=environment, holder=holder, epoch=epoch, former=former)
            return Lease(environment, holder, epoch)

    def leases(self) -> tuple[Lease, ...]:
        """Return every lease that somebody holds."""
        query = select(LEASES).where(LEASES.c.holder != "").order_by(LEASES.c.environment)
        rows = (row for row in self._journal.read(query) if not is_lock(row.environment))
        return tuple(Lease(row.environment, row.holder, row.epoch) for row in rows)

    def epoch(self, environment: str) -> int:
        """Return the highest epoch that anybody got for an environment, 0 for none."""
        rows = self._journal.read(select(LEASES.c.epoch).where(LEASES.c.environment == environment))
        return int(rows[0].epoch) if rows else 0

    def release(self, lease: Lease) -> None:
        """Give a lease back; nothing happens when it is no longer held."""
        held = (
            LEASES.c.environment == lease.environment,
            LEASES.c.holder == lease.holder,
            LEASES.c.epoch == lease.epoch,
        )
        with self._journal.entry() as entry:
            if entry.connection.execute(update(LEASES).where(*held).values(holder="")).rowcount:
                entry.note("lease", environment=lease.environment, holder="", former=lease.holder)

    def save_deployment(self, deployment: Deployment) -> None:
        """Insert or replace a deployment."""
        columns = {name: getattr(deployment, name) for name in _DEPLOYMENT}
        with self._journal.entry() as entry:
            row = entry.connection.execute(
                select(DEPLOYMENTS).where(DEPLOYMENTS.c.id == deployment.id)
            ).first()
            if row is None:
                entry.connection.execute(insert(DEPLOYMENTS).values(**columns))
            elif all(row._mapping[name] == value for name, value in columns.items()):  # noqa: SLF001
                return
            else:
                mine = update(DEPLOYMENTS).where(DEPLOYMENTS.c.id == deployment.id)
                entry.connection.execute(mine.values(**columns))
            entry.note("deployment", deployment.task, deployment=to_json(deployment))

    def deployments(self, environment: str = "", *, limit: int = 100) -> tuple[Deployment, ...]:
        """Return deployments, newest first."""
        newest = (DEPLOYMENTS.c.started_at.desc(), DEPLOYMENTS.c.id.desc())
        query = select(DEPLOYMENTS).order_by(*newest).limit(bounded(limit))
        if environment:
            query = query.where(DEPLOYMENTS.c.environment == environment)
        return tuple(
            Deployment(**{name: row._mapping[name] for name in _DEPLOYMENT} | {"figures": row.figures or {}})  # noqa: SLF001
            for row in self._journal.read(query)
        )

    def quarantine(self, entry: Quarantine) -> None:
        """Insert or replace a quarantine entry."""
        columns = {"task": entry.task, "reason": entry.reason, "revert_sha": entry.revert_sha, "at": entry.at}
        with self._journal.entry() as page:
            row = page.connection.execute(select(QUARANTINE).where(QUARANTINE.c.sha == entry.sha)).first()
            if row is not None and all(row._mapping[name] == value for name, value in columns.items()):  # noqa: SLF001
                return
            if row is None:
                page.connection.execute(insert(QUARANTINE).values(sha=entry.sha, **columns))
            else:
                same = update(QUARANTINE).where(QUARANTINE.c.sha == entry.sha)
                page.connection.execute(same.values(**columns))
            data = {"sha": entry.sha, "reason": entry.reason, "revert_sha": entry.revert_sha}
            page.append(Event(EventKind.QUARANTINED, page.at, entry.task, data=data))

    def quarantined(self) -> tuple[Quarantine, ...]:
        """Return every quarantined commit, oldest first."""
        query = select(QUARANTINE).order_by(QUARANTINE.c.at, QUARANTINE.c.sha)
        return tuple(
            Quarantine(row.sha, row.task, row.reason, row.at, row.revert_sha)
            for row in self._journal.read(query)
        )

    def save_samples(
        self, deployment: str, series: str, ticks: Sequence[tuple[datetime, dict[str, Any]]]
    ) -> int:
        """Keep the ticks of a series that are not kept yet, and return how many those were."""
        with self._journal.entry() as entry:
            mine = (SAMPLES.c.deployment == deployment, SAMPLES.c.series == series)
            query = select(SAMPLES.c.at).where(*mine, SAMPLES.c.at.in_([at for at, _ in ticks]))
            known = {row.at for row in entry.connection.execute(query)}
            fresh = [(at, figures) for at, figures in ticks if at not in known]
            if not fresh:
                return 0
            where = {"deployment": deployment, "series": series}
            rows = [{**where, "at": at, "figures": figures} for at, figures in fresh]
            entry.connection.execute(insert(SAMPLES), rows)
            data = {**where, "ticks": len(fresh), "digest": digest([list(tick) for tick in fresh])}
            entry.append(Event(EventKind.OBSERVED, entry.at, data=data))
            return len(fresh)

    def samples(self, deployment: str, series: str = "") -> tuple[tuple[str, datetime, dict[str, Any]], ...]:
        """Return (series, instant, figures) of a deployment's ticks in order of time."""
        query = select(SAMPLES).where(SAMPLES.c.deployment == deployment).order_by(SAMPLES.c.at, SAMPLES.c.id)
        if series:
            query = query.where(SAMPLES.c.series == series)
        rows = self._journal.read(query.limit(ROWS_MAX))
        return tuple((row.series, row.at, row.figures or {}) for row in rows)
