"""Find the places that were made to be extended, and who fills them already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from keelway.core.research.facts import Contract, Name, Outline

FILLED_MAX = 8
_KINDS = {"Python": "protocol or abstract class", "PHP": "interface or abstract class"}
_MEMBERS_MIN = 2


def contracts_of(
    outlines: Sequence[Outline], entry_points: Iterable[tuple[str, str]] = ()
) -> tuple[Contract, ...]:
    """Return contracts, registries, routers and plug-in points of an application.

    Args:
        outlines: of its files, the most important first.
        entry_points: pairs of (group, manifest) that a manifest declares.
    """
    found: list[Contract] = []
    for outline in outlines:
        found += [_contract(name, outline, outlines) for name in outline.names if name.kind == "contract"]
        found += [_registry(name, outline) for name in outline.names if name.kind == "registry"]
        found += _routers(outline)
    found += [Contract(group, "entry points", path) for group, path in entry_points]
    return tuple(found)


def _contract(name: Name, outline: Outline, outlines: Sequence[Outline]) -> Contract:
    kind = _KINDS.get(outline.language, "interface")
    filled = list(dict.fromkeys(_fillers(name, outline, outlines)))
    return Contract(name.name, kind, outline.path, name.members, tuple(filled[:FILLED_MAX]))


def _fillers(name: Name, home: Outline, outlines: Sequence[Outline]) -> Iterator[str]:
    """Name the classes that say they fit, and those that have every member without saying so."""
    members = set(name.members)
    for outline in outlines:
        said = {cls for cls, contract in outline.checks if contract == name.name}
        for each in outline.names:
            if each.kind != "class" or outline.language != home.language:
                continue
            shaped = len(members) >= _MEMBERS_MIN and members <= set(each.members)
            if name.name in each.bases or each.name in said or shaped:
                yield f"{outline.path}: {each.name}"


def _registry(name: Name, outline: Outline) -> Contract:
    return Contract(name.name, "registry", outline.path, name.members)


def _routers(outline: Outline) -> Iterator[Contract]:
    routes = [name for name in outline.names if name.kind == "route"]
    if routes:
        router = (routes[0].bases or (routes[0].name,))[0]
        yield Contract(router, "router", outline.path, tuple(each.detail for each in routes[:12]))
