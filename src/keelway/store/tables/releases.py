"""The tables of deployments: what runs where, who may act, what went wrong."""

from sqlalchemy import Column, Index, Integer, Table, UniqueConstraint

from keelway.store.tables.column import METADATA, Words, instant, name_of, plain, text

DEPLOYMENTS = Table(
    "keel_deployments",
    METADATA,
    Column("id", Words, primary_key=True, doc="Id of the deployment."),
    text("task", "Id of the task."),
    name_of("environment", "Where."),
    name_of("release", "Name of the release."),
    name_of("sha", "Its commit."),
    name_of("status", "running, observing, live, superseded, rolled_back or failed."),
    Column("epoch", Integer, nullable=False, server_default="0", doc="Epoch of the lease it acted under."),
    text("previous_release", "What ran before."),
    text("previous_sha", "Commit of what ran before."),
    Column("schema_before", Integer, nullable=True, doc="Schema version of the application before."),
    Column("schema_after", Integer, nullable=True, doc="Schema version of the application after."),
    text("backup", "Id of the verified backup."),
    plain("figures", "Seconds, requests, errors, rows: plain JSON."),
    instant("started_at", "When it began.", required=True),
    instant("finished_at", "When it ended."),
)
Index(None, DEPLOYMENTS.c.environment, DEPLOYMENTS.c.started_at)

SAMPLES = Table(
    "keel_samples",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True, doc="Order of arrival."),
    name_of("deployment", "Id of the deployment that is watched."),
    name_of("series", "Which release or side the figures belong to."),
    instant("at", "Start of the tick.", required=True),
    plain("figures", "Requests, errors and the rest of the tick."),
    UniqueConstraint("deployment", "series", "at"),
)

LEASES = Table(
    "keel_leases",
    METADATA,
    Column("environment", Words, primary_key=True, doc="What is held."),
    text("holder", "Who holds it; empty when nobody does."),
    Column("epoch", Integer, nullable=False, doc="Grows with every new holder, never shrinks."),
    instant("taken_at", "When the holder took it.", required=True),
)

QUARANTINE = Table(
    "keel_quarantine",
    METADATA,
    Column("sha", Words, primary_key=True, doc="The bad commit."),
    text("task", "Task that made it."),
    name_of("reason", "Why it is barred."),
    text("revert_sha", "Commit that undoes it."),
    instant("at", "Since when.", required=True),
)

INCIDENTS = Table(
    "keel_incidents",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False, doc="Number of the incident."),
    Column("key", Words, nullable=False, unique=True, doc="Idempotency key."),
    text("task", "Id of the task."),
    name_of("title", "What happened, in one line."),
    text("body", "The whole report."),
    instant("opened_at", "When.", required=True),
)
