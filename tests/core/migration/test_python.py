"""Migrations of Alembic and Django by their operations."""

from __future__ import annotations

import pytest

from keelway.core.migration.python import read_python
from keelway.core.migration.safety import Safety, worst_of

ADDS, RESTORE, LOSES = Safety.REVERSIBLE, Safety.RESTORE_ONLY, Safety.IRREVERSIBLE


def alembic(*lines: str) -> str:
    body = "".join(f"    {line}\n" for line in lines) or "    pass\n"
    return f'"""Step."""\nfrom alembic import op\nimport sqlalchemy as sa\n\nrevision = "1"\n\n\ndef upgrade() -> None:\n{body}\n\ndef downgrade() -> None:\n    op.drop_table("x")\n'


def django(*operations: str, more: str = "") -> str:
    listed = "".join(f"        {each},\n" for each in operations)
    return f"from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n    operations = [\n{listed}    ]\n{more}"


ALEMBIC = [
    ((), ADDS),
    (
        (
            'op.create_table("x", sa.Column("id", sa.Integer(), nullable=False), sa.PrimaryKeyConstraint("id"))',
        ),
        ADDS,
    ),
    (('op.add_column("x", sa.Column("a", sa.String(), nullable=True))',), ADDS),
    (('op.add_column("x", sa.Column("a", sa.String(), nullable=False, server_default=sa.text("0")))',), ADDS),
    (('op.create_index(op.f("i"), "x", ["a"], unique=False)',), ADDS),
    (('op.execute("INSERT INTO x VALUES (1)")',), ADDS),
    (('op.create_index("i", "x", ["a"], unique=True)',), RESTORE),
    (('with op.batch_alter_table("x") as batch:', '    batch.create_unique_constraint("u", ["a"])'), RESTORE),
    (('op.drop_constraint("u", "x")',), RESTORE),
    (('op.alter_column("x", "a", server_default=None)',), RESTORE),
    (('op.alter_column("x", "a", nullable=True)',), RESTORE),
    (('op.alter_column("x", "a", type_=sa.Text())',), RESTORE),
    (('op.execute(sa.text("UPDATE x SET a = 1"))',), RESTORE),
    (('op.drop_column("x", "a")',), LOSES),
    (('op.drop_table("x")',), LOSES),
    (('op.rename_table("x", "y")',), LOSES),
    (('with op.batch_alter_table("x") as batch:', '    batch.drop_column("a")'), LOSES),
    (('op.add_column("x", sa.Column("a", sa.String(), nullable=False))',), LOSES),
    (('op.add_column("x", COLUMN)',), LOSES),
    (('op.alter_column("x", "a", nullable=False)',), LOSES),
    (('op.alter_column("x", "a", new_column_name="b")',), LOSES),
    (('op.alter_column("x", "a", type_=sa.String(5))',), LOSES),
    (('op.execute("DELETE FROM x")',), LOSES),
    (('op.execute("")',), LOSES),
    (("op.execute()",), LOSES),
    (('op.execute("DROP " + name)',), LOSES),
    (('op.execute(f"UPDATE {name} SET a = 1")',), LOSES),
    (('op.get_bind().execute(sa.text("UPDATE x SET a = 1"))',), LOSES),
    (('sa.Enum(name="colour").drop(op.get_bind())',), LOSES),
    (("helper()",), LOSES),
    (('getattr(op, "drop_" + "table")("x")',), LOSES),
    (("o = op", 'o.drop_table("x")'), LOSES),
    (('op.fly("x")',), LOSES),
]


@pytest.mark.parametrize(("lines", "safety"), ALEMBIC, ids=[" ".join(lines)[:60] for lines, _ in ALEMBIC])
def test_what_alembic_does(lines, safety):
    assert worst_of(read_python(alembic(*lines))) is safety


DJANGO = [
    ((), ADDS),
    (('migrations.CreateModel(name="Ship", fields=[("id", models.BigAutoField(primary_key=True))])',), ADDS),
    (('migrations.AddField("ship", "flag", field=models.TextField(null=True))',), ADDS),
    (('migrations.AddField("ship", "tags", field=models.ManyToManyField("tag"))',), ADDS),
    (('migrations.AddField("ship", "flag", field=models.TextField(db_default="x"))',), ADDS),
    (('migrations.RunSQL("CREATE TABLE x (a int)")',), ADDS),
    (('migrations.AddField("ship", "flag", field=models.TextField(default="x"))',), RESTORE),
    (('migrations.AlterField("ship", "note", field=models.TextField(null=True))',), RESTORE),
    (('migrations.AddConstraint("ship", constraint)',), RESTORE),
    (('migrations.RemoveIndex("ship", "i")',), RESTORE),
    (("migrations.RunPython(forwards, backwards)",), RESTORE),
    (("migrations.RunPython(forwards, reverse_code=backwards)",), RESTORE),
    (('migrations.RunSQL(sql="UPDATE x SET a = 1")',), RESTORE),
    (("migrations.RunPython(forwards)",), LOSES),
    (('migrations.RunSQL("DROP TABLE x")',), LOSES),
    (("migrations.RunSQL(SQL)",), LOSES),
    (("migrations.RunSQL(reverse_sql='x')",), LOSES),
    (('migrations.RemoveField("ship", "name")',), LOSES),
    (('migrations.DeleteModel("Ship")',), LOSES),
    (('migrations.RenameField("ship", "a", "b")',), LOSES),
    (('migrations.AddField("ship", "flag", field=models.TextField())',), LOSES),
    (('migrations.AddField("ship", "flag", field=FIELD)',), LOSES),
    (('migrations.AlterField("ship", "name", field=models.CharField(max_length=5))',), LOSES),
    (('migrations.AlterField("ship", "name", field=FIELD)',), LOSES),
    (("migrations.SeparateDatabaseAndState(database_operations=[])",), LOSES),
    (("OPERATION",), LOSES),
]


@pytest.mark.parametrize(("lines", "safety"), DJANGO, ids=[" ".join(lines)[:60] for lines, _ in DJANGO])
def test_what_django_does(lines, safety):
    assert worst_of(read_python(django(*lines))) is safety


@pytest.mark.parametrize(
    "text",
    [
        "def broken(:",
        "one = 1\n",
        "print('hello')\n" + alembic(),
        django() + "\nMigration.operations.append(DROP)\n",
        django(more="    operations += MORE\n"),
        "class Migration:\n    operations = make()\n",
        "class Migration:\n    dependencies = []\n",
        "x" * 10 + "\0",
    ],
)
def test_what_cannot_be_read_is_the_worst(text):
    assert worst_of(read_python(text)) is LOSES
