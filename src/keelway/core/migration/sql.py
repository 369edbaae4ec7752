"""Read what SQL does to a schema and to data, statement by statement; what is not known here is the worst."""

from __future__ import annotations

import re
from collections.abc import Iterator

from keelway.core.migration.safety import Safety, Step, lossy, restorable, safe, unread

_NOISE = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|[\"`\[]([^\"`\]\n]{0,128})[\"`\]]|\$(\w*)\$.*?\$\2\$", re.DOTALL
)
_CHARS_MAX = 200_000
_OPENERS, _OPENERS_MAX = re.compile(r"/\*|\$\w{0,60}\$"), 400
"""Each may be looked for its end through the whole file."""
_DOWN = re.compile(
    r"^--\s*(?:\+goose\s+down|\+migrate\s+down|migrate:down)\b.*", re.IGNORECASE | re.MULTILINE | re.DOTALL
)
_BREAKS = "breaks the release before"
_STATEMENTS: tuple[tuple[str, Step], ...] = (
    (r"(?:begin|commit|end|start transaction|savepoint|release)\b.*", safe("transaction")),
    (r"(?:pragma|set|comment|grant|analyze|vacuum)\b.*", safe("setting")),
    (r"insert (?:or ignore )?into\b(?!.*\bon (?:conflict|duplicate)\b.*\bupdate\b).*", safe("adds rows")),
    (r"create (?:(?:temp|temporary|unlogged) )?table\b.*", safe("adds a table")),
    (r"create unique index\b.*", restorable("asks that rows be unique, which the release before does not know")),
    (r"create index\b.*", safe("adds an index")),
    (r"create (?:sequence|schema|type|extension|domain|(?:materialized )?view)\b.*", safe("adds to the schema")),
    (r"create\b.*\b(?:function|procedure|trigger|view|rule)\b.*", restorable("alters what the database does by itself")),
    (r"alter type \S+ add value\b.*", safe("adds a value to a type")),
    (r"drop (?:index|(?:materialized )?view|trigger|function|procedure)\b.*", restorable("drops what no row is lost with")),
    (r"(?:insert|update|merge|replace)\b.*", restorable("rewrites rows")),
    (r"drop\b.*", lossy("drops a part of the schema with its data")),
    (r"truncate\b.*", lossy("empties a table")),
    (r"delete\b.*", lossy("deletes rows")),
    (r"rename\b.*", lossy(f"renames, which {_BREAKS}")),
)  # fmt: skip
_COLUMN = r"alter (?:column )?\S+ "
_ACTIONS: tuple[tuple[str, Step], ...] = (
    (r"drop (?:constraint|index|key|foreign key|primary key|check)\b.*", restorable("drops a rule")),
    (_COLUMN + r"drop (?:default|not null)\b.*", restorable("loosens a column")),
    (_COLUMN + r"set default\b.*", restorable("alters a default")),
    (_COLUMN + r"(?:set data )?type (?:text|bigint|jsonb)\b(?! ?\(|.*\busing\b).*", restorable("widens a column")),
    (_COLUMN + r"(?:set data )?type\b.*", lossy("alters the type of a column, which may cut values")),
    (r"(?:modify|change)\b.*", lossy("alters a column, which may cut values")),
    (_COLUMN + r"set not null\b.*", lossy(f"forbids nulls, which {_BREAKS}")),
    (r"rename\b.*", lossy(f"renames, which {_BREAKS}")),
    (r"drop\b.*", lossy("drops a column with its data")),
    (r"add (?:constraint|unique|foreign|check|primary|exclude)\b.*", restorable("adds a rule that the release before does not know")),
    (r"add (?:index|key)\b.*", safe("adds an index")),
    (r"(?:owner to|enable|validate)\b.*", restorable("alters a table")),
)  # fmt: skip


def _compiled(table: tuple[tuple[str, Step], ...]) -> tuple[tuple[re.Pattern[str], Step], ...]:
    return tuple((re.compile(pattern, re.IGNORECASE), step) for pattern, step in table)


_KNOWN, _ALTERS = _compiled(_STATEMENTS), _compiled(_ACTIONS)
_ALTER_TABLE = re.compile(r"alter table (?:if exists )?(?:only )?(\S+) (.*)", re.IGNORECASE)
_CREATED = re.compile(r"create (?:\w+ )?table (?:if not exists )?([^\s(]+)", re.IGNORECASE)
_INDEXED = re.compile(r"create unique index .*?\bon (?:only )?([^\s(]+)", re.IGNORECASE)
_ADDED = re.compile(r"add (?:column )?", re.IGNORECASE)
_NOT_NULL, _FILLED, _UNIQUE = (
    re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
    for words in ("not null|primary key", "default|generated|identity|serial", "unique")
)


def read_sql(text: str) -> tuple[Step, ...]:
    """Return what the statements of a file do; of the way back after a marker of a tool nothing is read."""
    if len(text) > _CHARS_MAX or sum(1 for _ in _OPENERS.finditer(text)) > _OPENERS_MAX:
        return (unread("a file that is too large, or full of comments and quotes"),)
    created: set[str] = set()
    steps: list[Step] = []
    for statement in _statements(_DOWN.sub("", text)):
        made = _CREATED.match(statement)
        if made:
            created.add(made[1].lower())
        steps += _steps(statement, created)
    return tuple(steps)


def _statements(text: str) -> Iterator[str]:
    plain = _NOISE.sub(
        lambda match: f"q_{re.sub(r'[^0-9A-Za-z]', '_', match[1])}" if match[1] is not None else " ", text
    )
    yield from (" ".join(each.split()) for each in plain.split(";") if each.strip())


def _steps(statement: str, created: set[str]) -> list[Step]:
    alter = _ALTER_TABLE.fullmatch(statement)
    if alter is not None:
        return [_eased(_action(part), alter[1], created) for part in _parts(alter[2])]
    indexed = _INDEXED.match(statement)
    return [_eased(_first(_KNOWN, statement), indexed[1] if indexed else "", created)]


def _eased(step: Step, table: str, created: set[str]) -> Step:
    """Let a rule pass on a table that the same migration makes: no release knows it yet."""
    if step.safety is Safety.RESTORE_ONLY and table.lower() in created:
        return safe("adds a rule to a new table")
    return step


def _action(text: str) -> Step:
    found = _first(_ALTERS, text)
    if not found.what.startswith("cannot be read") or not _ADDED.match(text):
        return found
    if _NOT_NULL.search(text) and not _FILLED.search(text):
        return lossy(f"adds a column that may not be null and has no default, which {_BREAKS}")
    if _UNIQUE.search(text):
        return restorable("adds a column that has to be unique")
    return safe("adds a column")


def _first(table: tuple[tuple[re.Pattern[str], Step], ...], text: str) -> Step:
    return next((step for pattern, step in table if pattern.fullmatch(text)), unread(text[:60]))


def _parts(text: str) -> Iterator[str]:
    """Yield the parts between commas that no bracket encloses."""
    depth, begin = 0, 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and depth <= 0:
            yield text[begin:at].strip()
            begin = at + 1
    yield text[begin:].strip()
