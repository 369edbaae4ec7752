"""Name every table of the store; importing this package fills ``METADATA``."""

from keelway.store.tables.book import CHAIN, COUNTERS, EVENTS
from keelway.store.tables.column import METADATA
from keelway.store.tables.forge import CHECKS, COMMENTS, ISSUES, PULLS
from keelway.store.tables.notes import ARTEFACTS, BLOBS, LESSONS, LOGS, REPORTS, STATE
from keelway.store.tables.people import APPROVALS, QUESTIONS
from keelway.store.tables.releases import DEPLOYMENTS, INCIDENTS, LEASES, QUARANTINE, SAMPLES
from keelway.store.tables.tasks import STAGES, TASKS, USAGE
from keelway.store.tables.workers import WORKERS

__all__ = [
    "APPROVALS",
    "ARTEFACTS",
    "BLOBS",
    "CHAIN",
    "CHECKS",
    "COMMENTS",
    "COUNTERS",
    "DEPLOYMENTS",
    "EVENTS",
    "INCIDENTS",
    "ISSUES",
    "LEASES",
    "LESSONS",
    "LOGS",
    "METADATA",
    "PULLS",
    "QUARANTINE",
    "QUESTIONS",
    "REPORTS",
    "SAMPLES",
    "STAGES",
    "STATE",
    "TASKS",
    "USAGE",
    "WORKERS",
]
