"""What the migrations of a patch mean for the way back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from keelway.core.migration.laravel import read_laravel
from keelway.core.migration.python import read_python
from keelway.core.migration.safety import Safety, Step, unread, worst_of
from keelway.core.migration.sql import read_sql
from keelway.core.model.verdict import Finding, held, passed
from keelway.core.rule.glob import matches
from keelway.core.rule.sensitive import categories, is_doc_path, is_test_path
from keelway.core.words.text import line

_SHOWN_MAX = 5
_DOWN = ("*.down.sql", "*_down.sql", "*-down.sql", "down.sql", "undo_*.sql", "down/")
_NO_STEPS = (
    "migration_lock.toml",
    "alembic.ini",
    "script.py.mako",
    "*.md",
    "schema.prisma",
    "schema.rb",
    "schema.sql",
)
_SCHEMAS = {"schema.prisma": "/**/migrations/**"}
"""Descriptions of a schema, and where the migrations lie that have to come along."""
ADVICE = (
    "Expand first: add beside what is there, fill it, let both releases run on it; "
    "take the old away in a later change, once no release needs it"
)


def is_migration(path: str) -> bool:
    """Tell whether a file is a step of a schema; the way down, tests and prose are none."""
    if "migration" not in categories(path) or is_test_path(path) or is_doc_path(path):
        return False
    return not matches(path, _DOWN) and not matches(path, _NO_STEPS)


def read_migration(path: str, text: str) -> tuple[Step, ...]:
    """Return what a migration does; a file of a kind that cannot be read is the worst, an empty one is nothing."""
    if not text.strip():
        return ()
    ending = path.rpartition(".")[2].lower()
    readers = {"sql": read_sql, "py": read_python, "php": read_laravel}
    if ending not in readers:
        return (unread(f"a file of the kind .{ending}"),)
    return readers[ending](text) or (unread("no statement"),)


def judge_migrations(
    texts: Mapping[str, str], changed: Iterable[str], *, backed_up: bool
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Judge the migrations that a patch brings in.

    Args:
        texts: of the migrations, by path.
        changed: every path that the patch adds or alters.
        backed_up: the data is backed up before each deploy.

    Returns:
        The findings, and factors of a middle risk for what only a backup takes back.
    """
    findings: list[Finding] = []
    factors: list[str] = []
    for path, text in sorted(texts.items()):
        steps = read_migration(path, text)
        if steps:
            finding = _judge(path, steps, backed_up=backed_up)
            findings.append(finding)
            if finding.code == "migration_restore_only":
                factors.append(finding.message.rstrip("."))
    findings += _schemas(tuple(changed), frozenset(texts))
    return tuple(findings), tuple(factors)


def _judge(path: str, steps: tuple[Step, ...], *, backed_up: bool) -> Finding:
    safety = worst_of(steps)
    why = list(dict.fromkeys(line(step.what, 120) for step in steps if step.safety is safety))[:_SHOWN_MAX]
    reasons = ", ".join(why)
    facts = {"path": path, "safety": safety.value}
    if safety is Safety.REVERSIBLE:
        return passed("migration_reversible", f"{path} only adds ({reasons}).", examined=len(steps), **facts)
    if safety is Safety.IRREVERSIBLE:
        said = f"{path} cannot be taken back: {reasons}. {ADVICE}."
        return held("migration_irreversible", said, examined=len(steps), **facts)
    if not backed_up:
        said = f"{path}: {reasons}; only a backup takes that back, and [data] names no database to back up. {ADVICE}."
        return held("migration_no_backup", said, examined=len(steps), **facts)
    said = (
        f"{path}: {reasons}; only the backup of the database that is taken before the deploy takes that back."
    )
    return passed("migration_restore_only", said, examined=len(steps), **facts)


def _schemas(changed: tuple[str, ...], migrations: frozenset[str]) -> list[Finding]:
    """Ask a person about a schema that changes without a migration of its own."""
    return [
        held(
            "schema_without_migration",
            f"{path} changes the schema and no migration comes with it.",
            path=path,
        )
        for path in changed
        for name, where in _SCHEMAS.items()
        if path.rpartition("/")[2] == name and not any(matches(each, (where,)) for each in migrations)
    ]
