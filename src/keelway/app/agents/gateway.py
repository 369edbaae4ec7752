"""Make the model gateway from ``[[provider]]`` and the secrets file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from keelway.app.config import Config
from keelway.app.home import Home
from keelway.app.sections import ProviderSection
from keelway.clients.gateway.gateway import Gateway
from keelway.clients.gateway.known import KNOWN, Known
from keelway.clients.gateway.values import Allowance, Entry, GatewayLimits, Price, Provider
from keelway.clients.places import Places
from keelway.clients.secret_file import resolve
from keelway.ports.vault import Vault


def make_gateway(
    config: Config,
    home: Home,
    vault: Vault,
    *,
    book: Callable[[Entry], None],
    allowance: Callable[[str], Allowance],
    uid: int = -1,
) -> Gateway | None:
    """Return the gateway of a project, None when it names no provider; nothing listens before the first pass.

    Args:
        config: the project's configuration.
        home: the sockets lie below it.
        vault: knows where the keys are.
        book: takes what each request cost.
        allowance: says what a task may still spend.
        uid: the user of the sandbox, where we are root.
    """
    providers = [provider_of(section, vault) for section in config.file.provider]
    if not providers:
        return None
    limits = GatewayLimits(silence_seconds_max=config.policy.gateway.silence_seconds_max)
    return Gateway(
        providers, Places(home.root).gateway(), book=book, allowance=allowance, limits=limits, uid=uid
    )


def provider_of(section: ProviderSection, vault: Vault) -> Provider:
    """Return a configured provider; its key is read at each request, so that a new one counts at once."""
    known = KNOWN.get(section.name, Known("", ""))
    url = section.url or known.url
    return Provider(
        name=section.name,
        api=section.api or known.api,
        url=url,
        key=partial(_key, vault, section.key),
        models=section.models,
        prices={model: Price(*prices) for model, prices in section.prices.items()},
        stream_usage=known.stream_usage,
        hosted_tools=section.hosted_tools,
    )


def _key(vault: Vault, name: str) -> str:
    return resolve(vault.reference(name)) if name else ""
