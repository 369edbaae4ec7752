"""Turn tokens into US dollars: by the configuration, by the list of known prices, or by a guess that is said."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from genai_prices import Usage, calc_price

from keelway.clients.gateway.dialects.usage import Tokens
from keelway.clients.gateway.values import ANY_MODEL, Price, Provider

ASSUMED = Price(input_usd=15.0, output_usd=75.0)
"""What a model without a known price is taken to cost: dearer than nearly all, so that a budget holds."""

_LOG = logging.getLogger(__name__)
_MILLION = 1_000_000
_PROBE_TOKENS = 1_000
_LOOKUPS_MAX = 1_000


@dataclass(frozen=True)
class Priced:
    """State a price and, when it had to be guessed, why."""

    usd: float
    note: str = ""


@dataclass(frozen=True)
class Rate:
    """Price a request that is under way, without asking the list for every event."""

    input_usd: float
    """A single token."""
    cached_usd: float
    output_usd: float

    def usd(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> float:
        """Return what so many tokens cost; the cached ones are a part of the input."""
        saved_usd = cached_tokens * (self.input_usd - self.cached_usd)
        return input_tokens * self.input_usd - saved_usd + output_tokens * self.output_usd


@dataclass(frozen=True)
class _Listed:
    """Say how the list finds a model: by the provider's address, by its name, or by the model alone."""

    model: str
    url: str = ""
    name: str = ""

    def usd(self, usage: Usage, context: Mapping[str, str] | None = None) -> float:
        if self.url:
            found = calc_price(usage, self.model, provider_api_url=self.url, price_context=context)
        else:
            found = calc_price(usage, self.model, provider_id=self.name or None, price_context=context)
        return float(found.total_price)


def prepare() -> None:
    """Load the list, which takes most of a second."""
    _listed("", "", "gpt-5")


def price(
    provider: Provider, models: tuple[str, ...], tokens: Tokens, context: Mapping[str, str] | None = None
) -> Priced:
    """Return what tokens cost.

    Args:
        provider: where they were used.
        models: names of the model, the most exact one first.
        tokens: how many.
        context: terms such as the service tier.
    """
    named = [model for model in models if model]
    for model in named:
        if model in provider.prices:
            return Priced(_by(provider.prices[model], tokens))
    if ANY_MODEL in provider.prices:
        return Priced(_by(provider.prices[ANY_MODEL], tokens))
    for model in named:
        usd = _known(provider.url, provider.name, model, tokens, context)
        if usd is not None:
            return Priced(usd)
    shown = named[0] if named else "a model without a name"
    return Priced(
        _by(ASSUMED, tokens),
        f"no price is known for {shown}: {ASSUMED.input_usd:g} and {ASSUMED.output_usd:g} US dollars a million assumed",
    )


def rate(provider: Provider, model: str, prompt_tokens: int) -> Rate:
    """Return the price of a request that brings so many tokens and is under way."""
    each = provider.prices.get(model) or provider.prices.get(ANY_MODEL)
    # Prices have steps by the size of the prompt: asking for the next power of two keeps the answers few.
    each = each or _per_token(provider.url, provider.name, model, 1 << max(0, prompt_tokens - 1).bit_length())
    each = each or ASSUMED
    cached_usd = each.input_usd if each.cached_usd is None else each.cached_usd
    return Rate(each.input_usd / _MILLION, cached_usd / _MILLION, each.output_usd / _MILLION)


@lru_cache(_LOOKUPS_MAX)
def _per_token(url: str, name: str, model: str, prompt_tokens: int) -> Price | None:
    def probe(cached: int, output: int) -> float:
        return _known(url, name, model, Tokens(prompt_tokens, output, cached), None) or 0.0

    if _known(url, name, model, Tokens(input=prompt_tokens), None) is None:
        return None
    plain_usd = probe(0, 0)
    return Price(
        plain_usd / prompt_tokens * _MILLION,
        max(0.0, probe(0, _PROBE_TOKENS) - plain_usd) / _PROBE_TOKENS * _MILLION,
        probe(prompt_tokens, 0) / prompt_tokens * _MILLION,
    )


def _by(each: Price, tokens: Tokens) -> float:
    cached_usd = each.input_usd if each.cached_usd is None else each.cached_usd
    fresh = tokens.input - tokens.cached
    return (fresh * each.input_usd + tokens.cached * cached_usd + tokens.output * each.output_usd) / _MILLION


def _known(
    url: str, name: str, model: str, tokens: Tokens, context: Mapping[str, str] | None
) -> float | None:
    """Ask the list that comes with genai-prices; it is data in the package, nothing is fetched."""
    found = _listed(url, name, model)
    if found is None:
        return None
    usage = Usage(
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cache_read_tokens=tokens.cached or None,
        cache_write_tokens=tokens.written or None,
        cache_write_1h_tokens=tokens.written_hour or None,
    )
    try:
        return found.usd(usage, context)
    except (LookupError, ValueError) as error:
        _LOG.warning("No price for %s of %s: %s", model, name, error)
        return None


@lru_cache(_LOOKUPS_MAX)
def _listed(url: str, name: str, model: str) -> _Listed | None:
    for each in dict.fromkeys((model, model.rpartition("/")[2])):
        for found in (_Listed(each, url=url), _Listed(each, name=name), _Listed(each)):
            try:
                found.usd(Usage(input_tokens=1))
            except (LookupError, ValueError):
                continue
            return found
    return None
