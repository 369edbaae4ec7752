"""Know the paths that are let through; everything else ends here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from keelway.clients.gateway.dialects.anthropic import Anthropic
from keelway.clients.gateway.dialects.dialect import Ask, Dialect
from keelway.clients.gateway.dialects.gemini import Gemini
from keelway.clients.gateway.dialects.openai_chat import OpenAIChat
from keelway.clients.gateway.dialects.openai_responses import OpenAIResponses
from keelway.clients.gateway.dialects.refusal import unfit
from keelway.clients.gateway.values import ANTHROPIC, GEMINI, OPENAI

CHAT, RESPONSES, MESSAGES, CONTENT = OpenAIChat(), OpenAIResponses(), Anthropic(), Gemini()

_NAME = r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,150}"


@dataclass(frozen=True)
class Route:
    """Say what a path means."""

    dialect: Dialect
    path: str
    """Where it leads below the address of the provider."""
    free: bool = False
    """Whether it makes no model speak, so that it costs nothing."""
    stream: bool = False
    model: str = ""
    """The model, where the path names it."""
    whole_family: bool = False
    """Whether every dialect of the family has it."""


def family(path: str) -> str:
    """Return which family of dialects a path belongs to, empty for none."""
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    return first if first in {OPENAI, ANTHROPIC, GEMINI} else ""


def dialect_of(path: str) -> Dialect:
    """Return the dialect in which a refusal is worded."""
    by_family: dict[str, Dialect] = {ANTHROPIC: MESSAGES, GEMINI: CONTENT}
    return by_family.get(family(path), CHAT)


def find_route(method: str, path: str) -> Route | None:
    """Return what a method and a path mean, None for what is not let through."""
    fixed = _FIXED.get((method, path))
    if fixed is not None:
        return fixed
    for found_method, pattern, make in _SHAPED:
        found = pattern.fullmatch(path) if method == found_method else None
        if found is not None:
            return make(found)
    return None


def ask_freely(route: Route, body: dict[str, Any]) -> Ask:
    """Read a request that costs nothing."""
    model = route.model or body.get("model")
    if model is not None and not isinstance(model, str):
        raise unfit("the model is no text")
    return Ask(model or "")


def _content(found: re.Match[str]) -> Route:
    verb, path = found["verb"], f"/{found['version']}/models/{found['model']}:{found['verb']}"
    return Route(
        CONTENT,
        path,
        free=verb == "countTokens",
        stream=verb == "streamGenerateContent",
        model=found["model"],
    )


_FIXED = {
    ("POST", "/openai/v1/chat/completions"): Route(CHAT, "/chat/completions"),
    ("POST", "/openai/v1/responses"): Route(RESPONSES, "/responses"),
    ("POST", "/openai/v1/responses/compact"): Route(RESPONSES, "/responses/compact"),
    ("POST", "/openai/v1/responses/input_tokens"): Route(RESPONSES, "/responses/input_tokens", free=True),
    ("GET", "/openai/v1/models"): Route(CHAT, "/models", free=True, whole_family=True),
    ("POST", "/anthropic/v1/messages"): Route(MESSAGES, "/v1/messages"),
    ("POST", "/anthropic/v1/messages/count_tokens"): Route(MESSAGES, "/v1/messages/count_tokens", free=True),
    ("GET", "/anthropic/v1/models"): Route(MESSAGES, "/v1/models", free=True),
}
_SHAPED = (
    (
        "GET",
        re.compile(rf"/openai/v1/models/({_NAME})"),
        lambda found: Route(CHAT, f"/models/{found[1]}", free=True, whole_family=True),
    ),
    (
        "GET",
        re.compile(rf"/anthropic/v1/models/({_NAME})"),
        lambda found: Route(MESSAGES, f"/v1/models/{found[1]}", free=True),
    ),
    (
        "GET",
        re.compile(rf"/gemini/(v1|v1beta|v1alpha)/models(/{_NAME})?"),
        lambda found: Route(CONTENT, f"/{found[1]}/models{found[2] or ''}", free=True),
    ),
    (
        "POST",
        re.compile(
            rf"/gemini/(?P<version>v1|v1beta|v1alpha)/models/(?P<model>{_NAME}?)"
            r":(?P<verb>generateContent|streamGenerateContent|countTokens)"
        ),
        _content,
    ),
)
