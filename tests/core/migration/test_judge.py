"""Which files are migrations, and what they mean for the way back."""

from __future__ import annotations

import pytest

from keelway.core.migration.judge import is_migration, judge_migrations, read_migration
from keelway.core.migration.safety import Safety, worst_of
from keelway.core.model.verdict import Ruling

PATH = "src/shop/migrations/0003_pilots.up.sql"


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (PATH, True),
        ("alembic/versions/1_x.py", True),
        ("database/migrations/2026_x.php", True),
        ("prisma/migrations/1/migration.sql", True),
        ("migrations/env.py", True),
        ("src/shop/migrations/0003_pilots.down.sql", False),
        ("migrations/down/1.sql", False),
        ("prisma/migrations/migration_lock.toml", False),
        ("prisma/schema.prisma", False),
        ("migrations/README.md", False),
        ("tests/migrations/test_x.py", False),
        ("src/a.py", False),
    ],
)
def test_which_files_are_migrations(path, wanted):
    assert is_migration(path) is wanted


def codes(texts, *changed, backed_up=True):
    findings, factors = judge_migrations(texts, changed or tuple(texts), backed_up=backed_up)
    return [(finding.code, finding.ruling) for finding in findings], len(factors)


def test_none_is_nothing():
    assert codes({}) == ([], 0)


def test_an_empty_file_is_nothing():
    assert codes({"migrations/__init__.py": "\n"}) == ([], 0)


def test_what_only_adds_passes():
    assert codes({PATH: "CREATE TABLE x (a int);"}) == ([("migration_reversible", Ruling.PASS)], 0)


def test_what_a_backup_takes_back_passes_and_names_it():
    assert codes({PATH: "UPDATE x SET a = 1;"}) == ([("migration_restore_only", Ruling.PASS)], 1)
    (finding,), _ = judge_migrations({PATH: "UPDATE x SET a = 1;"}, (PATH,), backed_up=True)
    assert "backup of the database" in finding.message


def test_without_a_backup_a_person_is_asked():
    assert codes({PATH: "UPDATE x SET a = 1;"}, backed_up=False) == (
        [("migration_no_backup", Ruling.HOLD)],
        0,
    )


def test_what_nothing_takes_back_asks_a_person_and_says_how_to_do_it_better():
    (finding,), _ = judge_migrations({PATH: "DROP TABLE x;"}, (PATH,), backed_up=True)
    assert (finding.code, finding.ruling) == ("migration_irreversible", Ruling.HOLD)
    assert finding.evidence == {"path": PATH, "safety": "irreversible"}
    assert "Expand first" in finding.message


def test_a_kind_that_is_not_known_is_the_worst():
    assert worst_of(read_migration("db/migrate/1_x.rb", "add_column :a")) is Safety.IRREVERSIBLE
    assert worst_of(read_migration("migrations/1.sql", "-- nothing")) is Safety.IRREVERSIBLE


def test_a_schema_needs_a_migration():
    schema, step = "prisma/schema.prisma", "prisma/migrations/1/migration.sql"
    assert codes({}, schema) == ([("schema_without_migration", Ruling.HOLD)], 0)
    assert codes({step: "CREATE TABLE x (a int);"}, schema, step)[0] == [
        ("migration_reversible", Ruling.PASS)
    ]
