"""The tables of questions and of the answers that people gave."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Table, UniqueConstraint

from keelway.store.tables.column import METADATA, Words, instant, name_of, plain, text

APPROVALS = Table(
    "keel_approvals",
    METADATA,
    Column("id", Words, primary_key=True, doc="Id of the answer."),
    Column(
        "question",
        Words,
        ForeignKey("keel_questions.id"),
        nullable=False,
        doc="What it answers.",
    ),
    name_of("binding_digest", "Digest of exactly what was approved."),
    name_of("answer", "yes, no or revise."),
    text("remarks", "What the person added."),
    name_of("answered_by", "Name of the account."),
    text("person", "Name under which the answer is counted, once for each question."),
    text("channel", "Where the person answered."),
    Column("nonce", Words, nullable=False, unique=True, server_default="", doc="One-time code."),
    Column("own_request", Boolean, nullable=False, server_default="0", doc="The person asked for the task."),
    instant("answered_at", "When.", required=True),
    instant("expires_at", "Until when the answer counts.", required=True),
    UniqueConstraint("question", "person"),
)

QUESTIONS = Table(
    "keel_questions",
    METADATA,
    Column("id", Words, primary_key=True, doc="Id of the question."),
    text("task", "Id of the task."),
    name_of("stage", "Stage that waits."),
    name_of("action", "What would be allowed."),
    text("environment", "Where it would be allowed."),
    plain("binding", "Exactly what would be approved."),
    Column("binding_digest", Words, nullable=False, unique=True, doc="Digest of the binding."),
    name_of("text", "The question as a person reads it."),
    plain("terms", "Whose yes it needs; null for anybody's."),
    text("approval", "Id of the answer that closed it; null while open.", default=None),
    instant("asked_at", "When it was asked.", required=True),
    instant("expires_at", "When it stops being answerable."),
    instant("voided_at", "When a newer question or the end of the task made it void."),
)

Index(None, QUESTIONS.c.task)
