"""The tables of the audit chain and of the counters."""

from sqlalchemy import BigInteger, Column, Integer, Table

from keelway.store.tables.column import METADATA, Words, instant, name_of, text

EVENTS = Table(
    "keel_events",
    METADATA,
    Column(
        "sequence",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
        doc="Place in the chain, from 1, without gaps.",
    ),
    name_of("hash", "SHA-256 over the previous hash, the sequence and the event."),
    name_of("previous", "Hash of the event before."),
    name_of("body", "The event as canonical JSON; this text is what is hashed."),
    Column("key", Words, nullable=True, unique=True, doc="Idempotency key; null when the event has none."),
    name_of("kind", "Copy of the kind."),
    Column("task", Words, nullable=False, index=True, doc="Copy of the task."),
    instant("at", "Copy of the instant.", required=True),
)

CHAIN = Table(
    "keel_chain",
    METADATA,
    Column(
        "id", Integer, primary_key=True, autoincrement=False, doc="Always 1: the lock that orders all writes."
    ),
    Column("sequence", BigInteger, nullable=False, doc="Sequence number of the last event."),
    name_of("hash", "Hash of the last event."),
)

COUNTERS = Table(
    "keel_counters",
    METADATA,
    Column("name", Words, primary_key=True, doc="What is counted."),
    Column("value", BigInteger, nullable=False, doc="The last number given out."),
    text("meaning", "Why it exists."),
)
