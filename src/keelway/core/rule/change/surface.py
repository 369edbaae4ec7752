"""Find changes that break who calls the application: routes and contract entries that go."""

from __future__ import annotations

import re

from keelway.core.model.diff import Diff
from keelway.core.rule.change.lines import Changed, Line
from keelway.core.rule.glob import matches

_ROUTE = re.compile(
    r"""(?ix)
    (?:\.|->|::)(get|post|put|patch|delete|head|options|route|api_route|websocket|any|all|handle|handlefunc)\(\s*
      ["'`](?:[A-Z]+\s+)?(/[^"'`]*)["'`]
    | ^\s*(re_)?path\(\s*r?["']([^"']*)["']
    | ^\s*(get|post|put|patch|delete|resources?)\s+["':](/?[\w/:.-]+)
    | \[Http(Get|Post|Put|Patch|Delete)\(\s*"([^"]*)" | @(Get|Post|Put|Patch|Delete|Request)Mapping\(\s*(?:\w+\s*=\s*)?"([^"]*)"
    """
)
_CONTRACTS = (
    "openapi*.y*ml",
    "openapi*.json",
    "swagger*.y*ml",
    "swagger*.json",
    "*.proto",
    "*.graphql",
    "*.graphqls",
    "*.wsdl",
    "*.avsc",
)


def lost_routes(changed: Changed) -> tuple[Line, ...]:
    """Return the removed lines that declare a route which no added line declares again."""
    now = {route for line in changed.added for route in _routes(line)}
    return tuple(line for line in changed.removed if set(_routes(line)) - now)


def narrowed_contracts(diff: Diff) -> tuple[str, ...]:
    """Return the descriptions of an interface from which lines were removed that are not there again."""
    return tuple(
        sorted(
            path
            for path, lines in diff.removed_text.items()
            if matches(path, _CONTRACTS) and _content(lines) - _content(diff.added_text.get(path, ()))
        )
    )


def _routes(line: Line) -> list[tuple[str, str]]:
    found = []
    for match in _ROUTE.finditer(line.text):
        parts = [part for part in match.groups() if part is not None]
        found.append((parts[0].casefold(), parts[-1]))
    return found


def _content(lines: tuple[tuple[int, str], ...]) -> set[str]:
    return {text.strip().rstrip(",") for _, text in lines if text.strip().strip("{}[](),")}
