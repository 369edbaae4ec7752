"""The table of workers: who works, and when each was last heard of by the clock of the database."""

from sqlalchemy import Column, Float, Integer, Table

from keelway.store.tables.column import METADATA, Words, instant, name_of, plain, text

WORKERS = Table(
    "keel_workers",
    METADATA,
    Column("id", Words, primary_key=True, doc="Unique for ever; also the name under which it runs stories."),
    name_of("host", "Name of its host."),
    plain("roles", "List of its roles."),
    name_of("schema_number", "Number of the stories and stages that it can continue."),
    text("place", "Place whose queues it serves besides the common ones."),
    text("machine", "Mark of the machine that sees its process."),
    Column("pid", Integer, nullable=False, server_default="0", doc="Number of its process."),
    Column("begun_epoch", Float, nullable=False, server_default="0", doc="When its process began."),
    instant("joined_at", "When it joined.", required=True),
    instant("heard_at", "When it was last heard of.", required=True),
    instant("left_at", "When it ended in order."),
    instant("dead_at", "When another one declared it dead."),
    text("dead_by", "Who that was."),
)
