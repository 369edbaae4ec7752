"""Health questions to the database of an application."""

from __future__ import annotations

import time
from typing import Any

from keelway.clients.asking import Asked
from keelway.clients.health.ground import Ground
from keelway.clients.health.query import first_row
from keelway.core.model.project import ProbeSpec
from keelway.core.probe.answer import totals_of, wrong_row
from keelway.core.probe.fill import fill
from keelway.ports.probe import NOBODY, About, Probe, ProbeResult

_SECRET = "secret:"  # noqa: S105 - the word before the name of one


class SqlProbe:
    """Put questions to SQLite and PostgreSQL over connections that cannot write."""

    def __init__(self, ground: Ground | None = None) -> None:
        self._ground = ground or Ground()

    def ask(self, url: str, specs: tuple[ProbeSpec, ...], about: About = NOBODY) -> tuple[ProbeResult, ...]:
        """Ask one question after the other; one without a row, in time, is a failure."""
        del url
        return tuple(self._one(spec, about) for spec in specs)

    def _one(self, spec: ProbeSpec, about: About) -> ProbeResult:
        rows: list[tuple[Any, ...]] = []

        def way(values: dict[str, str]) -> Asked:
            began = time.monotonic()
            rows.append(first_row(self._database(spec, values), spec.query, spec.latency_ms_max / 1000))
            spent_ms = (time.monotonic() - began) * 1000
            wrong = wrong_row(spec, rows[0]) if rows[0] else "the answer has no row"
            return Asked(spent_ms, wrong=wrong)

        asked = self._ground.asked(spec, about.environment, about.release, way)
        done, failed = totals_of(rows[0]) if spec.counts and rows else (-1, -1)
        return ProbeResult(spec.name, not asked.wrong, asked.latency_ms, 0, asked.wrong, done, failed)

    def _database(self, spec: ProbeSpec, values: dict[str, str]) -> str:
        if spec.database.startswith(_SECRET):
            return values[spec.database]
        return fill(spec.database or self._ground.project.sqlite, values)


_check: type[Probe] = SqlProbe
ADAPTER = SqlProbe
