"""Know the policy of a commit again by what its configuration file says, however that is laid out."""

from __future__ import annotations

import json
import tomllib

from keelway.core.codec import digest

CHARS_MAX = 256_000


def policy_mark(text: str) -> str:
    """Return the digest of what the ``[policy]`` of a ``keelway.toml`` states, empty when it cannot be read.

    Two files with the same mark state the same policy; an empty mark equals none, not even itself.
    """
    if len(text) > CHARS_MAX:
        return ""
    try:
        stated = tomllib.loads(text).get("policy", {})
        return digest(json.dumps(stated, sort_keys=True, allow_nan=False))
    except (ValueError, TypeError, RecursionError):
        return ""


def same_policy(mark: str, text: str) -> bool:
    """Tell whether a configuration file states the policy with this mark."""
    return bool(mark) and policy_mark(text) == mark
