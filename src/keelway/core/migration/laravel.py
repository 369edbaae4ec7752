"""Read migrations of Laravel: the body of ``up``, statement by statement."""

from __future__ import annotations

import re
from collections.abc import Iterator

from keelway.core.migration.safety import Step, lossy, restorable, safe, unread
from keelway.core.migration.sql import read_sql

_COMMENT = re.compile(r"/\*.*?\*/|(?<![:'\"])//[^\n]*|^\s*#[^\n]*", re.DOTALL | re.MULTILINE)
_UP = re.compile(r"function\s+up\s*\([^)]*\)[^{]*\{")
_BREAKS = "breaks the release before"
_RULES: tuple[tuple[re.Pattern[str], Step], ...] = tuple(
    (re.compile(pattern), step)
    for pattern, step in (
        (r"Schema::(?:connection\([^)]*\)->)?drop\w*\(", lossy("drops a table with its data")),
        (r"Schema::(?:connection\([^)]*\)->)?rename\(", lossy(f"renames a table, which {_BREAKS}")),
        (r"->rename\w*\(", lossy(f"renames, which {_BREAKS}")),
        (r"->drop(?:Index|Unique|Foreign|Primary|FullText|SpatialIndex|ConstrainedForeignId)\w*\(", restorable("drops a rule")),
        (r"->drop\w*\(", lossy("drops a column with its data")),
        (r"->change\(", lossy("alters a column, which may cut values")),
        (r"->(?:truncate|delete|forceDelete)\(", lossy("deletes rows")),
        (r"->(?:update|updateOrInsert|upsert|increment|decrement)\(", restorable("rewrites rows")),
        (r"->insert\w*\(", safe("adds rows")),
    )
)  # fmt: skip
_SQL = re.compile(
    r"DB::(?:statement|unprepared|update|delete|insert)\(\s*(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\$]|\\.)*)\")\s*\)"
)
_TABLE = re.compile(r"Schema::(?:connection\([^)]*\)->)?(create|table)\(")
_FILLED = re.compile(
    r"->(?:nullable|default|useCurrent|storedAs|virtualAs|autoIncrement)\(|->(?:nullable\w+|softDeletes\w*|timestamps\w*|rememberToken|id|increments|bigIncrements)\("
)
_RULE = re.compile(r"^\$\w+->(?:unique|foreign|primary)\(")
_INDEX = re.compile(r"^\$\w+->(?:index|fullText|spatialIndex|comment|engine|charset|collation)\(")
_COLUMN = re.compile(r"^\$\w+->\w+\(")


def read_laravel(text: str) -> tuple[Step, ...]:
    """Return what ``up`` does; what is neither the schema nor a known query cannot be read."""
    plain = _COMMENT.sub("", text)
    found = _UP.search(plain)
    if found is None:
        return (unread("no function up"),)
    return tuple(_steps(_body(plain, found.end()))) or (safe("nothing"),)


def _body(text: str, begin: int) -> str:
    depth = 1
    for at in range(begin, len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if not depth:
            return text[begin:at]
    return text[begin:]


def _steps(body: str) -> Iterator[Step]:
    creating = False
    for raw in re.split(r"[;{}]", body):
        statement = " ".join(raw.split()).strip(" )")
        table = _TABLE.search(statement)
        if table:
            creating = table[1] == "create"
            continue
        if statement:
            yield from _statement(statement, creating=creating)


def _statement(statement: str, *, creating: bool) -> Iterator[Step]:
    sql = _SQL.search(statement + ")")
    if sql:
        yield from read_sql(re.sub(r"\\(.)", r"\1", sql[1] or sql[2] or "")) or (unread("no SQL"),)
        return
    rule = next((step for pattern, step in _RULES if pattern.search(statement)), None)
    if rule is not None:
        yield rule
    elif _RULE.match(statement):
        yield (
            safe("adds a rule")
            if creating
            else restorable("adds a rule that the release before does not know")
        )
    elif _COLUMN.match(statement):
        yield _column(statement, creating=creating)
    else:
        yield unread(statement[:60])


def _column(statement: str, *, creating: bool) -> Step:
    if creating or _INDEX.match(statement) or _FILLED.search(statement):
        return safe("adds a column")
    return lossy(f"adds a column that may not be null and has no default, which {_BREAKS}")
