"""A price is configured, known, or assumed dear and said to be: never zero by accident."""

from __future__ import annotations

import pytest

from keelway.clients.gateway.dialects.usage import Tokens
from keelway.clients.gateway.price import ASSUMED, price, rate
from keelway.clients.gateway.values import Price, Provider

MILLION = Tokens(input=1_000_000, output=1_000_000)
OPENAI = Provider("openai", "openai", "https://api.openai.com/v1", str)
ANTHROPIC = Provider("anthropic", "anthropic", "https://api.anthropic.com", str)
OTHER = Provider("corp", "openai", "https://models.example.org/v1", str)


def test_known_models_are_priced_from_the_list() -> None:
    assert price(OPENAI, ("gpt-5-mini",), Tokens(1_000, 100)).usd == pytest.approx((250 + 200) / 1e6)
    assert price(OPENAI, ("gpt-5-mini",), Tokens(1_000, 100)).note == ""
    cached = price(ANTHROPIC, ("claude-sonnet-4-5",), Tokens(1_000, 100, cached=500, written=100)).usd
    assert cached == pytest.approx((400 * 3 + 500 * 0.3 + 100 * 3.75 + 100 * 15) / 1e6)
    hour = price(ANTHROPIC, ("claude-sonnet-4-5",), Tokens(1_000, 0, written=100, written_hour=100)).usd
    assert hour == pytest.approx((900 * 3 + 100 * 6) / 1e6)


@pytest.mark.parametrize("model", ["gpt-5-mini", "openai/gpt-5-mini", "gpt-5-mini-2025-08-07"])
def test_a_model_is_known_behind_another_address(model: str) -> None:
    assert price(OTHER, (model,), Tokens(1_000, 100)).usd == pytest.approx(450 / 1e6)


def test_a_dearer_tier_costs_more() -> None:
    plain = price(OPENAI, ("gpt-5",), MILLION, {"service_tier": "default"}).usd
    assert price(OPENAI, ("gpt-5",), MILLION, {"service_tier": "priority"}).usd > plain


def test_a_model_without_a_price_is_taken_for_a_dear_one_and_that_is_said() -> None:
    found = price(OTHER, ("house-model-7",), MILLION)
    assert found.usd == ASSUMED.input_usd + ASSUMED.output_usd
    assert "no price is known for house-model-7" in found.note
    assert price(OTHER, ("",), MILLION).usd == found.usd


def test_a_configured_price_wins_and_may_be_zero() -> None:
    mine = Provider(
        "corp", "openai", "http://x/v1", str, prices={"house": Price(1.0, 2.0, 0.5), "*": Price(0.0, 0.0)}
    )
    assert price(mine, ("house",), Tokens(1_000_000, 1_000_000, cached=500_000)).usd == 2.75
    assert price(mine, ("gpt-5",), MILLION) == price(mine, ("house-2",), MILLION)
    assert price(mine, ("gpt-5",), MILLION).usd == 0


def test_the_name_that_the_answer_gives_comes_first() -> None:
    assert price(OPENAI, ("gpt-5", "gpt-5-mini"), MILLION).usd == pytest.approx(11.25)
    assert price(OPENAI, ("no-such", "gpt-5-mini"), MILLION).usd == pytest.approx(2.25)


@pytest.mark.parametrize("provider", [OPENAI, OTHER], ids=["known", "other"])
@pytest.mark.parametrize("model", ["gpt-5-mini", "house-model-7"])
def test_what_runs_is_priced_like_what_has_ended(provider: Provider, model: str) -> None:
    each = rate(provider, model, 12_345)
    assert each.usd(12_345, 678) == pytest.approx(price(provider, (model,), Tokens(12_345, 678)).usd)
    cached = Tokens(12_345, 678, cached=10_000)
    assert each.usd(12_345, 678, 10_000) == pytest.approx(price(provider, (model,), cached).usd)
    assert rate(provider, model, 0).usd(0, 0) == 0


def test_numbers_that_contradict_each_other_are_no_reason_to_charge_nothing() -> None:
    assert price(OPENAI, ("gpt-5-mini",), Tokens(10, 10, cached=20)).usd > 0
