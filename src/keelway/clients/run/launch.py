"""Say how an agent is started: its command, its environment, its files, and what fences it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from keelway.clients.run.fence import Fence

_BLANK = re.compile(r"\$\{([a-z_]+)\}")
_QUOTING = (".json", ".jsonc", ".toml")
"""Files in which a value stands between double quotes."""

BLANKS = frozenset({"home", "workspace", "url", "token", "api", "model", "prompt", "prompt_file"})
"""What a launch may leave open for each run."""


@dataclass(frozen=True)
class Launch:
    """Say how an agent is started and where its runs are kept.

    ``argv``, ``env``, ``files`` and ``stdin`` may hold blanks such as ``${home}``, which are filled in for
    each run. What is no known blank stays as it is written.
    """

    name: str
    argv: tuple[str, ...]
    run_root: str
    """Folder for private homes, transcripts and the record of live processes."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Everything the agent may see; nothing is inherited."""
    redact: tuple[str, ...] = field(default=(), repr=False)
    """Values that never appear in a transcript or a result."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Path below the private home to content."""
    stdin: str = ""
    """What the program reads from its input, for those that are no conversation."""
    version_argv: tuple[str, ...] = ()
    """Command that prints the version and ends; empty when a greeting tells it."""
    version: str = ""
    """Of the program, as far as it is known before it runs."""
    reads: tuple[str, ...] = ()
    """Host paths that the agent may read besides the system's own."""
    provider: str = ""
    """Name of the model provider; empty for an agent that is not let to the gateway."""
    model: str = ""
    apis: tuple[str, ...] = ()
    """What it can speak to a provider, the preferred first; empty when it does not matter."""
    fence: Fence = field(default_factory=Fence)


def fill(text: str, blanks: Mapping[str, str]) -> str:
    """Return a text with its known blanks filled in; what is filled in is not looked at again."""
    return _BLANK.sub(lambda found: blanks.get(found[1], found[0]), text)


def fill_file(path: str, text: str, blanks: Mapping[str, str]) -> str:
    """Return the content of a file; in JSON and TOML a value cannot leave the quotes it stands in."""
    if path.endswith(_QUOTING):
        blanks = {name: _quoted(value) for name, value in blanks.items()}
    return fill(text, blanks)


def blanks_in(text: str) -> frozenset[str]:
    """Return the names of the blanks in a text."""
    return frozenset(_BLANK.findall(text))


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1].replace("\x7f", "\\u007f")
