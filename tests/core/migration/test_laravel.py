"""Migrations of Laravel by the body of ``up``."""

from __future__ import annotations

import pytest

from keelway.core.migration.laravel import read_laravel
from keelway.core.migration.safety import Safety, worst_of

ADDS, RESTORE, LOSES = Safety.REVERSIBLE, Safety.RESTORE_ONLY, Safety.IRREVERSIBLE


def migration(up: str) -> str:
    return (
        "<?php\n\nreturn new class extends Migration\n{\n    // what it does\n    public function up(): void\n    {\n"
        f"        {up}\n    }}\n\n    public function down(): void\n    {{\n        Schema::dropIfExists('x');\n    }}\n}};\n"
    )


def table(lines: str, verb: str = "table") -> str:
    return f"Schema::{verb}('ships', function (Blueprint $table) {{ {lines} }});"


TABLE = [
    ("", ADDS),
    (
        table(
            "$table->id(); $table->string('name'); $table->string('code')->unique(); $table->timestamps();",
            "create",
        ),
        ADDS,
    ),
    (table("$table->id(); $table->unique(['a', 'b']);", "create"), ADDS),
    (table("$table->string('flag')->nullable();"), ADDS),
    (table("$table->string('flag')->default('x'); $table->index('flag'); $table->softDeletes();"), ADDS),
    (table("// $table->dropColumn('x');\n $table->timestamps();"), ADDS),
    ("DB::statement('CREATE INDEX i ON ships (name)');", ADDS),
    ("DB::table('ships')->insert(['name' => 'x']);", ADDS),
    (table("$table->unique('name');"), RESTORE),
    (table("$table->dropUnique(['name']);"), RESTORE),
    ("DB::table('ships')->where('id', 1)->update(['name' => 'x']);", RESTORE),
    ('DB::unprepared("UPDATE ships SET name = 1");', RESTORE),
    (table("$table->string('flag');"), LOSES),
    (table("$table->dropColumn('name');"), LOSES),
    (table("$table->renameColumn('a', 'b');"), LOSES),
    (table("$table->string('name', 10)->change();"), LOSES),
    ("Schema::dropIfExists('ships');", LOSES),
    ("Schema::connection('other')->drop('ships');", LOSES),
    ("Schema::rename('a', 'b');", LOSES),
    ("DB::table('ships')->delete();", LOSES),
    ("DB::statement('');", LOSES),
    ('DB::statement("DROP TABLE $name");', LOSES),
    ("Artisan::call('app:clean');", LOSES),
]


@pytest.mark.parametrize(("up", "safety"), TABLE, ids=[up[:70] or "empty" for up, _ in TABLE])
def test_what_laravel_does(up, safety):
    assert worst_of(read_laravel(migration(up))) is safety


def test_without_up_nothing_can_be_read():
    assert worst_of(read_laravel("<?php echo 1;")) is LOSES
    assert worst_of(read_laravel("<?php function up() { Schema::drop('x');")) is LOSES
