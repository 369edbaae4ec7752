"""Model providers: is it known what their models cost."""

from __future__ import annotations

from keelway.adapters.vault.file import FileVault
from keelway.app.config import Config
from keelway.app.doctor.check import Check, ok, warn
from keelway.app.home import Home

_SHOWN = 5


def check_prices(config: Config, home: Home) -> tuple[Check, ...]:
    """Look whether each model that is named has a price; the list of them takes most of a second to load."""
    sections = config.file.provider
    if not sections:
        return ()
    from keelway.app.agents.gateway import provider_of
    from keelway.clients.gateway.dialects.usage import Tokens
    from keelway.clients.gateway.price import price

    vault = FileVault(str(home.root))
    named = [(section.name, model) for section in sections for model in section.models]
    agent = config.file.agent
    if agent.provider and agent.model:
        named.append((agent.provider, agent.model))
    providers = {section.name: provider_of(section, vault) for section in sections}
    unknown = [
        f"{model} of {name}"
        for name, model in dict.fromkeys(named)
        if name in providers and price(providers[name], (model,), Tokens(1, 1)).note
    ]
    if unknown:
        sentence = f"No price is known for {', '.join(unknown[:_SHOWN])}; each is taken for a dear one."
        return (warn("model prices", sentence, "add prices under [[provider]] in keelway.toml"),)
    return (ok("model prices", f"{len(set(named))} named models have a price."),)
