"""Read migrations that are written in Python: Alembic's operations and Django's."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from keelway.core.migration.safety import Step, lossy, restorable, safe, unread, worst_step
from keelway.core.migration.sql import read_sql

_BREAKS = "breaks the release before"
_SCHEMA_WORDS = frozenset(
    {"sa", "sqlalchemy", "postgresql", "mysql", "sqlite", "mssql", "oracle", "geoalchemy2"}
)
"""Names whose calls only describe columns and types."""
_ALEMBIC: Mapping[str, Step] = {
    **dict.fromkeys(
        ("create_table", "bulk_insert", "create_table_comment", "drop_table_comment"), safe("adds")
    ),
    **dict.fromkeys(("f", "get_bind", "batch_alter_table", "get_context", "autocommit_block"), safe("asks")),
    **dict.fromkeys(
        ("create_unique_constraint", "create_foreign_key", "create_check_constraint", "create_primary_key"),
        restorable("adds a rule that the release before does not know"),
    ),
    **dict.fromkeys(
        ("create_exclude_constraint",), restorable("adds a rule that the release before does not know")
    ),
    **dict.fromkeys(("drop_index", "drop_constraint"), restorable("drops a rule")),
    "drop_table": lossy("drops a table with its data"),
    "drop_column": lossy("drops a column with its data"),
    "rename_table": lossy(f"renames a table, which {_BREAKS}"),
}
_WIDE = frozenset({"Text", "BigInteger", "TEXT", "BIGINT", "JSONB"})
_DJANGO: Mapping[str, Step] = {
    **dict.fromkeys(("CreateModel", "AddIndex", "AlterModelOptions", "AlterModelManagers"), safe("adds")),
    **dict.fromkeys(("AlterModelTableComment", "CreateExtension", "AddIndexConcurrently"), safe("adds")),
    **dict.fromkeys(
        (
            "AddConstraint",
            "AlterUniqueTogether",
            "AlterIndexTogether",
            "AlterOrderWithRespectTo",
            "RenameIndex",
        ),
        restorable("alters a rule that the release before does not know"),
    ),
    **dict.fromkeys(
        ("RemoveIndex", "RemoveConstraint", "RemoveIndexConcurrently"), restorable("drops a rule")
    ),
    "DeleteModel": lossy("drops a table with its data"),
    "RemoveField": lossy("drops a column with its data"),
    **dict.fromkeys(("RenameField", "RenameModel", "AlterModelTable"), lossy(f"renames, which {_BREAKS}")),
}


def read_python(text: str) -> tuple[Step, ...]:
    """Return what the operations of a migration do; one of neither kind cannot be read."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return (unread("no Python"),)
    if any(isinstance(each, ast.Expr) and not isinstance(each.value, ast.Constant) for each in tree.body):
        return (unread("code that runs when it is imported"),)
    upgrade = next(
        (each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == "upgrade"), None
    )
    if upgrade is not None:
        return tuple(_alembic(upgrade)) or (safe("nothing"),)
    migration = next(
        (each for each in tree.body if isinstance(each, ast.ClassDef) and each.name == "Migration"), None
    )
    if migration is not None:
        return tuple(_django(migration))
    return (unread("neither upgrade() nor a class Migration"),)


def _alembic(upgrade: ast.FunctionDef) -> Iterator[Step]:
    batches = {"op"} | {
        item.optional_vars.id
        for node in ast.walk(upgrade)
        if isinstance(node, ast.With)
        for item in node.items
        if isinstance(item.optional_vars, ast.Name) and "batch_alter_table" in ast.unparse(item.context_expr)
    }
    for node in ast.walk(upgrade):
        if isinstance(node, ast.Call):
            root, _, verb = ast.unparse(node.func).partition(".")
            if root in batches and verb:
                yield _operation(verb, node)
            elif root not in _SCHEMA_WORDS or verb.rpartition(".")[2] in {"drop", "drop_all", "execute"}:
                yield unread(f"a call of {ast.unparse(node.func)[:60]}")


def _operation(verb: str, call: ast.Call) -> Step:
    said = _keywords(call)
    if verb == "execute":
        return _executed(call)
    if verb == "create_index":
        return (
            restorable("asks that rows be unique")
            if _is(said.get("unique"), value=True)
            else safe("adds an index")
        )
    if verb == "add_column":
        return _added_column(call)
    if verb == "alter_column":
        return _altered(said)
    return _ALEMBIC.get(verb, unread(f"op.{verb[:60]}"))


def _added_column(call: ast.Call) -> Step:
    column = next((each for each in call.args if isinstance(each, ast.Call)), None)
    if column is None:
        return unread("a column that is made elsewhere")
    said = _keywords(column)
    if _is(said.get("nullable"), value=False) and "server_default" not in said:
        return lossy(f"adds a column that may not be null and has no default, which {_BREAKS}")
    return safe("adds a column")


def _altered(said: Mapping[str, ast.expr]) -> Step:
    if "new_column_name" in said:
        return lossy(f"renames a column, which {_BREAKS}")
    if "type_" in said:
        wide = set(ast.unparse(said["type_"]).removesuffix("()").split(".")) & _WIDE
        return (
            restorable("widens a column")
            if wide
            else lossy("alters the type of a column, which may cut values")
        )
    if "nullable" in said and not _is(said["nullable"], value=True):
        return lossy(f"forbids nulls, which {_BREAKS}")
    return restorable("alters a column")


def _executed(call: ast.Call) -> Step:
    """Read the SQL of a call when it stands there as one text, perhaps inside ``text(...)``."""
    argument = call.args[0] if call.args else None
    if isinstance(argument, ast.Call) and ast.unparse(argument.func).endswith("text") and argument.args:
        argument = argument.args[0]
    if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
        return unread("SQL that is put together at run time")
    steps = read_sql(argument.value) or (unread("no SQL"),)
    return worst_step(steps)


def _django(migration: ast.ClassDef) -> Iterator[Step]:
    listed = next(
        (
            each.value
            for each in migration.body
            if isinstance(each, ast.Assign)
            and any(ast.unparse(name) == "operations" for name in each.targets)
        ),
        None,
    )
    odd = any(not isinstance(each, ast.Assign | ast.AnnAssign | ast.Expr) for each in migration.body)
    if odd or not isinstance(listed, ast.List | ast.Tuple):
        yield unread("no plain list of operations")
        return
    for each in listed.elts:
        yield (
            _django_operation(each)
            if isinstance(each, ast.Call)
            else unread("an operation that is made elsewhere")
        )
    if not listed.elts:
        yield safe("nothing")


def _django_operation(call: ast.Call) -> Step:
    kind, said = ast.unparse(call.func).rpartition(".")[2], _keywords(call)
    if kind == "AddField":
        return _added_field(said.get("field"))
    if kind == "AlterField":
        return _altered_field(said.get("field"))
    if kind == "RunSQL":
        return _executed(
            call if call.args else ast.Call(call.func, [said["sql"]] if "sql" in said else [], [])
        )
    if kind == "RunPython":
        back = "reverse_code" in said or len(call.args) > 1
        return (
            restorable("rewrites rows by code")
            if back
            else lossy("rewrites rows by code that has no way back")
        )
    return _DJANGO.get(kind, unread(f"the operation {kind[:60]}"))


def _added_field(field: ast.expr | None) -> Step:
    if not isinstance(field, ast.Call):
        return unread("a field that is made elsewhere")
    said = _keywords(field)
    many = ast.unparse(field.func).endswith("ManyToManyField")
    if many or "db_default" in said or _is(said.get("null"), value=True):
        return safe("adds a column")
    if "default" in said:
        return restorable(
            "adds a column that the release before does not fill; give it null=True or db_default first"
        )
    return lossy(f"adds a column that may not be null and has no default, which {_BREAKS}")


def _altered_field(field: ast.expr | None) -> Step:
    if isinstance(field, ast.Call):
        said = _keywords(field)
        kind = ast.unparse(field.func).rpartition(".")[2]
        if kind in {"TextField", "BigIntegerField", "JSONField"} and _is(said.get("null"), value=True):
            return restorable("widens a column")
    return lossy("alters a column, which may cut values or forbid nulls")


def _keywords(call: ast.Call) -> dict[str, ast.expr]:
    return {each.arg: each.value for each in call.keywords if each.arg}


def _is(node: ast.expr | None, *, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value
