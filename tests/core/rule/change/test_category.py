"""Categories are found by paths, lines and the plan; the policy lengthens them and nothing shortens them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.core.rule.change.patches import patch

from keelway.core.model.plan import Kind, Plan
from keelway.core.policy import CategoryPolicy, Policy
from keelway.core.rule.change.category import (
    CATEGORIES,
    diff_categories,
    plan_categories,
    unknown_categories,
)
from keelway.core.rule.risk import assess_diff, assess_plan

PLAN = Plan("Show the total", "Round once.", Kind.FIX, modify=("app/shop.py",), lines_estimate=5)
TABLES = CategoryPolicy()


def test_the_tables_are_those_of_the_seed_and_known() -> None:
    assert set(TABLES.never_auto_deploy) == {
        "schema",
        "auth",
        "environment",
        "breaking API",
        "dependency",
        "security",
    }
    assert set(TABLES.always_review) == {"payment", "user data", "crypto", "CORS", "rate limit"}
    assert unknown_categories(TABLES) == ()
    assert {*TABLES.never_auto_deploy, *TABLES.always_review} <= CATEGORIES


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"create": ("migrations/0002.sql",), "migrations": ("migrations/0002.sql",)}, "schema"),
        ({"migrations": ("db/two.sql",)}, "schema"),
        ({"dependencies": ("xmpp",)}, "dependency"),
        ({"modify": ("uv.lock",)}, "dependency"),
        ({"modify": (".env",)}, "environment"),
        ({"modify": ("app/login.py",)}, "auth"),
        ({"title": "Breaking change of the answer"}, "breaking API"),
        ({"risks": ("Closes CVE-2026-1",)}, "security"),
    ],
)
def test_a_plan_shows_its_categories(change: dict[str, object], name: str) -> None:
    assert name in plan_categories(replace(PLAN, **change), TABLES)  # type: ignore[arg-type]
    assert plan_categories(PLAN, TABLES) == {}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('+    db.run("ALTER TABLE orders ADD COLUMN two int")', "schema"),
        ("+    op.add_column('orders', two)", "schema"),
        ("-@login_required\n x", "auth"),
        ("-@app.get('/orders')\n-def orders():", "breaking API"),
        ("-  router.post('/orders', pay)", "breaking API"),
        ('-\tmux.HandleFunc("/orders", pay)', "breaking API"),
        ("-    path('orders/', pay),", "breaking API"),
        ("+    eval(text)", "security"),
        ("+app.add_middleware(CORSMiddleware)", "CORS"),
        ("+    key = hmac.new(secret)", "crypto"),
        ("+    stripe.Charge.create(total)", "payment"),
        ("-    rate_limit(10)", "rate limit"),
    ],
)
def test_lines_show_categories_in_innocuous_files(text: str, name: str) -> None:
    assert name in diff_categories(patch(text), PLAN, TABLES)


@pytest.mark.parametrize(
    "text",
    [
        "+    total = round(total, 2)",
        "-@app.get('/orders')\n+@app.get('/orders', tags=['shop'])",
        "-  router.post('/orders', pay)\n+  router.post('/orders', pay, told)",
        "+@app.get('/news')",
        "+    log.info('began')",
    ],
)
def test_honest_lines_show_none(text: str) -> None:
    assert diff_categories(patch(text), PLAN, TABLES) == {}
    assert assess_diff(patch(text), PLAN, Policy()).level == "low"


def test_an_interface_that_loses_an_entry_breaks_who_uses_it() -> None:
    lost = patch("-  string name = 2;", "api/shop.proto")
    assert "breaking API" in diff_categories(lost, PLAN, TABLES)
    kept = patch("-  string name = 2\n+  string name = 2,\n+  string more = 3", "api/shop.proto")
    assert diff_categories(kept, PLAN, TABLES) == {}


def test_the_policy_lengthens_a_table_and_makes_new_ones() -> None:
    tables = CategoryPolicy(
        always_review=("payment", "billing core"),
        paths={"billing core": ("app/shop.py",), "auth": ("app/who/",)},
    )
    assert unknown_categories(tables) == ()
    assert plan_categories(PLAN, tables) == {"billing core": "app/shop.py"}
    assert unknown_categories(replace(tables, never_auto_deploy=("schemas",))) == ("schemas",)
    policy = Policy(category=tables)
    assert assess_plan(PLAN, policy).level == "high"
    assert assess_plan(PLAN, Policy()).level == "low"


def test_what_is_always_read_and_what_is_held_is_high() -> None:
    policy = Policy()
    crypto = assess_diff(patch("+    key = hmac.new(secret)"), PLAN, policy)
    assert crypto.level == "high"
    assert crypto.factors[0] == "is always read by a person (crypto: app/shop.py:10 speaks of it)"
    broken = assess_diff(patch("-@app.get('/orders')"), PLAN, policy)
    assert broken.level == "high"
    swallowed = assess_diff(patch("+    except Exception: pass"), PLAN, policy)
    assert (swallowed.level, swallowed.factors[0]) == ("high", "Errors are swallowed: app/shop.py:10")
    assert assess_diff(patch("-    jwt.decode(x)\n+    x = 1"), PLAN, policy).factors == (
        "removes a security symbol at app/shop.py:10 of the old file",
    )


def test_a_kind_is_safe_when_the_policy_says_so() -> None:
    policy = Policy(category=CategoryPolicy(auto_safe=("docs",)))
    assert assess_plan(PLAN, policy).factors == ("is of the kind fix",)
    assert assess_plan(PLAN, Policy()).factors == ()
