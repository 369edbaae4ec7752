"""The tables of the local forge; pull requests and issues share one sequence of numbers."""

from sqlalchemy import Boolean, Column, Index, Integer, Table

from keelway.store.tables.column import METADATA, Words, instant, name_of, plain, text

PULLS = Table(
    "keel_pulls",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False, doc="Number of the pull request."),
    Column("key", Words, nullable=False, unique=True, doc="Idempotency key."),
    text("task", "Id of the task."),
    name_of("state", "open, merged or closed."),
    name_of("base", "Branch that receives."),
    name_of("head", "Branch that gives."),
    text("head_sha", "Commit of the head."),
    text("base_sha", "Commit of the base."),
    text("title", "Title."),
    text("body", "Text in Markdown."),
    text("merge_sha", "Commit of the merge."),
    text("url", "Address."),
    instant("created_at", "When it was opened.", required=True),
    instant("updated_at", "When it changed last.", required=True),
)
Index(None, PULLS.c.head, PULLS.c.base)

COMMENTS = Table(
    "keel_comments",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True, doc="Order of writing."),
    Column("key", Words, nullable=False, unique=True, doc="Idempotency key."),
    Column("number", Integer, nullable=False, index=True, doc="Pull request or issue."),
    name_of("body", "Text in Markdown."),
    instant("at", "When.", required=True),
)

CHECKS = Table(
    "keel_checks",
    METADATA,
    Column(
        "id",
        Integer,
        primary_key=True,
        autoincrement=True,
        doc="Order of arrival; the latest of a name rules.",
    ),
    Column("key", Words, nullable=False, unique=True, doc="Idempotency key."),
    name_of("name", "Name of the check."),
    Column("sha", Words, nullable=False, index=True, doc="Commit that was checked."),
    Column("passed", Boolean, nullable=False, doc="Whether it passed."),
    Column("examined", Integer, nullable=False, server_default="0", doc="How much it looked at."),
    text("detail", "What it found."),
    instant("at", "When.", required=True),
)

ISSUES = Table(
    "keel_issues",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False, doc="Number of the issue."),
    Column("key", Words, nullable=False, unique=True, doc="Idempotency key."),
    name_of("title", "Title."),
    text("body", "Text in Markdown."),
    plain("labels", "List of labels."),
    name_of("state", "open or closed."),
    instant("created_at", "When it was opened.", required=True),
)
