"""Keep credentials out of what is written for operators."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

HIDDEN = "[hidden]"
TEXT_CHARS_MAX = 8_000
"""A longer text is cut; what matters of a traceback is at its end, so its middle goes."""

_LOOKED_AT_CHARS_MAX = 64_000
_DEPTH_MAX = 6
_ITEMS_MAX = 100
_KNOWN_CHARS_MIN = 4
"""Shorter values would blacken half of every text."""

_NAMES = frozenset(
    {"authorization", "proxy_authorization", "password", "passwd", "secret", "token", "api_key", "cookie"}
)
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    # user:password@ of a URL (RFC 3986, 3.2.1); the last @ before a slash ends it
    (
        re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,30}://[^\s/:@\"'<>]{0,128}):[^\s/\"'<>]{1,512}@"),
        rf"\1:{HIDDEN}@",
    ),
    (re.compile(r"(?i)\b(https?://)[^\s/:@\"'<>]{1,512}@"), rf"\1{HIDDEN}@"),
    # the value of a header that carries credentials, up to the end of its line or quote (RFC 9110, 11.6.2)
    (
        re.compile(
            r"(?i)\b((?:proxy-)?authorization|x-api-key|(?:set-)?cookie)(\\?[\"']?\s{0,4}[:=,]\s{0,4}\\?[\"']?)"
            r"[^\r\n\"'\\]{1,4096}"
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"(?i)\b(bearer)\s+[a-z0-9._~+/=-]{16,4096}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(?i)\b(basic)\s+(?=[a-z+/]{0,512}[0-9=])[a-z0-9+/=]{8,4096}"), rf"\1 {HIDDEN}"),
    # password=..., "token": "...", ?key=...
    (
        re.compile(
            r"(?i)\b(password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)"
            r"(\\?[\"']?\s{0,4}[:=]\s{0,4}\\?[\"']?)(?!\s)[^\s\"'&,;)}\\]{1,4096}"
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"([?&]key=)[^\s\"'&]{1,4096}"), rf"\1{HIDDEN}"),
)


class Hide:
    """Replace credentials in texts and in whatever holds texts.

    Args:
        vault: replaces the values of a vault in a text, as ``ports.vault.Vault.redact`` does.
        known: further values that must never be seen, such as the token of the API.
    """

    def __init__(self, vault: Callable[[str], str] = str, known: Iterable[str] = ()) -> None:
        self._vault = vault
        usable = {value for value in known if len(value) >= _KNOWN_CHARS_MIN}
        self._known = sorted(usable, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Return a text without credentials, cut to a bearable length; never raise."""
        seen = text if len(text) <= _LOOKED_AT_CHARS_MAX else _ends(text, _LOOKED_AT_CHARS_MAX)
        for value in self._known:
            seen = seen.replace(value, HIDDEN)
        try:
            seen = self._vault(seen)
        except Exception as error:  # noqa: BLE001 - a log line must not end the work that it is about
            return f"[text withheld: {type(error).__name__}]"
        for shape, instead in _SHAPES:
            seen = shape.sub(instead, seen)
        return seen if len(seen) <= TEXT_CHARS_MAX else _ends(seen, TEXT_CHARS_MAX)

    def value(self, value: Any, depth: int = 0) -> Any:
        """Return plain JSON without credentials; what is no JSON becomes text, what is too deep is left out."""
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)  # JSON has no word for the others
        if isinstance(value, dict | list | tuple | set | frozenset):
            if depth >= _DEPTH_MAX:
                return "[too deep]"
            if isinstance(value, dict):
                return self.fields(value, depth + 1)
            return [self.value(item, depth + 1) for item in list(value)[:_ITEMS_MAX]]
        return self.text(value if isinstance(value, str) else _shown(value))

    def fields(self, fields: dict[Any, Any], depth: int = 0) -> dict[str, Any]:
        """Return named values without credentials; a name that promises one hides its value."""
        return {
            str(name): HIDDEN if _telling(str(name)) and value else self.value(value, depth)
            for name, value in list(fields.items())[:_ITEMS_MAX]
        }


def _telling(name: str) -> bool:
    return name.lower().replace("-", "_") in _NAMES


def _shown(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - as above
        return f"[{type(value).__name__} that cannot be shown: {type(error).__name__}]"


def _ends(text: str, chars: int) -> str:
    half = chars // 2
    return f"{text[:half]} [... {len(text) - 2 * half} characters left out ...] {text[-half:]}"
