"""The prompt files that lie in this folder, as paragraphs and slots."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from keelway.core.codec import digest

_SLOT = re.compile(r"\$\{([a-z]+)\}")


@cache
def paragraphs(name: str) -> tuple[str, ...]:
    """Return the paragraphs of a prompt file; one that is ``${word}`` alone is a slot."""
    text = files(__package__).joinpath(f"{name}.md").read_text("utf-8")
    return tuple(part.strip("\n") for part in text.split("\n\n"))


@cache
def prompts_digest() -> str:
    """Return the digest of every prompt file: another word in one of them is another set-up of the agent."""
    names = sorted(entry.name for entry in files(__package__).iterdir() if entry.name.endswith(".md"))
    return digest([(name, files(__package__).joinpath(name).read_text("utf-8")) for name in names])


def slots(name: str) -> frozenset[str]:
    """Return the names of the slots of a prompt file."""
    return frozenset(found[1] for part in paragraphs(name) if (found := _SLOT.fullmatch(part)))


def fill(name: str, blocks: Mapping[str, str]) -> str:
    """Return a prompt file with a block in each slot; an empty block leaves no trace.

    What a block holds is never looked at: text that reads like a slot stays what it is.

    Raises:
        KeyError: the file has a slot for which there is no block.
    """
    filled = [blocks[found[1]] if (found := _SLOT.fullmatch(part)) else part for part in paragraphs(name)]
    return "\n\n".join(part for part in filled if part) + "\n"
