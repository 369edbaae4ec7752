"""Know the common providers, so that naming one is enough, and what cannot be right about any."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from keelway.clients.gateway.values import ANTHROPIC, APIS, GEMINI, OPENAI, OPENAI_CHAT


@dataclass(frozen=True)
class Known:
    """State how a provider is reached."""

    api: str
    url: str
    stream_usage: bool = True


KNOWN: Mapping[str, Known] = MappingProxyType(
    {
        "openai": Known(OPENAI, "https://api.openai.com/v1"),
        "anthropic": Known(ANTHROPIC, "https://api.anthropic.com"),
        "gemini": Known(GEMINI, "https://generativelanguage.googleapis.com"),
        "openrouter": Known(OPENAI, "https://openrouter.ai/api/v1"),
        "xai": Known(OPENAI, "https://api.x.ai/v1"),
        "groq": Known(OPENAI, "https://api.groq.com/openai/v1"),
        "deepseek": Known(OPENAI_CHAT, "https://api.deepseek.com/v1"),
        # It states the usage of every stream unasked, and refuses the option.
        "mistral": Known(OPENAI_CHAT, "https://api.mistral.ai/v1", stream_usage=False),
    }
)


def fault_of(api: str, url: str, *, has_key: bool) -> str:
    """Return what is wrong with the address of a provider, empty when nothing is."""
    if api not in APIS:
        return f"speaks {api!r}; known are {', '.join(APIS)}"
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return f"has the address {url!r}, which is none"
    if parts.scheme not in {"http", "https"} or not host:
        return f"has the address {url!r}; write https://host/path"
    if parts.query or parts.fragment or parts.username or parts.password:
        return "has an address with more than host and path; the key goes into the secrets file"
    if parts.scheme == "http" and has_key and not _is_here(host):
        return f"would get its key unencrypted at {host}; use https, or leave its key empty"
    return ""


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
