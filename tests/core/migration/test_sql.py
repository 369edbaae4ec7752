"""SQL migrations by what they do: what only adds, what a backup takes back, what nothing takes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.migration.safety import Safety, worst_of, worst_step
from keelway.core.migration.sql import read_sql

ADDS, RESTORE, LOSES = Safety.REVERSIBLE, Safety.RESTORE_ONLY, Safety.IRREVERSIBLE

TABLE = [
    ("CREATE TABLE ships (id INTEGER PRIMARY KEY, name TEXT NOT NULL)", ADDS),
    ("create table if not exists ships (id int); create unique index s on ships (id)", ADDS),
    ("CREATE TABLE a (id int); ALTER TABLE a ADD CONSTRAINT one UNIQUE (id)", ADDS),
    ("CREATE INDEX CONCURRENTLY ships_by_name ON ships (name)", ADDS),
    ("ALTER TABLE ships ADD COLUMN flag TEXT", ADDS),
    ("ALTER TABLE ships ADD flag TEXT NULL, ADD draft REAL", ADDS),
    ("ALTER TABLE ships ADD COLUMN flag TEXT NOT NULL DEFAULT 'x'", ADDS),
    ("ALTER TABLE ONLY ships ADD INDEX (name)", ADDS),
    ("INSERT INTO berths (name) VALUES ('A1'), ('DROP TABLE ships; --')", ADDS),
    ("INSERT INTO berths (name) VALUES ('A1') ON CONFLICT DO NOTHING", ADDS),
    ("BEGIN; SET lock_timeout = '2s'; CREATE VIEW v AS SELECT 1; COMMIT;", ADDS),
    ("-- DROP TABLE ships;\n/* TRUNCATE x; */ CREATE TABLE y (a int)", ADDS),
    ("ALTER TYPE colour ADD VALUE 'red'", ADDS),
    ("CREATE TABLE a (x int);\n-- +goose Down\nDROP TABLE a;", ADDS),
    ("CREATE TABLE a (x int);\n-- migrate:down\nDROP TABLE a;", ADDS),
    ("UPDATE ships SET name = 'x'", RESTORE),
    ("INSERT INTO a VALUES (1) ON CONFLICT (id) DO UPDATE SET x = 1", RESTORE),
    ("CREATE UNIQUE INDEX one ON ships (name)", RESTORE),
    ("ALTER TABLE ships ADD CONSTRAINT one UNIQUE (name)", RESTORE),
    ("ALTER TABLE ships ADD COLUMN code TEXT UNIQUE", RESTORE),
    ("ALTER TABLE ships ALTER COLUMN name DROP NOT NULL", RESTORE),
    ("ALTER TABLE ships ALTER COLUMN name SET DEFAULT 'x'", RESTORE),
    ("ALTER TABLE ships ALTER COLUMN note TYPE text", RESTORE),
    ("ALTER TABLE ships DROP CONSTRAINT one", RESTORE),
    ("ALTER TABLE ships OWNER TO harbor", RESTORE),
    ("DROP INDEX ships_by_name", RESTORE),
    ("CREATE OR REPLACE FUNCTION f() RETURNS int AS $$ BEGIN DROP TABLE x; END $$ LANGUAGE plpgsql", RESTORE),
    ("DROP TABLE ships", LOSES),
    ("drop/**/table ships", LOSES),
    ("CREATE TABLE a (x int); DROP TABLE ships", LOSES),
    ("TRUNCATE ships", LOSES),
    ("DELETE FROM ships WHERE id < 5", LOSES),
    ("RENAME TABLE ships TO boats", LOSES),
    ("ALTER TABLE ships RENAME COLUMN name TO title", LOSES),
    ("ALTER TABLE ships RENAME TO boats", LOSES),
    ("ALTER TABLE ships DROP COLUMN name", LOSES),
    ('ALTER TABLE "ships" ADD COLUMN "default" int NOT NULL', LOSES),
    ("ALTER TABLE ships ADD COLUMN draft REAL, DROP COLUMN name", LOSES),
    ("ALTER TABLE ships ADD COLUMN a NUMERIC(10, 2), DROP name", LOSES),
    ("ALTER TABLE ships ADD COLUMN flag TEXT NOT NULL", LOSES),
    ("ALTER TABLE ships ALTER COLUMN name SET NOT NULL", LOSES),
    ("ALTER TABLE ships ALTER COLUMN name TYPE varchar(10)", LOSES),
    ("ALTER TABLE ships ALTER COLUMN n TYPE bigint USING n::bigint", LOSES),
    ("ALTER TABLE ships MODIFY name VARCHAR(10)", LOSES),
    ("ALTER TABLE ships SET (fillfactor = 70)", LOSES),
    ("DO $$ BEGIN EXECUTE 'DROP TABLE x'; END $$", LOSES),
    ("SELECT empty_everything()", LOSES),
    ("WITH gone AS (DELETE FROM ships RETURNING *) SELECT * FROM gone", LOSES),
    ("CALL clean()", LOSES),
    ("", LOSES),
    ("-- nothing", LOSES),
]


@pytest.mark.parametrize(("text", "safety"), TABLE, ids=[text[:60] or "empty" for text, _ in TABLE])
def test_what_sql_does(text, safety):
    assert worst_of(read_sql(text)) is safety


def test_the_reason_is_the_worst_step():
    assert worst_step(read_sql("CREATE TABLE a (x int); DROP TABLE b; TRUNCATE c")).what.startswith("drops")
    assert "cannot be read" in worst_step(read_sql("FLY ME TO THE MOON")).what


@given(st.sampled_from([text for text, _ in TABLE]), st.sampled_from([text for text, _ in TABLE]))
def test_what_stands_beside_a_loss_never_hides_it(one, other):
    order = list(Safety)
    both = worst_of(read_sql(f"{one}\n;\n{other}"))
    if "own" in one and "-- " in one:  # after the marker of a way back nothing is read
        return
    parts = [worst_of(steps) for each in (one, other) if (steps := read_sql(each))]
    created = "create" in one.lower()  # a rule on a new table counts for less
    assert created or all(order.index(part) <= order.index(both) for part in parts)


@given(st.text(max_size=200))
def test_any_text_can_be_read(text):
    read_sql(text)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["[" * 100_000, "/* " * 60_000, "$a$ $b$ " * 20_000, "x" * 300_000])
def test_an_odd_file_is_the_worst_and_costs_no_time(text):
    assert worst_of(read_sql(text)) is Safety.IRREVERSIBLE
