"""The tables of tasks, of their stage runs and of what they used."""

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, Table, UniqueConstraint

from keelway.store.tables.column import METADATA, Words, instant, name_of, plain, text

TASKS = Table(
    "keel_tasks",
    METADATA,
    Column("id", Words, primary_key=True, doc="ULID."),
    Column("number", Integer, nullable=False, unique=True, doc="The n of T-n."),
    name_of("project", "Name of the application."),
    name_of("key", "Intent key; at most one open task has it."),
    name_of("intent", "What was asked, raw."),
    plain("request", "The whole request."),
    name_of("status", "Word of the lifecycle table."),
    text("stage", "Stage that runs or ran last."),
    Column("attempt", Integer, nullable=False, server_default="0", doc="Attempt of that stage."),
    text("risk", "low, medium or high.", default="low"),
    plain("plan", "The plan as agreed."),
    Column("plan_version", Integer, nullable=False, server_default="0", doc="Counts revisions of the plan."),
    text("branch", "Branch of the task."),
    Column("pull_request", Integer, nullable=True, doc="Number of the pull request."),
    text("pull_url", "Address of the pull request."),
    text("commit_sha", "Commit that was or will be deployed."),
    Column("iterations", Integer, nullable=False, server_default="0", doc="Rounds of development."),
    Column("cost_usd", Float, nullable=False, server_default="0", doc="Cost of agents in US dollars."),
    text("error", "Last error, for a person."),
    text("code", "Reason code of the end."),
    Column("paused", Boolean, nullable=False, server_default="0", doc="A person holds the task."),
    text("abort_by", "Who asked to abort."),
    text("rollback_by", "Who asked to roll back during observation."),
    text("requested_by", "Name of the requester."),
    text("channel", "Channel of the request."),
    text("source", "Kind of trigger."),
    text("severity", "low, medium, high or critical."),
    text("title", "First line of the request or title of the plan."),
    text("task_type", "fix_bugs, add_feature, refactor, write_docs, write_tests or maintenance."),
    plain("file_paths", "Paths that the request or the plan names."),
    plain("changes_made", "Paths that the task changed."),
    Column("tests_passed", Boolean, nullable=True, doc="Result of the last test stage."),
    plain("metadata", "Anything else, as an object."),
    text("result", "success, failed, rolled_back or aborted, empty while open."),
    Column("duration_ms", BigInteger, nullable=True, doc="From creation to the end."),
    instant("deployed_at", "When it went live."),
    instant("rolled_back_at", "When it was taken back."),
    instant("completed_at", "When it was closed; null while open."),
    instant("created_at", "When it was created.", required=True),
    instant("updated_at", "When the row changed last.", required=True),
)

Index(
    "uq_keel_tasks_open_key",
    TASKS.c.key,
    unique=True,
    sqlite_where=TASKS.c.completed_at.is_(None),
    postgresql_where=TASKS.c.completed_at.is_(None),
)
Index(None, TASKS.c.created_at)

STAGES = Table(
    "keel_stages",
    METADATA,
    Column("id", Words, primary_key=True, doc="ULID."),
    Column("task", Words, ForeignKey("keel_tasks.id"), nullable=False, doc="Id of the task."),
    name_of("stage", "Name of the stage."),
    Column("attempt", Integer, nullable=False, server_default="0", doc="Which try this was."),
    name_of("status", "running, passed, held, failed or skipped."),
    plain("output", "What the stage found."),
    text("worker", "Who ran it."),
    instant("started_at", "When it began."),
    instant("completed_at", "When it ended."),
    instant("created_at", "When the row was made.", required=True),
    UniqueConstraint("task", "stage", "attempt"),
)

USAGE = Table(
    "keel_usage",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True, doc="Order of booking."),
    Column("key", Words, nullable=False, unique=True, doc="Idempotency key."),
    text("task", "Id of the task; empty for use that belongs to none."),
    text("stage", "Stage that ran."),
    text("role", "Role of the agent."),
    Column("attempt", Integer, nullable=False, server_default="0", doc="Number of the agent's run."),
    text("agent", "Name of the agent."),
    text("provider", "Who served the model."),
    text("model", "Name of the model."),
    Column("input_tokens", BigInteger, nullable=False, server_default="0", doc="Tokens that went in."),
    Column("output_tokens", BigInteger, nullable=False, server_default="0", doc="Tokens that came out."),
    Column("cached_tokens", BigInteger, nullable=False, server_default="0", doc="Input from a cache."),
    Column("cost_usd", Float, nullable=False, server_default="0", doc="Cost in US dollars."),
    Column("estimated", Boolean, nullable=False, server_default="0", doc="Price or tokens are a guess."),
    Column("counted", Boolean, nullable=False, server_default="1", doc="Part of what the task cost."),
    text("source", "metered or reported."),
    text("status", "How the request or the run ended."),
    Column("seconds", Float, nullable=False, server_default="0", doc="How long it took."),
    name_of("day", "Day in UTC, such as 2026-01-31."),
    instant("at", "When it ended.", required=True),
)

Index(None, USAGE.c.task)
Index(None, USAGE.c.day)
