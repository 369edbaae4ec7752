"""The tables of artefacts, reports, log lines, running totals and lessons."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, UniqueConstraint

from keelway.store.tables.column import METADATA, Instant, Words, instant, name_of, plain, text

BLOBS = Table(
    "keel_blobs",
    METADATA,
    Column("sha", Words, primary_key=True, doc="SHA-256 of the bytes, hexadecimal."),
    Column("bytes", BigInteger, nullable=False, doc="Size."),
    Column("content", LargeBinary, nullable=True, doc="The bytes when they are few; else a file has them."),
    instant("saved_at", "When it was saved last; retention counts from here.", required=True),
    instant("expired_at", "When the content was removed."),
)

ARTEFACTS = Table(
    "keel_artefacts",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True, doc="Order of saving."),
    text("task", "Id of the task."),
    name_of("name", "Name for people."),
    Column("sha", Words, nullable=False, index=True, doc="Which blob."),
    text("media_type", "Media type.", default="text/plain"),
    instant("created_at", "When.", required=True),
    UniqueConstraint("task", "name", "sha"),
)

REPORTS = Table(
    "keel_reports",
    METADATA,
    Column("id", Words, primary_key=True, doc="ULID."),
    text("task_id", "Id of the task."),
    name_of("report_type", "deployment_report, incident_report ..."),
    text("title", "One line."),
    text("executive_summary", "What a busy person reads."),
    plain("critical_issues", "List of sentences."),
    plain("recommendations", "List of sentences."),
    plain("details", "Anything else, as an object."),
    instant("created_at", "When."),
)

STATE = Table(
    "keel_state",
    METADATA,
    Column("key", Words, primary_key=True, doc="Name of the total or setting."),
    text("value", "Value as text."),
    instant("updated_at", "When it changed last."),
)

LOGS = Table(
    "keel_logs",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True, doc="Order of writing."),
    text("log_level", "debug, info, warn or error.", default="info"),
    text("category", "deployment, monitoring ..."),
    name_of("message", "One line."),
    plain("details", "Anything else, as an object."),
    text("task_id", "Id of the task."),
    Column("timestamp", Instant, nullable=True, index=True, doc="When."),
)

LESSONS = Table(
    "keel_lessons",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False, doc="Number of the lesson."),
    Column(
        "key",
        Words,
        nullable=False,
        unique=True,
        doc="Identity: the same lesson again replaces its older self.",
    ),
    name_of("kind", "library, approach, failure or fix."),
    name_of("outcome", "worked, failed or rejected."),
    name_of("title", "One line."),
    text("text", "What happened and why; data from agents, checks and people."),
    Column("signature", Words, nullable=False, index=True, doc="Fingerprint of the failure or the request."),
    plain("files", "List of paths."),
    plain("strategy", "Identity of the way that was tried: kind, files, words, content."),
    Column("task", Words, nullable=False, index=True, doc="Name of the task that taught it."),
    text("asked_by", "Whose request that was."),
    text("words", "What is searched: every telling word once."),
    instant("at", "When it was learnt.", required=True),
    instant("told_at", "When an agent was told last."),
)
