"""Fill the placeholders of configured commands; braces that name nothing known stay as they are."""

from __future__ import annotations

import re


def fill(text: str, **values: str) -> str:
    """Replace ``{name}`` by the value of that name."""
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)


def fill_all(words: tuple[str, ...], **values: str) -> tuple[str, ...]:
    """Fill every word of a command."""
    return tuple(fill(word, **values) for word in words)
