"""Guess the route behind a path, so that counts gather by route and not by customer."""

from __future__ import annotations

import re
from functools import lru_cache

ROUTE_CHARACTERS_MAX = 120
_SEGMENTS_MAX = 12
_TOKEN_CHARACTERS = 20
_ID = re.compile(
    r"\d+"
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    r"|(?=[^/]*\d)[0-9a-fA-F]{8,}"
    r"|[0-9A-HJKMNP-TV-Z]{26}"
)
_TOKEN = re.compile(rf"(?=[^/]*\d)[A-Za-z0-9_-]{{{_TOKEN_CHARACTERS},}}")


@lru_cache(maxsize=4096)
def route_template(path: str) -> str:
    """Turn a raw path into a template: numbers, UUIDs, ULIDs, hashes and long tokens become {id}; the query goes."""
    plain = path.partition("?")[0].partition("#")[0]
    segments = plain.split("/")
    guessed = ["{id}" if _is_id(segment) else segment for segment in segments[: _SEGMENTS_MAX + 1]]
    if len(segments) > _SEGMENTS_MAX + 1:
        guessed.append("...")
    return "/".join(guessed)[:ROUTE_CHARACTERS_MAX] or "/"


def _is_id(segment: str) -> bool:
    """Tell whether one path segment looks like the name of a single thing."""
    return bool(segment) and (_ID.fullmatch(segment) is not None or _TOKEN.fullmatch(segment) is not None)
