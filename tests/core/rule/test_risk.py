"""Risk follows facts; each always-review category is high."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.model.diff import Diff, FileDelta
from keelway.core.model.plan import AcceptanceProbe, Kind, Plan
from keelway.core.policy import GuardrailPolicy, Policy
from keelway.core.rule.risk import LEVELS, Risk, assess_diff, assess_plan, at_most, worst

SMALL = Plan("Fix the total", "Round once.", Kind.FIX, modify=("app/total.py",), lines_estimate=5)
POLICY = Policy()


def assess(**change: object) -> Risk:
    return assess_plan(replace(SMALL, **change), POLICY)


def test_a_small_fix_is_low_with_nothing_to_say() -> None:
    assert assess() == Risk("low", 0, ())


def test_a_feature_is_low_but_not_of_the_safe_kinds() -> None:
    assert assess(kind=Kind.FEATURE) == Risk("low", 10, ("is of the kind feat",))


@pytest.mark.parametrize(
    "change",
    [
        {"modify": ("app/auth.py",)},
        {"modify": ("app/crypto.py",)},
        {"modify": ("app/payment.py",)},
        {"modify": ("app/users.py",)},
        {"modify": ("app/cors.py",)},
        {"modify": ("app/rate_limit.py",)},
        {"modify": (".env",)},
        {"modify": ("uv.lock",)},
        {"modify": ("migrations/0001.sql",)},
        {"modify": ("keelway.toml",)},
        {"lines_estimate": 601},
        {"title": "Breaking change of the order API"},
        {"risks": ("Possible data loss.",)},
        {"title": "Security fix for the upload"},
    ],
)
def test_high(change: dict[str, object]) -> None:
    risk = assess(**change)
    assert risk.level == "high"
    assert risk.score >= 75
    assert risk.factors


@pytest.mark.parametrize(
    "change",
    [
        {"create": ("migrations/0002.sql",), "migrations": ("migrations/0002.sql",)},
        {"modify": ("pyproject.toml", "uv.lock"), "dependencies": ("xmpp",)},
        {"dependencies": ("xmpp",)},
        {"lines_estimate": 151},
        {"delete": ("app/old.py",)},
        {"modify": ("Dockerfile",)},
        {"modify": ("tests/test_a.py",), "test_grants": ("tests/test_a.py",)},
        {"create": tuple(f"app/m{number}.py" for number in range(21))},
    ],
)
def test_medium(change: dict[str, object]) -> None:
    assert assess(**change).level == "medium"


def test_what_is_many_files_is_for_the_policy_to_say() -> None:
    wide = replace(SMALL, create=("app/a.py", "app/b.py"))
    strict = replace(POLICY, plan=replace(POLICY.plan, files_medium=2))
    assert assess_plan(wide, strict).factors == ("touches 3 files",)
    assert assess_plan(wide, POLICY).factors == ()


def test_three_medium_factors_are_high() -> None:
    risk = assess(dependencies=("x",), delete=("app/old.py",), lines_estimate=200)
    assert (risk.level, risk.score) == ("high", 75)


def test_the_policy_lengthens_the_lists() -> None:
    strict = replace(POLICY, guardrail=GuardrailPolicy(forbidden=("app/total.py",), owned=("app/",)))
    assert assess_plan(SMALL, strict).factors == (
        "touches app/total.py (forbidden by the policy)",
        "touches app/total.py (owned by the policy)",
    )


def test_factors_of_one_kind_are_told_once() -> None:
    assert assess(modify=("app/auth.py", "app/login.py", "app/sso.py")).factors == (
        "touches app/auth.py and 2 more (auth)",
    )


def changed(path: str, *lines: str) -> Diff:
    text = tuple(enumerate(lines, 1))
    return Diff("b", "h", (FileDelta(path, "M", added=len(lines)),), {path: text})


def test_a_plain_diff_is_low() -> None:
    assert assess_diff(changed("app/total.py", "x = 1"), SMALL, POLICY).level == "low"


@pytest.mark.parametrize(
    "line",
    [
        "eval(text)", "run(cmd, shell=True)", "pickle.loads(data)", "yaml.load(text)", "get(url, verify=False)",
        "response.headers['Access-Control-Allow-Origin'] = '*'", "op.execute('DROP TABLE orders')",
        "os.environ['DEBUG'] = '1'", "os.system(cmd)",
    ],
)  # fmt: skip
def test_a_dangerous_line_is_high_wherever_it_stands(line: str) -> None:
    risk = assess_diff(changed("app/total.py", "a = 1", line), SMALL, POLICY)
    assert (risk.level, risk.factors[0]) == ("high", "adds a dangerous call at app/total.py:2")


def test_a_security_symbol_is_medium() -> None:
    risk = assess_diff(changed("app/total.py", "@login_required"), SMALL, POLICY)
    assert (risk.level, risk.factors) == ("medium", ("adds a security symbol at app/total.py:1",))


def test_the_diff_is_judged_by_what_it_touches_not_by_the_plan() -> None:
    assert assess_diff(changed("app/auth.py", "x = 1"), SMALL, POLICY).level == "high"
    big = Diff("b", "h", (FileDelta("app/total.py", "M", added=700),))
    assert assess_diff(big, SMALL, POLICY).factors == ("changes 700 lines, more than 600",)


@pytest.mark.parametrize(
    ("level", "limit", "within"),
    [
        ("low", "low", True),
        ("low", "high", True),
        ("medium", "low", False),
        ("high", "medium", False),
        ("low", "none", False),
        ("low", "", False),
        ("strange", "high", False),
    ],
)
def test_at_most(level: str, limit: str, within: bool) -> None:
    assert at_most(level, limit) is within


risks = st.builds(
    Risk, st.sampled_from(LEVELS), st.integers(0, 100), st.lists(st.text(max_size=3)).map(tuple)
)


@given(risks, risks)
def test_the_worst_of_two_is_as_bad_as_each(a: Risk, b: Risk) -> None:
    both = worst(a, b)
    assert all(at_most(one.level, both.level) and one.score <= both.score for one in (a, b))
    assert set(both.factors) == {*a.factors, *b.factors}


@given(
    st.lists(st.sampled_from(["app/a.py", "app/auth.py", "uv.lock", "Dockerfile"]), unique=True),
    st.integers(0, 900),
)
def test_more_files_and_lines_never_lower_the_risk(paths: list[str], lines: int) -> None:
    assert at_most("low", assess().level)
    more = assess(modify=("app/total.py", *paths), lines_estimate=lines)
    again = assess(modify=("app/total.py", *paths, "app/login.py"), lines_estimate=lines + 1)
    assert at_most(more.level, again.level)
    assert more.score <= again.score


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_probe_that_alters_what_is_in_production_is_high(method: str) -> None:
    risk = assess(probes=(AcceptanceProbe("/orders/1", method), AcceptanceProbe("/orders", "POST")))
    assert risk == Risk("high", 75, (f"asks production to alter what is there: {method} /orders/1",))
